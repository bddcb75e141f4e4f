package simulate

import (
	"path"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// user is whom a step runs as.
type user struct {
	rootfs.Owner
	known bool
}

// runsAs gives the user of a step, as BuildKit finds it (executor/oci/user.go): a number need not be in /etc/passwd, and its group is
// then root's.
func runsAs(spec string, t *rootfs.Tree) user {
	name, group, grouped := strings.Cut(spec, ":")
	out := user{known: true}
	if name == "" {
		return out
	}
	if name == "root" { // of every base image
		name = "0"
	}
	uid, err := strconv.ParseUint(name, 10, 32)
	numeric, field := err == nil, 0
	if numeric {
		out.UID, field = uint32(uid), 2
	}
	account, known, err := lookupField(t, "/etc/passwd", field, name)
	switch {
	case err != nil, !numeric && account == nil, account == nil && !known && !grouped && out.UID != 0:
		return user{}
	case !numeric:
		out.UID = parseID(account[2])
	}
	if account != nil {
		out.GID = parseID(account[3])
	}
	if !grouped {
		return out
	}
	if gid, err := strconv.ParseUint(group, 10, 32); err == nil {
		out.GID = uint32(gid)
	} else if group == "root" { // of every base image, too
		out.GID = 0
	} else if line, _, err := lookupField(t, "/etc/group", 0, group); err != nil || line == nil {
		out.known = false
	} else {
		out.GID = parseID(line[2])
	}
	return out
}

// root reports whether nothing is refused to the user.
func (u user) root() bool { return u.known && u.UID == 0 }

// mayWrite reports whether the user surely may make and remove entries of a directory, or change a file.
func (u user) mayWrite(n *rootfs.Node) bool {
	need := uint16(0o2)
	if n.IsDir() {
		need = 0o3
		if n.Perm&rootfs.Sticky != 0 && (!n.Owner.Known() || n.Owner.UID != u.UID) {
			return false
		}
	}
	return u.may(n, need)
}

// may reports whether the user surely has rights on an entry, as bits of others.
func (u user) may(n *rootfs.Node, need uint16) bool {
	switch {
	case u.root():
		return true
	case !u.known || !n.Owner.Known() || n.Unsure:
		return false
	case n.Owner.UID == u.UID:
		return n.Perm>>6&need == need
	case n.Owner.GID == u.GID:
		return n.Perm>>3&need == need
	}
	return n.Perm&need == need
}

// refused reports whether a right may be missing for an effect: what a user who is not root does to what others own is not followed.
func (x *effector) refused(e command.Effect) bool {
	if x.user.root() {
		return false
	}
	paths := []string{e.Path}
	if e.Kind == command.Moves {
		paths = append(paths, e.From...)
	}
	for _, p := range paths {
		if !x.owns(strings.TrimSuffix(p, "/."), e) {
			return true
		}
	}
	if e.Kind != command.Copies {
		return false
	}
	for _, p := range e.From {
		if n, _, err := x.tree.Stat(strings.TrimSuffix(p, "/.")); err != nil || n.IsDir() || !x.user.may(n, 0o4) {
			return true
		}
	}
	return false
}

// owns reports whether the user surely may do something at a path: change what is there, which is the user's own, or make it.
func (x *effector) owns(p string, e command.Effect) bool {
	at, err := x.tree.Resolve(p)
	if err != nil {
		return false
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err == nil && (n.Owner.UID != x.user.UID || !n.Owner.Known()):
		return false
	case err == nil && n.IsDir() && e.Kind != command.MakesDir && !(e.Kind == command.Copies || e.Kind == command.Links):
		return false // what is below may belong to others
	case err == nil && !x.user.mayWrite(n):
		return false
	}
	dir := path.Dir(at)
	for err != nil && dir != "/" && e.Parents && !x.tree.Exists(dir) {
		dir = path.Dir(dir)
	}
	parent, err := x.tree.Lstat(dir)
	return err == nil && parent.IsDir() && x.user.mayWrite(parent)
}

// stubs are the directories that a container has and an image need not: a step leaves them where they are missing.
var stubs = []string{"/dev", "/proc", "/sys"}

// ofContainer reports whether a path is of the container in which a step runs, and not of the image: runc and BuildKit mount it.
func ofContainer(p string) bool {
	for _, dir := range append([]string{"/etc/hosts", "/etc/resolv.conf"}, stubs...) {
		if Within(p, dir) {
			return true
		}
	}
	return false
}

// containerMount stands for what runc and BuildKit mount.
var containerMount = &dockerfile.Mount{Kind: dockerfile.MountTmpfs, Input: -1}

// makeStubs makes what a step finds, and gives what takes away again what it does not leave.
func (x *effector) makeStubs() (leave func()) {
	for _, dir := range stubs {
		if !x.tree.Exists(dir) && !x.tree.MayHold(dir) {
			_ = makeDir(x.tree, dir, rootfs.Attr{Perm: 0o755, Op: int32(x.op.ID)}, nil)
		}
	}
	if x.tree.Exists("/etc") || x.tree.MayHold("/etc") {
		return func() {}
	}
	_ = makeDir(x.tree, "/etc", rootfs.Attr{Perm: 0o755, Op: int32(x.op.ID)}, nil)
	return func() {
		if n, err := x.tree.Lstat("/etc"); err == nil && n.IsDir() {
			if children, err := n.Children(); err == nil && len(children) == 0 {
				_ = x.tree.Remove("/etc")
			}
		}
	}
}
