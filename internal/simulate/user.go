package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// refused reports whether a right may be missing for an effect: what a user who is not root does to what others own is not followed.
func (x *effector) refused(e command.Effect) bool {
	if x.user.Root() {
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
		if n, _, err := x.tree.Stat(strings.TrimSuffix(p, "/.")); err != nil || n.IsDir() || x.user.May(n, account.Read) != account.Yes {
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
	if barred, _ := x.user.Bar(x.tree, at, 0); barred != "" {
		return false
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err == nil && x.user.Owns(n) != account.Yes:
		return false
	case err == nil && n.IsDir() && e.Kind != command.MakesDir && !(e.Kind == command.Copies || e.Kind == command.Links):
		return false // what is below may belong to others
	case err == nil && x.user.MayChange(n) != account.Yes:
		return false
	}
	dir := path.Dir(at)
	for err != nil && dir != "/" && e.Parents && !x.tree.Exists(dir) {
		dir = path.Dir(dir)
	}
	parent, err := x.tree.Lstat(dir)
	return err == nil && parent.IsDir() && x.user.MayChange(parent) == account.Yes
}

// stubs are the directories that a container has and an image need not: a step leaves them where they are missing.
var stubs = []string{"/dev", "/proc", "/sys"}

// Stub reports whether an entry is a directory that BuildKit leaves for a step, where the image lacks it.
func (m *Image) Stub(p string, n *rootfs.Node) bool {
	return slices.Contains(stubs, p) && n.IsDir() && n.Op >= 0 && m.Plan.Ops[n.Op].Kind == dockerfile.OpExec
}

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
