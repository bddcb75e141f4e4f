package why

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// imagePath explains a path of the image.
func (e *Explainer) imagePath(a *Answer, p string) {
	a.Kind = "image-path"
	n, at, err := e.Image.Tree.Stat(p)
	if at != p && err == nil {
		a.step(fmt.Sprintf("links lead to %s", at), nil)
	}
	switch {
	case err == nil && n.Kind == rootfs.KindUnknown && n.Op >= 0:
		a.Verdict, a.Summary = InImage, fmt.Sprintf("%s is in the image, but what it holds is made by a step that cannot be simulated", p)
		a.ImagePaths = []string{at}
		a.step("copied by", instruction(audit.RoleCopies, e.Image.Plan.Ops[n.Op].Location))
		a.Assumptions = e.assumptions()
	case err == nil && n.Kind == rootfs.KindUnknown, err != nil && e.Image.Tree.MayHold(at):
		a.Verdict = Unknown
		a.Summary = fmt.Sprintf("%s is not known to be in the image: no instruction that can be simulated puts it there", p)
		e.nearest(a, at)
		a.Assumptions = e.assumptions()
	case err != nil:
		a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s is not in the image", p)
		e.nearest(a, at)
		e.formerly(a, at)
	default:
		a.Verdict = InImage
		a.Summary = fmt.Sprintf("%s is in the image: %s", p, describe(n))
		a.ImagePaths = []string{at}
		e.provenance(a, n)
		a.Assumptions = e.assumptions()
	}
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
			a.step(fmt.Sprintf("unpacked from an archive, where it is %s", s.Node.Member), instruction(audit.RoleCopies, s.Op.Location))
		case s.Op.Kind == dockerfile.OpLocal:
			a.step(fmt.Sprintf("it comes from %s of the %s", s.Node.Origin, contextName(s.Op.Local.Name)), nil)
		case s.Op.Kind == dockerfile.OpImage:
			a.step("every image is taken to have it", instruction(audit.RoleCopies, s.Op.Location))
		case s.Op.Kind == dockerfile.OpRemote:
			a.step("it comes from "+s.Op.Remote.URL, nil)
		case s.Node.Implied:
			a.step("made on the way to something below it", instruction(audit.RoleCopies, s.Op.Location))
		case s.Node.Source == nil:
			a.step("made by", instruction(audit.RoleCopies, s.Op.Location))
		default:
			a.step("copied by", instruction(audit.RoleCopies, s.Op.Location))
		}
	}
}

func contextName(name string) string {
	if name == simulate.MainContext {
		return "build context"
	}
	return "named context " + name
}

// nearest tells of a similar name.
func (e *Explainer) nearest(a *Answer, p string) {
	dir := path.Dir(p)
	for dir != "/" && !e.Image.Tree.Exists(dir) {
		dir = path.Dir(dir)
	}
	a.step(fmt.Sprintf("the nearest directory that exists is %s", dir), nil)
	n, err := e.Image.Tree.Lstat(dir)
	if err != nil {
		return
	}
	children, err := n.Children()
	if err != nil {
		return
	}
	names := make([]string, len(children))
	for i, c := range children {
		names[i] = c.Name
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p, dir), "/"), "/")
	if near, ok := suggest.Search(name, names, true); ok {
		a.Remedy = fmt.Sprintf("did you mean %s?", path.Join(dir, near, rest))
	}
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
		a.step(fmt.Sprintf("stage %s has it after this instruction; the image does not take it from there", stage),
			instruction(audit.RoleCopies, op.Location))
		return
	}
}
