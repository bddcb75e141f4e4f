package rootfs

import (
	"io/fs"
	"maps"
	"path"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// build makes a tree from paths: a trailing slash is a directory, "a -> b" a link, anything else a file.
func build(t *testing.T, entries ...string) *Tree {
	t.Helper()
	tr := New()
	for _, e := range entries {
		a := Attr{Kind: KindFile, Perm: 0o644, Op: -1}
		p := e
		for i := range len(e) {
			if i+4 <= len(e) && e[i:i+4] == " -> " {
				p, a = e[:i], Attr{Kind: KindSymlink, Perm: 0o777, Link: e[i+4:], Op: -1}
			}
		}
		if p[len(p)-1] == '/' {
			a = Attr{Kind: KindDir, Perm: 0o755, Op: -1}
		}
		require.NoError(t, tr.Put(p, NewNode(a)), e)
	}
	return tr
}

func list(t *testing.T, tr *Tree) []string {
	t.Helper()
	out := []string{}
	require.NoError(t, tr.Walk(func(p string, n *Node) error {
		if n.IsDir() {
			p += "/"
		}
		out = append(out, p)
		return nil
	}))
	return out
}

func TestForkKeepsBothSidesApart(t *testing.T) {
	a := build(t, "/d/", "/d/x", "/e/")
	b := a.Fork()
	require.NoError(t, b.Put("/d/y", NewNode(Attr{Kind: KindFile})))
	require.NoError(t, a.Remove("/d/x"))
	require.NoError(t, a.SetAttr("/e", func(at *Attr) { at.Perm = 0o700 }))
	assert.Equal(t, []string{"/d/", "/e/"}, list(t, a))
	assert.Equal(t, []string{"/d/", "/d/x", "/d/y", "/e/"}, list(t, b))
	e, err := b.Lstat("/e")
	require.NoError(t, err)
	assert.Equal(t, uint16(0o755), e.Perm, "a change after the fork must not show in the other tree")
}

type countingLoader struct{ n *int }

func (l countingLoader) Load() ([]Child, error) {
	*l.n++
	return []Child{{"b", NewNode(Attr{Kind: KindFile})}, {"a", NewNode(Attr{Kind: KindFile})}}, nil
}

func TestLazyDirectoryIsReadOnceAndOnlyWhenAsked(t *testing.T) {
	reads := 0
	tr := New()
	require.NoError(t, tr.Put("/lazy", NewLazyDir(Attr{}, countingLoader{&reads})))
	f := tr.Fork()
	require.NoError(t, f.Put("/other", NewNode(Attr{Kind: KindFile})))
	assert.Zero(t, reads)
	assert.Equal(t, []string{"/lazy/", "/lazy/a", "/lazy/b", "/other"}, list(t, f))
	assert.Equal(t, []string{"/lazy/", "/lazy/a", "/lazy/b"}, list(t, tr))
	assert.Equal(t, 1, reads)
}

func TestResolve(t *testing.T) {
	tr := build(t, "/a/", "/a/b/", "/a/b/f", "/abs -> /a/b", "/rel -> a/b", "/up -> ../../../a", "/dangling -> /no/where",
		"/loop -> loop", "/l1 -> l2", "/l2 -> a", "/a/back -> ../rel/f", "/file")
	for in, want := range map[string]string{
		"/":             "/",
		"":              "/",
		"/a/b":          "/a/b",
		"a/b/":          "/a/b",
		"/abs/f":        "/a/b/f",
		"/rel/f":        "/a/b/f",
		"/up/b":         "/a/b",
		"/dangling":     "/no/where",
		"/dangling/x":   "/no/where/x",
		"/l1/back":      "/a/b/f",
		"/missing/x":    "/missing/x",
		"/../../a":      "/a",
		"/abs/../other": "/a/other", // as RootPath has it: its callers clean a path before
	} {
		t.Run(path.Join("p", in), func(t *testing.T) {
			got, err := tr.Resolve(in)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	_, err := tr.Resolve("/loop")
	assert.ErrorIs(t, err, ErrTooManyLinks)
	_, err = tr.Resolve("/file/x")
	assert.ErrorContains(t, err, "not a directory")
	p, err := tr.ResolveParent("/rel/f")
	require.NoError(t, err)
	assert.Equal(t, "/a/b/f", p)
	p, err = tr.ResolveParent("/abs")
	require.NoError(t, err)
	assert.Equal(t, "/abs", p, "the last component stays")
}

func TestLookup(t *testing.T) {
	tr := build(t, "/a/", "/a/b/", "/a/f", "/l -> a/b/../f", "/d -> a", "/dangling -> x", "/loop -> loop")
	n, at, err := tr.Lookup("/l", true)
	require.NoError(t, err)
	assert.Equal(t, "/a/f", at)
	assert.Equal(t, KindFile, n.Kind)
	n, _, err = tr.Lookup("/l", false)
	require.NoError(t, err)
	assert.Equal(t, KindSymlink, n.Kind)
	n, _, err = tr.Lookup("/dangling", true)
	require.NoError(t, err)
	assert.Nil(t, n)
	n, _, err = tr.Lookup("/a/f/below", true)
	require.NoError(t, err)
	assert.Nil(t, n, "below a file there is nothing")
	_, _, err = tr.Lookup("/loop", true)
	assert.ErrorIs(t, err, ErrTooManyLinks)
}

func TestPutNeedsADirectory(t *testing.T) {
	tr := build(t, "/f")
	assert.Error(t, tr.Put("/f/x", NewNode(Attr{Kind: KindFile})))
	assert.ErrorIs(t, tr.Put("/no/x", NewNode(Attr{Kind: KindFile})), fs.ErrNotExist)
}

func TestModesRoundTrip(t *testing.T) {
	for perm := range uint16(0o10000) {
		require.Equal(t, perm, PermOf(FileMode(perm)))
	}
}

// The order of a listing is that of sorted paths, whatever sorts between a directory's name and a slash.
func TestListOrder(t *testing.T) {
	tree := New()
	for _, dir := range []string{"/a", "/a/x", "/a-b", "/a-b/c", "/a.d", "/b"} {
		require.NoError(t, tree.Put(dir, NewNode(Attr{Kind: KindDir})))
	}
	for _, file := range []string{"/a/f", "/a/x/g", "/a/x-y", "/a-b/c/d", "/a-b/c.d", "/a-c", "/a0", "/b/z"} {
		require.NoError(t, tree.Put(file, NewNode(Attr{Kind: KindFile})))
	}
	var walked, listed []string
	require.NoError(t, tree.Walk(func(p string, _ *Node) error { walked = append(walked, p); return nil }))
	require.NoError(t, tree.List(func(p string, _ *Node) error { listed = append(listed, p); return nil }))
	assert.IsIncreasing(t, listed)
	assert.ElementsMatch(t, walked, listed)
}

// Copies of a large directory change on their own, in whatever order, and hold what a plain map would.
func TestEntriesAreIndependent(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type pair struct {
			tree *Tree
			want map[string]int32
		}
		first := pair{New(), map[string]int32{}}
		for i := range int32(rapid.SampledFrom([]int{0, 5, 100, 400}).Draw(r, "size")) {
			name := strconv.Itoa(int(i))
			require.NoError(r, first.tree.Put("/"+name, NewNode(Attr{Kind: KindFile, Op: i})))
			first.want[name] = i
		}
		pairs := []pair{first}
		for step := range int32(rapid.IntRange(1, 60).Draw(r, "steps")) {
			p := pairs[rapid.IntRange(0, len(pairs)-1).Draw(r, "tree")]
			name := strconv.Itoa(rapid.IntRange(0, 410).Draw(r, "name"))
			switch rapid.IntRange(0, 2).Draw(r, "what") {
			case 0:
				pairs = append(pairs, pair{p.tree.Fork(), maps.Clone(p.want)})
			case 1:
				require.NoError(r, p.tree.Put("/"+name, NewNode(Attr{Kind: KindFile, Op: 1000 + step})))
				p.want[name] = 1000 + step
			case 2:
				require.NoError(r, p.tree.Remove("/"+name))
				delete(p.want, name)
			}
		}
		for _, p := range pairs {
			got := map[string]int32{}
			require.NoError(r, p.tree.Walk(func(name string, n *Node) error { got[name[1:]] = n.Op; return nil }))
			require.Equal(r, p.want, got)
			for name, op := range p.want {
				n, err := p.tree.Lstat("/" + name)
				require.NoError(r, err)
				require.Equal(r, op, n.Op)
			}
		}
	})
}

// The short way gives what the long one gives.
func TestPlainPaths(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tree := New()
		name := rapid.SampledFrom([]string{"a", "b", "c", "a..b"})
		for range rapid.IntRange(0, 12).Draw(r, "entries") {
			p := "/" + strings.Join(rapid.SliceOfN(name, 1, 3).Draw(r, "path"), "/")
			kind := rapid.SampledFrom([]Kind{KindDir, KindDir, KindFile, KindSymlink, KindUnknown}).Draw(r, "kind")
			_ = tree.Put(p, NewNode(Attr{Kind: kind, Link: "/" + strings.Join(rapid.SliceOfN(name, 1, 2).Draw(r, "link"), "/")}))
		}
		p := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "..", ".", "", "a..b"}), 1, 6).Draw(r, "asked"), "/")
		if clean, n, ok := tree.plain(p); ok {
			long, err := tree.resolveLinks(p)
			require.NoError(r, err)
			require.Equal(r, long, clean)
			there, _ := tree.Lstat(long)
			require.Same(r, there, n)
		}
		for _, last := range []bool{false, true} {
			n, at, err := tree.Lookup(p, last)
			wantN, wantAt, wantErr := tree.lookupLinks(p, last)
			require.Equal(r, wantErr, err)
			require.Equal(r, wantAt, at)
			require.Same(r, wantN, n)
		}
	})
	_, err := New().Resolve(strings.Repeat("/a", 3000))
	require.ErrorIs(t, err, syscall.ENAMETOOLONG)
}
