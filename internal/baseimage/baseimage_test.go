package baseimage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/imagetest"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

func image(t *testing.T, text string) v1.Image {
	t.Helper()
	img, err := imagetest.Image(text)
	require.NoError(t, err)
	return img
}

// written writes an image in one of the ways there are.
func written(t *testing.T, kind, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), kind)
	require.NoError(t, imagetest.Write(kind, file, map[string]v1.Image{"docker.io/library/app:1": image(t, text)}))
	return file
}

// list shows a tree, an entry a line.
func list(t *testing.T, tree *rootfs.Tree) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, tree.Walk(func(p string, n *rootfs.Node) error {
		fmt.Fprintf(&b, "%s %s %04o %d:%d", p, n.Kind, n.Perm, n.Owner.UID, n.Owner.GID)
		switch {
		case n.Kind == rootfs.KindFile:
			fmt.Fprintf(&b, " %d", n.Size)
		case n.Kind == rootfs.KindSymlink:
			fmt.Fprintf(&b, " -> %s", n.Link)
		case n.Rdev != 0:
			fmt.Fprintf(&b, " %#x", n.Rdev)
		}
		b.WriteString("\n")
		return nil
	}))
	return b.String()
}

// layers has every way in which a layer changes what lies below it.
const layers = `config {"Env":["A=b"],"User":"app","Entrypoint":["/run.sh"],"OnBuild":["COPY . /app"]}
layer plain
dir etc 0755 0:0
file etc/passwd 0644 0:0 "root:x:0:0::/:/bin/sh\napp:x:7:8::/:/bin/sh\n"
dir opt/dir 0700 1:2
file opt/dir/a 0644 0:0 aaa
file opt/dir/b 0644 0:0 bbb
dir opt/hidden 0755 0:0
file opt/hidden/old 0644 0:0 old
file opt/gone 0600 0:0 gone
dir usr/lib 0755 0:0
symlink lib 0777 0:0 usr/lib
file opt/becomes 0644 0:0 x
char dev/null 0666 0:0
layer gzip
file usr/lib/through 0644 3:4 through
link opt/hard 0644 3:4 usr/lib/through
file opt/.wh.gone 0644 0:0
file opt/hidden/new 0644 0:0 new
file opt/hidden/.wh..wh..opq 0644 0:0
dir opt/dir 0750 5:6
dir opt/becomes 0755 0:0
file opt/becomes/in 0644 0:0 in
layer zstd
file lib/instead 0644 0:0 x
file run.sh 0755 0:0 "#!/bin/sh\n"
file opt/dir 0644 0:0 file
fifo opt/pipe 0600 0:0
`

const merged = `/dev dir 0755 0:0
/dev/null char 0666 0:0 0x103
/etc dir 0755 0:0
/etc/passwd file 0644 0:0 43
/lib dir 0755 0:0
/lib/instead file 0644 0:0 1
/opt dir 0755 0:0
/opt/becomes dir 0755 0:0
/opt/becomes/in file 0644 0:0 2
/opt/dir file 0644 0:0 4
/opt/hard file 0644 3:4 7
/opt/hidden dir 0755 0:0
/opt/hidden/new file 0644 0:0 3
/opt/pipe fifo 0600 0:0
/run.sh file 0755 0:0 10
/usr dir 0755 0:0
/usr/lib dir 0755 0:0
/usr/lib/through file 0644 3:4 7
`

func TestOpen(t *testing.T) {
	for _, kind := range []string{"layout", "archive", "saved"} {
		x, err := Open(t.Context(), written(t, kind, layers), "", "linux/amd64")
		require.NoError(t, err, kind)
		assert.Equal(t, merged, list(t, x.Tree), kind)
		assert.Equal(t, "linux/amd64", x.Platform())
		assert.Equal(t, "app", x.Image.Config.User)
		assert.Equal(t, []string{"COPY . /app"}, x.Image.Config.OnBuild)
		assert.Equal(t, strings.Count(merged, "\n"), x.Entries)
		digest, err := image(t, layers).Digest()
		require.NoError(t, err)
		if kind != "saved" {
			assert.Equal(t, digest.String(), x.Digest)
		}
		for p, want := range map[string]string{"/etc/passwd": "root:x:0:0::/:/bin/sh\napp:x:7:8::/:/bin/sh\n", "/run.sh": "#!/bin/sh\n", "/opt/hidden/new": "new"} {
			n, err := x.Tree.Lstat(p)
			require.NoError(t, err)
			assert.Equal(t, text(want), n.Content, p)
		}
		n, err := x.Tree.Lstat("/opt/hidden/new")
		require.NoError(t, err)
		assert.Equal(t, int32(1), n.Op, "the layer")
	}
}

// An archive may be packed as a whole.
func TestPackedArchive(t *testing.T) {
	for _, format := range []string{"gzip", "zstd"} {
		var lines strings.Builder
		dir := written(t, "layout", layers)
		require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				data, err := os.ReadFile(p)
				require.NoError(t, err)
				fmt.Fprintf(&lines, "file %q 0644 0:0 %q\n", strings.TrimPrefix(p, dir+"/"), data)
			}
			return err
		}))
		data, err := imagetest.Archive(format, lines.String())
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "image.tar."+format)
		require.NoError(t, os.WriteFile(file, data, 0o600))
		x, err := Open(t.Context(), file, "", "linux/amd64")
		require.NoError(t, err)
		assert.Equal(t, merged, list(t, x.Tree))
	}
}

func TestSeveralImages(t *testing.T) {
	one, two := image(t, "layer plain\nfile one 0644 0:0 1\n"), image(t, "layer plain\nfile two 0644 0:0 2\n")
	for _, kind := range []string{"layout", "saved"} {
		file := filepath.Join(t.TempDir(), "images")
		require.NoError(t, imagetest.Write(kind, file, map[string]v1.Image{"docker.io/library/one:1": one, "docker.io/library/two:2": two}))
		x, err := Open(t.Context(), file, "docker.io/library/two:2", "linux/amd64")
		require.NoError(t, err)
		assert.Equal(t, "/two file 0644 0:0 1\n", list(t, x.Tree))
		_, err = Open(t.Context(), file, "docker.io/library/three:3", "linux/amd64")
		var unnamed *NameError
		require.ErrorAs(t, err, &unnamed)
		assert.Len(t, unnamed.Has, 2)
	}
}

// A list of platforms is looked through, and what says something about an image is none.
func TestPlatforms(t *testing.T) {
	amd, arm := image(t, "layer plain\nfile amd 0644 0:0 1\n"), image(t, "architecture arm64\nlayer plain\nfile arm 0644 0:0 1\n")
	list64 := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: amd, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}})
	dir := filepath.Join(t.TempDir(), "layout")
	p, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, p.AppendIndex(list64))
	for platform, want := range map[string]string{"linux/amd64": "/amd file 0644 0:0 1\n", "linux/arm64": "/arm file 0644 0:0 1\n"} {
		x, err := Open(t.Context(), dir, "", platform)
		require.NoError(t, err)
		assert.Equal(t, want, list(t, x.Tree))
		digest, err := list64.Digest()
		require.NoError(t, err)
		assert.Equal(t, digest.String(), x.Listed)
	}
	_, err = Open(t.Context(), dir, "", "linux/s390x")
	var other *PlatformError
	require.ErrorAs(t, err, &other)
	assert.Equal(t, []string{"linux/amd64", "linux/arm64"}, other.Has)
}

func TestDamaged(t *testing.T) {
	blob := func(dir string, size func(int64) bool) string {
		found := ""
		require.NoError(t, filepath.WalkDir(filepath.Join(dir, "blobs"), func(p string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if fi, err := d.Info(); err == nil && size(fi.Size()) {
					found = p
				}
			}
			return err
		}))
		require.NotEmpty(t, found)
		return found
	}
	layer := func(size int64) bool { return size == 2048 }
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"a layer is missing": {func(dir string) error { return os.Remove(blob(dir, layer)) }, "it does not exist"},
		"a layer is another one": {func(dir string) error {
			data, err := imagetest.Archive("plain", "file x 0644 0:0 y")
			if err == nil {
				err = os.WriteFile(blob(dir, layer), data, 0o600)
			}
			return err
		}, "it is damaged"},
		"a configuration is another one": {func(dir string) error {
			return os.WriteFile(blob(dir, func(n int64) bool { return n < 400 }), []byte("{}"), 0o600)
		}, "is damaged"},
		"a layer is a link out": {func(dir string) error {
			at := blob(dir, layer)
			if err := os.Rename(at, filepath.Join(filepath.Dir(dir), "outside")); err != nil {
				return err
			}
			return os.Symlink("../../../outside", at)
		}, "escapes"},
		"it is no image":   {func(dir string) error { return os.Remove(filepath.Join(dir, "index.json")) }, "neither an OCI layout nor"},
		"a digest is none": {func(dir string) error { return rewrite(dir, `"sha256:`, `"sha256:../../`) }, "invalid"},
		"nested JSON": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "index.json"), []byte(strings.Repeat("[", 10000)), 0o600)
		}, "nested more than"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, "layout", "layer plain\nfile a 0644 0:0 b\n")
			require.NoError(t, c.damage(dir))
			_, err := Open(t.Context(), dir, "", "linux/amd64")
			assert.ErrorContains(t, err, c.want)
		})
	}
	file := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("no archive ", 200)), 0o600))
	_, err := Open(t.Context(), file, "", "linux/amd64")
	assert.ErrorContains(t, err, "no tar archive")
}

func rewrite(dir, old, now string) error {
	name := filepath.Join(dir, "index.json")
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(strings.ReplaceAll(string(data), old, now)), 0o600)
}

// What a hostile layer asks for is refused, and never leaves the image.
func TestHostileLayers(t *testing.T) {
	for lines, want := range map[string]string{
		"file ../../etc/x 0644 0:0 y":                                  "/etc dir 0755 0:0\n/etc/x file 0644 0:0 1\n",
		"symlink out 0777 0:0 ../..\nfile out/x 0644 0:0 y":            "/out symlink 0777 0:0 -> ../..\n/x file 0644 0:0 1\n",
		"file .wh... 0644 0:0":                                         "takes away nothing",
		"symlink a 0777 0:0 b\nsymlink b 0777 0:0 a\ndir a/x 0755 0:0": "too many links",
		"file a 0644 0:0 x\nfile a/b 0644 0:0 y":                       "not a directory",
		"link a 0644 0:0 ../../etc/passwd":                             "no such file",
		"dir d 0755 0:0\nlink a 0644 0:0 d":                            "operation not permitted",
		"file . 0644 0:0 x\ndir / 0700 1:1":                            "",
		"file " + strings.Repeat("a/", 3000) + "x 0644 0:0 y":          "file name too long",
	} {
		x, err := Open(t.Context(), written(t, "layout", "layer gzip\n"+lines+"\n"), "", "linux/amd64")
		if strings.HasPrefix(want, "/") || want == "" {
			require.NoError(t, err, lines)
			assert.Equal(t, want, list(t, x.Tree), lines)
			continue
		}
		require.Error(t, err, lines)
		assert.ErrorContains(t, err, want, lines)
	}
}

// What a layer asks for beyond its bounds ends the reading, and names the bound.
func TestBounds(t *testing.T) {
	data, err := imagetest.Archive("gzip", strings.Repeat("dir a/b/c 0755 0:0\n", 20)+"file large 0644 0:0 "+strings.Repeat("x", 10000))
	require.NoError(t, err)
	for kind, bound := range map[string]func(m *merger){
		"entries": func(m *merger) { m.kept = budget.New(budget.Limits{Steps: 10}) },
		"names":   func(m *merger) { m.kept = budget.New(budget.Limits{Bytes: 50}) },
		"ways":    func(m *merger) { m.spent = budget.New(budget.Limits{Steps: 50}) },
		"size":    func(m *merger) { m.spent = budget.New(budget.Limits{Bytes: 15000}) },
		"none":    func(*merger) {},
	} {
		m := newMerger(dockerspec.DockerOCIImageConfig{})
		bound(m)
		r, err := unpacked(bytes.NewReader(data), m.spent)
		require.NoError(t, err)
		err = m.apply(t.Context(), 0, r)
		assert.Equal(t, kind != "none", budget.Is(err), "%s: %v", kind, err)
	}
}
