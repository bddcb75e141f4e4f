package gitfs

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// repository makes a repository and gives a function that runs git in it.
func repository(t *testing.T) (string, func(args ...string) string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "git %s: %s", strings.Join(args, " "), out)
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "-b", "main")
	return dir, run
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	full := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(t, os.WriteFile(full, []byte(content), 0o644))
}

// listing walks a directory into lines.
func listing(t *testing.T, fsys dockerctx.FS, dir string) (out []string) {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		p := strings.TrimPrefix(dir+"/"+e.Name(), "./")
		fi, err := fsys.Lstat(p)
		require.NoError(t, err)
		switch {
		case e.IsDir():
			out = append(append(out, p+"/"), listing(t, fsys, p)...)
		case e.Type() == fs.ModeSymlink:
			link, err := fsys.ReadLink(p)
			require.NoError(t, err)
			out = append(out, p+" -> "+link)
		default:
			r, err := fsys.Open(p)
			require.NoError(t, err)
			data, err := io.ReadAll(r)
			require.NoError(t, err)
			require.NoError(t, r.Close())
			assert.Equal(t, int64(len(data)), fi.Size())
			out = append(out, p+" "+fi.Mode().String()+" "+string(data))
		}
	}
	return out
}

func TestRevisionIsWhatWasCommitted(t *testing.T) {
	dir, run := repository(t)
	write(t, dir, "a/b/file", "one\n")
	write(t, dir, "a/tool", "#!/bin/sh")
	write(t, dir, "empty", "")
	write(t, dir, "späte Datei", "x")
	require.NoError(t, os.Chmod(filepath.Join(dir, "a/tool"), 0o755))
	require.NoError(t, os.Symlink("b/file", filepath.Join(dir, "a/link")))
	run("add", ".")
	run("commit", "-qm", "one")
	first := run("rev-parse", "HEAD")
	write(t, dir, "a/b/file", "two\n")
	write(t, dir, "untracked", "u")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "empty")))

	r, err := Open(t.Context(), filepath.Join(dir, "a"), "HEAD")
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	assert.Equal(t, first, r.Commit)
	root, err := r.Directory(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"a/", "a/b/", "a/b/file -rw-r--r-- one\n", "a/link -> b/file", "a/tool -rwxr-xr-x #!/bin/sh", "empty -rw-r--r-- ", "späte Datei -rw-r--r-- x",
	}, listing(t, root, "."))

	sub, err := r.Directory(filepath.Join(dir, "a"))
	require.NoError(t, err)
	assert.Equal(t, []string{"b/", "b/file -rw-r--r-- one\n", "link -> b/file", "tool -rwxr-xr-x #!/bin/sh"}, listing(t, sub, "."))
	_, err = sub.Lstat("../empty")
	assert.ErrorIs(t, err, fs.ErrNotExist, "a directory does not lead out of itself")
	_, err = sub.ReadDir("tool")
	assert.Error(t, err)
	_, err = sub.Open("b")
	assert.Error(t, err)

	files, ok, err := r.Tracked(filepath.Join(dir, "a"), "b")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, []string{"b/file"}, files)

	_, err = r.Directory(filepath.Dir(dir))
	assert.ErrorContains(t, err, "outside the repository")
	_, err = r.Directory(filepath.Join(dir, "none"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = r.Directory(filepath.Join(dir, "a/tool"))
	assert.Error(t, err)
}

func TestRevisionThatIsNotThere(t *testing.T) {
	dir, run := repository(t)
	write(t, dir, "f", "content")
	run("add", ".")
	run("commit", "-qm", "one")
	run("commit", "-qm", "two", "--allow-empty")
	var missing *RevisionError
	_, err := Open(t.Context(), dir, "nope")
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "revision nope: there is no such commit", err.Error())
	_, err = Open(t.Context(), dir, "--all")
	require.ErrorAs(t, err, &missing)
	_, err = Open(t.Context(), t.TempDir(), "HEAD")
	assert.ErrorContains(t, err, "is in no git repository")

	// A shallow clone lacks what came before, a partial one the contents.
	shallow := filepath.Join(t.TempDir(), "shallow")
	run("clone", "-q", "--depth=1", "file://"+dir, shallow)
	_, err = Open(t.Context(), shallow, "HEAD~1")
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "this clone is shallow")

	run("config", "uploadpack.allowFilter", "true")
	partial := filepath.Join(t.TempDir(), "partial")
	run("clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+dir, partial)
	_, err = Open(t.Context(), partial, "HEAD")
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "as in a partial clone")

	// So does a repository whose object was lost.
	blob := run("rev-parse", "HEAD:f")
	r, err := Open(t.Context(), dir, "HEAD")
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, ".git/objects", blob[:2], blob[2:])))
	root, err := r.Directory(dir)
	require.NoError(t, err)
	_, err = root.Open("f")
	require.ErrorAs(t, err, &missing)
	require.NoError(t, r.Close())
}
