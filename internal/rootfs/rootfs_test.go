package rootfs

import (
	"io/fs"
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
