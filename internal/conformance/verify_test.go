package conformance

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/builder"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/verify"
)

// An image that the daemon built and wrote as an archive is the one that was predicted, and no other one is.
func TestVerify(t *testing.T) {
	d := daemon(t)
	root, err := repositoryRoot()
	require.NoError(t, err)
	cases, err := LoadCases(filepath.Join(root, "testdata", "conformance"))
	require.NoError(t, err)
	var before *baseimage.Index // the image of the case before
	verified, told := 0, 0
	for i, c := range cases {
		kind, _, _ := strings.Cut(c.Name, "/")
		if c.Fails != "" || c.Differs != "" || c.Platform != "" || i%15 != 0 && kind != "base" && kind != "run" {
			continue
		}
		request, err := c.Materialize(t.TempDir())
		require.NoError(t, err)
		image, err := predictImage(t.Context(), *request)
		require.NoError(t, err, c.Name)
		file := filepath.Join(t.TempDir(), "image.tar")
		f, err := os.Create(file)
		require.NoError(t, err)
		require.NoError(t, d.Archive(t.Context(), *request, f), c.Name)
		built, err := baseimage.Open(t.Context(), file, "", image.Plan.Platform)
		require.NoError(t, err, c.Name)
		r, err := verify.Compare(image, built)
		require.NoError(t, err)
		assert.Empty(t, r.Contradicted, c.Name)
		assert.Empty(t, r.Open, c.Name)
		if kind != "run" {
			assert.Empty(t, r.Unpredicted, c.Name)
		}
		if before != nil && before.Entries+built.Entries > 0 && before.Digest != built.Digest {
			other, err := verify.Compare(image, before)
			require.NoError(t, err)
			if len(other.Contradicted)+len(other.Open)+len(other.Unpredicted) > 0 {
				told++
			}
		}
		before = built
		verified++
	}
	assert.Greater(t, verified, 30)
	assert.Greater(t, told, verified*3/4, "images of other cases, of which a few are equal")
}

// A real builder, which is asked for what the prediction is made of, builds what was predicted.
func TestBuilder(t *testing.T) {
	d := daemon(t)
	root, err := repositoryRoot()
	require.NoError(t, err)
	t.Setenv("PATH", Binaries(root))
	t.Setenv("BUILDKIT_HOST", d.Address())
	dir := t.TempDir()
	for name, content := range map[string]string{
		"--site/a.txt": "a", "--site/kept.txt": "b", "docs/d.txt": "c", "df/app.Dockerfile.dockerignore": "kept.txt\n",
		"df/app.Dockerfile": "FROM scratch AS app\nARG A\nCOPY . /site-$A/\nCOPY --from=docs . /docs/\nFROM scratch\n",
	} {
		require.NoError(t, writeFile(filepath.Join(dir, name), []byte(content)))
	}
	request := dockerfile.Options{
		Context: filepath.Join(dir, "--site"), Dockerfile: filepath.Join(dir, "df/app.Dockerfile"), Target: "app",
		BuildArgs: map[string]string{"A": "--opt=a b,c"}, BuildContexts: map[string]string{"docs": filepath.Join(dir, "docs")}, Platform: "linux/arm64",
	}
	inline := dockerfile.Options{Context: request.Context, Dockerfile: "-", Stdin: overlay.NewReader([]byte("FROM scratch\nCOPY a.txt /x/\nUSER 5\n"))}
	for _, opt := range []dockerfile.Options{request, inline} {
		image, err := simulate.Build(t.Context(), opt)
		require.NoError(t, err)
		var built *baseimage.Index
		require.NoError(t, builder.Build(t.Context(), opt, io.Discard, func(name string, archive io.Reader) (err error) {
			assert.Equal(t, "buildctl", name)
			built, err = baseimage.OpenStream(t.Context(), archive, name, "", image.Plan.Platform)
			return err
		}))
		r, err := verify.Compare(image, built)
		require.NoError(t, err)
		assert.Empty(t, r.Contradicted)
		assert.Empty(t, r.Open)
		assert.Empty(t, r.Unpredicted)
	}
	request.Target = "none"
	var log bytes.Buffer
	err = builder.Build(t.Context(), request, &log, func(_ string, archive io.Reader) error { _, err := io.ReadAll(archive); return err })
	require.ErrorContains(t, err, "buildctl fails")
	assert.Contains(t, log.String(), "none")
}
