// Package engine audits the images of a repository: it predicts and checks each, searches repairs, and takes out what is to be
// lived with. Who calls it chooses the images and shows what comes of it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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

	mu    sync.Mutex
	doing map[int]string // by image
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
	// view, if it is not nil, makes of an image what Audited.view then has. The image is nil if the build would fail.
	view func(s audit.Subject, image *simulate.Image) (any, error)
}

// Audited is an image that was audited.
type Audited struct {
	Subject audit.Subject
	Report  finding.ImageReport
	view    any
}

// Audit checks images, several at a time; what comes of it does not depend on how many. One that costs too much to follow
// becomes a notice; it is an error if none is left. The predictions that subjects bring are let go of.
func (e *Engine) Audit(ctx context.Context, subjects []audit.Subject, o Options) (done []Audited, skipped []finding.Notice, err error) {
	var beyond *budget.Beyond
	for i, r := range e.inOrder(ctx, subjects, o) {
		if errors.As(r.err, &beyond) {
			skipped = append(skipped, finding.Notice{File: beyond.File, Line: beyond.Line, Text: fmt.Sprintf("%s is not audited: %s", subjects[i].Name, beyond.Text())})
			continue
		}
		if r.err != nil {
			return nil, nil, r.err
		}
		done = append(done, r.Audited)
	}
	if len(done) == 0 && beyond != nil {
		return nil, skipped, errors.New("no image is left to audit")
	}
	return done, skipped, nil
}

// result is what came of an image, and what it cost.
type result struct {
	Audited
	err   error
	spent *budget.Budget
	ready chan struct{}
}

// inOrder audits images on all cores, and gives what came of each in their order, in which their cost is counted, too.
func (e *Engine) inOrder(ctx context.Context, subjects []audit.Subject, o Options) iter.Seq2[int, *result] {
	return func(yield func(int, *result) bool) {
		all := budget.From(ctx)
		ctx := budget.With(ctx, all)
		for i, r := range e.beside(ctx, subjects, o) {
			if !all.Join(r.spent) {
				// In its turn it has what is left to all.
				r.Audited, r.err = e.audit(ctx, i, len(subjects), subjects[i], o)
			}
			if !yield(i, r) {
				return
			}
		}
	}
}

// beside audits images on all cores, and gives what came of each in their order. It ends when all that it began has ended.
func (e *Engine) beside(ctx context.Context, subjects []audit.Subject, o Options) iter.Seq2[int, *result] {
	return func(yield func(int, *result) bool) {
		ctx, cancel := context.WithCancel(ctx)
		results := make([]result, len(subjects))
		for i := range results {
			results[i] = result{spent: budget.From(ctx).Fork(), ready: make(chan struct{})}
		}
		var group sync.WaitGroup
		var next atomic.Int64
		for range min(runtime.GOMAXPROCS(0), len(subjects)) {
			group.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(subjects); i = int(next.Add(1)) - 1 {
					r := &results[i]
					r.Audited, r.err = e.audit(budget.With(ctx, r.spent), i, len(subjects), subjects[i], o)
					subjects[i].Image = nil // of hundreds of images, nobody could keep all
					close(r.ready)
				}
			})
		}
		defer group.Wait()
		defer cancel()
		for i := range results {
			<-results[i].ready
			if !yield(i, &results[i]) {
				return
			}
			results[i] = result{}
		}
	}
}

// audit checks one image.
func (e *Engine) audit(ctx context.Context, i, of int, s audit.Subject, o Options) (Audited, error) {
	d := Audited{Subject: s}
	if err := ctx.Err(); err != nil {
		return d, err
	}
	at, end := e.begin(i)
	defer end()
	at("auditing %s (%d of %d)", s.Name, i+1, of)
	s.Verbose, s.Sendable = o.Verbose, o.Sendable
	r, image, err := audit.Run(ctx, s)
	if err == nil && (o.CleanCheckout || s.FromDisk) && s.NotFound == nil {
		err = e.addAbsent(ctx, s, &r)
	}
	if err == nil && o.Lints && image != nil {
		addLints(&r, image)
	}
	if err == nil && o.view != nil {
		d.view, err = o.view(s, image)
	}
	if err != nil {
		return d, fmt.Errorf("auditing image %s: %w", s.Name, err)
	}
	if o.Repairs && len(r.Findings) > 0 {
		tell := func(done, all int) {
			at("searching repairs for %s (%d of %d), finding %d of %d", s.Name, i+1, of, done, all)
		}
		if err := why.Repair(ctx, s, &r, image, o.AllRepairs, tell); err != nil {
			return d, fmt.Errorf("searching repairs for image %s: %w", s.Name, err)
		}
	}
	d.Report, d.Subject.Image = r, nil
	return d, nil
}

// at tells what is being done.
func (e *Engine) at(format string, args ...any) {
	if e.At != nil {
		e.At(fmt.Sprintf(format, args...))
	}
}

// begin gives what tells of the work on an image, and what ends it. All that is being done is told in the images' order.
func (e *Engine) begin(i int) (at func(format string, args ...any), end func()) {
	if e.At == nil {
		return func(string, ...any) {}, func() {}
	}
	set := func(text string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.doing == nil {
			e.doing = map[int]string{}
		}
		if e.doing[i] = text; text == "" {
			delete(e.doing, i)
		}
		var all []string
		for _, n := range slices.Sorted(maps.Keys(e.doing)) {
			all = append(all, e.doing[n])
		}
		if len(all) > 0 {
			e.At(strings.Join(all, "; "))
		}
	}
	return func(format string, args ...any) { set(fmt.Sprintf(format, args...)) }, func() { set("") }
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
	s.Image, s.Options.Open, s.Clean, s.FromDisk = nil, here.Open, here.Clean, false
	onDisk, _, err := audit.Run(ctx, s)
	if err != nil {
		return err
	}
	for _, f := range onDisk.Findings {
		known := slices.ContainsFunc(r.Findings, func(g finding.Finding) bool { return g.Rule == finding.BuildFails && g.ContextPath == f.ContextPath })
		if f.Rule == finding.RequiredUntracked && !known {
			// That an import resolves nowhere is the same fault, seen without the disk.
			r.Findings = slices.DeleteFunc(r.Findings, func(g finding.Finding) bool {
				return g.Rule == finding.ImportNotFound && g.Subject.File == f.Subject.File && g.Subject.Line == f.Subject.Line
			})
			r.Findings = append(r.Findings, f)
		}
	}
	slices.SortStableFunc(r.Findings, finding.Compare)
	return nil
}
