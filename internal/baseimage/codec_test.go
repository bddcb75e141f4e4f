package baseimage

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/imagetest"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

func encoded(t testing.TB, x *Index) []byte {
	var b bytes.Buffer
	require.NoError(t, x.Encode(&b))
	return b.Bytes()
}

// same holds two indexes against each other.
func same(t testing.TB, want, got *Index) {
	entries := func(x *Index) map[string]rootfs.Attr {
		out := map[string]rootfs.Attr{}
		require.NoError(t, x.Tree.Walk(func(p string, n *rootfs.Node) error { out[p] = n.Attr; return nil }))
		return out
	}
	require.Equal(t, entries(want), entries(got))
	require.Equal(t, want.Entries, got.Entries)
	require.Equal(t, []string{want.Digest, want.Listed, string(want.Config)}, []string{got.Digest, got.Listed, string(got.Config)})
	require.Equal(t, want.Image, got.Image)
}

func TestEncode(t *testing.T) {
	x, err := Open(t.Context(), written(t, "layout", layers), "", "linux/amd64")
	require.NoError(t, err)
	x.Listed = "sha256:list"
	data := encoded(t, x)
	back, err := Decode(bytes.NewReader(data))
	require.NoError(t, err)
	same(t, x, back)
	for _, cut := range []int{0, 1, len(data) / 2, len(data) - 1} {
		_, err := Decode(bytes.NewReader(data[:cut]))
		assert.Error(t, err, "the first %d bytes", cut)
	}
}

// What is stored is read as it was written, whatever is read.
func FuzzDecode(f *testing.F) {
	img, err := imagetest.Image(layers)
	require.NoError(f, err)
	dir := filepath.Join(f.TempDir(), "layout")
	require.NoError(f, imagetest.Write("layout", dir, map[string]v1.Image{"app": img}))
	x, err := Open(f.Context(), dir, "", "linux/amd64")
	require.NoError(f, err)
	raw := func(t testing.TB, x *Index) []byte {
		var b bytes.Buffer
		require.NoError(t, x.encode(&b))
		return b.Bytes()
	}
	f.Add(raw(f, x))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		back, err := decode(bytes.NewReader(raw(t, x)))
		require.NoError(t, err)
		same(t, x, back)
	})
}

// Whatever a layer says, every entry of the image has a name below the root, and is found there again.
func FuzzLayer(f *testing.F) {
	for _, format := range []string{"plain", "gzip", "zstd"} {
		data, err := imagetest.Archive(format, "dir a 0755 0:0\nfile a/b 0644 1:2 text\nsymlink l 0777 0:0 a\nlink h 0644 1:2 l/b\nfile .wh.a 0644 0:0\nfile a/.wh..wh..opq 0644 0:0")
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := newMerger(dockerspec.DockerOCIImageConfig{})
		r, err := unpacked(bytes.NewReader(data), m.spent)
		if err != nil {
			return
		}
		defer r.Close()
		_ = m.apply(t.Context(), 0, r) // what was laid before it failed is looked at, too
		require.NoError(t, m.tree.Walk(func(p string, n *rootfs.Node) error {
			have, err := m.tree.Lstat(p)
			require.NoError(t, err, p)
			require.Same(t, n, have, p)
			require.Less(t, len(p), maxPath)
			return nil
		}))
	})
}

func TestCache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := OpenCache(false)
	require.ErrorIs(t, err, os.ErrNotExist)
	c, err := OpenCache(true)
	require.NoError(t, err)
	defer c.Close()
	x, err := Open(t.Context(), written(t, "layout", layers), "", "linux/amd64")
	require.NoError(t, err)
	now := time.Date(2026, 11, 28, 1, 2, 3, 4, time.UTC)
	const ref = "docker.io/library/app:1"
	p, err := c.Add(x, ref, now)
	require.NoError(t, err)
	assert.Equal(t, "2026-11-28 01:02:03 +0000 UTC", p.Time.String())
	_, err = c.Add(x, "docker.io/library/other:1", now)
	require.NoError(t, err)
	_, err = c.Add(x, ref, now.Add(time.Hour)) // again
	require.NoError(t, err)
	all, err := c.List()
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, 2, all[0].Time.Hour())
	back, err := c.Index(all[0])
	require.NoError(t, err)
	same(t, x, back)

	b, err := NewBases(nil)
	require.NoError(t, err)
	defer b.Close()
	for asked, known := range map[string]bool{
		ref: true, "docker.io/library/app:2": false, "docker.io/library/app@" + x.Digest: true, "docker.io/library/app:1@" + x.Digest: true,
		"docker.io/library/app:1@sha256:0": false,
	} {
		config, got, err := b.ResolveImageConfig(t.Context(), asked, "linux/amd64")
		require.NoError(t, err)
		assert.Equal(t, known, got, asked)
		tree, about, err := b.BaseTree(asked, "linux/amd64")
		require.NoError(t, err)
		if known {
			assert.Equal(t, string(x.Config), string(config))
			assert.Equal(t, merged, list(t, tree))
			assert.Equal(t, x.Digest+", pulled 2026-11-28", about)
		}
		_, got, err = b.ResolveImageConfig(t.Context(), asked, "linux/arm64")
		require.NoError(t, err)
		assert.False(t, got, "it is for another platform")
	}

	// What was given by its name is the one with its digest, too, and comes before what was pulled.
	given, err := NewBases(map[string]string{"app:1": written(t, "layout", layers), "nobody:1": written(t, "layout", layers)})
	require.NoError(t, err)
	defer given.Close()
	require.NoError(t, given.Load(t.Context(), "linux/amd64"))
	for asked, want := range map[string]string{"docker.io/library/app:1@" + x.Digest: "given as", ref: "given as", "docker.io/library/other:1": "pulled"} {
		_, known, err := given.ResolveImageConfig(t.Context(), asked, "linux/amd64")
		require.NoError(t, err)
		assert.True(t, known, asked)
		_, about, err := given.BaseTree(asked, "linux/amd64")
		require.NoError(t, err)
		assert.Contains(t, about, want, asked)
	}
	_, known, err := given.ResolveImageConfig(t.Context(), "docker.io/library/app:1@sha256:0", "linux/amd64")
	require.NoError(t, err)
	assert.False(t, known)
	assert.Equal(t, []string{"docker.io/library/nobody:1"}, given.Unused())

	n, err := c.Remove(ref)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	_, err = c.Index(p)
	require.NoError(t, err, "another name has it")
	_, err = c.Remove("docker.io/library/other:1")
	require.NoError(t, err)
	_, err = c.Index(p)
	require.ErrorIs(t, err, os.ErrNotExist)
}
