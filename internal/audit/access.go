package audit

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// user is who a container runs as, as far as the image tells.
type user struct {
	name     string // "" for a number
	uid, gid int    // -1 if not known
	// inRoot tells that it may be in the group of root.
	inRoot bool
}

// runsAs gives who a container runs as; ok is false for root, and for nobody in particular.
func (c *programCheck) runsAs() (u user, ok bool) {
	spec := c.image.Plan.Config.User
	name, group, grouped := strings.Cut(spec, ":")
	u = user{uid: -1, gid: -1}
	if n, err := strconv.Atoi(name); err == nil {
		u.uid = n
		// Who is in no list of users has the group of root, if no other is named: the engine's own rule.
		u.inRoot = !grouped
	} else {
		u.name, u.inRoot = name, c.joinsRoot()
	}
	if n, err := strconv.Atoi(group); err == nil {
		u.gid, u.inRoot = n, n == 0
	} else if group == "root" {
		u.gid, u.inRoot = 0, true
	}
	return u, name != "" && name != "root" && u.uid != 0
}

// joinsRoot reports whether a step may put a user into the group of root.
func (c *programCheck) joinsRoot() bool {
	joins := func(call *command.Call) bool {
		switch call.Base {
		case "useradd", "adduser", "usermod", "addgroup", "gpasswd", "groupmod":
			return slices.ContainsFunc(call.Args, func(w shell.Word) bool {
				return !w.Known() || slices.ContainsFunc(strings.FieldsFunc(w.Text, func(r rune) bool { return strings.ContainsRune(",=", r) }), func(s string) bool { return s == "root" || s == "0" })
			})
		}
		return false
	}
	return c.build.Steps(func(op *dockerfile.Op) bool {
		s := c.build.Script(op)
		return s.Missed || slices.ContainsFunc(s.Calls, joins)
	}) != nil
}

// may reports whether a user may do something with an entry, by one of its permission bits: 4 to read, 1 to execute or to pass through.
// What is not known is taken to be allowed.
func (u user) may(n *rootfs.Node, bit uint16) bool {
	owner := n.Owner
	switch {
	case owner.User != "" && owner.User == u.name, owner.User == "" && u.uid >= 0 && int(owner.UID) == u.uid:
		return n.Perm&(bit<<6) != 0
	case owner.User != "" || u.uid < 0 && owner.UID != 0:
		return true // it may be the same one
	case owner.Group == "" && owner.GID == 0 && !u.inRoot, owner.Group == "" && u.gid >= 0 && int(owner.GID) != u.gid && !u.inRoot:
		return n.Perm&bit != 0
	case owner.Group == "" && owner.GID == 0 && u.inRoot && u.gid == 0:
		return n.Perm&(bit<<3) != 0
	}
	return n.Perm&bit != 0 || n.Perm&(bit<<3) != 0
}

// barred gives the entry at or above a path of the image that keeps a user from reading it, with its permission bits; "" if none surely
// does.
func (c *programCheck) barred(u user, p string) (at string, perm uint16) {
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		n, _, err := c.image.Tree.Stat(dir)
		if err == nil && !n.Unsure && !c.ofBaseImage(n) && !u.may(n, 1) {
			at, perm = dir, n.Perm
		}
	}
	if at != "" {
		return at, perm
	}
	if n, _, err := c.image.Tree.Stat(p); err == nil && !n.Unsure && !c.ofBaseImage(n) && !u.may(n, 4) {
		return p, n.Perm
	}
	return "", 0
}

// checkAccess looks whether the user that the container runs as can read the scripts and programs that are started.
func (c *programCheck) checkAccess(r *run, entries []program.Entry, told map[string]bool) {
	u, ok := c.runsAs()
	if !ok {
		return
	}
	for _, e := range entries {
		if e.Path == "" || e.Kind != program.Script && e.Kind != program.Program || e.Conditional || told[e.Path] || r.Mounted(e.Path) {
			continue
		}
		n, to, err := c.image.Tree.Stat(e.Path)
		if err != nil || n.Kind != rootfs.KindFile {
			continue
		}
		at, perm := c.barred(u, to)
		if at == "" {
			continue
		}
		told[e.Path] = true
		f := &finding.Finding{
			Rule: finding.EntrypointNotRunnable, ImagePath: e.Path, Related: c.origin(n),
			Summary: fmt.Sprintf("%s, which the image starts, cannot be read by its user %s: %s has mode %04o", e.Path, c.image.Plan.Config.User, at, perm),
			Detail:  "The kernel answers: permission denied. COPY --chown or --chmod gives it to the user. Git has the modes 644 and 755 alone, so that a clean checkout may differ.",
		}
		if f.ContextPath, _ = c.image.Origin(n); at == to {
			f.Hint.Mode = "644"
			if n.Perm&0o111 != 0 {
				f.Hint.Mode = "755"
			}
		}
		f.Related = append(f.Related, instruction(finding.RoleSets, c.image.Plan.ConfigSources.User))
		c.doubtChanged(f, n, to)
		c.addNotRunnable(f, e.Origin)
	}
}
