package dockerctx

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadFileStaysBelowTheRoot(t *testing.T) {
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d", "f"), []byte("0123456789"), 0o644))
	for name, target := range map[string]string{
		"in": "/d/f", "clamped": "../../../d/f", "loop": "loop", "out": filepath.Join(outside, "secret"),
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	fsys, err := DirFS(dir)
	require.NoError(t, err)

	for _, name := range []string{"d/f", "in", "clamped"} {
		data, err := ReadFile(fsys, name, 100)
		require.NoError(t, err, name)
		assert.Equal(t, "0123456789", string(data), name)
	}
	data, err := ReadFile(fsys, "d/f", 4)
	require.NoError(t, err)
	assert.Equal(t, "0123", string(data))

	_, err = ReadFile(fsys, "out", 100)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = ReadFile(fsys, "loop", 100)
	assert.ErrorIs(t, err, errTooManyLinks)
	_, err = ReadFile(fsys, "d", 100)
	assert.ErrorIs(t, err, errNotRegular)
}
