package why

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// contextPath explains a path of the build context.
func (e *Explainer) contextPath(ctx context.Context, a *Answer, target string) error {
	if a.Kind == "" {
		a.Kind = "context-path"
	}
	if e.Main == nil {
		a.Verdict, a.Summary = Remote, fmt.Sprintf("%s cannot be explained: the build context %s is remote and has no ignore file", target, e.Image.Plan.RemoteContext)
		return nil
	}
	p, ok, err := e.find(target)
	if err != nil {
		return err
	}
	if !ok {
		return e.absent(a, target, p)
	}
	if p != target {
		a.step(fmt.Sprintf("%s is %s in the build context", target, p), nil)
	}
	if p, err = e.led(a, p); err != nil || a.Verdict != "" {
		return err
	}
	files, err := simulate.FilesBelow(e.Main.FS, p)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		a.Verdict, a.Summary = EmptyDir, fmt.Sprintf("%s is a directory without files", p)
		return e.ignoreSteps(a, p)
	}
	if err := e.git(a, p, files); err != nil {
		return err
	}
	if e.Failure != nil {
		if err := e.unbuilt(a, p, files); err != nil {
			return err
		}
		return e.repair(ctx, a, p)
	}
	r, err := e.Image.Reach(e.Main, p, files, nil)
	if err != nil {
		return err
	}
	if err := e.reached(a, p, r); err != nil {
		return err
	}
	found, err := e.usage(a, p, files)
	if err != nil {
		return err
	}
	if found != nil && found.Rule == finding.ImportNotReachable && a.Verdict == InImage {
		a.Verdict, a.Summary = Unreachable, found.Summary
		a.step(found.Detail, nil)
	}
	switch {
	case a.Verdict == InImage:
		return nil
	case found != nil:
		return e.repairFinding(ctx, a, *found)
	}
	return e.repair(ctx, a, p)
}

// led gives what a path of the context comes to: where a link leads, unless the image has the link and what it leads to. One that leads
// nowhere is answered for.
func (e *Explainer) led(a *Answer, p string) (string, error) {
	to, ok := audit.Led(e.Main, p)
	if to == p || e.Failure != nil {
		return p, nil
	}
	if out, err := e.leftOut(p); out != "" || err != nil {
		return out, err
	}
	link, at := "", ""
	err := e.Image.Locate(e.Image.Tree, e.Main.Name, p, func(l simulate.Located) error {
		if l.ContextPath == p && l.Node.Kind == rootfs.KindSymlink {
			link, at = l.Path, l.Node.Link
		}
		return nil
	})
	end := ""
	if err == nil && link != "" {
		var there error
		if _, end, there = e.Image.Tree.Stat(link); there == nil {
			return p, nil
		}
	}
	switch {
	case err != nil:
		return p, err
	case ok:
		a.step(fmt.Sprintf("%s leads to %s by a link", p, to), nil)
		return to, nil
	case link != "":
		a.Verdict, a.ImagePaths = NotFound, []string{link}
		a.Summary = fmt.Sprintf("%s is in the image, at %s, as a link to %s, and that leads nowhere", p, link, at)
		if e.Image.Tree.MayHold(end) {
			a.Verdict = Unknown
			a.Summary = fmt.Sprintf("%s is in the image, at %s, as a link to %s, which is not known to be there", p, link, at)
		}
		return p, e.ignoreSteps(a, p)
	}
	return p, nil
}

// leftOut gives the link on the way to a path, or at it, that the ignore file keeps out itself; "" if there is none.
func (e *Explainer) leftOut(p string) (string, error) {
	for i, c := range p + "/" {
		if c != '/' {
			continue
		}
		if fi, err := e.Main.FS.Lstat(p[:i]); err != nil || fi.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		t, err := e.Main.Explain(p[:i])
		if err != nil || !t.Included {
			return p[:i], err
		}
	}
	return "", nil
}

// absent answers for what does not exist in the context.
func (e *Explainer) absent(a *Answer, target, p string) error {
	if (moduleName().MatchString(target) || fileName().MatchString(target)) && e.Failure == nil {
		sentence, place, err := audit.Foreign(e.Image, e.Main, target)
		if err != nil {
			return err
		}
		if sentence != "" {
			a.Verdict, a.Summary = Foreign, fmt.Sprintf("%s is not a module of this repository", target)
			a.step(sentence, place)
			return nil
		}
	}
	a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s does not exist in the build context %s", target, e.Main.Dir)
	a.suggest(e.nearTargets(target, p))
	return e.judgeAbsent(a, p)
}

// nearTargets gives what exists in the context and is most like a target that does not: for a module, modules.
func (e *Explainer) nearTargets(target, p string) []string {
	list := contextNames(e.Main.FS)
	if p == ".." || strings.HasPrefix(p, "../") {
		return nil
	}
	if strings.Contains(target, ".") && moduleName().MatchString(target) {
		var out []string
		for _, near := range nearPaths(strings.ReplaceAll(target, ".", "/"), list) {
			out = append(out, strings.ReplaceAll(strings.TrimSuffix(near, ".py"), "/", "."))
		}
		if len(out) > 0 {
			return out
		}
	}
	if out := nearPaths(p, list); len(out) > 0 {
		return out
	}
	return elsewhere(p, list)
}

// git tells what a clean checkout would lack.
func (e *Explainer) git(a *Answer, p string, files []string) error {
	if e.Subject.Tracked == nil {
		return nil
	}
	tracked, ok, err := e.Subject.Tracked(e.Main.Dir, p)
	if err != nil || !ok {
		return err
	}
	switch {
	case len(tracked) == 0:
		return e.untracked(a, p)
	case len(tracked) < len(files):
		a.step(fmt.Sprintf("it is in the repository; git tracks %d of its %d files, and a clean checkout lacks the others", len(tracked), len(files)), nil)
	case len(files) > 1:
		a.step("it is in the repository, and git tracks all of it", nil)
	default:
		a.step("it is in the repository, and git tracks it", nil)
	}
	return nil
}

// untracked tells why a clean checkout lacks all of a path.
func (e *Explainer) untracked(a *Answer, p string) error {
	const sentence = "it exists here, but a clean checkout lacks it: "
	if e.Subject.Clean != nil {
		absent, err := e.Subject.Clean.Absent(e.Main.Dir, []string{p})
		if err != nil {
			return err
		}
		if line := absent[p].Ignores; line != nil {
			a.step(sentence+"git ignores it", line)
			return nil
		}
	}
	a.step(sentence+"git does not track it", nil)
	return nil
}

// unbuilt explains files of a build that fails.
func (e *Explainer) unbuilt(a *Answer, p string, files []string) error {
	var kept []string
	for _, f := range files {
		t, err := e.Main.Explain(f)
		if err != nil {
			return err
		}
		if !t.Included {
			kept = append(kept, f)
		}
	}
	example := files[0]
	if len(kept) > 0 {
		example = kept[0]
	}
	if err := e.ignoreSteps(a, example); err != nil {
		return err
	}
	a.step(e.Failure.Message, instruction(finding.RoleFails, e.Failure.Location))
	a.MissingCount, a.Missing = len(kept), kept[:min(len(kept), maxListed)]
	if len(kept) == 0 {
		a.Verdict, a.Summary = BuildFailed, fmt.Sprintf("%s is in the build context, but the build fails", p)
		return nil
	}
	a.Verdict = Ignored
	return e.summarizeIgnored(a, p, p, kept)
}

// repair searches edits that bring a path into the image.
func (e *Explainer) repair(ctx context.Context, a *Answer, p string) error {
	s := e.Subject
	required := *e.policy()
	required.Require = policy.Require{Modules: []policy.Module{{Path: p}}}
	rule := finding.ModuleNotInImage
	if a.Kind == "image-path" {
		// It must arrive just there.
		if strings.ContainsAny(a.Target, patternSyntax) {
			return nil
		}
		required.Require, rule = policy.Require{Paths: []string{path.Clean(a.Target)}}, finding.PathNotInImage
	}
	s.Policy, s.PolicyFile, s.Image = &required, nil, nil
	// Git knows what a module needs; whoever asks about a path asks about all that is there.
	s.Tracked, s.Clean = nil, nil
	if e.Failure == nil {
		// One answer does not read what it has nothing to do with.
		s.Image, s.Sound = e.Image, e.Image
	}
	r, image, err := audit.Run(ctx, s)
	if err != nil {
		return err
	}
	about := func(f finding.Finding) bool {
		return (f.Rule == rule || f.Rule == finding.BuildFails) && (f.ContextPath == p || simulate.Within(f.ContextPath, p) || simulate.Within(p, f.ContextPath))
	}
	return e.repairOne(ctx, a, s, r, image, about)
}

// repairFinding searches the edits that repair what a check finds, as the check does.
func (e *Explainer) repairFinding(ctx context.Context, a *Answer, found finding.Finding) error {
	s := e.Subject
	s.Policy, s.Image, s.Sound = e.policy(), e.Image, e.Image
	r, image, err := audit.Run(ctx, s)
	if err != nil {
		return err
	}
	return e.repairOne(ctx, a, s, r, image, func(f finding.Finding) bool { return f.Identity() == found.Identity() })
}

// repairOne searches repairs of the first finding of a report that an answer is about.
func (e *Explainer) repairOne(ctx context.Context, a *Answer, s audit.Subject, r finding.ImageReport, image *simulate.Image, about func(finding.Finding) bool) error {
	rep, err := NewRepairer(ctx, s, r, image)
	i := slices.IndexFunc(r.Findings, about)
	if err != nil || rep == nil || i < 0 {
		return err
	}
	rep.First = !e.All
	fixes, tried, err := rep.Fixes(ctx, r.Findings[i])
	switch {
	case err != nil:
		return err
	case len(fixes) == 0:
		a.Tried = tried
		return nil
	case !e.All:
		fixes = fixes[:1]
	}
	a.Fixes, a.Remedy = fixes, ""
	return nil
}

// usage adds who imports a path that holds source files, and gives what a check finds about it, nil if nothing.
func (e *Explainer) usage(a *Answer, p string, files []string) (*finding.Finding, error) {
	if p == "." || !slices.ContainsFunc(files, audit.IsSource) {
		return nil, nil
	}
	u, err := audit.Importers(e.Image, e.Main, e.Subject, p)
	if err != nil {
		return nil, err
	}
	var found *finding.Finding
	if len(u.Findings) > 0 && u.Findings[0].Severity.AtLeast(finding.Warning) {
		found = &u.Findings[0]
	}
	if u.Module == "" {
		return found, nil
	}
	a.Usage = &Usage{Module: u.Module, Imports: u.Imports, Count: len(u.Imports), Exports: u.Exports}
	if !e.All {
		a.Usage.Imports = u.Imports[:min(len(u.Imports), maxListed)]
	}
	return found, nil
}

// find gives the context path that a target names: itself, or the directory or file of a module.
func (e *Explainer) find(target string) (p string, ok bool, err error) {
	p = path.Clean(target)
	if p != ".." && !strings.HasPrefix(p, "../") {
		for _, end := range append([]string{""}, audit.Omitted()...) {
			if _, err := e.Main.FS.Lstat(p + end); err == nil {
				return p + end, true, nil
			}
		}
	}
	if e.Failure == nil && (moduleName().MatchString(target) || fileName().MatchString(target)) {
		q, ok, err := audit.ModulePath(e.Image, e.Main, e.Subject, target)
		if ok || err != nil {
			return q, ok, err
		}
	}
	return p, false, nil
}

func (e *Explainer) policy() *policy.Image {
	if e.Subject.Policy == nil {
		return &policy.Image{}
	}
	return e.Subject.Policy
}

// judgeAbsent tells what the ignore file would do to a path that does not exist.
func (e *Explainer) judgeAbsent(a *Answer, p string) error {
	if p == ".." || strings.HasPrefix(p, "../") {
		a.Remedy = "paths are relative to the build context; nothing outside it can be copied"
		return nil
	}
	t, err := e.Main.Explain(p)
	if err != nil || t.Included {
		return err
	}
	a.step("if it existed, the ignore file would exclude it", e.place(finding.RoleExcludes, t.Decisive))
	return nil
}

func (e *Explainer) place(role finding.Role, l *dockerctx.Line) *finding.Place {
	if l == nil {
		return nil
	}
	return &finding.Place{Role: role, File: e.Main.Ignore.Name, Line: l.Number, Text: strings.TrimSpace(l.Text)}
}

// ignoreSteps adds each ignore line that had to do with a path.
func (e *Explainer) ignoreSteps(a *Answer, p string) error {
	t, err := e.Main.Explain(p)
	if err != nil {
		return err
	}
	if e.Main.Ignore == nil {
		a.step("there is no ignore file: everything is in the context", nil)
		return nil
	}
	if len(t.Steps) == 0 {
		a.step(fmt.Sprintf("no line of %s matches it", e.Main.Ignore.Name), nil)
	}
	for i, s := range t.Steps {
		if i > 0 && t.Steps[i-1].Line == s.Line && t.Steps[i-1].Effect == s.Effect && s.Effect != dockerctx.EffectNone {
			continue // it follows from what the line does to the directory above
		}
		role, what := finding.RoleNoEffect, "no effect on "
		switch s.Effect {
		case dockerctx.EffectExcludes:
			role, what = finding.RoleExcludes, "excludes "
		case dockerctx.EffectReincludes:
			role, what = finding.RoleReincludes, "re-includes "
		}
		sentence := what + s.Path
		if role == finding.RoleNoEffect {
			sentence += ": " + s.Reason.Sentence()
		}
		a.step(sentence, e.place(role, s.Line))
	}
	if t.PrunedAt != "" && t.PrunedAt != p {
		a.step(fmt.Sprintf("BuildKit does not enter %s: no negation names anything below it", t.PrunedAt), nil)
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
		a.step(fmt.Sprintf("copied to %s", c.Entry.Path), instruction(finding.RoleCopies, e.Image.Plan.Ops[c.Op].Location))
	}
	for _, f := range r.Files {
		if l, ok := r.Found[f]; ok && len(a.ImagePaths) < maxListed {
			a.ImagePaths = append(a.ImagePaths, l.Path)
		}
	}
	if err := e.verdict(a, p, r, copied); err != nil {
		return err
	}
	e.later(a, p, r, copied)
	if a.Verdict == InImage {
		e.searched(a, r)
	}
	a.Assumptions = e.assumptions()
	return nil
}
