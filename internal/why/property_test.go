package why_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/conformance"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// scenario materializes a random build and asks for some of what its image lacks; nil if the build fails or lacks nothing.
func scenario(t *testing.T, seed, index uint64) *audit.Subject {
	t.Helper()
	r, err := conformance.Generate(seed, index).Case().Materialize(t.TempDir())
	require.NoError(t, err)
	opt := dockerfile.Options{Context: r.Context}
	m, err := simulate.Build(t.Context(), opt)
	if err != nil || m.Verify(t.Context(), nil) != nil {
		return nil
	}
	c, err := m.MainContext(r.Context)
	require.NoError(t, err)
	files, err := simulate.FilesBelow(c.FS, ".")
	require.NoError(t, err)
	reach, err := m.Reach(c, ".", files, nil)
	if err != nil {
		return nil
	}
	p := &policy.Image{}
	for _, f := range reach.Missing() {
		dir := filepath.ToSlash(filepath.Dir(f))
		for _, want := range []string{f, dir} {
			if want != "." && len(p.Require.Modules) < 4 && !slices.ContainsFunc(p.Require.Modules, func(m policy.Module) bool { return m.Path == want }) {
				p.Require.Modules = append(p.Require.Modules, policy.Module{Path: want})
			}
		}
	}
	if len(p.Require.Modules) == 0 {
		return nil
	}
	return &audit.Subject{Name: "image", Options: opt, Policy: p}
}

// state is what a subject's image has.
func state(t *testing.T, s audit.Subject) (finding.ImageReport, map[string]simulate.File) {
	t.Helper()
	s.Image, s.Options.Open = nil, nil
	r, m, err := audit.Run(t.Context(), s)
	require.NoError(t, err)
	if m == nil {
		return r, nil
	}
	files, err := m.Files()
	require.NoError(t, err)
	return r, files
}

// apply makes edits on disk and gives a function that takes them back.
func apply(t *testing.T, edits []edit.Edit) (undo func()) {
	t.Helper()
	before := map[string][]byte{}
	for _, e := range edits {
		data, err := os.ReadFile(e.Path)
		if os.IsNotExist(err) {
			data, err = nil, nil
		}
		require.NoError(t, err)
		if _, ok := before[e.Path]; !ok {
			before[e.Path] = data
		}
		after, err := edit.Apply(data, []edit.Edit{e})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(e.Path, after, 0o644))
	}
	return func() {
		for name, data := range before {
			require.NoError(t, os.WriteFile(name, data, 0o644))
		}
	}
}

// Every fix that is offered removes its finding, adds no other, and brings exactly the files it says.
func TestFixesDoWhatTheySay(t *testing.T) {
	fixed, unfixed := 0, 0
	kinds := map[string]int{}
	for i := range uint64(300) {
		s := scenario(t, 21, i)
		if s == nil {
			continue
		}
		r, m, err := audit.Run(t.Context(), *s)
		require.NoError(t, err)
		if m == nil {
			continue
		}
		before, err := m.Files()
		require.NoError(t, err)
		rep, err := why.NewRepairer(t.Context(), *s, r, m)
		require.NoError(t, err)
		known := map[string]bool{}
		for _, f := range r.Findings {
			known[f.Identity()] = true
		}
		for _, f := range r.Findings {
			fixes, tried, err := rep.Fixes(t.Context(), f)
			require.NoError(t, err)
			if len(fixes) == 0 {
				unfixed++
				assert.NotEmpty(t, tried, "seed 21, %d: %s: nothing was tried", i, f.Summary)
			}
			for _, fix := range fixes {
				fixed++
				kinds[filepath.Base(fix.Edits[0].Path)]++
				undo := apply(t, fix.Edits)
				now, after := state(t, *s)
				undo()
				about := func() string { return f.Summary + ": " + fix.Title }
				require.NotNil(t, after, "seed 21, %d: %s: the build fails", i, about())
				for _, g := range now.Findings {
					assert.NotEqual(t, f.Identity(), g.Identity(), "seed 21, %d: %s: the finding remains", i, about())
					assert.True(t, known[g.Identity()], "seed 21, %d: %s: then %s", i, about(), g.Summary)
				}
				checkEffect(t, s.Options.Context, fix, before, after)
			}
		}
	}
	assert.Greater(t, fixed, 200)
	assert.Greater(t, fixed, unfixed, "most can be repaired")
	assert.Greater(t, kinds[".dockerignore"], 50)
	assert.Greater(t, kinds["Dockerfile"], 40)
}

func checkEffect(t *testing.T, context string, fix finding.Fix, before, after map[string]simulate.File) {
	t.Helper()
	var adds []string
	var bytes int64
	for _, p := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[p]; ok {
			continue
		}
		name := after[p].Context
		if name == "" {
			name = p
		}
		adds = append(adds, name)
		bytes += after[p].Size
	}
	assert.Equal(t, len(adds), fix.AddsCount, fix.Title)
	assert.Equal(t, bytes, fix.AddsBytes, fix.Title)
	if len(adds) <= 20 {
		slices.Sort(adds)
		assert.Equal(t, append([]string{}, adds...), fix.Adds, fix.Title)
	}
	edited := map[string]bool{}
	for _, e := range fix.Edits {
		rel, err := filepath.Rel(context, e.Path)
		require.NoError(t, err)
		edited[filepath.ToSlash(rel)] = true
	}
	removed := 0
	for p, was := range before {
		if now, ok := after[p]; !ok || now != was && !edited[now.Context] {
			removed++
		}
	}
	assert.Equal(t, removed, fix.RemovesCount, fix.Title)
}

// The lines that are blamed are enough, and none of them can be spared.
func TestBlameIsMinimal(t *testing.T) {
	blamed, several := 0, 0
	for i := range uint64(400) {
		s := conformance.Generate(22, i)
		s.Ignore = append(s.Ignore, "a", "**/b", "*/a", "a*/**")
		r, err := s.Case().Materialize(t.TempDir())
		require.NoError(t, err)
		m, err := simulate.Build(t.Context(), dockerfile.Options{Context: r.Context})
		if m == nil {
			continue
		}
		e := &why.Explainer{Image: m, Subject: audit.Subject{Options: dockerfile.Options{Context: r.Context}}}
		if err != nil {
			if e.Failure, _ = err.(*simulate.BuildError); e.Failure == nil {
				continue
			}
		}
		if e.Main, err = m.MainContext(r.Context); err != nil {
			continue
		}
		files, err := simulate.FilesBelow(e.Main.FS, ".")
		require.NoError(t, err)
		for _, f := range files[:min(len(files), 3)] {
			trail, err := e.Main.Explain(f)
			if err != nil || trail.Included {
				continue
			}
			a, err := e.Explain(t.Context(), f)
			require.NoError(t, err)
			require.NotEmpty(t, a.Blame, "seed 22, %d: nobody is to blame for %s", i, f)
			var lines []int
			for _, p := range a.Blame {
				lines = append(lines, p.Line)
			}
			blamed++
			if len(lines) > 1 {
				several++
			}
			assert.True(t, included(t, r.Context, lines, f), "seed 22, %d: %s stays out without %v", i, f, lines)
			for k := range lines {
				less := slices.Delete(slices.Clone(lines), k, k+1)
				assert.False(t, included(t, r.Context, less, f), "seed 22, %d: %s comes in without %v already", i, f, less)
			}
		}
	}
	assert.Greater(t, blamed, 200)
	assert.Greater(t, several, 50, "the generator gives no lines that are to blame together")
}

// included tells whether a file reaches the builder if lines are taken out of the ignore file on disk.
func included(t *testing.T, context string, without []int, file string) bool {
	t.Helper()
	var edits []edit.Edit
	name := filepath.Join(context, ".dockerignore")
	for _, n := range slices.Backward(without) {
		edits = append(edits, edit.Edit{Path: name, Line: n, Remove: 1})
	}
	defer apply(t, edits)()
	c, err := simulate.OpenContext(simulate.MainContext, context, dockerfile.DockerfileInfo{Dir: context, Path: filepath.Join(context, "Dockerfile")})
	require.NoError(t, err)
	trail, err := c.Explain(file)
	require.NoError(t, err)
	return trail.Included
}
