package conformance

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// fixedBuilds is how many builds with a fix applied are held against a real one.
const fixedBuilds = 40

// What a fix promises a real build keeps: the files adds are in the image that BuildKit makes, and that is the one
// that was predicted.
func TestFixedBuilds(t *testing.T) {
	d := daemon(t)
	built := 0
	for i := uint64(0); built < fixedBuilds; i++ {
		require.Less(t, i, uint64(2000), "the generator gives nothing to fix")
		r, err := Generate(*seed, i).Case().Materialize(t.TempDir())
		require.NoError(t, err)
		fix, want := someFix(t, r, int(i))
		if fix == nil {
			continue
		}
		for _, e := range fix.Edits {
			data, err := os.ReadFile(e.Path)
			require.NoError(t, err)
			data, err = edit.Apply(data, []edit.Edit{e})
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(e.Path, data, 0o644))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		result, err := d.Build(ctx, *r)
		require.NoError(t, err)
		predicted, err := predictInTime(ctx, *r)
		cancel()
		require.NoError(t, err)
		require.Nil(t, result.Failure, "seed %d, build %d: %s", *seed, i, fix.Title)
		require.Empty(t, Diff(result, predicted), "seed %d, build %d: %s", *seed, i, fix.Title)
		found := 0
		for _, e := range result.Listing {
			if e.Type != TypeDir {
				found++
			}
		}
		assert.Equal(t, want, found, "seed %d, build %d: %s: files in the image", *seed, i, fix.Title)
		built++
	}
}

// someFix gives a fix for something that the image of a request lacks, and how many files the image has with it; nil if it
// lacks nothing or the build fails.
func someFix(t *testing.T, r *Request, n int) (*finding.Fix, int) {
	t.Helper()
	opt := dockerfile.Options{Context: r.Context}
	m, err := simulate.Build(t.Context(), opt)
	if err != nil || m.Verify(t.Context(), nil) != nil {
		return nil, 0
	}
	c, err := m.MainContext(r.Context)
	require.NoError(t, err)
	files, err := simulate.FilesBelow(c.FS, ".")
	require.NoError(t, err)
	reach, err := m.Reach(c, ".", files, nil)
	if err != nil || len(reach.Missing()) == 0 {
		return nil, 0
	}
	missing := reach.Missing()[n%len(reach.Missing())]
	s := audit.Subject{Name: "image", Options: opt, Policy: &policy.Image{Require: policy.Require{Modules: []policy.Module{{Path: missing}}}}}
	report, image, err := audit.Run(t.Context(), s)
	require.NoError(t, err)
	rep, err := why.NewRepairer(t.Context(), s, report, image)
	require.NoError(t, err)
	for _, f := range report.Findings {
		fixes, _, err := rep.Fixes(t.Context(), f)
		require.NoError(t, err)
		if len(fixes) > 0 {
			fix := fixes[n%len(fixes)]
			before, err := image.Files()
			require.NoError(t, err)
			if fix.RemovesCount > 0 {
				continue
			}
			return &fix, len(before) + fix.AddsCount
		}
	}
	return nil, 0
}
