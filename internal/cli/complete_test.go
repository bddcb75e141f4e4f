package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every flag that takes a value, and every command that takes arguments, says what may stand there.
func TestEverythingIsCompleted(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() != "bool" {
				_, ok := cmd.GetFlagCompletionFunc(f.Name)
				assert.True(t, ok, "%s --%s", cmd.CommandPath(), f.Name)
			}
		})
		if !cmd.HasSubCommands() {
			assert.NotNil(t, cmd.ValidArgsFunction, cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(Command())
}

// bashCompletion sources what the program generates into a real bash, with the package bash-completion that people have,
// and asks it to complete a line as the Tab key does.
const bashCompletion = `
. "$BASH_COMPLETION"
. <("$PROGRAM" completion bash)
line=$1
COMP_LINE=$line COMP_POINT=${#line}
read -r -a COMP_WORDS <<<"$line"
[[ $line == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_TYPE=9 COMP_KEY=9
COMPREPLY=()
compopt() { :; }  # only where readline runs
__start_ctxaudit
printf '%s\n' "${COMPREPLY[@]}"
`

func TestBashCompletes(t *testing.T) {
	bash := tool(t, "bash")
	const functions = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(functions); err != nil {
		if os.Getenv("CTXAUDIT_JUDGES") == "require" {
			t.Fatal("bash-completion is not installed")
		}
		t.Skip("bash-completion is not installed")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	bin := filepath.Join(t.TempDir(), "ctxaudit")
	require.NoError(t, os.Symlink(self, bin))
	complete := func(t *testing.T, line string) []string {
		t.Helper()
		cmd := exec.Command(bash, "--noprofile", "--norc", "-c", bashCompletion, "bash", line)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"), "PROGRAM="+bin, "BASH_COMPLETION="+functions)
		cmd.Dir = exampleProject(t)
		require.NoError(t, os.MkdirAll(filepath.Join(cmd.Dir, "service"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(cmd.Dir, "service/Dockerfile"), []byte("FROM scratch AS small\nARG VERSION=1\nFROM small AS large\n"), 0o644))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		var words []string
		for _, w := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			// Among several, each is shown with its description.
			w, _, _ = strings.Cut(strings.TrimSpace(w), "  ")
			words = append(words, strings.TrimSpace(w))
		}
		return words
	}
	for _, c := range []struct {
		line string
		want []string
	}{
		{"ctxaudit ch", []string{"check"}},
		{"ctxaudit context ", []string{"ls", "tree"}},
		{"ctxaudit check --format s", []string{"sarif"}},
		{"ctxaudit image ls --format ", []string{"json", "text"}},
		{"ctxaudit check --fail-on ", []string{"error", "note", "warning"}},
		{"ctxaudit --color n", []string{"never"}},
		{"ctxaudit check --untracked ", []string{"auto", "no", "yes"}},
		{"ctxaudit rules ModuleNot", []string{"ModuleNotInImage"}},
		{"ctxaudit check --image b", []string{"backend"}},
		{"ctxaudit image ls --target ", []string{"base"}},
		{"ctxaudit image ls --target=b", []string{"base"}},
		{"ctxaudit image ls -f service/Dockerfile --target ", []string{"large", "small"}},
		{"ctxaudit image ls service --target l", []string{"large"}},
		{"ctxaudit image ls service --build-arg V", []string{"VERSION="}},
		{"ctxaudit why x service --target s", []string{"small"}},
		{"ctxaudit check --new-since origin/", []string{"origin/main"}},
		{"ctxaudit diff HE", []string{"HEAD"}},
		{"ctxaudit check serv", []string{"service"}},
		{"ctxaudit check --config .ctx", []string{".ctxaudit.yaml"}},
		{"ctxaudit version x", []string{""}},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			got := complete(t, c.line)
			assert.ElementsMatch(t, c.want, got)
		})
	}
}

// zsh and fish are asked whether they understand their scripts, where they are installed.
func TestCompletionScriptsParse(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			code, script, errs := ctxaudit(t, nil, "completion", shell)
			require.Zero(t, code, errs)
			require.NotEmpty(t, script)
			p, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("%s is not installed", shell)
			}
			cmd := exec.Command(p, "-n", "/dev/stdin")
			cmd.Stdin = strings.NewReader(script)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
	code, script, _ := ctxaudit(t, nil, "completion", "powershell")
	assert.Zero(t, code)
	assert.Contains(t, script, "Register-ArgumentCompleter")
}
