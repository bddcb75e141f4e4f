package why

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxAdds bounds the files that a fix lists.
const maxAdds = 20

// contextFiles gives what a build context lets in, for a build that fails.
func contextFiles(c *simulate.Context) (map[string]simulate.File, error) {
	out := map[string]simulate.File{}
	err := c.Tree().Walk(func(e dockerctx.Entry) error {
		if !e.Mode.IsDir() {
			out[e.Path] = simulate.File{Kind: rootfs.KindOf(e.Mode), Size: e.Size, Link: e.Link, Context: e.Path}
		}
		return nil
	})
	return out, err
}

// change is a file that an edit adds, changes or takes away: was or now is nil.
type change struct {
	path     string
	was, now *simulate.File
}

// describe gives the fix that a trial proves, with its exact effect.
func (r *Repairer) describe(ctx context.Context, f finding.Finding, c candidate, t *trial) (*finding.Fix, error) {
	var edited []string
	for _, e := range c.edits {
		if name, ok := r.contextName(e.Path); ok {
			edited = append(edited, name)
		}
	}
	changes, err := r.changes(ctx, t)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.path, b.path) })
	fix := &finding.Fix{Title: c.title, Edits: c.edits, Adds: []string{}}
	changes, fix.MovesCount = unmoved(changes, edited)
	for _, ch := range changes {
		switch {
		case ch.now == nil && r.elsewhere(t, ch.was.Context):
			fix.MovesCount++
			continue
		case ch.now == nil:
			fix.RemovesCount++
			continue
		case ch.was != nil:
			if !slices.Contains(edited, ch.now.Context) {
				fix.RemovesCount++
			}
			continue
		}
		fix.AddsCount++
		fix.AddsBytes += ch.now.Size
		if !wanted(f, c, ch.now.Context) {
			fix.OthersCount++
			fix.OthersBytes += ch.now.Size
		}
		if len(fix.Adds) < maxAdds {
			fix.Adds = append(fix.Adds, cmp.Or(ch.now.Context, ch.path))
		}
	}
	slices.Sort(fix.Adds)
	return fix, nil
}

// elsewhere reports whether the image of a trial has a file of the context at another place: then it loses nothing.
func (r *Repairer) elsewhere(t *trial, contextPath string) bool {
	if t.image == nil || contextPath == "" {
		return false
	}
	has := false
	err := t.image.Locate(t.image.Tree, r.main.Name, contextPath, func(l simulate.Located) error {
		if has = has || l.ContextPath == contextPath; has {
			return fs.SkipAll
		}
		return nil
	})
	return has && (err == nil || errors.Is(err, fs.SkipAll))
}

// unmoved leaves out the files of the context that come at one place and go at another, and counts them. Those that are edited are the
// same, whatever their size.
func unmoved(changes []change, edited []string) (rest []change, moves int) {
	same := func(f *simulate.File) simulate.File {
		if slices.Contains(edited, f.Context) {
			return simulate.File{Kind: f.Kind, Context: f.Context}
		}
		return *f
	}
	gone, came := map[simulate.File]int{}, map[simulate.File]int{}
	for _, ch := range changes {
		if ch.now == nil && ch.was.Context != "" {
			gone[same(ch.was)]++
		}
	}
	for _, ch := range changes {
		if ch.was == nil && came[same(ch.now)] < gone[same(ch.now)] {
			came[same(ch.now)]++
			moves++
			continue
		}
		rest = append(rest, ch)
	}
	return slices.DeleteFunc(rest, func(ch change) bool {
		if ch.now != nil || came[same(ch.was)] == 0 {
			return false
		}
		came[same(ch.was)]--
		return true
	}), moves
}

// changes gives the files by which images differ, or contexts if there was no image.
func (r *Repairer) changes(ctx context.Context, t *trial) ([]change, error) {
	var out []change
	note := func(p string, was, now *simulate.File) { out = append(out, change{p, was, now}) }
	if r.Image != nil {
		err := simulate.Compare(ctx, r.Image, t.image, note)
		return out, err
	}
	before, err := contextFiles(r.main)
	if err != nil {
		return nil, err
	}
	after := map[string]simulate.File{}
	c, err := t.image.MainContext(r.Subject.Options.Context)
	if err != nil {
		return nil, err
	}
	if c != nil {
		if after, err = contextFiles(c); err != nil {
			return nil, err
		}
	} else {
		before = nil
	}
	for p, now := range after {
		if was, ok := before[p]; !ok {
			note(p, nil, &now)
		} else if was != now {
			note(p, &was, &now)
		}
	}
	for p, was := range before {
		if _, ok := after[p]; !ok {
			note(p, &was, nil)
		}
	}
	return out, nil
}

// wanted reports whether a file of the context is one that a finding asks for, or another one for which the candidate brings it.
func wanted(f finding.Finding, c candidate, contextPath string) bool {
	return slices.ContainsFunc(append(c.also, f.ContextPath), func(p string) bool {
		return contextPath != "" && p != "" && simulate.Within(contextPath, p)
	})
}

func readAll(fsys dockerctx.FS, name string) ([]byte, error) {
	r, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
