package why

import (
	"context"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// asChecked adds to an answer without a repair what a check finds of the same thing, and what would repair that.
func (e *Explainer) asChecked(ctx context.Context, a *Answer) error {
	mounted := slices.ContainsFunc(e.Subject.Starts, func(s audit.Start) bool { return len(s.Mounts) > 0 })
	if e.Main == nil || len(a.Fixes) > 0 || a.Kind == "environment" || a.Verdict == EmptyDir || a.Verdict.Good() && !mounted && !a.ofNode() {
		return nil
	}
	r, image, s, err := e.checked(ctx)
	i := slices.IndexFunc(r.Findings, a.isAbout)
	if err != nil || i < 0 {
		return err
	}
	f := r.Findings[i]
	switch {
	case a.Verdict == Foreign:
		a.Verdict, a.Summary, a.Remedy = NotFound, f.Summary, ""
	case f.Rule == finding.MountHidesImage:
		a.Verdict, a.Summary = Hidden, f.Summary
	case f.Hint.Context != "":
		a.Verdict, a.Summary, a.Near, a.Remedy = NotCopied, f.Summary, nil, ""
		if i := slices.IndexFunc(f.Related, func(p finding.Place) bool { return p.Role == finding.RoleExcludes }); i >= 0 {
			a.Verdict = Ignored
			a.step("an ignore file excludes it", &f.Related[i])
		}
	}
	if a.Verdict == Unknown && f.Severity == finding.Error { // it is known after all
		a.Verdict, a.Summary, a.Near, a.Remedy = NotFound, f.Summary, nil, ""
	}
	if a.Remedy == "" {
		a.Remedy = f.Detail
	}
	return e.repairOne(ctx, a, s, r, image, func(g finding.Finding) bool { return g.Identity() == f.Identity() })
}

// ofNode reports whether an answer is about a dependency that a package.json declares: a step installs it, and it may have to be copied, too.
func (a *Answer) ofNode() bool {
	return a.Verdict == Foreign && slices.ContainsFunc(a.Steps, func(s Step) bool { return s.Place != nil && path.Base(s.Place.File) == "package.json" })
}

// checked gives what a check finds, with the image and the request that it was about.
func (e *Explainer) checked(ctx context.Context) (finding.ImageReport, *simulate.Image, audit.Subject, error) {
	s := e.Subject
	if s.Policy = e.policy(); e.Failure == nil {
		s.Image, s.Sound = e.Image, e.Image
	}
	r, image, err := audit.Run(ctx, s)
	return r, image, s, err
}

// isAbout reports whether a finding is about what an answer is about.
func (a *Answer) isAbout(f finding.Finding) bool {
	if !f.Severity.AtLeast(finding.Warning) {
		return false
	}
	if f.Rule == finding.MountHidesImage {
		return slices.ContainsFunc(a.ImagePaths, func(p string) bool { return p == f.ImagePath || path.Dir(f.ImagePath) == p })
	}
	if a.Verdict.Good() && !a.ofNode() {
		return false
	}
	target := path.Clean(a.Target)
	switch target {
	case f.Module, f.ImagePath, f.ContextPath:
		return true
	}
	return a.Kind == "program" && f.Hint.Program == target
}
