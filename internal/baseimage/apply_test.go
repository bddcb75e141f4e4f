package baseimage

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	layerfile "github.com/containerd/containerd/v2/pkg/archive"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Layers are merged as containerd, whose code BuildKit unpacks images with, applies them to a directory.
func TestLayersAsContainerd(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	refused := 0
	for n := range 300 {
		var images [][]byte
		for range 1 + r.IntN(3) {
			images = append(images, randomLayer(r))
		}
		dir := t.TempDir()
		m := newMerger(dockerspec.DockerOCIImageConfig{})
		for i, data := range images {
			_, want := layerfile.Apply(t.Context(), dir, bytes.NewReader(data), layerfile.WithNoSameOwner())
			got := m.layer(t.Context(), i, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, digest.FromBytes(data))
			if want != nil { // nobody can have such an image
				refused++
				break
			}
			require.NoError(t, got, "image %d, layer %d\n%s", n, i, shown(images))
			require.Equal(t, onDisk(t, dir), inTree(t, m.tree), "image %d, layer %d\n%s", n, i, shown(images))
		}
	}
	assert.Less(t, refused, 250, "few of the random layers are any good")
}

func randomLayer(r *rand.Rand) []byte {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	name := func() string {
		var parts []string
		for range 1 + r.IntN(3) {
			parts = append(parts, pick("a", "b", "c", "d"))
		}
		return strings.Join(parts, "/")
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for range 1 + r.IntN(8) {
		h := &tar.Header{Name: name(), Mode: 0o700 | int64(r.IntN(64))}
		switch r.IntN(9) {
		case 0, 1:
			h.Typeflag, h.Size = tar.TypeReg, int64(r.IntN(3))
		case 2, 3:
			h.Typeflag = tar.TypeDir
		case 4:
			h.Typeflag, h.Linkname = tar.TypeSymlink, pick("a", "b", "../c", "/d", "a/b", "..", "nowhere")
		case 5:
			h.Typeflag, h.Linkname = tar.TypeLink, name()
		case 6, 7:
			h.Typeflag, h.Name = tar.TypeReg, filepath.Join(filepath.Dir(h.Name), whiteout+filepath.Base(h.Name))
		case 8:
			h.Typeflag, h.Name = tar.TypeReg, filepath.Join(filepath.Dir(h.Name), opaque)
		}
		if w.WriteHeader(h) == nil {
			_, _ = w.Write(make([]byte, h.Size))
		}
	}
	_ = w.Close()
	return b.Bytes()
}

func shown(layers [][]byte) string {
	var b strings.Builder
	for i, data := range layers {
		for t := tar.NewReader(bytes.NewReader(data)); ; {
			h, err := t.Next()
			if err != nil {
				break
			}
			fmt.Fprintf(&b, "%d: %c %s %04o %s\n", i, h.Typeflag, h.Name, h.Mode, h.Linkname)
		}
	}
	return b.String()
}

func onDisk(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		kind := rootfs.KindOf(fi.Mode())
		text := fmt.Sprintf("%s %04o", kind, rootfs.PermOf(fi.Mode()))
		switch kind {
		case rootfs.KindFile:
			text += fmt.Sprintf(" %d", fi.Size())
		case rootfs.KindSymlink:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			text += " " + target
		}
		out[strings.TrimPrefix(p, dir)] = text
		return nil
	}))
	return out
}

func inTree(t *testing.T, tree *rootfs.Tree) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, tree.Walk(func(p string, n *rootfs.Node) error {
		text := fmt.Sprintf("%s %04o", n.Kind, n.Perm)
		switch n.Kind {
		case rootfs.KindFile:
			text += fmt.Sprintf(" %d", n.Size)
		case rootfs.KindSymlink:
			text += " " + n.Link
		}
		out[p] = text
		return nil
	}))
	return out
}

func TestMain(m *testing.M) {
	syscall.Umask(0)
	os.Exit(m.Run())
}
