package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/baseline"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Check says which images are checked, in which state of the files, and what of their findings does not count.
type Check struct {
	project.Asked
	Options
	// Views asks for inventories of the images.
	Views bool
	// Untracked says whether untracked files are looked for: auto, yes or no.
	Untracked string
	// Files, if there are any, are those that changed: only the images for which one of them matters are checked.
	Files []string
	// Baseline names the file of findings that were there before, "" for none; Update writes it first.
	Baseline string
	Update   bool
	// NewSince is a revision whose findings do not count, "" for none.
	NewSince string
}

// Checked is what came of a check. If it failed, it has what came before.
type Checked struct {
	Reports []finding.ImageReport
	// Views are the inventories of the images, if they were asked for: nil of one whose build would fail.
	Views []*inventory.Inventory
	// Notices are what discovery could not follow, Skipped the images that were not audited.
	Notices, Skipped []finding.Notice
	// Outdated tells that the baseline is of a version that will not be read for ever, Known how many findings it has too, and
	// Gone how many that are not found any more.
	Outdated    bool
	Known, Gone int
	// Refused tells what could not be followed in the revision, Old is how many findings it has too.
	Refused []finding.Notice
	Old     int
}

// Check finds images, audits them, and takes out what does not count. Where the notices say why no image is left to be audited,
// that there is none is no error, unless it is asked for those for which some files matter.
func (e *Engine) Check(ctx context.Context, c Check) (*Checked, error) {
	out := &Checked{}
	state := e.World.Disk(c.Untracked)
	if c.CleanCheckout {
		var err error
		if state, err = e.World.Checkout(ctx, c.Asked.Options.Context); err != nil {
			return out, err
		}
	}
	found, err := state.Images(ctx, c.Asked)
	out.Notices = found.Notices
	var none *project.NoDockerfileError
	if err != nil && (!errors.As(err, &none) || len(found.Notices)+len(found.Absent) == 0 || len(c.Files) > 0) {
		return out, err
	}
	found.Subjects = append(found.Subjects, found.Absent...)
	if len(c.Files) > 0 {
		found.Subjects = project.Concerned(found.Subjects, c.Files)
	}
	if c.Views {
		c.view = view
	}
	done, skipped, err := e.Audit(ctx, found.Subjects, c.Options)
	if out.Skipped = skipped; err != nil {
		return out, err
	}
	reports, subjects := Reports(done)
	out.Reports = reports
	for _, d := range done {
		if v, ok := d.view.(*inventory.Inventory); ok {
			out.Views = append(out.Views, v)
		}
	}
	if err := e.Suppress(reports, subjects, c.Lints); err != nil {
		return out, err
	}
	if !c.CleanCheckout && !c.Lints {
		finding.Number(reports) // those of ctxaudit fix, which repairs the files on disk
	}
	if err := e.settle(c, out); err != nil {
		return out, err
	}
	return out, e.onlyNew(ctx, c, out)
}

// maxBaseline bounds a baseline, in bytes: it has a few hundred for each finding.
const maxBaseline = 64 << 20

// settle leaves out the findings that the baseline has.
func (e *Engine) settle(c Check, out *Checked) error {
	if c.Baseline == "" {
		return nil
	}
	if c.Update {
		data, err := baseline.Take(out.Reports).Bytes()
		if err != nil {
			return err
		}
		if err := e.World.WriteNamed(c.Baseline, data); err != nil {
			return fmt.Errorf("writing baseline: %w", err)
		}
	}
	data, err := e.World.ReadNamed(c.Baseline, maxBaseline)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("baseline %s does not exist; --update-baseline writes it", c.Baseline)
	}
	if err != nil {
		return fmt.Errorf("reading baseline: %w", err)
	}
	b, err := baseline.Parse(c.Baseline, data)
	if err != nil {
		return err
	}
	known, gone := b.Apply(out.Reports)
	out.Outdated, out.Known, out.Gone = b.Outdated(), known, len(gone)
	return nil
}

// onlyNew leaves out the findings that the images of a revision have.
func (e *Engine) onlyNew(ctx context.Context, c Check, out *Checked) error {
	if c.NewSince == "" {
		return nil
	}
	before, end, err := e.revision(ctx, c.Asked, c.NewSince, &out.Refused)
	defer end()
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, was := range e.inOrder(ctx, before, Options{Sendable: c.Sendable}) {
		if was.err != nil {
			return fmt.Errorf("at revision %s: %w", c.NewSince, was.err)
		}
		for _, g := range was.Report.Findings {
			have[was.Report.Name+"\x00"+g.Identity()] = true
		}
	}
	for i := range out.Reports {
		img := &out.Reports[i]
		found := len(img.Findings)
		img.Findings = slices.DeleteFunc(img.Findings, func(g finding.Finding) bool { return have[img.Name+"\x00"+g.Identity()] })
		out.Old += found - len(img.Findings)
	}
	return nil
}

// view lists the files of an image and its context; of an image that could not be predicted there is none.
func view(s audit.Subject, image *simulate.Image) (any, error) {
	if image == nil {
		return (*inventory.Inventory)(nil), nil
	}
	var main *simulate.Context
	if image.Plan.RemoteContext == "" {
		var err error
		if main, err = image.MainContext(s.Options.Context); err != nil {
			return nil, err
		}
	}
	return inventory.Take(image, main)
}
