package overlay

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

func read(t *testing.T, fsys dockerctx.FS, name string) string {
	t.Helper()
	r, err := fsys.Open(name)
	require.NoError(t, err)
	defer r.Close()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(data)
}

func TestFilesAreSeenAsEdited(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "a"), []byte("old"), 0o600))
	require.NoError(t, os.Symlink("sub", filepath.Join(dir, "link")))
	fsys, err := Open(nil, Files{
		filepath.Join(dir, "sub", "a"):     []byte("edited"),
		filepath.Join(dir, "sub", "new"):   []byte("n"),
		filepath.Join(dir, "link"):         []byte("no link any more"),
		filepath.Join(dir, "none", "file"): []byte("nowhere"),
		filepath.Join(dir, "..", "out"):    []byte("outside"),
	})(dir)
	require.NoError(t, err)

	assert.Equal(t, "edited", read(t, fsys, "sub/a"))
	assert.Equal(t, "n", read(t, fsys, "sub/new"))
	i, err := fsys.Lstat("sub/a")
	require.NoError(t, err)
	assert.Equal(t, int64(6), i.Size())
	assert.Equal(t, os.FileMode(0o600), i.Mode())

	entries, err := fsys.ReadDir("sub")
	require.NoError(t, err)
	var names []string
	var sizes []int64
	for _, e := range entries {
		i, err := e.Info()
		require.NoError(t, err)
		names, sizes = append(names, e.Name()), append(sizes, i.Size())
	}
	assert.Equal(t, []string{"a", "new"}, names)
	assert.Equal(t, []int64{6, 1}, sizes)

	// What is no regular file stays what it is, and a file in no directory does not exist.
	link, err := fsys.ReadLink("link")
	require.NoError(t, err)
	assert.Equal(t, "sub", link)
	i, err = fsys.Lstat("link")
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, i.Mode().Type())
	_, err = fsys.Lstat("none/file")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestUntouchedDirectoryIsTheDirectory(t *testing.T) {
	dir := t.TempDir()
	under, err := dockerctx.DirFS(dir)
	require.NoError(t, err)
	opened := Open(func(string) (dockerctx.FS, error) { return under, nil }, Files{"/elsewhere/file": nil})
	fsys, err := opened(dir)
	require.NoError(t, err)
	assert.Same(t, under, fsys)
}

func TestReaderBeginsAnew(t *testing.T) {
	r := NewReader([]byte("FROM scratch"))
	for range 3 {
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, "FROM scratch", string(data))
	}
}
