package ignorelint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/conformance"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/ignorelint"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// entries gives what reaches the builder, and what the image would hold, but for the ignore file itself.
func entries(t *testing.T, dir string) (context, image []string) {
	t.Helper()
	c, err := simulate.OpenContext(simulate.MainContext, dir, dockerfile.DockerfileInfo{Dir: dir, Path: filepath.Join(dir, "Dockerfile")})
	require.NoError(t, err)
	err = c.Tree().Walk(func(e dockerctx.Entry) error {
		if e.Name != ".dockerignore" {
			context = append(context, fmt.Sprint(e.Path, e.Mode, e.Size, e.Link, e.Truncated))
		}
		return nil
	})
	if err != nil {
		context = append(context, "fails")
	}
	m, err := simulate.Build(t.Context(), dockerfile.Options{Context: dir})
	if err == nil {
		err = m.Tree.Walk(func(p string, n *rootfs.Node) error {
			if origin, ok := m.Origin(n); !ok || filepath.Base(origin) != ".dockerignore" {
				image = append(image, fmt.Sprint(p, n.Kind, n.Perm, n.Owner, n.Size, n.Link))
			}
			return nil
		})
	}
	if err != nil {
		image = []string{"fails"}
	}
	return context, image
}

// Lines that are reported as redundant or unused can be taken out, alone and all together, and no entry of the context or
// of the image changes.
func TestRemovableLinesChangeNothing(t *testing.T) {
	removed := 0
	for i := range uint64(400) {
		s := conformance.Generate(11, i)
		if len(s.Ignore) == 0 {
			continue
		}
		// Lines with which others may be redundant.
		s.Ignore = append(s.Ignore, s.Ignore[0], "nothing-of-that-name", "a/**", "!a/b")
		dir := t.TempDir()
		r, err := s.Case().Materialize(dir)
		require.NoError(t, err)
		c, err := simulate.OpenContext(simulate.MainContext, r.Context, dockerfile.DockerfileInfo{Dir: r.Context, Path: filepath.Join(r.Context, "Dockerfile")})
		if err != nil {
			continue // a pattern that BuildKit refuses
		}
		result, err := ignorelint.Lint(c, ignorelint.Options{})
		if err != nil {
			continue
		}
		context, image := entries(t, r.Context)
		name := filepath.Join(r.Context, ".dockerignore")
		before := c.Ignore.Bytes()
		sets := [][]int{result.Removable}
		for _, n := range result.Removable {
			sets = append(sets, []int{n})
		}
		for _, set := range sets {
			removed += len(set)
			var edits []edit.Edit
			for _, n := range slices.Backward(set) {
				edits = append(edits, edit.Edit{Line: n, Remove: 1})
			}
			after, err := edit.Apply(before, edits)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, after, 0o644))
			c, im := entries(t, r.Context)
			require.Equal(t, context, c, "seed 11, %d: without lines %v of\n%s", i, set, before)
			require.Equal(t, image, im, "seed 11, %d: without lines %v of\n%s", i, set, before)
		}
	}
	assert.Greater(t, removed, 400, "the generator gives nothing to remove")
}

// A form that is offered for an ineffective negation brings back what it says.
func TestOfferedFormsWork(t *testing.T) {
	offered := 0
	for i := range uint64(400) {
		s := conformance.Generate(12, i)
		s.Ignore = append([]string{"**/b"}, append(s.Ignore, "!a", "!b")...)
		r, err := s.Case().Materialize(t.TempDir())
		require.NoError(t, err)
		open := func() *simulate.Context {
			c, err := simulate.OpenContext(simulate.MainContext, r.Context, dockerfile.DockerfileInfo{Dir: r.Context, Path: filepath.Join(r.Context, "Dockerfile")})
			if err != nil {
				return nil
			}
			return c
		}
		c := open()
		if c == nil {
			continue
		}
		result, err := ignorelint.Lint(c, ignorelint.Options{})
		if err != nil {
			continue
		}
		have := included(t, c)
		for _, f := range result.Findings {
			if f.Rule != finding.IgnoreNegationIneffective {
				continue
			}
			for _, fix := range f.Fixes {
				offered++
				after, err := edit.Apply(c.Ignore.Bytes(), fix.Edits)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(r.Context, ".dockerignore"), after, 0o644))
				got := included(t, open())
				var added []string
				for p := range got {
					if !have[p] {
						added = append(added, p)
					}
				}
				slices.Sort(added)
				assert.Len(t, added, fix.AddsCount, "seed 12, %d:\n%s", i, after)
				assert.Equal(t, fix.Adds, added[:min(len(added), 20)], "seed 12, %d: %s", i, strings.Join(s.Ignore, " | "))
				require.NoError(t, os.WriteFile(filepath.Join(r.Context, ".dockerignore"), c.Ignore.Bytes(), 0o644))
			}
		}
	}
	assert.Greater(t, offered, 20, "the generator gives no ineffective negation")
}

func included(t *testing.T, c *simulate.Context) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	require.NoError(t, c.Tree().Walk(func(e dockerctx.Entry) error {
		if !e.Mode.IsDir() {
			out[e.Path] = true
		}
		return nil
	}))
	return out
}
