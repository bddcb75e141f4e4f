package delivery

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packages gives a directory with what npm and Python get of a release, for this machine.
func packages(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{{}, {"-os", runtime.GOOS, "-arch", runtime.GOARCH, filepath.Join(bin(t), "ctxaudit")}} {
		cmd := exec.Command("go", append([]string{"run", "./hack/packages", "-o", dir, "-version", version}, args...)...)
		cmd.Dir = root
		code, out := run(t, cmd)
		require.Zero(t, code, out)
	}
	return dir
}

func glob(t *testing.T, pattern ...string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(pattern...))
	require.NoError(t, err)
	require.Len(t, names, 1, pattern)
	return names[0]
}

// audits runs ctxaudit in the example that replays an outage. Arguments, output and exit code pass whatever starts it.
func audits(t *testing.T, program string, args ...string) {
	t.Helper()
	for part, want := range map[string]int{"broken": 1, "repaired": 0} {
		cmd := exec.Command(program, append(args, "check", "--format", `{{range .Images}}{{range .Findings}}{{.Rule}}{{end}}{{end}}`, ".")...)
		cmd.Dir = example(t, part)
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(cmd.Dir))
		code, out := run(t, cmd)
		assert.Equal(t, want, code, out)
		assert.Equal(t, want == 1, strings.Contains(out, "ImportNotInImage"), out)
	}
}

// npm installs what npx starts, without the network, without a script, and only for the platform at hand.
func TestNpmPackages(t *testing.T) {
	npm := tool(t, "npm")
	from, dir := packages(t, "1.2.3"), t.TempDir()
	write(t, filepath.Join(dir, "package.json"), `{"private": true}`)
	npmRun := func(args ...string) (int, string) {
		cmd := exec.Command(npm, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "npm_config_offline=true", "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false")
		return run(t, cmd)
	}
	main := glob(t, from, "ctxaudit-npm-1*.tgz")

	// On a platform without a package the launcher says so.
	code, out := npmRun("install", main)
	require.Zero(t, code, out)
	code, out = npmRun("exec", "--", "ctxaudit", "version")
	assert.Equal(t, 2, code, out)
	assert.Contains(t, out, "is an optional dependency")

	code, out = npmRun("install", main, glob(t, from, "ctxaudit-npm-*-*.tgz"))
	require.Zero(t, code, out)
	launcher := filepath.Join(dir, "node_modules/.bin/ctxaudit")
	code, out = run(t, exec.Command(launcher, "version"))
	assert.Zero(t, code, out)
	assert.Regexp(t, `^ctxaudit \S+, BuildKit v`, out)
	audits(t, launcher)
	assert.NotContains(t, read(t, filepath.Join(dir, "node_modules/ctxaudit/package.json")), "scripts")
}

// pip installs a program, and no module.
func TestWheel(t *testing.T) {
	python := tool(t, "python3")
	from, dir := packages(t, "1.2.3-rc.1"), t.TempDir()
	code, out := run(t, exec.Command(python, "-m", "venv", dir))
	require.Zero(t, code, out)
	pip := filepath.Join(dir, "bin/pip")
	code, out = run(t, exec.Command(pip, "install", "--no-index", "--quiet", glob(t, from, "*.whl")))
	require.Zero(t, code, out)
	audits(t, filepath.Join(dir, "bin/ctxaudit"))
	code, out = run(t, exec.Command(pip, "list", "--format", "freeze"))
	assert.Zero(t, code, out)
	assert.Contains(t, out, "ctxaudit==1.2.3rc1")
	code, out = run(t, exec.Command(pip, "uninstall", "--yes", "ctxaudit"))
	assert.Zero(t, code, out)
	assert.NoFileExists(t, filepath.Join(dir, "bin/ctxaudit"))
}

// The hook by wheel asks for the release that this revision is going to be, which a clone finds in pyproject.toml.
func TestPreCommitWheel(t *testing.T) {
	pinned := regexp.MustCompile(`"ctxaudit==([^"]+)"`).FindStringSubmatch(read(t, filepath.Join(root, "pyproject.toml")))
	require.NotNil(t, pinned)
	for _, page := range []string{"README.md", "docs/ci.md"} {
		assert.Contains(t, read(t, filepath.Join(root, page)), "rev: v"+pinned[1], page)
	}
	// Where the network would be asked there is a directory.
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", packages(t, pinned[1]))
	t.Setenv("PIP_NO_BUILD_ISOLATION", "0") // pip reads it the other way round
	t.Setenv("VIRTUALENV_SETUPTOOLS", "bundle")
	t.Setenv("VIRTUALENV_WHEEL", "bundle")
	testHook(t, "ctxaudit-wheel")
}
