package dockerctx

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// countingFS counts what is asked of an FS.
type countingFS struct {
	FS
	reads, stats, links, opens, leaves atomic.Int64
}

// isLeaf counts the directories that need not be listed.
func (f *countingFS) isLeaf(dir string, names []string) bool {
	leaf := isLeaf(f.FS, dir, names)
	if leaf {
		f.leaves.Add(1)
	}
	return leaf
}

func (f *countingFS) ReadDir(name string) ([]fs.DirEntry, error) {
	f.reads.Add(1)
	entries, err := f.FS.ReadDir(name)
	for i := range entries {
		entries[i] = countingEntry{entries[i], f}
	}
	return entries, err
}

func (f *countingFS) Lstat(name string) (fs.FileInfo, error) {
	f.stats.Add(1)
	return f.FS.Lstat(name)
}

func (f *countingFS) ReadLink(name string) (string, error) {
	f.links.Add(1)
	return f.FS.ReadLink(name)
}

func (f *countingFS) Open(name string) (io.ReadCloser, error) {
	f.opens.Add(1)
	return f.FS.Open(name)
}

type countingEntry struct {
	fs.DirEntry
	f *countingFS
}

func (e countingEntry) Info() (fs.FileInfo, error) {
	e.f.stats.Add(1)
	return e.DirEntry.Info()
}

// counts is what an answer took.
type counts struct{ reads, stats, links, opens, leaves, asked int64 }

func (f *countingFS) since(t *Tree) counts {
	return counts{f.reads.Swap(0), f.stats.Swap(0), f.links.Swap(0), f.opens.Swap(0), f.leaves.Swap(0), t.asked.Swap(0)}
}

// repository is a tree of 10 areas with so many packages in each and 10 modules of 5 files in every package, a link in
// each area, and a cache in each package.
func repository(packages int) *memFS {
	var entries []string
	for area := range 10 {
		entries = append(entries, fmt.Sprintf("area%d/current -> pkg0", area))
		for pkg := range packages {
			for mod := range 10 {
				for file := range 5 {
					entries = append(entries, fmt.Sprintf("area%d/pkg%d/mod%d/file%d.%s", area, pkg, mod, file, []string{"js", "py", "spec.js", "txt", "log"}[file]))
				}
			}
			entries = append(entries, fmt.Sprintf("area%d/pkg%d/cache/x/y", area, pkg))
		}
	}
	return newMemFS(entries...)
}

// TestCounts pins what answers take, so that no change makes them dearer unseen: no clock is asked.
func TestCounts(t *testing.T) {
	const dirs = 1 + 10 + 10*2 + 10*2*10 // the root, areas, packages, modules
	for _, tt := range []struct {
		name  string
		lines []string
		do    func(*testing.T, *Tree)
		want  counts
	}{
		{"listing", nil, listTypes, counts{reads: dirs + 40, stats: dirs + 40, links: 10}},
		{"listing with sizes", nil, listSizes, counts{reads: dirs + 40, stats: 10*2*10*5 + 20 + 10 + (dirs - 1) + 40, links: 10}},
		{"twice", nil, func(t *testing.T, tree *Tree) { listTypes(t, tree); listTypes(t, tree) }, counts{reads: dirs + 40, stats: dirs + 40, links: 10}},
		{"types, then sizes", nil, func(t *testing.T, tree *Tree) { listTypes(t, tree); listSizes(t, tree) },
			counts{reads: dirs + 40, stats: dirs + 40 + 10*2*10*5 + 20 + 10 + (dirs - 1) + 40, links: 20}},
		{"pruned", []string{"**/cache", "*.tmp", "docs/a", "**/*.log"}, listTypes, counts{reads: dirs, stats: dirs, links: 10, asked: 20 + 200}},
		{"a literal negation", []string{"**/cache", "!area3/pkg1/cache/x"}, listTypes, counts{reads: dirs + 2, stats: dirs + 2, links: 10, asked: 20 + 1}},
		{"a wildcard negation that can match anywhere", []string{"**/cache", "!**/cache/y"}, listTypes, counts{reads: dirs + 40, stats: dirs, links: 10, asked: 20 + 20}},
		{"a wildcard negation with a place", []string{"**/cache", "!area3/*/cache/y"}, listTypes, counts{reads: dirs + 2, stats: dirs, links: 10, asked: 20}},
		{"one that needs another directory", []string{"**/mod3", "!**/keep/*.js"}, listTypes, counts{reads: dirs + 20, stats: dirs + 20, links: 10, leaves: 20, asked: 20}},
		{"one that needs a name", []string{"**/mod3", "!**/file9.js"}, listTypes, counts{reads: dirs + 20, stats: dirs + 20, links: 10, leaves: 20, asked: 20}},
		{"one whose name is there", []string{"**/mod3", "!**/file0.js"}, listTypes, counts{reads: dirs + 40, stats: dirs + 40, links: 10, asked: 20 + 20}},
		{"looked through", nil, func(t *testing.T, tree *Tree) { require.True(t, tree.Flawless(nil, nil)) }, counts{reads: dirs + 40, stats: dirs + 40, links: 10}},
		{"looked through, pruned", []string{"**/cache", "!area3/pkg1/cache/x"}, func(t *testing.T, tree *Tree) { require.True(t, tree.Flawless(nil, nil)) },
			counts{reads: dirs + 2, stats: dirs + 2, links: 10, asked: 20 + 1}},
		{"one file", []string{"**/cache", "!**/cache/y"}, func(t *testing.T, tree *Tree) {
			_, err := tree.Lstat("area7/pkg1/mod9/file0.js")
			require.NoError(t, err)
		}, counts{reads: 4, stats: 1, asked: 1}},
		{"one file opened", nil, func(t *testing.T, tree *Tree) {
			r, err := tree.Open("area7/pkg1/mod9/file0.js")
			require.NoError(t, err)
			require.NoError(t, r.Close())
		}, counts{reads: 4, stats: 1, opens: 1}},
		{"one directory", nil, func(t *testing.T, tree *Tree) {
			_, err := tree.ReadDir("area7/pkg1")
			require.NoError(t, err)
		}, counts{reads: 3, stats: 11}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &countingFS{FS: repository(2)}
			tree := mustContext(t, f, tt.lines...).Tree()
			tt.do(t, tree)
			assert.Equal(t, tt.want, f.since(tree))
		})
	}
}

func listTypes(t *testing.T, tree *Tree) {
	t.Helper()
	require.NoError(t, tree.WalkTypes(func(Entry) error { return nil }))
}

func listSizes(t *testing.T, tree *Tree) {
	t.Helper()
	require.NoError(t, tree.Walk(func(Entry) error { return nil }))
}

// TestOneAnswerDoesNotGrow asks the same of a repository and of one that is ten times as large.
func TestOneAnswerDoesNotGrow(t *testing.T) {
	lines := []string{"**/cache", "*.tmp", "!area7/**/keep", "**/*.log"}
	ask := func(packages int) (counts, counts) {
		f := &countingFS{FS: repository(packages)}
		c := mustContext(t, f, lines...)
		_, err := c.Explain("area7/pkg1/mod9/file4.log")
		require.NoError(t, err)
		explained := f.since(c.Tree())
		tree, err := c.Transfer([]string{"area7/pkg1/mod9"})
		require.NoError(t, err)
		_, err = tree.ReadDir("area7/pkg1/mod9")
		require.NoError(t, err)
		return explained, f.since(tree)
	}
	small, smallDir := ask(4)
	large, largeDir := ask(40)
	assert.Equal(t, small, large)
	assert.Zero(t, small.reads, "what the lines say of a file needs no directory")
	assert.Equal(t, smallDir, largeDir)
	assert.EqualValues(t, 4, smallDir.reads)
}

// TestChangedCounts pins what it takes to tell what one line of an ignore file does: what the line cannot concern is not read,
// and the rest once, for both trees.
func TestChangedCounts(t *testing.T) {
	for _, tt := range []struct {
		line  string
		reads int64
		files int
	}{
		{"area3/pkg1/cache", 1 + 1 + 1 + 2, 1},
		{"area3/*/mod4/*.js", 1 + 1 + 2 + 2*10 + 2*2, 4},
		{"**/*.log", 1 + 10 + 20 + 200 + 40, 200},
	} {
		f := &countingFS{FS: repository(2)}
		with, without := mustContext(t, f, "*.tmp", tt.line, "**/*.bak").Tree(), mustContext(t, f, "*.tmp", "**/*.bak").Tree()
		n := 0
		require.NoError(t, Compare(with, without).Changed(func(string) error { n++; return nil }))
		assert.Equal(t, tt.files, n, tt.line)
		assert.Equal(t, counts{reads: tt.reads}, counts{reads: f.reads.Load(), stats: f.stats.Load(), links: f.links.Load()}, tt.line)
	}
}

// TestIgnoredCounts pins what it takes to list what is kept out: each directory is read once, and what is kept out is looked
// at only for its size.
func TestIgnoredCounts(t *testing.T) {
	for _, tt := range []struct {
		sizes bool
		want  counts
	}{
		{false, counts{reads: 1 + 10 + 20 + 200}},
		{true, counts{reads: 1 + 10 + 20 + 200, stats: 20 + 200}},
	} {
		f := &countingFS{FS: repository(2)}
		c := mustContext(t, f, "**/cache", "**/*.log")
		n := 0
		require.NoError(t, c.WalkIgnored(tt.sizes, func(IgnoredEntry) error { n++; return nil }))
		assert.Equal(t, 20+200, n)
		assert.Equal(t, tt.want, f.since(c.Tree()))
	}
}

// TestFlawless has trees that BuildKit refuses or that hold what it cannot send, and some that only look so.
func TestFlawless(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		spoil func(*memFS)
		want  bool
	}{
		{"all is well", nil, func(*memFS) {}, true},
		{"a directory that cannot be read", nil, func(m *memFS) { m.nodes["a/b"].readErr = fs.ErrPermission }, false},
		{"one that is kept out", []string{"a/b"}, func(m *memFS) { m.nodes["a/b"].readErr = fs.ErrPermission }, true},
		{"one that is kept out and entered all the same", []string{"a/b", "!**/c"}, func(m *memFS) { m.nodes["a/b"].readErr = fs.ErrPermission }, true},
		{"a name that is not UTF-8", nil, func(m *memFS) { m.add("a/b/\xff", newMemFS("x").nodes["x"]) }, false},
		{"one that is kept out", []string{"**/b"}, func(m *memFS) { m.add("a/b/\xff", newMemFS("x").nodes["x"]) }, true},
		{"a link that is not UTF-8", nil, func(m *memFS) { m.add("a/b/l", newMemFS("x -> \xff").nodes["x"]) }, false},
		{"a directory that cannot be searched", nil, func(m *memFS) { m.nodes["a/b/c"].infoErr = fs.ErrPermission }, false},
		{"a pattern that fails where it is asked", []string{"a/b/[b-a]"}, func(*memFS) {}, false},
	} {
		m := newMemFS("a/b/c", "a/d", "e/f")
		tt.spoil(m)
		tree := mustContext(t, m, tt.lines...).Tree()
		assert.Equal(t, tt.want, tree.Flawless(nil, nil), tt.name)
		_, err := walkAll(tree)
		if tt.want {
			assert.NoError(t, err, tt.name)
		}
	}
}

// TestListOrder holds the order of a listing against sorted paths, and what it holds against the walk.
func TestListOrder(t *testing.T) {
	m := newMemFS("a/x", "a-b/c/d", "a-b/c.d", "a.x", "a-b-c", "a/x-y/z", "b/keep", "b/gone", "b-a", "c/gone/x", "l -> a")
	for _, lines := range [][]string{nil, {"b", "c", "!b/keep"}, {"**/gone", "a-b", "!**/d"}} {
		tree := mustContext(t, m, lines...).Tree()
		walked, err := walkAll(tree)
		require.NoError(t, err)
		var listed []string
		require.NoError(t, tree.List(true, func(e Entry) error {
			listed = append(listed, e.Path)
			return nil
		}))
		assert.IsIncreasing(t, listed)
		assert.ElementsMatch(t, pathsOf(walked), listed)
	}
	m.nodes["c"].readErr = fs.ErrPermission
	var listed []string
	err := mustContext(t, m).Tree().List(false, func(e Entry) error {
		listed = append(listed, e.Path)
		return nil
	})
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, listed, "an error comes alone")
}

// TestWalkTypes is Walk but for sizes and permissions, on a real directory, read in the system's way and in the portable one.
func TestWalkTypes(t *testing.T) {
	dir := oddDir(t)
	for _, plain := range []bool{false, true} {
		fsys, err := DirFS(dir)
		require.NoError(t, err)
		fsys.(*dirFS).plain = plain
		for _, lines := range [][]string{{"x"}, {"d", "!d/f"}, {"*", "!**/f"}} {
			want, err := walkAll(mustContext(t, fsys, lines...).Tree())
			require.NoError(t, err)
			i := 0
			require.NoError(t, mustContext(t, fsys, lines...).Tree().WalkTypes(func(e Entry) error {
				w := want[i]
				w.Mode, w.Size = w.Mode.Type(), 0
				assert.Equal(t, w, e)
				i++
				return nil
			}))
			assert.Len(t, want, i)
		}
	}
}

// TestReadersAgree reads a directory in the system's own way and in the portable one.
func TestReadersAgree(t *testing.T) {
	dir := oddDir(t)
	for i := range 5000 {
		require.NoError(t, os.WriteFile(fmt.Sprintf("%s/d/%s%d", dir, strings.Repeat("long", i%20), i), make([]byte, i%7), 0o600))
	}
	own, err := DirFS(dir)
	require.NoError(t, err)
	portable, err := DirFS(dir)
	require.NoError(t, err)
	portable.(*dirFS).plain = true
	want, err := walkAll(mustContext(t, portable).Tree())
	require.NoError(t, err)
	got, err := walkAll(mustContext(t, own).Tree())
	require.NoError(t, err)
	assert.Equal(t, want, got)
	for _, name := range []string{".", "d", "no\xffutf8"} {
		a, err := own.ReadDir(name)
		require.NoError(t, err)
		b, err := portable.ReadDir(name)
		require.NoError(t, err)
		require.Len(t, a, len(b))
		for i := range a {
			assert.Equal(t, b[i].Name(), a[i].Name())
			assert.Equal(t, b[i].Type(), a[i].Type())
			x, err := a[i].Info()
			require.NoError(t, err)
			y, err := b[i].Info()
			require.NoError(t, err)
			assert.Equal(t, [2]any{y.Mode(), y.Size()}, [2]any{x.Mode(), x.Size()})
		}
	}
	for _, name := range []string{"outdir", "indir", "..", "outdir/context", "d/f", "nowhere"} {
		_, a := own.ReadDir(name)
		_, b := portable.ReadDir(name)
		require.Error(t, b, name)
		assert.EqualError(t, a, b.Error(), name)
	}
}

// TestWalkTypesUnsearchable has a directory that can be read but not searched: BuildKit fails there, and so must a walk
// that wants no more than types.
func TestWalkTypesUnsearchable(t *testing.T) {
	m := newMemFS("a", "b/c", "b/d", "e")
	m.nodes["b/c"].infoErr = fs.ErrPermission
	m.nodes["b/d"].infoErr = fs.ErrPermission
	for _, lines := range [][]string{nil, {"z"}, {"b"}, {"b", "!b/d"}, {"b/c"}} {
		want, wantErr := walkAll(mustContext(t, m, lines...).Tree())
		var got []string
		err := mustContext(t, m, lines...).Tree().WalkTypes(func(e Entry) error {
			got = append(got, e.Path)
			return nil
		})
		assert.Equal(t, wantErr, err, "%q", lines)
		assert.Equal(t, pathsOf(want), append([]string{}, got...), "%q", lines)
	}
}
