package gitfs

import (
	"encoding/hex"
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
	"github.com/ctxaudit/ctxaudit/internal/git"
)

// open reads a revision of the repository of a directory.
func open(t *testing.T, dir, revision string) (*Revision, error) {
	t.Helper()
	repo, err := git.Find(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	return Open(t.Context(), repo, revision)
}

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

	r, err := open(t, filepath.Join(dir, "a"), "HEAD")
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
	var missing *git.RevisionError
	_, err := open(t, dir, "nope")
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "revision nope: there is no such commit", err.Error())
	_, err = open(t, dir, "--all")
	require.ErrorAs(t, err, &missing)

	// A shallow clone lacks what came before, a partial one the contents.
	shallow := filepath.Join(t.TempDir(), "shallow")
	run("clone", "-q", "--depth=1", "file://"+dir, shallow)
	_, err = open(t, shallow, "HEAD~1")
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "this clone is shallow")

	run("config", "uploadpack.allowFilter", "true")
	partial := filepath.Join(t.TempDir(), "partial")
	run("clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+dir, partial)
	_, err = open(t, partial, "HEAD")
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "as in a partial clone")

	// So does a repository whose object was lost.
	blob := run("rev-parse", "HEAD:f")
	r, err := open(t, dir, "HEAD")
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, ".git/objects", blob[:2], blob[2:])))
	root, err := r.Directory(dir)
	require.NoError(t, err)
	_, err = root.Open("f")
	require.ErrorAs(t, err, &missing)
	require.NoError(t, r.Close())
}

// A tree may hold what git itself would never check out.
func TestNamesThatLeadOut(t *testing.T) {
	dir, run := repository(t)
	write(t, dir, "f", "content")
	run("add", ".")
	blob := run("hash-object", "-w", "f")
	tree := func(entries ...string) string {
		t.Helper()
		var raw []byte
		for _, e := range entries {
			mode, rest, _ := strings.Cut(e, " ")
			name, id, _ := strings.Cut(rest, " ")
			sum, err := hex.DecodeString(id)
			require.NoError(t, err)
			raw = append(append(raw, mode+" "+name+"\x00"...), sum...)
		}
		write(t, dir, "raw", string(raw))
		return run("hash-object", "-w", "-t", "tree", "--literally", "raw")
	}
	inner := tree("100644 config.json " + blob)
	top := tree("40000 .. "+inner, "40000 .GIT "+inner, "40000 dir "+inner, "100644 ok "+blob, "100644 twice "+blob, "40000 twice "+inner)
	run("update-ref", "refs/heads/bad", run("commit-tree", "-m", "bad", top))

	r, err := open(t, dir, "bad")
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	root, err := r.Directory(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"dir/", "dir/config.json -rw-r--r-- content", "ok -rw-r--r-- content", "twice -rw-r--r-- content"}, listing(t, root, "."))
	assert.Equal(t, []string{"..", "../config.json", ".GIT", ".GIT/config.json", "twice", "twice/config.json"}, r.Refused)
}

func TestALargeFileIsNotRead(t *testing.T) {
	dir, run := repository(t)
	write(t, dir, "large", "")
	require.NoError(t, os.Truncate(filepath.Join(dir, "large"), git.MaxObject+1))
	run("-c", "core.compression=1", "add", ".")
	run("commit", "-qm", "one")
	r, err := open(t, dir, "HEAD")
	require.NoError(t, err)
	root, err := r.Directory(dir)
	require.NoError(t, err)
	_, err = root.Open("large")
	assert.ErrorContains(t, err, "no more than")
	require.NoError(t, r.Close())
}
