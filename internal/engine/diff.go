package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/gitfs"
	"github.com/ctxaudit/ctxaudit/internal/imagediff"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Diff tells what the change from revision base to revision head, or to the working tree if that is "", does to images. The
// notices say what could not be followed, also beside an error.
func (e *Engine) Diff(ctx context.Context, a project.Asked, base, head string) (*imagediff.Diff, []finding.Notice, error) {
	var notices []finding.Notice
	before, end, err := e.revision(ctx, a, base, &notices)
	defer end()
	if err != nil {
		return nil, notices, err
	}
	d := &imagediff.Diff{Version: 1, Base: base, Head: "the working tree", Images: []imagediff.Image{}}
	var after []audit.Subject
	if head == "" {
		var found project.Images
		found, err = e.World.Disk("auto").Images(ctx, a)
		after, notices = found.Subjects, append(notices, found.Notices...)
	} else {
		var end func()
		d.Head = head
		after, end, err = e.revision(ctx, a, head, &notices)
		defer end()
	}
	if err == nil {
		err = e.compare(ctx, d, before, after)
	}
	return d, notices, err
}

// compare compares images of two states. Images are the same if their names are. Both states of an image are audited one
// after the other, so that no more is held than what is compared next.
func (e *Engine) compare(ctx context.Context, d *imagediff.Diff, before, after []audit.Subject) error {
	base, head := byName(before), byName(after)
	names := maps.Clone(base)
	maps.Copy(names, head)
	var subjects []audit.Subject
	var side []int
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for i, state := range []map[string]audit.Subject{base, head} {
			if s, ok := state[name]; ok {
				subjects, side = append(subjects, s), append(side, i)
			}
		}
	}
	take := func(s audit.Subject, image *simulate.Image) (any, error) {
		return imagediff.Take(s.Options.Context, image)
	}
	var states [2]*imagediff.State
	for i, r := range e.inOrder(ctx, subjects, Options{view: take}) {
		if r.err != nil {
			return r.err
		}
		name := subjects[i].Name
		states[side[i]] = r.view.(*imagediff.State)
		states[side[i]].Report = r.Report
		if i+1 < len(subjects) && subjects[i+1].Name == name {
			continue
		}
		img, err := imagediff.Compare(name, states[0], states[1])
		if err != nil {
			return err
		}
		d.Images, states = append(d.Images, img), [2]*imagediff.State{}
	}
	return nil
}

func byName(subjects []audit.Subject) map[string]audit.Subject {
	out := map[string]audit.Subject{}
	for _, s := range subjects {
		out[s.Name] = s
	}
	return out
}

// revision gives the images of a revision of the repository around their context, until end is called, and tells what of it git
// would not check out. That there is no image yet is no error.
func (e *Engine) revision(ctx context.Context, a project.Asked, name string, notices *[]finding.Notice) (subjects []audit.Subject, end func(), err error) {
	end = func() {}
	e.at("reading revision %s", name)
	repo, err := e.World.Repository(a.Options.Context)
	if err != nil {
		return nil, end, err
	}
	r, err := gitfs.Open(ctx, repo, name)
	if err != nil {
		return nil, end, err
	}
	end = func() { _ = r.Close() } // it was only read
	if n := len(r.Refused); n > 0 {
		*notices = append(*notices, finding.Notice{File: "revision " + name, Text: fmt.Sprintf("its tree has %d names that git would not check out, such as %q: they are left out", n, r.Refused[0])})
	}
	found, err := e.World.Revision(r).Images(ctx, a)
	var none *project.NoDockerfileError
	if errors.As(err, &none) || errors.Is(err, fs.ErrNotExist) {
		return nil, end, nil
	}
	if err != nil {
		return nil, end, fmt.Errorf("at revision %s: %w", name, err)
	}
	return found.Subjects, end, nil
}
