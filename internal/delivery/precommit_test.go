package delivery

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// snapshot makes a repository of what this working tree holds now, as somebody would clone it.
func snapshot(t *testing.T) (dir, revision string) {
	t.Helper()
	dir = t.TempDir()
	for name := range strings.SplitSeq(git(t, root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if name == "" || os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		write(t, filepath.Join(dir, name), string(data))
	}
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "snapshot")
	return dir, git(t, dir, "rev-parse", "HEAD")
}

// precommit gives what runs pre-commit in a repository that is the outage example, with one of the hooks.
func precommit(t *testing.T, hook string) (dir string, commit func(files ...string) (code int, out string)) {
	t.Helper()
	program := tool(t, "pre-commit")
	hooks, revision := snapshot(t)
	dir = example(t, "repaired")
	write(t, filepath.Join(dir, ".pre-commit-config.yaml"), "repos:\n- repo: "+hooks+"\n  rev: "+revision+"\n  hooks: [{id: "+hook+"}]\n")
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "one")

	// What is installed is kept apart, but for Go's caches, which hold what was downloaded already.
	env := append(os.Environ(), "PRE_COMMIT_HOME="+t.TempDir(), "PATH="+bin(t)+":"+os.Getenv("PATH"), "PRE_COMMIT_COLOR=never")
	for _, name := range []string{"GOMODCACHE", "GOCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return dir, func(files ...string) (int, string) {
		git(t, dir, append([]string{"add", "--"}, files...)...)
		cmd := exec.Command(program, "run")
		cmd.Dir, cmd.Env = dir, env
		return run(t, cmd)
	}
}

func testHook(t *testing.T, hook string) {
	dir, commit := precommit(t, hook)
	// A file that cannot matter does not even start it.
	write(t, filepath.Join(dir, "README.md"), "x\n")
	code, out := commit("README.md")
	assert.Zero(t, code, out)
	assert.Regexp(t, `ctxaudit\.+\(no files to check\)Skipped`, out)

	write(t, filepath.Join(dir, "shop_backend/app/new.py"), "import os\n")
	code, out = commit("shop_backend/app/new.py")
	assert.Zero(t, code, out)
	assert.Regexp(t, `(?m)^ctxaudit\.+Passed\n\z`, out, "it prints nothing if nothing is found")

	ignore := filepath.Join(dir, ".dockerignore")
	write(t, ignore, read(t, ignore)+"**/services/\n")
	code, out = commit(".dockerignore")
	assert.Equal(t, 1, code, out)
	assert.Regexp(t, `(?m)^ctxaudit\.+Failed$`, out)
	assert.Contains(t, out, "ImportNotInImage")
	assert.Contains(t, out, "**/services/")
}

func TestPreCommitSystem(t *testing.T) { testHook(t, "ctxaudit-system") }

// pre-commit clones this repository and builds the program itself.
func TestPreCommitBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	testHook(t, "ctxaudit")
}
