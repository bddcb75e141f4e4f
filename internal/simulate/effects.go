package simulate

import (
	"path"
	"strconv"
	"strings"

	mode "github.com/tonistiigi/dchapes-mode"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// umask is that of a RUN step, as runc gives it.
const umask = 0o022

// effector does to a file system what the programs of a RUN step do. A method that reports false leaves it as it is: what comes of the
// effect is not known there.
type effector struct {
	op   *dockerfile.Op
	tree *rootfs.Tree
	// inputs gives the file system that is mounted from an input of the operation.
	inputs func(i int) *rootfs.Tree
	owner  rootfs.Owner // of what is made
	cost   *cost
	// removed are the paths that are surely taken away.
	removed []string
}

// apply does what a program surely does, and reports whether that is all and known.
func (x *effector) apply(e command.Effect) bool {
	if x.mounted(e.Path) != nil {
		return true // what is written there is no part of the image
	}
	switch e.Kind {
	case command.MakesDir:
		return x.makeDir(e)
	case command.MakesFile:
		return x.touch(e.Path)
	case command.Writes:
		return x.write(e)
	case command.Copies, command.Moves:
		ok := true
		for _, from := range e.From {
			ok = x.transfer(e, from) && ok
		}
		return ok
	case command.Links:
		return x.link(e)
	case command.Removes:
		return x.remove(e)
	case command.SetsMode, command.SetsOwner:
		return x.set(e)
	}
	return false
}

// mounted gives the mount that a path lies in, nil if it is of the root file system.
func (x *effector) mounted(p string) *dockerfile.Mount {
	for i := range x.op.Exec.Mounts {
		if m := &x.op.Exec.Mounts[i]; m.Dest != dockerfile.RootMount && Within(p, path.Clean(m.Dest)) {
			return m
		}
	}
	return nil
}

// source gives what a program finds at a path, also in a mount; nil if that is not known.
func (x *effector) source(p string) (n *rootfs.Node, at string) {
	tree := x.tree
	if m := x.mounted(p); m != nil {
		if m.Kind != dockerfile.MountBind || m.Input < 0 {
			return nil, ""
		}
		tree = x.inputs(m.Input)
		p = path.Join("/", m.Selector, strings.TrimPrefix(p, path.Clean(m.Dest)))
	}
	if tree == nil {
		return nil, ""
	}
	n, at, err := tree.Stat(p)
	if err != nil || n.Kind == rootfs.KindUnknown {
		return nil, ""
	}
	return n, at
}

// place gives where a path leads, links of its directories followed, if the directory is there.
func (x *effector) place(p string) (at string, ok bool) {
	at, err := x.tree.ResolveParent(p)
	if err != nil || at == "/" {
		return at, err == nil
	}
	n, err := x.tree.Lstat(path.Dir(at))
	return at, err == nil && n.IsDir()
}

func (x *effector) attrs() *attrs {
	return &attrs{op: int32(x.op.ID), at: x.op.Location, cost: x.cost}
}

func (x *effector) put(at string, a rootfs.Attr) bool {
	a.Op = int32(x.op.ID)
	return x.tree.Put(at, rootfs.NewNode(a)) == nil
}

func (x *effector) makeDir(e command.Effect) bool {
	at, err := x.tree.Resolve(e.Path)
	if err != nil {
		return false
	}
	if n, err := x.tree.Lstat(at); err == nil && n.IsDir() {
		return true
	}
	perm, ok := x.perm(0o777, rootfs.KindDir, e.Text)
	if parent := path.Dir(at); !ok || !e.Parents && !x.tree.Exists(parent) {
		return false // it fails, or the directory is one that is not known
	}
	owner := x.owner
	if mkdirAll(x.tree, path.Dir(at), 0o755, &owner, int32(x.op.ID)) != nil {
		return false
	}
	if e.Owner != "" {
		owner = rootfs.Owner{User: e.Owner, Group: e.Owner}
	}
	return makeDir(x.tree, at, rootfs.Attr{Perm: perm, Op: int32(x.op.ID)}, &owner) == nil
}

// perm gives the mode of something new, or what a mode as chmod takes it makes of an old one.
func (x *effector) perm(old uint16, kind rootfs.Kind, text string) (uint16, bool) {
	if text == "" {
		return old &^ umask, true
	}
	if n, err := strconv.ParseUint(text, 8, 12); err == nil {
		return uint16(n), true
	}
	set, err := mode.ParseWithUmask(text, umask)
	if err != nil {
		return 0, false
	}
	return rootfs.PermOf(set.Apply(rootfs.FileMode(old) | typeBits(kind))), true
}

func (x *effector) touch(p string) bool {
	at, err := x.tree.Resolve(p)
	if err != nil {
		return false
	}
	if x.tree.Exists(at) {
		return true
	}
	if _, ok := x.place(at); !ok || x.tree.MayHold(at) {
		return false
	}
	return x.put(at, rootfs.Attr{Kind: rootfs.KindFile, Perm: 0o666 &^ umask, Owner: x.owner, Content: inlineContent(nil)})
}

func (x *effector) write(e command.Effect) bool {
	at, err := x.tree.Resolve(e.Path)
	if err != nil || e.Unknown {
		return false
	}
	a := rootfs.Attr{Kind: rootfs.KindFile, Perm: 0o666 &^ umask, Owner: x.owner}
	text := e.Text
	n, err := x.tree.Lstat(at)
	switch {
	case err == nil && n.Kind != rootfs.KindFile:
		return false
	case err == nil:
		a.Perm, a.Owner = n.Perm, n.Owner
	case x.tree.MayHold(at):
		return false // it may have another mode, and content before
	}
	if _, ok := x.place(at); !ok {
		return false
	}
	if e.Appends && err == nil {
		before, inline := n.Content.(inlineContent)
		if !inline {
			return false
		}
		text = string(before) + text
	}
	if len(text) > maxInline {
		return false
	}
	a.Size, a.Content = int64(len(text)), inlineContent(text)
	return x.put(at, a)
}

// maxInline bounds what is kept of a file that a step writes, in bytes.
const maxInline = 64 << 10

// transfer copies or moves one source.
func (x *effector) transfer(e command.Effect, from string) bool {
	from, contents := strings.CutSuffix(from, "/.")
	if from == "" {
		from = "/"
	}
	n, at := x.source(from)
	if !e.Recursive && n != nil && n.IsDir() {
		return true // it is left out
	}
	if e.Kind == command.Moves || e.Recursive { // a link is taken as it is
		if m := x.mounted(from); m == nil {
			if p, err := x.tree.ResolveParent(from); err == nil {
				if l, err := x.tree.Lstat(p); err == nil && l.Kind != rootfs.KindUnknown {
					n, at = l, p
				}
			}
		}
	}
	if n == nil {
		return false
	}
	to, ok := x.target(e, path.Base(from), contents)
	if !ok || to == at || Within(to, at) && n.IsDir() {
		return false
	}
	a := x.attrs()
	if !e.Keep {
		a.owner, a.umask = &x.owner, umask
	}
	if e.Text != "" {
		perm, ok := x.perm(n.Perm, n.Kind, e.Text)
		if !ok {
			return false
		}
		a.perm = &perm
	}
	if !x.lay(n, to, a) {
		return false
	}
	if e.Kind == command.Moves {
		if x.mounted(from) != nil || x.tree.Erase(at) != nil {
			return false
		}
		x.removed = append(x.removed, at)
	}
	return true
}

// target gives where something of a name goes; the directory that it goes to is there then.
func (x *effector) target(e command.Effect, base string, contents bool) (to string, ok bool) {
	to, err := x.tree.Resolve(e.Path)
	if err != nil {
		return "", false
	}
	n, err := x.tree.Lstat(to)
	switch {
	case err == nil && n.IsDir() && !e.Itself:
		if !contents {
			to = path.Join(to, base)
		}
	case err == nil && n.Kind == rootfs.KindUnknown:
		return "", false
	case err != nil && e.Into: // it is a directory, or nothing is copied
		if !x.tree.MayHold(to) {
			return "", false
		}
		if mkdirAll(x.tree, to, 0o755, nil, int32(x.op.ID)) != nil {
			return "", false
		}
		to = path.Join(to, base)
	case err != nil && x.tree.MayHold(to):
		return "", false // it may be a directory
	case err != nil && e.Parents:
		owner := x.owner
		if mkdirAll(x.tree, path.Dir(to), 0o755, &owner, int32(x.op.ID)) != nil {
			return "", false
		}
	}
	_, ok = x.place(to)
	return to, ok
}

// lay puts a copy of an entry at a path, a directory into one that is there.
func (x *effector) lay(n *rootfs.Node, to string, a *attrs) bool {
	if a.cost.kept.Steps(1) != nil {
		return false
	}
	have, err := x.tree.Lstat(to)
	if err != nil && x.tree.MayHold(to) && n.IsDir() {
		return false // something may be in it
	}
	switch {
	case err != nil:
		return x.tree.Put(to, a.copyNode(n, nil)) == nil
	case have.IsDir() != n.IsDir():
		return false
	case !n.IsDir():
		c := a.copyNode(n, nil)
		if a.umask != 0 && have.Kind == rootfs.KindFile && c.Kind == rootfs.KindFile {
			c.Perm, c.Owner = have.Perm, have.Owner // it is written into what is there
		}
		return x.tree.Put(to, c) == nil
	}
	children, err := n.Children()
	if err != nil {
		return false
	}
	for _, c := range children {
		if !x.lay(c.Node, path.Join(to, c.Name), a) {
			return false
		}
	}
	return x.tree.SetAttr(to, func(d *rootfs.Attr) { d.May = d.May.Join(n.May) }) == nil
}

func (x *effector) link(e command.Effect) bool {
	to, err := x.tree.ResolveParent(e.Path)
	if err != nil {
		return false
	}
	if at, err := x.tree.Resolve(e.Path); err == nil && !e.Itself {
		if n, err := x.tree.Lstat(at); err == nil && n.IsDir() {
			to = path.Join(at, path.Base(e.Text))
		} else if err != nil && x.tree.MayHold(at) {
			return false
		}
	}
	if n, err := x.tree.Lstat(to); err == nil && (n.IsDir() || !e.Force) {
		return n.Kind == rootfs.KindSymlink && n.Link == e.Text
	}
	if _, ok := x.place(to); !ok {
		return false
	}
	return x.put(to, rootfs.Attr{Kind: rootfs.KindSymlink, Perm: 0o777, Link: e.Text, Owner: x.owner})
}

// remove takes away what a program removes. Until somebody may make it again, nothing is there.
func (x *effector) remove(e command.Effect) bool {
	at, err := x.tree.ResolveParent(e.Path)
	if err != nil || at == "/" {
		return true
	}
	n, err := x.tree.Lstat(at)
	if err == nil && n.IsDir() && !e.Recursive {
		return true // rm refuses it, and rmdir unless it is empty
	}
	if err != nil && e.Itself {
		return true
	}
	for _, m := range x.op.Exec.Mounts {
		if m.Dest != dockerfile.RootMount && Within(m.Dest, at) {
			return true // a mount in it keeps it
		}
	}
	if x.tree.Erase(at) == nil {
		x.removed = append(x.removed, at)
	}
	return true
}

// set changes mode or owner of an entry; what is below a directory is left as it is known.
func (x *effector) set(e command.Effect) bool {
	n, at, err := x.tree.Stat(e.Path)
	if err != nil || n.Kind == rootfs.KindUnknown || at == "/" || e.Recursive && n.IsDir() {
		return true
	}
	if e.Kind == command.SetsMode {
		perm, ok := x.perm(n.Perm, n.Kind, e.Text)
		if !ok {
			return true
		}
		return x.tree.SetAttr(at, func(a *rootfs.Attr) { a.Perm = perm }) == nil
	}
	user, group, grouped := strings.Cut(e.Text, ":")
	owner := n.Owner
	if user != "" {
		owner.UID, owner.User = 0, user
		if id, err := strconv.ParseUint(user, 10, 32); err == nil {
			owner.UID, owner.User = uint32(id), ""
		} else if user == "root" {
			owner.User = ""
		}
	}
	if grouped && group != "" {
		owner.GID, owner.Group = 0, group
		if id, err := strconv.ParseUint(group, 10, 32); err == nil {
			owner.GID, owner.Group = uint32(id), ""
		} else if group == "root" {
			owner.Group = ""
		}
	}
	return x.tree.SetAttr(at, func(a *rootfs.Attr) { a.Owner = owner }) == nil
}
