package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/internal/imagetest"
)

// exampleProject writes the example that replays an outage, as a repository with two commits and a remote branch.
func exampleProject(t *testing.T) string {
	t.Helper()
	archive, err := txtar.ParseFile("../../testdata/outage.txtar")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, f := range archive.Files {
		name, ok := strings.CutPrefix(f.Name, "broken/")
		if !ok {
			continue
		}
		full := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, f.Data, 0o644))
	}
	image, err := imagetest.Image("layer gzip\nfile etc/passwd 0644 0:0 x\n")
	require.NoError(t, err)
	require.NoError(t, imagetest.Write("saved", filepath.Join(dir, "base.tar"), map[string]v1.Image{"acme/base:7": image}))
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-qm", "one"}, {"update-ref", "refs/remotes/origin/main", "HEAD"},
		{"commit", "-qm", "two", "--allow-empty"},
	} {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return dir
}

// Every command shows examples, and each of them does what it says when it is pasted into the example project.
func TestExamplesWork(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("some examples need git")
	}
	bin := filepath.Join(t.TempDir(), "ctxaudit")
	self, err := os.Executable()
	require.NoError(t, err)
	// The test binary is the program when it is called by that name.
	require.NoError(t, os.Symlink(self, bin))
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if c.Name() != "help" && c.Name() != "completion" && !c.Hidden {
				visit(c)
			}
		}
		if cmd.HasSubCommands() && cmd.HasParent() {
			return // a group shows what it groups
		}
		lines := strings.Split(strings.TrimSpace(cmd.Example), "\n")
		assert.GreaterOrEqual(t, len(lines), 2, "%s shows fewer than two examples", cmd.CommandPath())
		if cmd.Annotations[dials] != "" {
			return // the network is no part of the example project
		}
		for _, line := range lines {
			t.Run(strings.TrimSpace(line), func(t *testing.T) {
				t.Parallel()
				dir := exampleProject(t)
				sh := exec.Command("sh", "-c", line)
				sh.Dir = dir
				sh.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"),
					"XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
				if cmd.Name() == "rm" {
					sh.Args[2] = "ctxaudit base add python:3.12-slim=base.tar node:22=base.tar && " + line
				}
				out, err := sh.CombinedOutput()
				if err != nil {
					// Findings are an answer; that a command could not run is not.
					assert.Equal(t, exitFindings, sh.ProcessState.ExitCode(), "%s", out)
				}
				assert.NotContains(t, string(out), "See 'ctxaudit")
			})
		}
	}
	visit((&app{}).rootCommand())
}
