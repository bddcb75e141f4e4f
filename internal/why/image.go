package why

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// imagePath explains a path of the image.
func (e *Explainer) imagePath(ctx context.Context, a *Answer, p string) error {
	a.Kind = "image-path"
	n, at, err := e.Image.Tree.Stat(p)
	if err != nil && audit.IsPattern(p) {
		if ok, err := e.imagePattern(a, p); ok || err != nil {
			return err
		}
	}
	if at != p && err == nil {
		a.step(fmt.Sprintf("links lead to %s", at), nil)
	}
	switch {
	case err == nil && n.Kind == rootfs.KindUnknown && n.Op >= 0:
		a.Verdict, a.Summary = InImage, fmt.Sprintf("%s is in the image, but a step that cannot be simulated creates its content", p)
		a.ImagePaths = []string{at}
		a.step("copied by", instruction(finding.RoleCopies, e.Image.Plan.Ops[n.Op].Location))
		a.Assumptions = e.assumptions()
	case err != nil && e.counterpart(at) != "":
		return e.wouldBe(ctx, a, p, e.counterpart(at))
	case err != nil && e.withEnd(at) != "":
		a.step(fmt.Sprintf("a program that asks for it means %s", e.withEnd(at)), nil)
		return e.imagePath(ctx, a, e.withEnd(at))
	case err == nil && n.Kind == rootfs.KindUnknown, err != nil && e.Image.Tree.MayHold(at):
		a.Verdict = Unknown
		a.Summary = fmt.Sprintf("%s may not be in the image: no instruction that can be simulated creates it", p)
		if n, err := e.Image.Tree.Lstat(p); err == nil && n.Kind == rootfs.KindSymlink {
			a.Summary = fmt.Sprintf("%s is a link to %s, which may not be in the image", p, at)
			e.provenance(a, n)
		}
		e.mayCreate(a, p, at)
		e.nearest(a, at)
	case err != nil:
		a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s is not in the image", p)
		if n, err := e.Image.Tree.Lstat(p); err == nil && n.Kind == rootfs.KindSymlink {
			a.Summary = fmt.Sprintf("%s is a link to %s, which is not in the image", p, at)
			e.provenance(a, n)
		}
		e.nearest(a, at)
		e.formerly(a, at)
	default:
		a.Verdict = InImage
		a.Summary = fmt.Sprintf("%s is in the image: %s", p, describe(n))
		a.ImagePaths = []string{at}
		e.provenance(a, n)
		a.Assumptions = e.assumptions()
		return e.refused(a, p)
	}
	return nil
}

// maxMayCreate bounds the instructions that are shown as possible origins of a path.
const maxMayCreate = 5

// mayCreate names the instructions that may have put something at a path; one that writes it, judging by its words, makes the answer.
// Nothing else has to be assumed.
func (e *Explainer) mayCreate(a *Answer, p, at string) {
	ops := e.Image.Tree.HeldBy(at).Ops()
	if !slices.Contains(ops, rootfs.AnyOp) {
		a.Assumptions = audit.Assumptions(e.Image, slices.DeleteFunc(slices.Clone(e.Image.Opaque), func(id int) bool { return !slices.Contains(ops, id) }))
	} else {
		a.Assumptions = e.assumptions()
	}
	shown, unknown := 0, a.Summary
	for _, id := range ops {
		if id < 0 || e.Image.Plan.Ops[id].Kind != dockerfile.OpExec || shown == maxMayCreate {
			continue
		}
		by := instruction(finding.RoleCopies, e.Image.Plan.Ops[id].Location)
		if dir := e.namedAbove(id, at); dir == at || dir != "" && a.Summary == unknown {
			what := "it"
			if dir != at {
				what = dir
			}
			a.Summary = fmt.Sprintf("%s may be in the image: %s:%d writes %s, but the result could not be determined", p, by.File, by.Line, what)
		}
		a.step("may create it", by)
		shown++
	}
}

// namedAbove gives a path that a step writes, judging by its words: this one, or a directory above it in the directory in which the step works; ""
// if there is none.
func (e *Explainer) namedAbove(id int, at string) string {
	op := e.Image.Plan.Ops[id]
	s := e.Image.Script(op)
	switch {
	case s == nil:
		return ""
	case slices.Contains(s.Named, at):
		return at
	}
	for dir := path.Dir(at); dir != "/" && simulate.Within(dir, op.Exec.Dir) && dir != path.Clean(op.Exec.Dir); dir = path.Dir(dir) {
		if slices.Contains(s.Named, dir) {
			return dir
		}
	}
	return ""
}

// refused tells that the kernel refuses to run what the image starts.
func (e *Explainer) refused(a *Answer, p string) error {
	if e.Main == nil {
		return nil
	}
	f, err := audit.Refused(e.Image, e.Main, e.Subject, p)
	if err != nil || f == nil {
		return err
	}
	a.Verdict, a.Summary, a.Remedy = NotRunnable, f.Summary, f.Detail
	return nil
}

// imagePattern explains a pattern by the paths that match it, and reports whether any does.
func (e *Explainer) imagePattern(a *Answer, p string) (bool, error) {
	found, err := audit.Matches(e.Image, p, 0)
	if err != nil || len(found) == 0 {
		return false, err
	}
	a.Verdict, a.ImagePaths, a.Assumptions = InImage, found[:min(len(found), maxListed)], e.assumptions()
	a.Summary = fmt.Sprintf("1 path of the image matches %s: %s", p, found[0])
	if len(found) > 1 {
		a.Summary = fmt.Sprintf("%d paths of the image match %s", len(found), p)
	}
	if n, err := e.Image.Tree.Lstat(found[0]); err == nil {
		e.provenance(a, n)
	}
	return true, nil
}

// counterpart gives what of the build context would be at a path of the image, "" if nothing would.
func (e *Explainer) counterpart(at string) string {
	if e.Main == nil {
		return ""
	}
	return e.Image.Counterpart(e.Main, at)
}

// withEnd gives a path of the image with what is left out at its end, where that, or what of the build context would be there, exists; ""
// if none does.
func (e *Explainer) withEnd(at string) string {
	for _, end := range audit.Omitted() {
		if e.Image.Tree.Exists(at+end) || e.counterpart(at+end) != "" {
			return at + end
		}
	}
	return ""
}

// wouldBe explains a path of the image that is not there by what of the build context would be there.
func (e *Explainer) wouldBe(ctx context.Context, a *Answer, p, source string) error {
	a.step(fmt.Sprintf("judging by its neighbours, it would be %s of the build context", source), nil)
	if err := e.contextPath(ctx, a, source); err != nil {
		return err
	}
	a.Kind = "image-path"
	switch rest, ok := strings.CutPrefix(a.Summary, source); {
	case a.Verdict == InImage:
		a.Verdict = NotFound
		a.Summary = fmt.Sprintf("%s is not in the image: %s, which it would be, is at %s", p, source, a.ImagePaths[0])
	case ok:
		a.Summary = p + rest
	}
	return nil
}

func describe(n *rootfs.Node) string {
	switch n.Kind {
	case rootfs.KindFile:
		return fmt.Sprintf("a file of %d bytes, mode %04o", n.Size, n.Perm)
	case rootfs.KindDir:
		return fmt.Sprintf("a directory, mode %04o", n.Perm)
	case rootfs.KindSymlink:
		return "a link to " + n.Link
	default:
		return "a " + n.Kind.String()
	}
}

// provenance tells how an entry came to be where it is.
func (e *Explainer) provenance(a *Answer, n *rootfs.Node) {
	for _, s := range e.Image.Provenance(n) {
		switch {
		case s.Node.Member != "":
			a.step(fmt.Sprintf("unpacked from an archive, where it is %s", s.Node.Member), instruction(finding.RoleCopies, s.Op.Location))
		case s.Op.Kind == dockerfile.OpLocal:
			a.step(fmt.Sprintf("it comes from %s of the %s", s.Node.Origin, contextName(s.Op.Local.Name)), nil)
		case s.Op.Kind == dockerfile.OpImage:
			if about, ok := e.Image.KnownBase(s.Op.ID); ok {
				a.step(fmt.Sprintf("the image %s has it (%s)", s.Op.Image.Ref, about), instruction(finding.RoleCopies, s.Op.Location))
				continue
			}
			a.step("every image is assumed to have it", instruction(finding.RoleCopies, s.Op.Location))
		case s.Op.Kind == dockerfile.OpRemote:
			a.step("it comes from "+s.Op.Remote.URL, nil)
		case s.Node.Implied:
			a.step("created for something below it", instruction(finding.RoleCopies, s.Op.Location))
		case s.Node.Source == nil:
			a.step("made by", instruction(finding.RoleCopies, s.Op.Location))
		default:
			a.step("copied by", instruction(finding.RoleCopies, s.Op.Location))
		}
	}
}

func contextName(name string) string {
	if name == simulate.MainContext {
		return "build context"
	}
	return "named context " + name
}

// nearest tells of similar names.
func (e *Explainer) nearest(a *Answer, p string) {
	dir := path.Dir(p)
	for dir != "/" && !e.Image.Tree.Exists(dir) {
		dir = path.Dir(dir)
	}
	a.step(fmt.Sprintf("the nearest existing directory is %s", dir), nil)
	list := imageNames(e.Image.Tree)
	names := nearPaths(p, list)
	if len(names) == 0 {
		names = elsewhere(path.Base(p), list)
	}
	for i := range names {
		names[i] = "/" + names[i]
	}
	a.suggest(slices.DeleteFunc(names, func(name string) bool { return name == a.Target })) // a link that leads nowhere
}

// formerly tells of a step before which the path was there, or of another stage that has it.
func (e *Explainer) formerly(a *Answer, p string) {
	for _, op := range slices.Backward(e.Image.Plan.Ops) {
		s := e.Image.After(op.ID)
		if op.Kind != dockerfile.OpFile || s == nil || !s.Tree.Exists(p) {
			continue
		}
		stage := op.Location.StageName
		if stage == "" {
			stage = fmt.Sprint(op.Location.Stage)
		}
		a.step(fmt.Sprintf("stage %s has it after this instruction; the image does not copy it from there", stage),
			instruction(finding.RoleCopies, op.Location))
		return
	}
}
