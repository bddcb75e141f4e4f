package dockerctx

import (
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
)

func writeFile(t *testing.T, name, data string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(data), 0o644))
}

// oddDir is a directory with an entry of every kind that needs no root.
func oddDir(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	dir := filepath.Join(base, "context")
	writeFile(t, filepath.Join(base, "secret"), "outside")
	writeFile(t, filepath.Join(dir, "d/f"), "inside")
	writeFile(t, filepath.Join(dir, "no\xffutf8/\xfe"), "bytes")
	writeFile(t, filepath.Join(dir, "line\nfeed"), "x")
	require.NoError(t, os.Chmod(filepath.Join(dir, "d/f"), 0o640|fs.ModeSetgid))
	require.NoError(t, os.Chmod(filepath.Join(dir, "d"), 0o777|fs.ModeSticky))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	for name, target := range map[string]string{
		"out": "../secret", "outdir": "..", "abs": "/etc/hostname", "in": "d/f", "indir": "d", "dangling": "nowhere", "loop": "loop",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return dir
}

func TestDirFSKinds(t *testing.T) {
	dir := oddDir(t)
	fsys, err := DirFS(dir)
	require.NoError(t, err)
	real, err := fsutil.NewFS(dir)
	require.NoError(t, err)
	want, newErr, walkErr := oracle(skipOpen{real}, []string{"x"}, nil)
	require.NoError(t, newErr)
	require.NoError(t, walkErr)
	tree := mustContext(t, fsys, "x").Tree()
	got, err := walkAll(tree)
	require.NoError(t, err)
	require.Equal(t, want, got)

	kinds := map[string]fs.FileMode{}
	for _, e := range got {
		kinds[e.Path] = e.Mode
	}
	assert.Equal(t, 0o640|fs.ModeSetgid, kinds["d/f"])
	assert.Equal(t, 0o777|fs.ModeSticky|fs.ModeDir, kinds["d"])
	assert.True(t, kinds["sock"].IsRegular())
	assert.Equal(t, fs.ModeNamedPipe, kinds["fifo"].Type())
	assert.Contains(t, kinds, "no\xffutf8/\xfe")
	assert.Contains(t, kinds, "line\nfeed")

	for name, want := range map[string]string{"d/f": "inside", "no\xffutf8/\xfe": "bytes", "sock": ""} {
		r, err := tree.Open(name)
		require.NoError(t, err, name)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.Equal(t, want, string(data))
		require.NoError(t, r.Close())
	}
}

// skipOpen keeps the oracle from opening FIFOs and sockets.
type skipOpen struct{ fsutil.FS }

func (skipOpen) Open(string) (io.ReadCloser, error) { return io.NopCloser(nil), nil }

func TestDirFSStaysInside(t *testing.T) {
	fsys, err := DirFS(oddDir(t))
	require.NoError(t, err)
	for _, name := range []string{"out", "outdir/secret", "abs", "../secret", "loop", "dangling", "in", "fifo", "sock", "d", "/etc/hostname"} {
		done := make(chan error, 1)
		go func() {
			_, err := fsys.Open(name)
			done <- err
		}()
		select {
		case err := <-done:
			assert.Error(t, err, name)
		case <-time.After(5 * time.Second):
			t.Fatalf("opening %s blocks", name)
		}
	}
	for _, name := range []string{"outdir", "indir", "..", "outdir/context", "d/f", "nowhere"} {
		_, err := fsys.ReadDir(name)
		assert.Error(t, err, name)
	}
	for _, name := range []string{"outdir/secret", "../secret", "nowhere"} {
		_, err := fsys.Lstat(name)
		assert.Error(t, err, name)
		assert.NotContains(t, err.Error(), os.TempDir(), "errors name the path in the context")
	}
	link, err := fsys.ReadLink("out")
	require.NoError(t, err)
	assert.Equal(t, "../secret", link)
}

func TestDirFSErrors(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	_, err := DirFS(filepath.Join(dir, "nowhere"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "does not exist")
	_, err = DirFS(filepath.Join(dir, "file"))
	assert.ErrorIs(t, err, syscall.ENOTDIR)
	assert.ErrorContains(t, err, "is not a directory")
	_, err = DirFS(filepath.Join(dir, "file/x"))
	assert.Error(t, err)
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "link")))
	fsys, err := DirFS(filepath.Join(dir, "link"))
	require.NoError(t, err, "the context itself may be given through a link")
	_, err = fsys.Lstat("file")
	require.NoError(t, err)
}

func TestDirFSUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything; TestTreeReadErrors has the same cases in memory")
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "shut/f"), "")
	require.NoError(t, os.Chmod(filepath.Join(dir, "shut"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "shut"), 0o700) })
	fsys, err := DirFS(dir)
	require.NoError(t, err)
	_, err = walkAll(mustContext(t, fsys, "x").Tree())
	assert.ErrorIs(t, err, fs.ErrPermission)
	_, err = walkAll(mustContext(t, fsys, "shut", "!shut/f").Tree())
	assert.NoError(t, err)
}

func TestFromFS(t *testing.T) {
	fsys := FromFS(fstest.MapFS{
		"a/b": {Data: []byte("x"), Mode: 0o600},
		"a/c": {},
		"l":   {Data: []byte("a"), Mode: fs.ModeSymlink | 0o777},
	})
	tree := mustContext(t, fsys, "a/c").Tree()
	got, err := walkAll(tree)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "a/b", "l"}, pathsOf(got))
	assert.Equal(t, "a", got[2].Link)
	r, err := tree.Open("a/b")
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "x", string(data))
	_, err = fsys.Open("l")
	assert.ErrorContains(t, err, "not a regular file")
	_, err = fsys.ReadDir("l")
	assert.ErrorIs(t, err, syscall.ENOTDIR)
}

// TestDirFSPathMax has a tree that is deeper than a path may be long: BuildKit's walk ends there with the kernel's error.
func TestDirFSPathMax(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	current := root
	for range 20 {
		name := strings.Repeat("n", 250)
		require.NoError(t, current.Mkdir(name, 0o755))
		next, err := current.OpenRoot(name)
		require.NoError(t, err)
		defer next.Close()
		current = next
	}
	fsys, err := DirFS(dir)
	require.NoError(t, err)
	theirs, err := fsutil.NewFS(dir)
	require.NoError(t, err)
	for _, lines := range [][]string{{"x"}, {"*", "!**/keep/x"}, {"*", "!**/x"}} {
		_, err = walkAll(mustContext(t, fsys, lines...).Tree())
		require.ErrorIs(t, err, syscall.ENAMETOOLONG)
		_, _, err = oracle(theirs, lines, nil)
		require.ErrorIs(t, err, syscall.ENAMETOOLONG)
	}
}
