package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/baseimage"
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
