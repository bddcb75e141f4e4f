package delivery

import (
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

// action is what of action.yml a runner looks at.
type action struct {
	Inputs map[string]struct {
		Description, Default string
	}
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Name, Shell, Run string
			Env                  map[string]string
		}
	}
}

func readAction(t *testing.T) action {
	t.Helper()
	var a action
	require.NoError(t, yaml.Unmarshal([]byte(read(t, filepath.Join(root, "action.yml"))), &a))
	return a
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// job is what the steps of the action left behind.
type job struct {
	code         int
	log, summary string
	outputs      map[string]string
	path, tmpDir string // what later steps have on their PATH; the runner's temporary directory
}

// runAction does with the steps of the action what a runner does.
func runAction(t *testing.T, workspace string, with map[string]string, env ...string) job {
	t.Helper()
	a := readAction(t)
	for name := range with {
		require.Contains(t, a.Inputs, name)
	}
	tmp := t.TempDir()
	file := func(name string) string {
		p := filepath.Join(tmp, name)
		write(t, p, "")
		return p
	}
	outputs, paths, summary := file("output"), file("path"), file("summary")
	// A value of the environment is all that may have an expression.
	expand := func(s string) string {
		return expression.ReplaceAllStringFunc(s, func(e string) string {
			switch name := expression.FindStringSubmatch(e)[1]; {
			case name == "github.action_path":
				return root
			case strings.HasPrefix(name, "inputs."):
				name = strings.TrimPrefix(name, "inputs.")
				require.Contains(t, a.Inputs, name)
				if v, ok := with[name]; ok {
					return v
				}
				return a.Inputs[name].Default
			default:
				t.Fatalf("expression %s", e)
				return ""
			}
		})
	}
	j := job{outputs: map[string]string{}, tmpDir: tmp}
	for _, step := range a.Runs.Steps {
		require.Equal(t, "bash", step.Shell)
		require.NotRegexp(t, expression, step.Run, "an expression in a script is pasted into it")
		script := filepath.Join(tmp, "step.sh")
		write(t, script, step.Run)
		cmd := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script)
		cmd.Dir = workspace
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+tmp, "GITHUB_OUTPUT="+outputs, "GITHUB_PATH="+paths, "GITHUB_STEP_SUMMARY="+summary,
			"GITHUB_WORKSPACE="+workspace, "GIT_CEILING_DIRECTORIES="+filepath.Dir(workspace))
		cmd.Env = append(cmd.Env, env...)
		path := append(strings.Fields(read(t, paths)), os.Getenv("PATH"))
		for _, kv := range env {
			if p, ok := strings.CutPrefix(kv, "PATH="); ok {
				path[len(path)-1] = p
			}
		}
		cmd.Env = append(cmd.Env, "PATH="+strings.Join(path, ":"))
		for k, v := range step.Env {
			cmd.Env = append(cmd.Env, k+"="+expand(v))
		}
		var out string
		j.code, out = run(t, cmd)
		j.log += out
		if j.code != 0 {
			break
		}
	}
	for line := range strings.Lines(read(t, outputs)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		j.outputs[k] = v
	}
	for _, out := range a.Outputs {
		require.Regexp(t, `^\$\{\{ steps\.check\.outputs\.(sarif|exit-code) \}\}$`, out.Value)
	}
	j.summary, j.path = read(t, summary), strings.TrimSpace(read(t, paths))
	return j
}

func TestActionInstallsARelease(t *testing.T) {
	tool(t, "curl")
	_, url := releases(t)
	j := runAction(t, example(t, "repaired"), map[string]string{"version": "v1.2.3"}, "CTXAUDIT_RELEASES="+url)
	require.Zero(t, j.code, j.log)
	assert.Equal(t, "0", j.outputs["exit-code"])
	assert.FileExists(t, j.outputs["sarif"])
	assert.NotContains(t, j.log, "::error")
	assert.FileExists(t, filepath.Join(j.path, "ctxaudit"), "later steps can call it")

	j = runAction(t, example(t, "repaired"), map[string]string{"version": "v9.9.9"}, "CTXAUDIT_RELEASES="+url)
	assert.NotZero(t, j.code)
	assert.Contains(t, j.log, "install.sh: downloading")
	assert.Empty(t, j.outputs)
}

func TestActionReports(t *testing.T) {
	path := "PATH=" + bin(t) + ":" + os.Getenv("PATH")
	none := func(with map[string]string) map[string]string {
		with["install"] = "none"
		return with
	}
	dir := example(t, "broken")

	j := runAction(t, dir, none(map[string]string{}), path)
	assert.Equal(t, 1, j.code, j.log)
	assert.Equal(t, "1", j.outputs["exit-code"])
	assert.Contains(t, j.log, "::error file=shop_backend/app/main.py,line=1")
	assert.Contains(t, j.summary, "ImportNotInImage")
	assert.Equal(t, filepath.Join(j.tmpDir, "ctxaudit.sarif"), j.outputs["sarif"])
	assert.Contains(t, read(t, j.outputs["sarif"]), `"ImportNotInImage"`)

	j = runAction(t, dir, none(map[string]string{"fail-on": "never", "sarif": "out dir.sarif"}), path)
	assert.Zero(t, j.code, j.log)
	assert.Equal(t, "1", j.outputs["exit-code"])
	assert.Equal(t, "out dir.sarif", j.outputs["sarif"])
	assert.FileExists(t, filepath.Join(dir, "out dir.sarif"))

	// A context below the workspace: the annotations are about files of the workspace.
	outer := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(outer, "some service"), os.DirFS(dir)))
	j = runAction(t, outer, none(map[string]string{"context": "some service"}), path)
	assert.Equal(t, 1, j.code)
	assert.Contains(t, j.log, "::error file=some service/shop_backend/app/main.py,line=1")

	// Arguments are words, or lines.
	j = runAction(t, dir, none(map[string]string{"args": " --image backend   --fixes none "}), path)
	assert.Equal(t, 1, j.code)
	assert.NotContains(t, j.log, "Fix:")
	j = runAction(t, dir, none(map[string]string{"args": "--require-env\nGREETING=good morning\n", "context": "."}), path)
	assert.Equal(t, 1, j.code)
	assert.Contains(t, j.log, "GREETING")
	assert.Contains(t, j.log, "good morning")

	// What is not meant to be a script is none.
	for _, with := range []map[string]string{
		{"context": "$(touch pwned)"}, {"config": "`touch pwned`"}, {"args": "; touch pwned"}, {"args": "$(touch pwned)\n*\n"},
		{"fail-on": "error; touch pwned"}, {"sarif": "$(touch pwned)/x"}, {"context": "--config=x"},
	} {
		j = runAction(t, dir, none(with), path)
		assert.Equal(t, 2, j.code, "%v: %s", with, j.log)
		assert.Contains(t, j.log, "::error title=ctxaudit::ctxaudit could not run")
		assert.NoFileExists(t, filepath.Join(dir, "pwned"))
	}
	// No input is more than one output.
	j = runAction(t, dir, none(map[string]string{"sarif": "x\nexit-code=0"}), path)
	assert.Equal(t, 2, j.code)
	assert.Empty(t, j.outputs)
	for _, with := range []map[string]string{{"install": "no; touch pwned"}, {"install": ""}} {
		j = runAction(t, dir, with, path)
		assert.Equal(t, 2, j.code)
		assert.Contains(t, j.log, "install must be release, go or none")
	}
	assert.NoFileExists(t, filepath.Join(dir, "pwned"))
}
