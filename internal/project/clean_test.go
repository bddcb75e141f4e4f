package project

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each image, and each trial of a repair, asks about all that its program needs: what is tracked is asked once.
func TestWhatIsTrackedIsAskedOnce(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	dir := t.TempDir()
	for _, name := range []string{"a/kept.py", "a/also.py", "a/new.py"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "a"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "a/kept.py", "a/also.py"}} {
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	w := NewWorld(t.Context(), dir, false)
	defer w.Close()
	c := newClean(w, "no")
	names := []string{"a", "a/also.py", "a/kept.py", "a/new.py", "a/nowhere.py"}
	for range 2 {
		absent, err := c.Absent(dir, names)
		require.NoError(t, err)
		require.Len(t, absent, 1)
		assert.Contains(t, absent, "a/new.py")
		assert.Equal(t, []string{"a/new.py", "a/nowhere.py"}, c.answers.unknown(dir, names), "what is not tracked is asked again")
	}
	assert.Equal(t, names, c.answers.unknown("elsewhere", names))
}
