package simulate

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// transfer copies or moves one source.
func (x *effector) transfer(e command.Effect, from string) outcome {
	from, contents := strings.CutSuffix(from, "/.")
	if from == "" {
		from = "/"
	}
	n, at, held, out := x.source(from, (e.Kind == command.Moves || e.Recursive) && !contents)
	if e.Parents && out == done && n.IsDir() {
		return partly
	}
	if e.Parents { // install -D makes the directory whatever comes of the rest
		_, _ = x.target(e, path.Base(from), contents)
	}
	switch {
	case out != done:
		return out
	case !e.Recursive && n.IsDir():
		return fails // cp leaves it out
	case contents && (e.Kind == command.Moves || !n.IsDir()):
		return fails
	}
	to, out := x.target(e, path.Base(from), contents)
	switch {
	case out != done:
		return out
	case to == at && e.Kind == command.Moves:
		return open // GNU refuses it, and busybox does not
	case to == at:
		return fails
	case x.leads(from, to):
		return unclear // install takes away the link, and then finds nothing to copy
	case n.IsDir() && Within(to, at):
		if have, err := x.tree.Lstat(to); err == nil && !have.IsDir() {
			return fails
		}
		return partly // into itself: cp does what it can
	}
	a := x.attrs()
	if !e.Keep {
		a.owner, a.umask = &x.owner, umask
	}
	if e.Text != "" {
		perm, ok := x.perm(n.Perm, n.Kind, e.Text)
		if !ok {
			return unclear
		}
		a.perm = &perm
	}
	if e.Kind == command.Moves {
		out = x.move(n, at, to, a)
	} else {
		out = x.lay(n, to, a)
	}
	if out == done && len(held.All()) > 0 { // what may be in it, or have become of it, goes along
		_ = x.tree.SetAttr(to, func(d *rootfs.Attr) { d.May = d.May.Join(held) }) // it is there
	}
	return out
}

// leads reports whether a path is a link, and lies at a place.
func (x *effector) leads(p, at string) bool {
	own, err := x.tree.ResolveParent(p)
	return err == nil && own == at
}

// source gives what a program finds at a path, also in a mount, and what may be in it or have become of it; with itself, a link is taken
// as it is.
func (x *effector) source(p string, itself bool) (n *rootfs.Node, at string, held *rootfs.Mays, out outcome) {
	tree := x.tree
	m := x.mounted(p)
	if m != nil {
		if m.Kind != dockerfile.MountBind || m.Input < 0 || x.inputs(m.Input) == nil {
			return nil, "", nil, unclear
		}
		tree = x.inputs(m.Input)
		p = path.Join("/", m.Selector, strings.TrimPrefix(p, path.Clean(m.Dest)))
	}
	n, at, err := tree.Stat(p)
	if itself {
		if at, err = tree.ResolveParent(p); err == nil {
			n, err = tree.Lstat(at)
		}
	}
	switch {
	case err != nil && !tree.CouldHold(at):
		return nil, "", nil, fails
	case err != nil, n.Kind == rootfs.KindUnknown:
		return nil, "", nil, unclear
	}
	if held = tree.HeldBy(at); m != nil {
		at = "" // it lies nowhere in the image
	}
	return n, at, held, done
}

// move puts an entry elsewhere. mv replaces a file, and a directory only if that is empty.
func (x *effector) move(n *rootfs.Node, at, to string, a *attrs) outcome {
	if at == "" {
		return unclear
	}
	if target, err := x.tree.Resolve(at); err != nil || n.Kind == rootfs.KindSymlink && target == to {
		return unclear // a link in the place of what it leads to: GNU refuses that, and busybox does it
	}
	if have, err := x.tree.Lstat(to); err == nil {
		if have.IsDir() != n.IsDir() || have.Kind == rootfs.KindUnknown {
			return fails
		}
		if children, err := have.Children(); err != nil || len(children) > 0 {
			return fails
		}
		if have.IsDir() && x.tree.MayHold(path.Join(to, "x")) {
			return unclear
		}
	} else if x.tree.MayHold(to) {
		return unclear
	}
	if err := x.tree.Put(to, a.copyNode(n, x.twins.at(to))); err != nil {
		return fails
	}
	if x.tree.Erase(at) == nil {
		x.gone(at)
	}
	return done
}

// target gives where something of a name goes.
func (x *effector) target(e command.Effect, base string, contents bool) (to string, out outcome) {
	to, err := x.tree.Resolve(e.Path)
	if err != nil {
		return "", x.absent(e.Path)
	}
	n, err := x.tree.Lstat(to)
	link, place := x.place(e.Path)
	installs := e.Text != "" || e.Kind == command.Moves // they take away what is there
	switch {
	case place != done || link == to:
	case installs && !e.Into && err == nil && n.Kind != rootfs.KindUnknown && !n.IsDir():
		return link, done
	case err != nil: // a link to what is not there
		switch {
		case installs && !e.Into && !x.tree.MayHold(to):
			return link, done
		case x.tree.MayHold(to):
			return "", unclear
		}
		return "", fails
	}
	switch {
	case err == nil && n.Kind == rootfs.KindUnknown:
		return "", unclear
	case err == nil && n.IsDir() && !e.Itself:
		if !contents {
			to = path.Join(to, base)
		}
		return to, done
	case err == nil && e.Into:
		return "", fails
	case err != nil && x.tree.MayHold(to):
		return "", unclear // it may be a directory
	case err != nil && e.Into && !(len(e.From) == 1 && e.Kind == command.Moves):
		if e.Parents || len(e.From) == 1 && e.Recursive {
			break
		}
		return "", fails
	}
	if err != nil && e.Parents {
		dir := path.Dir(to)
		if e.Into {
			dir, to = to, path.Join(to, base)
		}
		owner := x.owner
		if mkdirAll(x.tree, dir, 0o755, &owner, int32(x.op.ID)) != nil {
			return "", fails
		}
	}
	_, out = x.place(to)
	return to, out
}

// lay puts a copy of an entry at a path, a directory into one that is there.
func (x *effector) lay(n *rootfs.Node, to string, a *attrs) outcome {
	if a.cost.kept.Steps(1) != nil {
		return unclear
	}
	have, err := x.tree.Lstat(to)
	switch {
	case err != nil && x.tree.MayHold(to):
		return unclear // something may be there, or in it
	case err != nil:
		return did(x.tree.Put(to, a.copyNode(n, x.twins.at(to))))
	case have.Kind == rootfs.KindUnknown:
		return unclear
	case have.IsDir() != n.IsDir():
		return fails
	case !n.IsDir():
		return x.overwrite(n, have, to, a)
	}
	children, err := n.Children()
	if err != nil {
		return unclear
	}
	out := done
	for _, c := range children {
		switch x.lay(c.Node, path.Join(to, c.Name), a) {
		case unclear:
			return unclear
		case fails:
			out = fails
		}
	}
	_ = x.tree.SetAttr(to, func(d *rootfs.Attr) { // it is there
		d.May = d.May.Join(n.May)
		if a.umask == 0 {
			d.Perm, d.Owner = n.Perm, n.Owner
		}
	})
	return out
}

// overwrite copies a file onto what is there: into a file, or through a link.
func (x *effector) overwrite(n, have *rootfs.Node, to string, a *attrs) outcome {
	if a.perm == nil && (n.Kind != rootfs.KindFile || have.Kind != rootfs.KindFile) {
		return unclear
	}
	c := a.copyNode(n, x.twins.at(to))
	if a.umask != 0 && a.perm == nil {
		c.Perm, c.Owner = have.Perm, have.Owner
	}
	c.May = c.May.Join(have.May)
	return did(x.tree.Put(to, c))
}
