package git

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// at runs git in a directory, as a person would.
func at(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"}, args...)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
}

// fresh makes a repository with a commit of some files, without the configuration of this machine.
func fresh(t *testing.T, names ...string) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "none"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	at(t, dir, "init", "-q")
	for _, n := range names {
		write(t, filepath.Join(dir, n), n)
	}
	at(t, dir, "add", "-A")
	at(t, dir, "commit", "-qm", "one", "--allow-empty")
	return dir
}

func find(t *testing.T, dir string) *Repository {
	t.Helper()
	r, err := Find(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// tracked gives what the index has at a path.
func tracked(t *testing.T, r *Repository, rel string) (out []string) {
	t.Helper()
	require.NoError(t, r.Tracked(t.Context(), rel, func(name string) { out = append(out, name) }))
	slices.Sort(out)
	return out
}

func TestWhatGitTracks(t *testing.T) {
	dir := fresh(t, "a/b", "a/c d", "a[1]/x", "späte Datei", "z")
	write(t, filepath.Join(dir, "new"), "")
	r := find(t, filepath.Join(dir, "a"))
	assert.Equal(t, dir, r.Top)
	assert.Equal(t, strings.Split(strings.TrimSuffix(at(t, dir, "ls-files", "-z"), "\x00"), "\x00"), tracked(t, r, "."))
	assert.Equal(t, []string{"a/b", "a/c d"}, tracked(t, r, "a"))
	assert.Equal(t, []string{"a[1]/x"}, tracked(t, r, "a[1]"), "a name is no pattern")
	assert.Empty(t, tracked(t, r, "none"))
	assert.Positive(t, r.IndexSize())
	require.NoError(t, r.Err())

	rel, ok := r.Within(filepath.Join(dir, "a/none/below"))
	assert.True(t, ok)
	assert.Equal(t, "a/none/below", rel)
	_, ok = r.Within(filepath.Dir(dir))
	assert.False(t, ok)
}

func TestWhatGitDoesNotTrack(t *testing.T) {
	dir := fresh(t, "kept.log", "src/a.py")
	write(t, filepath.Join(dir, ".gitignore"), "*.log\n!src/good.log\nbuild/\n")
	write(t, filepath.Join(dir, ".git/info/exclude"), "mine\n")
	for _, n := range []string{"x.log", "src/good.log", "src/b.py", "build/o", "mine", "own/deep/file"} {
		write(t, filepath.Join(dir, n), "")
	}
	r := find(t, dir)
	plain, err := r.Untracked(t.Context(), ".", false)
	require.NoError(t, err)
	assert.Equal(t, []string{".gitignore", "own/", "src/b.py", "src/good.log"}, plain)
	ignored, err := r.Untracked(t.Context(), ".", true)
	require.NoError(t, err)
	assert.Equal(t, []string{"build/", "mine", "x.log"}, ignored)

	lines, err := r.Ignored(t.Context(), []string{"x.log", "src/good.log", "src/bad.log", "build/", "build/o", "mine", "kept.log", "src/a.py"})
	require.NoError(t, err)
	assert.Equal(t, map[string]Ignore{
		"x.log": {".gitignore", 1, "*.log"}, "src/bad.log": {".gitignore", 1, "*.log"}, "build/": {".gitignore", 3, "build/"},
		"build/o": {".gitignore", 3, "build/"}, "mine": {filepath.Join(r.own.Name(), "info/exclude"), 1, "mine"},
	}, lines)
	none, err := r.Ignored(t.Context(), []string{"src/a.py"})
	require.NoError(t, err)
	assert.Empty(t, none)
}

// The settings that decide how a repository is read are taken over, and nothing else.
func TestTheConfigurationIsOurs(t *testing.T) {
	dir := fresh(t, "a")
	at(t, dir, "config", "core.ignoreCase", "true")
	at(t, dir, "config", "core.excludesFile", filepath.Join(dir, "excludes"))
	at(t, dir, "config", "alias.x", "y")
	write(t, filepath.Join(dir, "excludes"), "secret\n")
	write(t, filepath.Join(dir, ".gitignore"), "UPPER\n")
	r := find(t, dir)
	lines, err := r.Ignored(t.Context(), []string{"upper", "secret"})
	require.NoError(t, err)
	assert.Equal(t, map[string]Ignore{"upper": {".gitignore", 1, "UPPER"}}, lines)
	config, err := os.ReadFile(filepath.Join(r.own.Name(), "config"))
	require.NoError(t, err)
	assert.Equal(t, "[core]\n\trepositoryformatversion = 0\n\tbare = false\n[core]\n\tignorecase = true\n", string(config))
	own := r.own.Name()
	require.NoError(t, r.Close())
	assert.NoDirExists(t, own)
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"[core]\n\tignorecase = true # so\n":                 {"core.ignorecase": "true"},
		"[Core] IgnoreCase\n[extensions]objectFormat=sha256": {"core.ignorecase": "true", "extensions.objectformat": "sha256"},
		"[core \"x\"]\nignorecase = true":                    {},
		"[core]\nignorecase = \"a b\"\nbare=x\\\n":           {},
		"ignorecase = true":                                  {},
		"[core":                                              {},
	} {
		assert.Equal(t, want, settings([]byte(text)), text)
	}
}

func TestOtherFormats(t *testing.T) {
	dir := fresh(t)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git")))
	at(t, dir, "init", "-q", "--object-format=sha256")
	write(t, filepath.Join(dir, "a"), "x")
	at(t, dir, "add", "a")
	at(t, dir, "commit", "-qm", "one")
	at(t, dir, "update-index", "--split-index")
	write(t, filepath.Join(dir, "b"), "x")
	at(t, dir, "add", "b")
	r := find(t, dir)
	assert.Equal(t, []string{"a", "b"}, tracked(t, r, "."), "the index is split in two files")
	commit, err := r.Commit(t.Context(), "HEAD")
	require.NoError(t, err)
	assert.Equal(t, at(t, dir, "rev-parse", "HEAD"), commit)
	assert.Len(t, commit, 64)
}

func TestRevisionsHaveTheNamesThatGitGivesThem(t *testing.T) {
	dir := fresh(t, "a")
	at(t, dir, "commit", "-qm", "two", "--allow-empty")
	at(t, dir, "tag", "v1", "HEAD~1")
	at(t, dir, "branch", "old", "HEAD~1")
	at(t, dir, "pack-refs", "--all")
	at(t, dir, "branch", "new/er")
	at(t, dir, "update-ref", "ORIG_HEAD", "HEAD~1")
	r := find(t, dir)
	for _, name := range []string{"HEAD", "HEAD~1", "main", "v1", "old", "new/er", "HEAD@{1}", "ORIG_HEAD", at(t, dir, "rev-parse", "--short", "HEAD")} {
		got, err := r.Commit(t.Context(), name)
		require.NoError(t, err, name)
		assert.Equal(t, at(t, dir, "rev-parse", name+"^{commit}"), got, name)
	}
	names, err := r.Revisions(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"main", "new/er", "old", "v1"}, names)
	_, err = r.Commit(t.Context(), "none")
	assert.EqualError(t, err, "revision none: there is no such commit")
	_, err = r.Commit(t.Context(), "--all")
	assert.ErrorContains(t, err, "is an option")
}

func TestLinkedWorkTree(t *testing.T) {
	dir := fresh(t, "a")
	tree := filepath.Join(t.TempDir(), "tree")
	at(t, dir, "worktree", "add", "-q", "-b", "side", tree)
	write(t, filepath.Join(tree, "side"), "")
	at(t, tree, "add", "side")
	at(t, tree, "commit", "-qm", "side")
	r := find(t, tree)
	assert.Equal(t, []string{"a", "side"}, tracked(t, r, "."))
	for _, name := range []string{"HEAD", "main", "side"} {
		got, err := r.Commit(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, at(t, tree, "rev-parse", name), got)
	}
	assert.Equal(t, []string{"a"}, tracked(t, find(t, dir), "."))

	// One that was moved away from where git knows it, or that claims another's, is not used.
	moved := filepath.Join(t.TempDir(), "moved")
	require.NoError(t, os.Rename(tree, moved))
	_, err := Find(moved)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, err.Error(), "that of another work tree")
}

func TestSubmodules(t *testing.T) {
	lib := fresh(t, "l/one", "two")
	inner := fresh(t, "deep")
	at(t, lib, "submodule", "add", "-q", inner, "inner")
	at(t, lib, "commit", "-qm", "inner")
	dir := fresh(t, "a", "z")
	at(t, dir, "submodule", "add", "-q", lib, "sub/lib")
	at(t, dir, "commit", "-qm", "lib")

	r := find(t, dir)
	assert.Equal(t, []string{".gitmodules", "a", "sub/lib/.gitmodules", "sub/lib/inner", "sub/lib/l/one", "sub/lib/two", "z"}, tracked(t, r, "."), "the inner one was not fetched")
	at(t, filepath.Join(dir, "sub/lib"), "submodule", "update", "-q", "--init")
	r = find(t, dir)
	assert.Equal(t, strings.Split(strings.TrimSuffix(at(t, dir, "ls-files", "-z", "--recurse-submodules"), "\x00"), "\x00"), tracked(t, r, "."))
	links, err := r.Submodules(t.Context(), ".")
	require.NoError(t, err)
	assert.Equal(t, []string{"sub/lib"}, links)

	own, rest := r.Of(t.Context(), "sub/lib/inner/x")
	assert.Equal(t, filepath.Join(dir, "sub/lib/inner"), own.Top)
	assert.Equal(t, "x", rest)
	own, rest = r.Of(t.Context(), "sub/lib")
	assert.Equal(t, filepath.Join(dir, "sub/lib"), own.Top)
	assert.Equal(t, ".", rest)
	own, rest = r.Of(t.Context(), "sub")
	assert.Same(t, r, own)
	assert.Equal(t, "sub", rest)
	assert.Equal(t, filepath.Join(dir, "sub/lib"), find(t, filepath.Join(dir, "sub/lib/l")).Top, "a submodule may be what is audited")

	// A repository that the index does not name is none of ours.
	at(t, dir, "init", "-q", "own")
	write(t, filepath.Join(dir, "own/x"), "")
	at(t, filepath.Join(dir, "own"), "add", "x")
	own, rest = r.Of(t.Context(), "own/x")
	assert.Same(t, r, own)
	assert.Equal(t, "own/x", rest)
}

func TestPointersThatAreNotFollowed(t *testing.T) {
	private := fresh(t, "secret")
	for name, pointer := range map[string]string{
		"absolute": "gitdir: " + filepath.Join(private, ".git"), "nothing": "gitdir: nowhere", "text": "hello", "empty": "",
		"work tree": "gitdir: " + filepath.Join(private, ".git", "worktrees", "x"),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.MkdirAll(filepath.Join(private, ".git/worktrees/x"), 0o755))
			dir := t.TempDir()
			write(t, filepath.Join(dir, ".git"), pointer)
			_, err := Find(dir)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
		})
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(private, ".git"), filepath.Join(dir, ".git")))
	_, err := Find(dir)
	assert.ErrorContains(t, err, "neither a directory nor a file")
	require.NoError(t, os.Remove(filepath.Join(dir, ".git")))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git/objects"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".git/refs"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(private, ".git/index"), filepath.Join(dir, ".git/index")))
	_, err = Find(dir)
	assert.ErrorContains(t, err, "its index is no regular file")
}

// Pointers that point at each other take no more time than there are directories.
func TestManyPointers(t *testing.T) {
	dir := t.TempDir()
	for range 40 {
		dir = filepath.Join(dir, "d")
		write(t, filepath.Join(dir, ".git"), "gitdir: ../.git")
	}
	_, err := Find(dir)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
}

func TestNoRepository(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	_, err := Find(dir)
	var none *NotFoundError
	require.ErrorAs(t, err, &none)
	var r *Repository
	require.NoError(t, r.Tracked(t.Context(), ".", nil))
	require.NoError(t, r.Err())
	require.NoError(t, r.Close())
	assert.Zero(t, r.IndexSize())
	_, ok := r.Within(dir)
	assert.False(t, ok)
}

// Git gives a hook the index of what is committed.
func TestTheIndexOfAHook(t *testing.T) {
	dir := fresh(t, "a", "b")
	t.Setenv("GIT_INDEX_FILE", filepath.Join(dir, ".git/next-index"))
	at(t, dir, "read-tree", "--empty")
	at(t, dir, "add", "a")
	assert.Equal(t, []string{"a"}, tracked(t, find(t, dir), "."))
	t.Setenv("GIT_INDEX_FILE", filepath.Join(t.TempDir(), "elsewhere"))
	assert.Equal(t, []string{"a", "b"}, tracked(t, find(t, dir), "."), "one that lies elsewhere is not this repository's")
}

func TestFailuresAreRemembered(t *testing.T) {
	dir := fresh(t, "a")
	write(t, filepath.Join(dir, ".git/index"), "DIRC broken")
	r := find(t, dir)
	err := r.Tracked(t.Context(), ".", func(string) {})
	require.ErrorContains(t, err, "git ls-files fails: ")
	assert.Equal(t, err, r.Err())

	r = find(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, r.Tracked(ctx, ".", func(string) {}))
	assert.NoError(t, r.Err(), "that somebody ended it is no failure")

	t.Setenv("PATH", t.TempDir())
	r = find(t, dir)
	require.ErrorIs(t, r.Tracked(t.Context(), ".", func(string) {}), ErrNoGit)
	require.ErrorIs(t, r.Err(), ErrNoGit)
}

func TestCleanNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "a/b": true, ".gitignore": true, "a/.github/x": true, "..a": true, "a\nb": true,
		"": false, ".": false, "..": false, "a/..": false, "../a": false, "a//b": false, "/a": false, "a/": false, ".git": false, "a/.GIT/x": false, "a\x00b": false,
	} {
		assert.Equal(t, want, Clean(name), "%q", name)
	}
}
