package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/ignorelint"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/suppress"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// Linted is what was found of an ignore file. If that failed, it has what came before.
type Linted struct {
	Report  finding.ImageReport
	Removed []dockerctx.Line // as they were numbered before
	Untried int              // see [ignorelint.Result]
}

// Lint looks at the ignore file of a request's context. With remove, the lines that change nothing are taken out first.
func (e *Engine) Lint(opt dockerfile.Options, remove bool) (*Linted, error) {
	out := &Linted{}
	c, result, err := e.lint(opt)
	if err != nil {
		return out, err
	}
	out.Report.IgnoreFile, out.Untried = c.Ignore.Name, result.Untried
	if remove && len(result.Removable) > 0 {
		if err := e.removeLines(c, result.Removable); err != nil {
			return out, err
		}
		for _, n := range result.Removable {
			out.Removed = append(out.Removed, c.Ignore.Lines[n-1])
		}
		// The lines that are left have other numbers now.
		if c, result, err = e.lint(opt); err != nil {
			return out, err
		}
	}
	images := []finding.ImageReport{{
		Name: c.Ignore.Name, Context: opt.Context, IgnoreFile: c.Ignore.Name, Findings: result.Findings,
		Passed: []finding.Passed{}, Assumptions: []finding.Assumption{},
	}}
	suppress.Apply(images, suppress.Input{
		Known: IsRule, Reported: func(rule string) bool { return strings.HasPrefix(rule, "Ignore") }, Today: time.Now(),
		Read: func(name string) (string, bool) { return e.ReadSource(name, opt.Context) },
	})
	out.Report = images[0]
	return out, nil
}

// lint opens a context and looks at its ignore file.
func (e *Engine) lint(opt dockerfile.Options) (*simulate.Context, *ignorelint.Result, error) {
	c, err := simulate.OpenMain(opt)
	if err != nil {
		return nil, nil, err
	}
	if c.Ignore == nil {
		return nil, nil, fmt.Errorf("%s has no ignore file", opt.Context)
	}
	e.at("looking at %s", c.Ignore.Name)
	result, err := ignorelint.Lint(c, ignorelint.Options{
		GitIgnored: func(paths []string) map[string]bool { return e.World.Ignored(opt.Context, paths) },
	})
	return c, result, err
}

// removeLines takes lines out of the ignore file of a context.
func (e *Engine) removeLines(c *simulate.Context, lines []int) error {
	after, err := withoutLines(c.Ignore.Bytes(), lines)
	if err != nil {
		return err
	}
	name, err := ignorePath(c)
	if err != nil {
		return err
	}
	return e.Write([]why.Change{{Name: c.Ignore.Name, Path: name, Before: c.Ignore.Bytes(), After: after}})
}

// withoutLines gives a file without some of its lines, and every other byte as it is.
func withoutLines(data []byte, lines []int) ([]byte, error) {
	var edits []edit.Edit
	for _, n := range slices.Backward(slices.Compact(slices.Sorted(slices.Values(lines)))) {
		edits = append(edits, edit.Edit{Line: n, Remove: 1})
	}
	return edit.Apply(data, edits)
}

// ignorePath gives where the ignore file of a context lies, links resolved: an edit goes to the file and not in the place of
// a link to it.
func ignorePath(c *simulate.Context) (string, error) {
	for _, name := range []string{c.Ignore.Name, filepath.Join(c.Dir, c.Ignore.Name), filepath.Join(c.Dir, ".dockerignore")} {
		if target, err := filepath.EvalSymlinks(name); err == nil {
			return target, nil
		}
	}
	return "", fmt.Errorf("%s cannot be found again", c.Ignore.Name)
}
