package files

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lay makes a directory with an inside, an outside, and links between them.
func lay(t *testing.T) (dir, inside string) {
	t.Helper()
	dir = t.TempDir()
	inside = filepath.Join(dir, "in")
	for _, d := range []string{"in/sub", "out"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for name, text := range map[string]string{"in/a": "a", "in/sub/b": "b", "out/secret": "secret"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640))
	}
	for link, target := range map[string]string{
		"in/near": "sub/b", "in/far": "../out/secret", "in/abs": filepath.Join(dir, "out/secret"), "in/dir": "../out", "in/dangling": "nothing",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	require.NoError(t, syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o600))
	return dir, inside
}

func TestReadStaysInside(t *testing.T) {
	_, inside := lay(t)
	d, err := OpenDir(inside)
	require.NoError(t, err)
	defer d.Close()
	for name, want := range map[string]string{"a": "a", "sub/b": "b", "near": "b", "./sub/../a": "a"} {
		got, err := d.Read(name, 10)
		require.NoError(t, err, name)
		assert.Equal(t, want, string(got))
	}
	for _, name := range []string{"far", "abs", "dir/secret", "../out/secret", filepath.Join(filepath.Dir(inside), "out/secret"), "dangling", "pipe", "sub", "none", ""} {
		_, err := d.Read(name, 10)
		assert.Error(t, err, name)
	}
	_, err = d.Read("pipe", 10)
	assert.ErrorIs(t, err, ErrNotRegular)
}

func TestReadHasABound(t *testing.T) {
	_, inside := lay(t)
	name := filepath.Join(inside, "large")
	require.NoError(t, os.WriteFile(name, bytes.Repeat([]byte("x"), 10), 0o600))
	data, err := Read(name, 10)
	require.NoError(t, err)
	assert.Len(t, data, 10)
	_, err = Read(name, 9)
	assert.Equal(t, &TooLargeError{9}, err)
	// What tells no size is read no further either.
	_, err = Read("/proc/self/maps", 9)
	assert.Equal(t, &TooLargeError{9}, err)
}

func TestWhatAPersonNamesMayBeALink(t *testing.T) {
	_, inside := lay(t)
	data, err := Read(filepath.Join(inside, "far"), 10)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(data))
	_, err = Read("/dev/zero", 10)
	assert.ErrorIs(t, err, ErrNotRegular)
	_, err = Read(filepath.Join(inside, "pipe"), 10)
	assert.ErrorIs(t, err, ErrNotRegular)
}

func TestWriteReplacesTheFileAndKeepsItsMode(t *testing.T) {
	_, inside := lay(t)
	name := filepath.Join(inside, "a")
	old, err := os.Open(name)
	require.NoError(t, err)
	defer old.Close()
	require.NoError(t, Write(name, []byte("new")))
	fi, err := os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o640), fi.Mode())
	seen := make([]byte, 10)
	n, _ := old.Read(seen)
	assert.Equal(t, "a", string(seen[:n]), "who has it open reads the old bytes")
	entries, err := os.ReadDir(inside)
	require.NoError(t, err)
	for _, e := range entries {
		assert.NotContains(t, e.Name(), ".tmp")
	}
	require.NoError(t, Write(filepath.Join(inside, "fresh"), []byte("x")))
}

func TestNothingIsWrittenThroughALink(t *testing.T) {
	dir, inside := lay(t)
	d, err := OpenDir(inside)
	require.NoError(t, err)
	defer d.Close()
	assert.ErrorIs(t, d.Write("far", nil), ErrLink)
	assert.ErrorIs(t, d.Write("dangling", nil), ErrLink)
	assert.Error(t, d.Write("dir/secret", nil))
	assert.Error(t, d.Write("dir/new", nil))
	assert.Error(t, d.Write("../new", nil))
	assert.ErrorIs(t, d.Write("pipe", nil), ErrNotRegular)
	assert.ErrorIs(t, d.Write("sub", nil), ErrNotRegular)
	assert.ErrorIs(t, Append(filepath.Join(inside, "far"), []byte("x")), ErrLink)
	assert.ErrorIs(t, Append(filepath.Join(inside, "pipe"), []byte("x")), ErrNotRegular)
	data, err := os.ReadFile(filepath.Join(dir, "out/secret"))
	require.NoError(t, err)
	assert.Equal(t, "secret", string(data))
	_, err = os.Lstat(filepath.Join(dir, "out/new"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	// A directory on the way may be a link that stays inside.
	require.NoError(t, os.Symlink("sub", filepath.Join(inside, "here")))
	require.NoError(t, d.Write("here/b", []byte("c")))
	got, err := d.Read("sub/b", 10)
	require.NoError(t, err)
	assert.Equal(t, "c", string(got))
}

func TestAppend(t *testing.T) {
	_, inside := lay(t)
	name := filepath.Join(inside, "log")
	require.NoError(t, Append(name, []byte("a")))
	require.NoError(t, Append(name, []byte("b")))
	data, err := Read(name, 10)
	require.NoError(t, err)
	assert.Equal(t, "ab", string(data))
}

func TestScratchGoes(t *testing.T) {
	d, err := Scratch("")
	require.NoError(t, err)
	require.NoError(t, d.Put("a/b/c", []byte("x")))
	assert.Error(t, d.Put("../x", nil))
	assert.FileExists(t, filepath.Join(d.Name(), "a/b/c"))
	require.NoError(t, d.Close())
	assert.NoDirExists(t, d.Name())
}

func TestScratchLiesElsewhere(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "tmp"), 0o755))
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	d, err := Scratch(dir)
	require.NoError(t, err)
	assert.NotContains(t, d.Name(), dir)
	require.NoError(t, d.Close())
	d, err = Scratch(t.TempDir())
	require.NoError(t, err)
	assert.Contains(t, d.Name(), dir)
	require.NoError(t, d.Close())
}
