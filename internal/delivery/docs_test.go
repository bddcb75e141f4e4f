package delivery

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// shown gives the files that a page shows, by name, as hack/snippets finds them.
func shown(t *testing.T, page string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "run", "./hack/snippets", "-o", dir, page)
	cmd.Dir = root
	code, out := run(t, cmd)
	require.Zero(t, code, out)
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			files[filepath.ToSlash(rel)] = read(t, p)
		}
		return err
	}))
	for _, name := range []string{".github/workflows/ctxaudit.yml", ".pre-commit-config.yaml", "Makefile"} {
		require.Contains(t, files, name, page)
	}
	return files
}

// offline lets a line of a snippet find the script, and a release, on this machine.
func offline(line string) string {
	return strings.ReplaceAll(line, "https://raw.githubusercontent.com/ctxaudit/ctxaudit/main", "file://"+root)
}

// The steps are run here, without the image of the one and the nodes of the other.
func TestGitLabAndJenkinsSnippets(t *testing.T) {
	tool(t, "curl")
	_, url := releases(t)
	files := shown(t, "docs/ci.md")
	var gitlab struct {
		Ctxaudit struct {
			Stage, Image string
			BeforeScript []string `yaml:"before_script"`
			Script       []string
			Artifacts    struct {
				When    string
				Reports map[string]string
			}
		}
	}
	require.NoError(t, yaml.Load([]byte(files[".gitlab-ci.yml"]), &gitlab, yaml.WithKnownFields()))
	job := gitlab.Ctxaudit
	require.True(t, strings.HasPrefix(job.BeforeScript[0], "apk add "))

	var jenkins []string
	for _, m := range regexp.MustCompile(`(?m)^ *sh '([^']*)'$`).FindAllStringSubmatch(files["Jenkinsfile"], -1) {
		jenkins = append(jenkins, m[1])
	}
	require.Equal(t, len(jenkins), strings.Count(files["Jenkinsfile"], "sh '"))
	assert.Equal(t, strings.Count(files["Jenkinsfile"], "{"), strings.Count(files["Jenkinsfile"], "}"))

	for _, c := range []struct {
		name    string
		lines   []string
		reports []string
	}{
		{"gitlab", append(job.BeforeScript[1:], job.Script...), []string{job.Artifacts.Reports["codequality"], job.Artifacts.Reports["junit"]}},
		{"jenkins", jenkins, []string{"ctxaudit.xml", "ctxaudit.html"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, bins := example(t, "broken"), t.TempDir()
			for i, line := range c.lines {
				// Where root installs to in the container is not written to here.
				cmd := exec.Command("sh", "-c", strings.ReplaceAll(offline(line), "/usr/local/bin", bins))
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "CTXAUDIT_RELEASES="+url, "WORKSPACE_TMP="+filepath.Join(t.TempDir(), "a b"), "PATH="+bins+":"+os.Getenv("PATH"),
					"GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
				if c.name == "jenkins" {
					cmd.Env = append(cmd.Env, "WORKSPACE_TMP="+bins)
				}
				code, out := run(t, cmd)
				if i < len(c.lines)-1 {
					require.Zero(t, code, out)
					continue
				}
				assert.Equal(t, 1, code, out)
				assert.Contains(t, out, "ImportNotInImage")
			}
			for _, name := range c.reports {
				assert.Contains(t, read(t, filepath.Join(dir, name)), "ImportNotInImage", name)
			}
		})
	}
}

// What pages say about the action, the hooks and make is what there is.
func TestDocumentationNamesWhatThereIs(t *testing.T) {
	page := read(t, filepath.Join(root, "docs/ci.md"))
	a := readAction(t)
	table := page[strings.Index(page, "| input |"):]
	for name, in := range a.Inputs {
		assert.Contains(t, table, "| `"+name+"` |")
		if in.Default != "" {
			assert.Contains(t, table, "| `"+name+"` | `"+in.Default+"` |")
		}
	}
	var hooks []struct{ ID string }
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(root, ".pre-commit-hooks.yaml"))), &hooks))
	require.Len(t, hooks, 3)
	for _, h := range hooks {
		assert.Contains(t, page, h.ID)
	}
	for _, m := range regexp.MustCompile(`(?m)^(CTXAUDIT\w*) \?=`).FindAllStringSubmatch(read(t, filepath.Join(root, "ctxaudit.mk")), -1) {
		assert.Contains(t, page, "| `"+m[1]+"` |")
	}
	for _, name := range []string{"README.md", "docs/ci.md"} {
		for _, m := range regexp.MustCompile(`(?m)uses: ctxaudit/ctxaudit@v1\n(?:\s+id: .*\n)?(?:\s+with:(.*))?`).FindAllStringSubmatch(read(t, filepath.Join(root, name)), -1) {
			var with map[string]string
			require.NoError(t, yaml.Unmarshal([]byte(m[1]), &with))
			for key := range with {
				assert.Contains(t, a.Inputs, key, name)
			}
		}
	}
}

func TestMakefileSnippets(t *testing.T) {
	for page, flags := range map[string]string{"docs/ci.md": "--fail-on warning", "README.md": ""} {
		dir := example(t, "repaired")
		write(t, filepath.Join(dir, "Makefile"), shown(t, page)["Makefile"])
		write(t, filepath.Join(dir, "ctxaudit.mk"), read(t, filepath.Join(root, "ctxaudit.mk")))
		bins := t.TempDir()
		write(t, filepath.Join(bins, "docker"), "#!/bin/sh\necho docker \"$@\"\n")
		require.NoError(t, os.Chmod(filepath.Join(bins, "docker"), 0o755))
		cmd := exec.Command(tool(t, "make"))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin(t)+":"+bins+":"+os.Getenv("PATH"), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "MAKEFLAGS=", "MAKELEVEL=")
		code, out := run(t, cmd)
		assert.Zero(t, code, out)
		assert.Contains(t, out, "docker build .\n")
		assert.Contains(t, out, "ctxaudit check "+flags+" -- .\n")
	}
}

// pre-commit knows what it can read.
func TestPreCommitFilesAreValid(t *testing.T) {
	program := tool(t, "pre-commit")
	valid := func(args ...string) {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "PRE_COMMIT_HOME="+t.TempDir())
		code, out := run(t, cmd)
		assert.Zero(t, code, out)
		assert.Empty(t, out)
	}
	valid("validate-manifest", filepath.Join(root, ".pre-commit-hooks.yaml"))
	for _, page := range []string{"docs/ci.md", "README.md"} {
		name := filepath.Join(t.TempDir(), "config.yaml")
		write(t, name, shown(t, page)[".pre-commit-config.yaml"])
		valid("validate-config", name)
	}
}

// The hook for those who have no pre-commit.
func TestGitHookSnippet(t *testing.T) {
	page := read(t, filepath.Join(root, "docs/ci.md"))
	line := regexp.MustCompile(`(?m)^git diff --cached .*$`).FindString(page)
	require.NotEmpty(t, line)
	dir := example(t, "repaired")
	git(t, dir, "init", "-q")
	write(t, filepath.Join(dir, ".git/hooks/pre-commit"), "#!/bin/sh\n"+line+"\n")
	require.NoError(t, os.Chmod(filepath.Join(dir, ".git/hooks/pre-commit"), 0o755))
	t.Setenv("PATH", bin(t)+":"+os.Getenv("PATH"))
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-qm", "one")
	write(t, filepath.Join(dir, ".dockerignore"), "**/services/\n")
	git(t, dir, "add", ".")
	cmd := exec.Command("git", "-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "two")
	code, out := run(t, cmd)
	assert.NotZero(t, code)
	assert.Contains(t, out, "ImportNotInImage")
}

// The entry for the catalog of SchemaStore, by which editors complete the configuration, is that of our schema.
func TestSchemaStoreEntry(t *testing.T) {
	var entry struct {
		Name, Description, URL string
		FileMatch              []string
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, filepath.Join(root, "docs/schemastore.json"))), &entry))
	var schema struct {
		ID string `json:"$id"`
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, filepath.Join(root, "docs/ctxaudit.schema.json"))), &schema))
	assert.Equal(t, schema.ID, entry.URL)
	assert.Contains(t, read(t, filepath.Join(root, "internal/policy/policy.go")), `const FileName = "`+entry.FileMatch[0]+`"`)
	assert.NotEmpty(t, entry.Description)
}
