package simulate

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := bytes.Repeat([]byte("x"), int(h.Size))
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write(body)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func compress(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	default:
		return data
	}
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// add builds `ADD archive /d/` and lists what is in the image.
func add(t testing.TB, archive []byte) ([]string, error) {
	t.Helper()
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nADD archive /d/\n"})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "archive"), archive, 0o644))
	m, err := Build(context.Background(), dockerfile.Options{Context: dir})
	if err != nil {
		return nil, err
	}
	var out []string
	err = m.Tree.Walk(func(p string, n *rootfs.Node) error {
		line := fmt.Sprintf("%s %s %04o %d:%d %d", p, n.Kind, n.Perm, n.Owner.UID, n.Owner.GID, n.Size)
		if n.Link != "" {
			line += " -> " + n.Link
		}
		out = append(out, line)
		return nil
	})
	return out, err
}

func TestArchivesAreToldByContent(t *testing.T) {
	data := tarOf(t, tar.Header{Name: "f", Typeflag: tar.TypeReg, Mode: 0o640, Uid: 3, Gid: 4, Size: 5})
	for _, kind := range []string{"none", "gzip", "xz", "zstd"} {
		t.Run(kind, func(t *testing.T) {
			got, err := add(t, compress(t, kind, data))
			require.NoError(t, err)
			assert.Equal(t, []string{"/d dir 0755 0:0 0", "/d/f file 0640 3:4 5"}, got)
		})
	}
	got, err := add(t, compress(t, "gzip", []byte("no archive")))
	require.NoError(t, err)
	assert.Equal(t, "/d/archive", got[1][:10], "what is compressed and no archive is copied")
}

func TestHostileArchives(t *testing.T) {
	reg := func(name string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: 1}
	}
	whole := tarOf(t, reg("a"), tar.Header{Name: "b", Typeflag: tar.TypeReg, Mode: 0o644, Size: 2000})
	for name, c := range map[string]struct {
		archive []byte
		want    []string
		fails   bool
	}{
		"parents stay in":        {tarOf(t, reg("../../x")), []string{"/d dir 0755 0:0 0", "/d/x file 0644 0:0 1"}, false},
		"absolute stays in":      {tarOf(t, reg("/etc/x")), []string{"/d dir 0755 0:0 0", "/d/etc dir 0755 0:0 0", "/d/etc/x file 0644 0:0 1"}, false},
		"whiteouts are files":    {tarOf(t, reg(".wh.x")), []string{"/d dir 0755 0:0 0", "/d/.wh.x file 0644 0:0 1"}, false},
		"hard link to outside":   {tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), nil, true},
		"hard link to nothing":   {tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "nope"}), nil, true},
		"below a file":           {tarOf(t, reg("a"), reg("a/b")), nil, true},
		"through a dangling one": {tarOf(t, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/nope"}, reg("l/x")), nil, true},
		"truncated":              {whole[:len(whole)-2500], nil, true},
		"hard link": {
			tarOf(t, reg("a"), tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "a", Mode: 0o600, Uid: 7, Gid: 8}),
			[]string{"/d dir 0755 0:0 0", "/d/a file 0600 7:8 1", "/d/b file 0600 7:8 1"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := add(t, c.archive)
			if c.fails {
				require.Error(t, err)
				assert.Contains(t, err.Error(), "Dockerfile:2")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// A bomb is left at the limit, and what it would hold is unknown.
func TestArchivesAreBounded(t *testing.T) {
	data := compress(t, "gzip", tarOf(t, tar.Header{Name: "small", Typeflag: tar.TypeReg, Size: 10}, tar.Header{Name: "big", Typeflag: tar.TypeReg, Size: 1 << 20}))
	a, err := openArchive(inlineContent(data), budget.New(budget.Limits{Bytes: 64 << 10}))
	require.NoError(t, err)
	defer a.Close()
	first, err := a.Next()
	require.NoError(t, err)
	x := &extraction{tree: rootfs.New(), inodes: map[*rootfs.Node]bool{}, content: func(int) rootfs.Content { return nil }}
	assert.ErrorIs(t, x.run(a.Reader, first), errArchiveTooLarge)
	assert.True(t, x.tree.Exists("/small"))
}

func TestArchiveMembersCanBeRead(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"one", "two"} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 3}))
		_, err := w.Write([]byte(name))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	dir := files(t, map[string]string{"Dockerfile": "FROM scratch\nADD a.tar /\n", "a.tar": b.String()})
	m := build(t, dir)
	n, err := m.Tree.Lstat("/two")
	require.NoError(t, err)
	r, err := n.Open()
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "two", string(data))
}

// Whatever the bytes are, ADD gives an image or a build error with a line, and never writes outside the destination.
func FuzzAdd(f *testing.F) {
	f.Add(tarOf(f, tar.Header{Name: "../x", Typeflag: tar.TypeReg, Size: 1}, tar.Header{Name: "x/y", Typeflag: tar.TypeDir}))
	f.Add(tarOf(f, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../../.."}, tar.Header{Name: "l/x", Typeflag: tar.TypeReg, Size: 1}))
	f.Add([]byte("\x1f\x8b\x08 no gzip"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := add(t, data)
		if err != nil {
			var be *BuildError
			require.ErrorAs(t, err, &be)
			assert.Equal(t, 2, be.Location.Range.Start.Line)
			return
		}
		require.NotEmpty(t, got)
		for _, line := range got {
			assert.True(t, line[:2] == "/d", "outside the destination: %s", line)
		}
	})
}
