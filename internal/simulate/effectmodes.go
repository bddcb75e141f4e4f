package simulate

import (
	"strconv"
	"strings"

	mode "github.com/tonistiigi/dchapes-mode"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

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

// set changes mode or owner of an entry; what is below a directory is left as it is known.
func (x *effector) set(e command.Effect) outcome {
	n, at, err := x.tree.Stat(e.Path)
	switch {
	case err != nil && !x.tree.CouldHold(at):
		return fails
	case err != nil:
		return open // what it is does not change, if it is there
	case n.Kind == rootfs.KindUnknown || at == "/":
		return done
	}
	a := x.attrs()
	a.changes = true
	if e.Kind == command.SetsMode {
		if perm, err := strconv.ParseUint(e.Text, 8, 12); err == nil {
			a.perm = new(uint16(perm))
		} else if set, err := mode.ParseWithUmask(e.Text, umask); err == nil {
			a.set = &set
		} else {
			return done
		}
	} else {
		owner := rootfs.Owner{UID: keepID, GID: keepID}
		user, group, grouped := strings.Cut(e.Text, ":")
		if user != "" {
			owner.UID, owner.User = id(user)
		}
		if grouped && group != "" {
			owner.GID, owner.Group = id(group)
		}
		a.owner = &owner
	}
	if e.Recursive && n.IsDir() {
		held := x.tree.HeldBy(at)
		err := x.tree.Put(at, a.copyNode(n, x.twins.at(at)))
		if err == nil {
			err = x.tree.SetAttr(at, func(d *rootfs.Attr) { d.May = d.May.Join(held) })
		}
		return did(err)
	}
	changed := a.apply(n.Attr, n)
	return did(x.tree.SetAttr(at, func(d *rootfs.Attr) { d.Perm, d.Owner = changed.Perm, changed.Owner }))
}

// id gives the number of a user or group or, where that is not known, its name.
func id(name string) (number uint32, unknown string) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), ""
	}
	if name == "root" {
		return 0, ""
	}
	return 0, name
}
