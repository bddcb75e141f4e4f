package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/cli"
)

func TestEveryCommandHasAPage(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "man/man1/ctxaudit-gone.1")
	require.NoError(t, os.MkdirAll(filepath.Dir(stale), 0o755))
	require.NoError(t, os.WriteFile(stale, nil, 0o644))
	require.NoError(t, run(dir, "v1.2.3", "86400"))
	assert.NoFileExists(t, stale)

	groff, _ := exec.LookPath("groff")
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		page := filepath.Join(dir, "man/man1", strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
		data, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, want := range []string{`"Jan 1970" "ctxaudit v1.2.3"`, ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"} {
			assert.Contains(t, string(data), want, page)
		}
		if cmd.Example != "" {
			assert.Contains(t, string(data), ".SH EXAMPLE", page)
		}
		if groff != "" {
			out, err := exec.Command(groff, "-man", "-ww", "-z", "-Tutf8", page).CombinedOutput()
			assert.NoError(t, err)
			assert.Empty(t, string(out), page)
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				visit(c)
			}
		}
	}
	visit(cli.Command())

	again := t.TempDir()
	require.NoError(t, run(again, "v1.2.3", "86400"))
	assert.Equal(t, tree(t, dir), tree(t, again), "the same bytes")
	for _, name := range []string{"_ctxaudit", "ctxaudit.bash", "ctxaudit.fish", "ctxaudit.ps1"} {
		assert.NotEmpty(t, tree(t, dir)["completions/"+name], name)
	}
	assert.ErrorContains(t, run(again, "", "yesterday"), "SOURCE_DATE_EPOCH")
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	}))
	return out
}
