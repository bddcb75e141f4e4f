// Package engine audits the images of a repository: it predicts and checks each, searches repairs, and takes out what is to be
// lived with. Who calls it chooses the images and shows what comes of it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// Engine works on one repository. What it finds out about it is kept in its world, for all images and trials.
type Engine struct {
	World *project.World
	// At, if it is not nil, is told what is being done.
	At func(text string)
}

// Options say what an audit is to do.
type Options struct {
	Verbose, Sendable bool // see audit.Subject
	// CleanCheckout tells that the images are audited as git has them: what is needed and only here is added.
	CleanCheckout bool
	// Lints adds BuildKit's own warnings.
	Lints bool
	// Repairs asks for repairs, AllRepairs for every one that holds and not only the best.
	Repairs, AllRepairs bool
	// View, if it is not nil, makes of an image what Audited.View then has. The image is nil if the build would fail.
	View func(s audit.Subject, image *simulate.Image) (any, error)
}

// Audited is an image that was audited.
type Audited struct {
	Subject audit.Subject
	Report  finding.ImageReport
	View    any
}

// Audit checks images, in their order. One that costs too much to follow becomes a notice; it is an error if none is left.
func (e *Engine) Audit(ctx context.Context, subjects []audit.Subject, o Options) (done []Audited, skipped []finding.Notice, err error) {
	var beyond *budget.Beyond
	for i, s := range subjects {
		d, err := e.audit(ctx, i, len(subjects), s, o)
		if errors.As(err, &beyond) {
			skipped = append(skipped, finding.Notice{File: beyond.File, Line: beyond.Line, Text: fmt.Sprintf("%s is not audited: %s", s.Name, beyond.Text())})
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		done = append(done, d)
	}
	if len(done) == 0 && beyond != nil {
		return nil, skipped, errors.New("no image is left to audit")
	}
	return done, skipped, nil
}

// audit checks one image.
func (e *Engine) audit(ctx context.Context, i, of int, s audit.Subject, o Options) (Audited, error) {
	d := Audited{Subject: s}
	e.at("auditing %s (%d of %d)", s.Name, i+1, of)
	s.Verbose, s.Sendable = o.Verbose, o.Sendable
	r, image, err := audit.Run(ctx, s)
	if err == nil && o.CleanCheckout {
		err = e.addAbsent(ctx, s, &r)
	}
	if err == nil && o.Lints && image != nil {
		addLints(&r, image)
	}
	if err == nil && o.View != nil {
		d.View, err = o.View(s, image)
	}
	if err != nil {
		return d, fmt.Errorf("auditing image %s: %w", s.Name, err)
	}
	if o.Repairs && len(r.Findings) > 0 {
		e.at("searching repairs for %s (%d of %d)", s.Name, i+1, of)
		if err := why.Repair(ctx, s, &r, image, o.AllRepairs); err != nil {
			return d, fmt.Errorf("searching repairs for image %s: %w", s.Name, err)
		}
	}
	d.Report = r
	return d, nil
}

func (e *Engine) at(format string, args ...any) {
	if e.At != nil {
		e.At(fmt.Sprintf(format, args...))
	}
}

// Reports gives the reports of images, and what they are of.
func Reports(done []Audited) (reports []finding.ImageReport, subjects []audit.Subject) {
	for _, d := range done {
		reports, subjects = append(reports, d.Report), append(subjects, d.Subject)
	}
	return reports, subjects
}

// addAbsent adds to the report of a clean checkout what is needed and only here: the image is looked at as it would be
// built here, too.
func (e *Engine) addAbsent(ctx context.Context, s audit.Subject, r *finding.ImageReport) error {
	here := e.World.Disk("no")
	s.Image, s.Options.Open, s.Clean = nil, here.Open, here.Clean
	onDisk, _, err := audit.Run(ctx, s)
	if err != nil {
		return err
	}
	for _, f := range onDisk.Findings {
		known := slices.ContainsFunc(r.Findings, func(g finding.Finding) bool { return g.Rule == finding.BuildFails && g.ContextPath == f.ContextPath })
		if f.Rule == finding.RequiredUntracked && !known {
			r.Findings = append(r.Findings, f)
		}
	}
	slices.SortStableFunc(r.Findings, finding.Compare)
	return nil
}

// OnlyNew leaves of each report the findings that the images of a revision do not have, and gives how many it leaves out.
func (e *Engine) OnlyNew(ctx context.Context, reports []finding.ImageReport, before []audit.Subject, revision string, o Options) (old int, err error) {
	have := map[string]bool{}
	for _, s := range before {
		s.Sendable = o.Sendable
		r, _, err := audit.Run(ctx, s)
		if err != nil {
			return 0, fmt.Errorf("auditing image %s at revision %s: %w", s.Name, revision, err)
		}
		for _, g := range r.Findings {
			have[s.Name+"\x00"+g.Identity()] = true
		}
	}
	for i := range reports {
		img := &reports[i]
		fresh := []finding.Finding{}
		for _, g := range img.Findings {
			if have[img.Name+"\x00"+g.Identity()] {
				old++
				continue
			}
			fresh = append(fresh, g)
		}
		img.Findings = fresh
	}
	return old, nil
}
