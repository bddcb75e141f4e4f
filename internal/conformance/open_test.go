package conformance

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// A request that brings its own directories gives what the disk gives: what is simulated for an edit, or for a revision of
// a repository, is held to BuildKit by what is predicted from disk.
func TestOpenedDirectoriesAreAsGoodAsTheDisk(t *testing.T) {
	root, err := repositoryRoot()
	require.NoError(t, err)
	cases, err := LoadCases(filepath.Join(root, "testdata", "conformance"))
	require.NoError(t, err)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r, err := c.Materialize(t.TempDir())
			require.NoError(t, err)
			disk, err := predictInTime(t.Context(), *r)
			require.NoError(t, err)
			r.Open = dockerctx.DirFS
			opened, err := predictInTime(t.Context(), *r)
			require.NoError(t, err)
			assert.Empty(t, Diff(disk, opened))
		})
	}
}
