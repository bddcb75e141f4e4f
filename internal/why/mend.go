package why

import (
	"context"
	"maps"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Repaired is a finding with the fix that was chosen for it.
type Repaired struct {
	Image string `json:"image"`
	// Number counts findings in the order in which check shows them, from 1.
	Number  int             `json:"number"`
	Finding finding.Finding `json:"finding"`
	// Fix is nil if no edit was found that repairs it; Tried says what was tried then.
	Fix   *finding.Fix `json:"fix,omitempty"`
	Tried []string     `json:"tried,omitempty"`
}

// Change is a file that edits change.
type Change struct {
	Name          string // as people know it
	Path          string // absolute; "" for a Dockerfile from standard input
	Before, After []byte
}

// Mended is what the repairs of several findings come to.
type Mended struct {
	// Reports are those of the images as they are.
	Reports []finding.ImageReport
	Repairs []Repaired
	Changes []Change // sorted by path
}

// Mend repairs findings of images that may share their files. Each fix is searched in the state that the ones before it
// leave, so that lines are counted right and what one repairs is not repaired twice; a fix that would bring a finding to
// another image is passed over. settle, if it is not nil, takes findings out of the reports that do not count; choose tells
// which of the others are to be repaired.
func Mend(ctx context.Context, subjects []audit.Subject, settle func([]finding.ImageReport) error, choose func(number int, f finding.Finding) bool) (*Mended, error) {
	m := &mending{ctx: ctx, subjects: subjects, before: overlay.Files{}, after: overlay.Files{}, names: map[string]string{}}
	for i := range subjects {
		r, _, err := m.audit(i, m.after)
		if err != nil {
			return nil, err
		}
		known := map[string]bool{}
		for _, f := range r.Findings {
			known[f.Identity()] = true
		}
		m.known = append(m.known, known)
		m.out.Reports = append(m.out.Reports, r)
	}
	if settle != nil {
		if err := settle(m.out.Reports); err != nil {
			return nil, err
		}
	}
	finding.Number(m.out.Reports)
	for _, r := range m.out.Reports {
		wanted := map[string]int{}
		for _, f := range r.Findings {
			if choose(f.Number, f) {
				wanted[f.Identity()] = f.Number
			}
		}
		m.wanted = append(m.wanted, wanted)
	}
	for i := range subjects {
		for len(m.wanted[i]) > 0 {
			done, err := m.step(i)
			if err != nil {
				return nil, err
			}
			if done {
				break
			}
		}
	}
	slices.SortStableFunc(m.out.Repairs, func(a, b Repaired) int { return a.Number - b.Number })
	for _, p := range slices.Sorted(maps.Keys(m.after)) {
		m.out.Changes = append(m.out.Changes, Change{Name: m.names[p], Path: p, Before: m.before[p], After: m.after[p]})
	}
	return &m.out, nil
}

type mending struct {
	ctx      context.Context
	subjects []audit.Subject
	known    []map[string]bool // the findings of each image as it was, by identity
	wanted   []map[string]int  // those that are still to be repaired, with their numbers

	before, after overlay.Files
	names         map[string]string
	out           Mended
}

// subject gives an image with files edited.
func (m *mending) subject(i int, files overlay.Files) audit.Subject {
	s := m.subjects[i]
	if len(files) == 0 {
		return s
	}
	s.Image = nil
	if data, ok := files[""]; ok && s.Options.Dockerfile == "-" {
		s.Options.Stdin = overlay.NewReader(data)
	}
	s.Options.Open = overlay.Open(s.Options.Open, files)
	return s
}

func (m *mending) audit(i int, files overlay.Files) (finding.ImageReport, *simulate.Image, error) {
	return audit.Run(m.ctx, m.subject(i, files))
}

// step repairs the first finding of an image that is still wanted; done tells that there is none.
func (m *mending) step(i int) (done bool, err error) {
	r, image, err := m.audit(i, m.after)
	if err != nil {
		return false, err
	}
	at := -1
	for n, f := range r.Findings {
		// What brings a directory brings what is in it, and with it all that nobody asks for by name.
		if m.wanted[i][f.Identity()] > 0 && (at < 0 || f.ContextPath != "" && f.ContextPath != r.Findings[at].ContextPath && simulate.Within(r.Findings[at].ContextPath, f.ContextPath)) {
			at = n
		}
	}
	if at < 0 {
		return true, nil
	}
	f := r.Findings[at]
	out := Repaired{Image: r.Name, Number: m.wanted[i][f.Identity()], Finding: f}
	delete(m.wanted[i], f.Identity())
	rep, err := NewRepairer(m.ctx, m.subject(i, m.after), r, image)
	if err != nil {
		return false, err
	}
	if rep != nil {
		if err := m.choose(i, rep, f, &out); err != nil {
			return false, err
		}
	}
	m.out.Repairs = append(m.out.Repairs, out)
	return false, nil
}

// choose takes the best fix that does no harm to another image.
func (m *mending) choose(i int, rep *Repairer, f finding.Finding, out *Repaired) error {
	fixes, tried, err := rep.Fixes(m.ctx, f)
	if err != nil {
		return err
	}
	out.Tried = tried
	for _, fix := range fixes {
		if name := m.subjects[i].Options.StdinName; name != "" && slices.ContainsFunc(fix.Edits, func(e edit.Edit) bool { return e.Path == "" }) {
			out.Tried = append(out.Tried, fix.Title+": make this edit by hand, in "+name)
			continue
		}
		edited, err := rep.Edited(fix.Edits)
		if err != nil {
			return err
		}
		files := maps.Clone(m.after)
		maps.Copy(files, edited)
		harmed, err := m.harms(i, files)
		if err != nil {
			return err
		}
		if harmed != "" {
			out.Tried = append(out.Tried, fix.Title+": "+harmed)
			continue
		}
		for _, e := range fix.Edits {
			if _, ok := m.before[e.Path]; !ok {
				if m.before[e.Path], err = rep.content(e.Path); err != nil {
					return err
				}
				m.names[e.Path] = e.File
			}
		}
		m.after, out.Fix, out.Tried = files, &fix, nil
		return nil
	}
	return nil
}

// harms says which other image would have a finding that it does not have now, "" if none.
func (m *mending) harms(but int, files overlay.Files) (string, error) {
	for i := range m.subjects {
		if i == but {
			continue
		}
		r, _, err := m.audit(i, files)
		if err != nil {
			return "", err
		}
		for _, f := range r.Findings {
			if f.Severity.AtLeast(finding.Warning) && !m.known[i][f.Identity()] {
				return "then image " + r.Name + " has " + f.Rule + ": " + f.Summary, nil
			}
		}
	}
	return "", nil
}
