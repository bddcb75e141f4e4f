package engine_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/project"
)

// committed makes a repository of a directory and commits what is there.
func committed(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"}} {
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// What two states come to does not depend on how many images are audited at once.
func TestStatesSideBySide(t *testing.T) {
	const images = 5
	dir := shop(t, images)
	committed(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte("**/lost1\nshop/p2/lost*\nshop/p3/lost3\n"), 0o644))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "image0")))
	require.NoError(t, os.Rename(filepath.Join(dir, "image1"), filepath.Join(dir, "image9")))
	asked := project.Asked{Options: dockerfile.Options{Context: dir}}
	want := ""
	for _, procs := range []int{1, 4} {
		before := runtime.GOMAXPROCS(procs)
		w := project.NewWorld(t.Context(), dir, false)
		e := &engine.Engine{World: w, At: func(string) {}}
		d, notices, err := e.Diff(t.Context(), asked, "HEAD", "")
		require.NoError(t, err)
		require.Empty(t, notices)
		c, err := e.Check(t.Context(), engine.Check{Asked: asked, Untracked: "no", NewSince: "HEAD"})
		require.NoError(t, err)
		runtime.GOMAXPROCS(before)
		require.NoError(t, w.Close())
		var became []string
		for _, img := range d.Images {
			became = append(became, fmt.Sprintf("%s %s", img.Name, img.Status))
		}
		assert.Equal(t, []string{"image0 removed", "image1 removed", "image2 changed", "image3 changed", "image4 changed", "image9 added"}, became)
		for _, r := range c.Reports {
			fresh := 1
			if r.Name == "image9" {
				fresh = 3
			}
			assert.Len(t, r.Findings, fresh, r.Name)
		}
		assert.Equal(t, 3*2, c.Old)
		text, err := json.Marshal([]any{d, c.Reports})
		require.NoError(t, err)
		if want == "" {
			want = string(text)
		}
		assert.Equal(t, want, string(text))
	}
}
