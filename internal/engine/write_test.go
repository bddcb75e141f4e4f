package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

func TestWriteChangesRefusesWhatChanged(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	require.NoError(t, os.WriteFile(a, []byte("old a"), 0o640))
	require.NoError(t, os.WriteFile(b, []byte("somebody else's b"), 0o644))
	e := &Engine{World: project.NewWorld(t.Context(), dir, false)}
	err := e.Write([]why.Change{
		{Name: "a", Path: a, Before: []byte("old a"), After: []byte("new a")},
		{Name: "b", Path: b, Before: []byte("old b"), After: []byte("new b")},
	})
	assert.EqualError(t, err, "b has changed since it was read; nothing was written")
	data, err := os.ReadFile(a)
	require.NoError(t, err)
	assert.Equal(t, "old a", string(data))

	require.NoError(t, e.Write([]why.Change{
		{Name: "a", Path: a, Before: []byte("old a"), After: []byte("new a")},
		{Name: "new", Path: filepath.Join(dir, "new"), After: []byte("n")},
	}))
	data, err = os.ReadFile(a)
	require.NoError(t, err)
	assert.Equal(t, "new a", string(data))
	fi, err := os.Stat(a)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), fi.Mode())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 3, "a temporary file was left behind")

	assert.Error(t, e.Write([]why.Change{{Name: "gone", Path: filepath.Join(dir, "gone"), Before: []byte("x")}}))
}
