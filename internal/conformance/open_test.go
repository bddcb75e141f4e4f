package conformance

import (
	"io/fs"
	"path/filepath"
	"strings"
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
		if c.Git != "" {
			continue // what is fetched brings directories of its own
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r, err := c.Materialize(dir)
			require.NoError(t, err)
			disk, err := predictInTime(t.Context(), *r)
			require.NoError(t, err)

			// The same directories under a name that the disk does not have.
			const elsewhere = "/no/such/directory"
			moved := func(p string) string {
				if rest, ok := strings.CutPrefix(p, dir); ok {
					return elsewhere + rest
				}
				return p
			}
			r.Context, r.Dockerfile = moved(r.Context), moved(r.Dockerfile)
			for name, p := range r.BuildContexts {
				r.BuildContexts[name] = moved(p)
			}
			r.Open = func(p string) (dockerctx.FS, error) {
				rest, ok := strings.CutPrefix(p, elsewhere)
				if !ok {
					return nil, fs.ErrNotExist
				}
				return dockerctx.DirFS(dir + rest)
			}
			opened, err := predictInTime(t.Context(), *r)
			require.NoError(t, err)
			assert.Empty(t, Diff(disk, opened))
		})
	}
}
