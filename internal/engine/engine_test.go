package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/countfs"
	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/lang/python"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

const packages, modules = 6, 10

// shop writes a repository of several images that start the same program, of which some packages are kept out.
func shop(t *testing.T, images int) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	write("shop/__init__.py", "")
	start := ""
	for p := range packages {
		start += fmt.Sprintf("import shop.p%d.m0\nfrom shop.p%d import lost%d\n", p, p, p)
		write(fmt.Sprintf("shop/p%d/__init__.py", p), "")
		write(fmt.Sprintf("shop/p%d/lost%d/__init__.py", p, p), "import os\n")
		for m := range modules {
			write(fmt.Sprintf("shop/p%d/m%d.py", p, m), fmt.Sprintf("import os, sys\nfrom shop.p%d import m%d\nx%d = %d\n", p, (m+1)%modules, m, p))
		}
	}
	write("main.py", start)
	write("requirements.txt", "requests\n")
	for i := range 40 {
		write(fmt.Sprintf("data/d%d/file.txt", i), "x")
	}
	write(".dockerignore", "shop/p0/lost0\n**/lost1\nshop/p2/lost*\nnothing\n")
	for i := range images {
		write(fmt.Sprintf("image%d/Dockerfile", i), "FROM python:3.13-slim\nWORKDIR /app\nCOPY data ./data\nCOPY main.py ./\nCOPY shop ./shop\nCMD [\"python\", \"main.py\"]\n")
	}
	return dir
}

func subjects(dir string, images int, open func(string) (dockerctx.FS, error), facts *view.Facts) (out []audit.Subject) {
	for i := range images {
		out = append(out, audit.Subject{
			Name: fmt.Sprint("image", i), Policy: &policy.Image{}, Facts: facts,
			Options: dockerfile.Options{Context: dir, Dockerfile: filepath.Join(dir, fmt.Sprintf("image%d/Dockerfile", i)), Open: open},
		})
	}
	return out
}

func TestImagesSideBySide(t *testing.T) {
	const images = 7
	dir := shop(t, images)
	var want string
	for _, procs := range []int{1, 4} {
		before := runtime.GOMAXPROCS(procs)
		w := project.NewWorld(t.Context(), dir, false)
		e := &engine.Engine{World: w, At: func(string) {}}
		found, err := project.Discover(t.Context(), w.Disk("no"), dir)
		require.NoError(t, err)
		require.Len(t, found.Subjects, images)
		done, skipped, err := e.Audit(t.Context(), found.Subjects, engine.Options{Repairs: true})
		runtime.GOMAXPROCS(before)
		require.NoError(t, err)
		require.Empty(t, skipped)
		reports, _ := engine.Reports(done)
		require.Len(t, reports[0].Findings, 3)
		for _, f := range reports[0].Findings {
			require.NotEmpty(t, f.Fixes, f.Summary)
		}
		text, err := json.Marshal(reports)
		require.NoError(t, err)
		if want == "" {
			want = string(text)
		}
		assert.Equal(t, want, string(text))
		assert.Equal(t, 1+1+packages*(1+modules)+3, python.Sources(found.Subjects[0].Facts).Parsed()+sameContent, "each file of the program is parsed once, whatever the images")
		require.NoError(t, w.Close())
	}
}

// sameContent is how many files of the program have the bytes of another one: they are parsed as one. All __init__.py are
// empty, and those of lost packages alike.
const sameContent = packages + 2

// A repair that concerns one directory reads that directory and those on its way, and parses what it brings in.
func TestATrialCostsWhatDiffers(t *testing.T) {
	dir := shop(t, 1)
	var c countfs.Counter
	facts := view.NewFacts()
	s := subjects(dir, 1, c.Open, facts)
	e := &engine.Engine{}
	_, _, err := e.Audit(t.Context(), s, engine.Options{})
	require.NoError(t, err)
	without, _ := c.Take()
	parsed := python.Sources(facts).Parsed()
	done, _, err := e.Audit(t.Context(), s, engine.Options{Repairs: true})
	require.NoError(t, err)
	with, dirs := c.Take()
	require.Len(t, done[0].Report.Findings, 3)
	assert.LessOrEqual(t, python.Sources(facts).Parsed()-parsed, 1, "only what is brought in is new, and all of it has the same bytes")
	again := with.Opens - without.Opens
	assert.LessOrEqual(t, again, 3*3, "a trial reads the Dockerfile and the ignore file, and no source")
	for name, n := range dirs {
		if strings.HasPrefix(name, "data/") {
			assert.LessOrEqual(t, n, 4, "%s: the image, the search for what a line excludes, and the trial of a line that may match anywhere", name)
		}
	}
}

// cancelling ends a context at its n-th call, and counts those after it.
type cancelling struct {
	dockerctx.FS
	left, late *atomic.Int64
	cancel     context.CancelFunc
}

func (f *cancelling) call() {
	switch left := f.left.Add(-1); {
	case left == 0:
		f.cancel()
	case left < 0:
		f.late.Add(1)
	}
}

func (f *cancelling) ReadDir(name string) ([]fs.DirEntry, error) {
	f.call()
	return f.FS.ReadDir(name)
}

func (f *cancelling) Lstat(name string) (fs.FileInfo, error) {
	f.call()
	return f.FS.Lstat(name)
}

func (f *cancelling) Open(name string) (io.ReadCloser, error) {
	f.call()
	return f.FS.Open(name)
}

// Whoever ends the work anywhere in it, also in the middle of a search for repairs, waits for no more than a few reads.
func TestCancel(t *testing.T) {
	dir := shop(t, 1)
	run := func(after int64) (late int64, err error) {
		base, err := dockerctx.DirFS(dir)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var left, n atomic.Int64
		left.Store(after)
		fsys := &cancelling{base, &left, &n, cancel}
		s := subjects(dir, 1, func(name string) (dockerctx.FS, error) {
			if name == dir {
				return fsys, nil
			}
			return dockerctx.DirFS(name)
		}, nil)
		_, _, err = (&engine.Engine{}).Audit(ctx, s, engine.Options{Repairs: true})
		if left.Load() > 0 {
			return -1, err
		}
		return n.Load(), err
	}
	cancelled := 0
	for after := int64(1); ; after += 1 + after/20 {
		late, err := run(after)
		if late < 0 {
			require.NoError(t, err)
			break
		}
		if err == nil {
			continue // it was the last thing to do
		}
		cancelled++
		require.ErrorIs(t, err, context.Canceled, "after %d", after)
		require.LessOrEqual(t, late, int64(60), "after %d", after)
	}
	assert.Greater(t, cancelled, 50)
}
