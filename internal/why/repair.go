package why

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Repairer searches edits that make findings disappear. A candidate comes from what the simulation recorded; whether it
// is a fix is never argued but tried: the image is predicted and audited again with the edits made. It is one only if the
// finding is gone, the build works and nothing else is found that was not found before.
//
// A package that comes back may import another one that is missing too. Such a finding was hidden behind the first one, and
// the candidate is carried on with a repair of it: what is offered repairs the whole chain.
type Repairer struct {
	// Subject was audited, with Report and Image as the result; Image is nil if the build fails.
	Subject audit.Subject
	Report  finding.ImageReport
	Image   *simulate.Image
	// First ends a search at the first fix that no other one can beat: it changes one line and brings nothing but what is
	// asked for.
	First bool

	plan   *dockerfile.Plan
	main   *simulate.Context // nil if it is remote
	trials map[string]*trial
	search *search
	// excluded is what each line of the ignore file excludes; nil if nobody asked.
	excluded map[int][]string
	laid     overlay.Files // what was edited before Subject was audited
	depth    int           // of carrying on
}

// search is what the repairers of an image share that carry a candidate on.
type search struct {
	budget int // trials that are left
	// trials are by what the edited files hold: edits that are tried one after the other and then together come to the same, and
	// findings have repairs in common.
	trials map[string]*trial
}

// The bounds of a search. They count trials and not time, so that the same input gives the same answer everywhere.
const (
	maxTrials     = 300 // of one image
	manyFindings  = 50  // as often as an image has so many, each trial counts once more: it finds them all again
	maxRepaired   = 20  // findings of one image that a fix is searched for
	maxCandidates = 12  // of one finding
	maxDepth      = 3   // findings behind each other
	maxEdits      = 4   // of one fix: whoever must change more should think
)

// NewRepairer prepares a search. It gives nil if there is nothing to edit: the Dockerfile does not even compile, or the
// context is remote.
func NewRepairer(ctx context.Context, s audit.Subject, r finding.ImageReport, m *simulate.Image) (*Repairer, error) {
	return newRepairer(ctx, &trial{subject: s, report: r, image: m}, &search{budget: maxTrials, trials: map[string]*trial{}}, 0)
}

// newRepairer prepares a search that begins at a trial.
func newRepairer(ctx context.Context, t *trial, all *search, depth int) (*Repairer, error) {
	s, m := t.subject, t.image
	out := &Repairer{Subject: s, Report: t.report, Image: m, trials: map[string]*trial{}, search: all, laid: t.laid, depth: depth}
	if m != nil {
		out.plan = m.Plan
	} else {
		plan, err := dockerfile.Compile(ctx, s.Options)
		if err != nil {
			return nil, ctx.Err()
		}
		out.plan = plan
	}
	if out.plan.RemoteContext != "" {
		return nil, nil
	}
	var err error
	if m != nil {
		out.main, err = m.MainContext(s.Options.Context)
	} else {
		out.main, err = simulate.OpenContext(simulate.MainContext, s.Options.Context, out.plan.Dockerfile)
	}
	if err != nil || out.main == nil {
		// The ignore file itself is refused.
		return nil, ctx.Err()
	}
	return out, nil
}

// Repair searches fixes for the findings of a report, and sets them there: the best one of each finding, or all that hold. at,
// if it is not nil, is told which finding it is at, of how many.
func Repair(ctx context.Context, s audit.Subject, r *finding.ImageReport, m *simulate.Image, all bool, at func(n, of int)) error {
	if !slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Severity.AtLeast(finding.Warning) }) {
		return nil
	}
	rep, err := NewRepairer(ctx, s, *r, m)
	if err != nil || rep == nil {
		return err
	}
	rep.First = !all
	searched := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Severity.AtLeast(finding.Warning) || searched == maxRepaired {
			continue
		}
		searched++
		if at != nil {
			at(i+1, len(r.Findings))
		}
		fixes, tried, err := rep.Fixes(ctx, *f)
		if err != nil {
			return err
		}
		if !all && len(fixes) > 1 {
			fixes = fixes[:1]
		}
		f.Fixes = append(f.Fixes, fixes...)
		if len(fixes) == 0 {
			f.Tried = tried
		}
	}
	return nil
}

// candidate is a set of edits that may repair something.
type candidate struct {
	title string
	edits []edit.Edit
	// also are paths of the context that it brings for other findings, which the first one hid.
	also []string
	// more gives other candidates in the place of this one. It is for those that take much to find, and may not be needed.
	more func() ([]candidate, error)
}

// trial is what an image would be with edits made.
type trial struct {
	subject audit.Subject
	report  finding.ImageReport
	image   *simulate.Image
	laid    overlay.Files // all files that are other than on disk
	err     error         // the edits themselves are impossible
}

// Fixes gives the edits that repair a finding, the best first, and of those that do not what they were and why.
func (r *Repairer) Fixes(ctx context.Context, f finding.Finding) (fixes []finding.Fix, tried []string, err error) {
	list, err := r.candidates(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 && f.ContextPath != "" && f.Rule != finding.RequiredUntracked && f.Rule != finding.UntrackedInImage && f.Rule != finding.RequiredNotUploaded && f.Rule != finding.UnreadIgnoreFile {
		tried = append(tried, "no kind of edit applies")
	}
	seen := map[string]bool{}
	for len(list) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		c := list[0]
		if list = list[1:]; c.more != nil {
			more, err := c.more()
			if err != nil {
				return nil, nil, err
			}
			list = slices.Concat(more, list)
			continue
		}
		if seen[key(c.edits)] || len(seen) == maxCandidates/(r.depth+1) {
			continue
		}
		seen[key(c.edits)] = true
		fix, reason, err := r.attempt(ctx, f, c)
		switch {
		case err != nil:
			return nil, nil, err
		case fix != nil:
			fixes = append(fixes, *fix)
			if r.First && fix.OthersCount+fix.RemovesCount == 0 && size(fix.Edits) == 1 {
				return fixes, nil, nil
			}
		case reason != "":
			tried = append(tried, c.title+": "+reason)
		}
	}
	// What lets in the least comes first, then what changes the least; candidates come in the order of preference.
	slices.SortStableFunc(fixes, func(a, b finding.Fix) int {
		return cmp.Or(
			cmp.Compare(a.OthersCount+a.RemovesCount, b.OthersCount+b.RemovesCount), cmp.Compare(a.OthersBytes, b.OthersBytes),
			cmp.Compare(size(a.Edits), size(b.Edits)))
	})
	return fixes, tried, nil
}

// key tells edits, or files, from others.
func key(of any) string {
	b, err := json.Marshal(of)
	if err != nil {
		panic(err) // of plain values
	}
	return string(b)
}

// size is how many lines edits touch: one that is changed counts once.
func size(edits []edit.Edit) int {
	n := 0
	for _, e := range edits {
		inserted := 0
		if e.Insert != "" {
			inserted = 1 + strings.Count(e.Insert, "\n")
		}
		n += max(e.Remove, inserted)
	}
	return n
}

// attempt tries a candidate, carries it on where it uncovers more of the same kind, and gives the fix, or why it is none.
func (r *Repairer) attempt(ctx context.Context, f finding.Finding, c candidate) (*finding.Fix, string, error) {
	t, err := r.try(ctx, c.edits)
	if err != nil {
		return nil, "", err
	}
	if t == nil {
		return nil, "", nil
	}
	defer t.release()
	if t.err != nil {
		return nil, t.err.Error(), nil
	}
	j := r.judge(f, t)
	switch {
	case j.reason != "" && j.still == nil:
		return nil, j.reason, nil
	case j.reason == "" && len(j.uncovered) == 0:
		fix, err := r.describe(ctx, f, c, t)
		return fix, "", err
	}
	reason := j.reason
	if reason == "" {
		reason = fmt.Sprintf("then %s: %s", j.uncovered[0].Rule, j.uncovered[0].Summary)
	}
	if r.depth == maxDepth || len(c.edits)+max(1, len(j.uncovered)) > maxEdits || !slices.ContainsFunc(j.uncovered, carriesOn) && j.still == nil {
		return nil, reason, nil
	}
	next, err := newRepairer(ctx, t, r.search, r.depth+1)
	if err != nil || next == nil {
		return nil, "", err
	}
	next.First = true
	following := j.still
	if following == nil {
		following = &j.uncovered[0]
	} else if on, err := next.letsInMore(r, *following); err != nil || !on {
		return nil, reason, err
	}
	more, _, err := next.Fixes(ctx, *following)
	if err != nil {
		return nil, "", err
	}
	if len(more) == 0 {
		return nil, reason, nil
	}
	both := edit.Join(c.edits, more[0].Edits)
	if len(both) > maxEdits {
		return nil, fmt.Sprintf("%s; that would need more than %d edits", reason, maxEdits), nil
	}
	return r.attempt(ctx, f, candidate{title: c.title + ", and " + more[0].Title, edits: both, also: append(c.also, following.ContextPath)})
}

// release lets go of what only the next attempt could ask for: there may be hundreds of trials, of large images.
func (t *trial) release() {
	if t.image != nil {
		t.image.Forget()
	}
}

// letsInMore reports whether the ignore file lets in all of what a finding asks for, and did not before: what is left to
// repair lies with the instructions.
func (r *Repairer) letsInMore(before *Repairer, f finding.Finding) (bool, error) {
	if f.ContextPath == "" {
		return false, nil
	}
	files, err := simulate.FilesBelow(r.main.FS, f.ContextPath)
	if err != nil {
		return false, err
	}
	kept := false
	for _, file := range files[:min(len(files), maxExplained)] {
		now, err := r.main.Explain(file)
		if err != nil || !now.Included {
			return false, err
		}
		was, err := before.main.Explain(file)
		if err != nil {
			return false, err
		}
		kept = kept || !was.Included
	}
	return kept, nil
}

// carriesOn reports whether a finding may have been hidden by what was missing.
func carriesOn(f finding.Finding) bool {
	switch f.Rule {
	case finding.ImportNotInImage, finding.ImportNotReachable, finding.NameNotExported, finding.StepInputMissing, finding.WorkspaceMemberMissing, finding.ImportNotInStage:
		return true
	}
	return false
}

// try predicts and audits with edits made; nil if the budget is used up.
func (r *Repairer) try(ctx context.Context, edits []edit.Edit) (*trial, error) {
	k := key(edits)
	if t, ok := r.trials[k]; ok {
		return t, nil
	}
	if r.search.budget <= 0 {
		return nil, nil
	}
	r.search.budget -= 1 + len(r.Report.Findings)/manyFindings
	t := &trial{}
	r.trials[k] = t
	files, err := r.Edited(edits)
	if err != nil {
		t.err = err
		return t, nil
	}
	t.laid = maps.Clone(r.laid)
	if t.laid == nil {
		t.laid = overlay.Files{}
	}
	maps.Copy(t.laid, files)
	all := key(t.laid)
	if have := r.search.trials[all]; have != nil {
		r.trials[k] = have
		return have, nil
	}
	r.search.trials[all] = t
	t.subject = r.Subject
	t.subject.Image, t.subject.Sound = nil, r.Image
	if data, ok := files[""]; ok {
		t.subject.Options.Stdin = overlay.NewReader(data)
		delete(files, "")
	}
	t.subject.Options.Open = overlay.Open(r.Subject.Options.Open, files)
	t.report, t.image, err = audit.Run(ctx, t.subject)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t.err = err
	return t, nil
}

// Edited gives the files that edits change, as they are afterwards, by their absolute path; "" is a Dockerfile that was
// read from standard input.
func (r *Repairer) Edited(edits []edit.Edit) (overlay.Files, error) {
	files := overlay.Files{}
	for _, e := range edits {
		data, ok := files[e.Path]
		if !ok {
			var err error
			if data, err = r.content(e.Path); err != nil {
				return nil, err
			}
		}
		data, err := edit.Apply(data, []edit.Edit{e})
		if err != nil {
			return nil, err
		}
		files[e.Path] = data
	}
	return files, nil
}

// onlyUntracked reports whether a finding says no more than that git does not track yet what another one asks for.
func onlyUntracked(f, g finding.Finding) bool {
	switch g.Rule {
	case finding.RequiredUntracked:
		return true
	case finding.UntrackedInImage:
		names := g.Files
		if len(names) == 0 {
			names = []string{g.ContextPath}
		}
		return f.ContextPath != "" && !slices.ContainsFunc(names, func(n string) bool {
			n = strings.TrimSuffix(n, "/")
			return !simulate.Within(n, f.ContextPath) && !simulate.Within(f.ContextPath, n)
		})
	}
	return false
}

// content gives a file as it is now.
func (r *Repairer) content(name string) ([]byte, error) {
	switch name {
	case r.dockerfilePath():
		return r.plan.Dockerfile.Data, nil
	case r.ignorePath():
		if r.main.Ignore == nil {
			return nil, nil
		}
		return r.main.Ignore.Bytes(), nil
	}
	if rel, ok := r.contextName(name); ok {
		data, err := readAll(r.main.FS, rel)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil // it is made
		}
		return data, err
	}
	if r.Image != nil {
		for _, s := range r.Image.Sources {
			if rel, err := filepath.Rel(r.real(s.Context.Dir), name); err == nil && filepath.IsLocal(rel) {
				return readAll(s.Context.FS, filepath.ToSlash(rel))
			}
		}
	}
	return nil, fmt.Errorf("%s is in no build context", name)
}

// judgement is what a trial shows of a candidate.
type judgement struct {
	// reason says why it does not repair the finding, "" if it does; still is the finding if it is still there.
	reason string
	still  *finding.Finding
	// uncovered is what is found that was not found before.
	uncovered []finding.Finding
}

func (r *Repairer) judge(f finding.Finding, t *trial) judgement {
	known := map[string]bool{}
	for _, g := range r.Report.Findings {
		known[g.Identity()] = true
	}
	var j judgement
	for _, g := range t.report.Findings {
		switch {
		case g.Rule == finding.BuildFails && g.Severity == finding.Error && g.Identity() != f.Identity():
			return judgement{reason: "the build fails: " + g.Summary}
		case g.Identity() == f.Identity():
			j.reason, j.still = "the finding remains", &g
		case !known[g.Identity()] && g.Severity.AtLeast(finding.Warning) && !onlyUntracked(f, g):
			j.uncovered = append(j.uncovered, g)
		}
	}
	return j
}
