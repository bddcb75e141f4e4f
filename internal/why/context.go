package why

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// contextPath explains a path of the build context.
func (e *Explainer) contextPath(a *Answer, target string) error {
	a.Kind = "context-path"
	if e.Main == nil {
		a.Verdict, a.Summary = Remote, fmt.Sprintf("%s cannot be explained: the build context %s is not on this machine, and has no ignore file", target, e.Image.Plan.RemoteContext)
		return nil
	}
	p, ok, err := e.find(target)
	if err != nil {
		return err
	}
	if !ok {
		a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s does not exist in the build context %s", target, e.Main.Dir)
		if near, ok := simulate.NearestInContext(e.Main, p); ok {
			a.Remedy = fmt.Sprintf("did you mean %s?", near)
		}
		return e.judgeAbsent(a, p)
	}
	if p != target {
		a.step(fmt.Sprintf("%s is %s in the build context", target, p), nil)
	}
	files, err := simulate.FilesBelow(e.Main.FS, p)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		a.Verdict, a.Summary = EmptyDir, fmt.Sprintf("%s is a directory that holds no file", p)
		return e.ignoreSteps(a, p)
	}
	r, err := e.Image.Reach(e.Main, p, files, nil)
	if err != nil {
		return err
	}
	if err := e.reached(a, p, r); err != nil {
		return err
	}
	return e.usage(a, p, files)
}

// usage adds who imports a path that holds Python code.
func (e *Explainer) usage(a *Answer, p string, files []string) error {
	if p == "." || !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, ".py") }) {
		return nil
	}
	u, err := audit.Importers(e.Image, e.Main, e.policy(), p)
	if err != nil || len(u.Imports) == 0 {
		return err
	}
	a.Usage = &Usage{Module: u.Module, Imports: u.Imports, Count: len(u.Imports), Exports: u.Exports}
	if !e.All {
		a.Usage.Imports = u.Imports[:min(len(u.Imports), maxListed)]
	}
	return nil
}

// find gives the context path that a target names: itself, or the directory or file of a module.
func (e *Explainer) find(target string) (p string, ok bool, err error) {
	p = path.Clean(target)
	if p == ".." || strings.HasPrefix(p, "../") {
		return p, false, nil
	}
	if _, err := e.Main.FS.Lstat(p); err == nil {
		return p, true, nil
	}
	if moduleName.MatchString(target) {
		q, ok, err := audit.ModulePath(e.Image, e.Main, e.policy(), target)
		if ok || err != nil {
			return q, ok, err
		}
	}
	return p, false, nil
}

func (e *Explainer) policy() *policy.Image {
	if e.Policy == nil {
		return &policy.Image{}
	}
	return e.Policy
}

// judgeAbsent tells what the ignore file would do to a path that does not exist.
func (e *Explainer) judgeAbsent(a *Answer, p string) error {
	if p == ".." || strings.HasPrefix(p, "../") {
		a.Remedy = "paths are relative to the build context, and nothing outside it can be copied"
		return nil
	}
	t, err := e.Main.Explain(p)
	if err != nil || t.Included {
		return err
	}
	a.step("if it existed, the ignore file would keep it out", e.place(audit.RoleExcludes, t.Decisive))
	return nil
}

func (e *Explainer) place(role audit.Role, l *dockerctx.Line) *audit.Place {
	if l == nil {
		return nil
	}
	return &audit.Place{Role: role, File: e.Main.Ignore.Name, Line: l.Number, Text: strings.TrimSpace(l.Text)}
}

// ignoreSteps adds each ignore line that had to do with a path.
func (e *Explainer) ignoreSteps(a *Answer, p string) error {
	t, err := e.Main.Explain(p)
	if err != nil {
		return err
	}
	if e.Main.Ignore == nil {
		a.step("there is no ignore file: everything is allowed in", nil)
		return nil
	}
	if len(t.Steps) == 0 {
		a.step(fmt.Sprintf("no line of %s matches it", e.Main.Ignore.Name), nil)
	}
	for _, s := range t.Steps {
		role, what := audit.RoleNoEffect, "no effect on "
		switch s.Effect {
		case dockerctx.EffectExcludes:
			role, what = audit.RoleExcludes, "excludes "
		case dockerctx.EffectReincludes:
			role, what = audit.RoleReincludes, "re-includes "
		}
		sentence := what + s.Path
		if role == audit.RoleNoEffect {
			sentence += ": " + s.Reason.Sentence()
		}
		a.step(sentence, e.place(role, s.Line))
	}
	if t.PrunedAt != "" && t.PrunedAt != p {
		a.step(fmt.Sprintf("BuildKit does not enter %s, so no later line can bring anything in it back", t.PrunedAt), nil)
	}
	return nil
}

// reached explains files that exist.
func (e *Explainer) reached(a *Answer, p string, r *simulate.Reach) error {
	missing := r.Missing()
	a.MissingCount = len(missing)
	example := p
	if len(missing) > 0 {
		a.Missing = missing[:min(len(missing), maxListed)]
		example = missing[0]
	} else if len(r.Files) > 1 || r.Files[0] != p {
		example = r.Files[0]
	}
	if err := e.ignoreSteps(a, example); err != nil {
		return err
	}
	copied, err := e.Image.CopiedBy(e.Main, p, r.Files)
	if err != nil {
		return err
	}
	for _, c := range copied {
		a.step(fmt.Sprintf("copied to %s", c.Entry.Path), instruction(audit.RoleCopies, e.Image.Plan.Ops[c.Op].Location))
	}
	for _, f := range r.Files {
		if l, ok := r.Found[f]; ok && len(a.ImagePaths) < maxListed {
			a.ImagePaths = append(a.ImagePaths, l.Path)
		}
	}
	e.verdict(a, p, r, copied)
	a.Assumptions = e.assumptions()
	return nil
}

func (e *Explainer) verdict(a *Answer, p string, r *simulate.Reach, copied []simulate.Copied) {
	total, missing := len(r.Files), a.MissingCount
	what := p
	if total > 1 {
		what = fmt.Sprintf("%s (%d files)", p, total)
	}
	switch {
	case missing == 0:
		a.Verdict, a.Summary = InImage, fmt.Sprintf("%s is in the image, at %s", what, a.ImagePaths[0])
	case missing < total:
		a.Verdict, a.Summary = PartlyThere, fmt.Sprintf("%s is only partly in the image: %d of its files are missing", what, missing)
	case len(r.Emptied) == total:
		a.Verdict, a.Summary = Emptied, fmt.Sprintf("%s is in the image without its content", what)
	case len(r.Ignored) > 0:
		line := r.Trails[r.Ignored[0]].Decisive
		a.Verdict, a.Summary = Ignored, fmt.Sprintf("%s is not in the image: the ignore file keeps it out of the context", what)
		if line != nil {
			a.Summary = fmt.Sprintf("%s is not in the image: %s:%d keeps it out of the context", what, e.Main.Ignore.Name, line.Number)
			dir := p
			if fi, err := e.Main.FS.Lstat(p); err == nil && fi.IsDir() {
				dir += "/"
			}
			a.Remedy = fmt.Sprintf("a line !%s after line %d of %s", dir, line.Number, e.Main.Ignore.Name)
		}
	case len(copied) > 0:
		a.Verdict, a.Summary = Lost, fmt.Sprintf("%s is not in the image, although an instruction copies it: it is removed or replaced later, or stays in another stage", what)
	default:
		a.Verdict, a.Summary = NotCopied, fmt.Sprintf("%s is not in the image: it is in the build context, but no COPY or ADD that the image is built from takes it", what)
		e.nearMisses(a, p)
	}
}
