package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// runsAs gives who a container runs as, as far as the image tells; ok is false for root, and for nobody in particular.
func (c *programCheck) runsAs() (u account.User, ok bool) {
	u, err := account.Of(c.image.Plan.Config.User, c.image.Tree)
	if u.Name != "" && !c.joinsRoot() {
		u = u.Apart()
	}
	return u, err == nil && !u.Root()
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

// inClosedHome reports whether a path lies in the home directory of root, which the base image closes and no step opens.
func (c *programCheck) inClosedHome(p string) bool {
	base := need.BaseOf(c.image.Plan, c.image.Plan.Result)
	if base == nil || !bases.ClosedHome(base.Image.Ref) || !simulate.Within(p, "/root") {
		return false
	}
	opens := func(call *command.Call) bool {
		return (call.Base == "chmod" || call.Base == "chown" || call.Base == "usermod") && slices.ContainsFunc(call.Args, func(w shell.Word) bool {
			return !w.Known() || call.S.Abs(w.Text) == "/root" || call.S.Abs(w.Text) == "/"
		})
	}
	return c.build.Steps(func(op *dockerfile.Op) bool {
		s := c.build.Script(op)
		return s.Missed || slices.ContainsFunc(s.Calls, opens)
	}) == nil
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
		at, bar := u.Bar(c.image.Tree, to, account.Read)
		if at == "" && c.inClosedHome(to) {
			at, bar = "/root", &rootfs.Node{Attr: rootfs.Attr{Perm: 0o700}}
		}
		if at == "" {
			continue
		}
		told[e.Path] = true
		f := &finding.Finding{
			Rule: finding.EntrypointNotRunnable, ImagePath: e.Path, Related: c.origin(n),
			Summary: fmt.Sprintf("the image starts %s, and its user %s cannot read it: %s has mode %04o", e.Path, c.image.Plan.Config.User, at, bar.Perm),
			Detail:  "The kernel answers: permission denied. Use COPY --chown or --chmod. Git keeps only the modes 644 and 755, so a clean checkout may differ.",
		}
		if f.ContextPath, _ = c.image.Origin(n); at == to {
			f.Hint.Mode = "644"
			if n.Perm&0o111 != 0 {
				f.Hint.Mode = "755"
			}
		}
		f.Related = append(f.Related, instruction(finding.RoleSets, c.image.Plan.ConfigSources.User))
		if at != "/root" {
			c.doubtChanged(f, n, to)
		}
		c.addNotRunnable(f, e.Origin)
	}
}

// passed are directories that programs of all users pass: those at the beginning hold programs and what these load.
var passed = strings.Fields("/bin /lib /lib64 /usr /usr/bin /usr/lib /usr/local /usr/local/bin /usr/local/lib /sbin /usr/sbin /etc /home /opt /srv /tmp /var")

// ofPrograms is how many of them hold programs.
const ofPrograms = 9

// checkPassed looks for directories of the system that a copy closes to the user whom the container runs as: those that are there take
// the modes of the source.
func (c *programCheck) checkPassed(origin shell.Origin) {
	u, ok := c.runsAs()
	if !ok {
		return
	}
	for i, dir := range passed {
		n, err := c.image.Tree.Lstat(dir)
		if err != nil || !n.IsDir() || n.Op < 0 || c.image.Plan.Ops[n.Op].Kind != dockerfile.OpFile || u.May(n, account.Pass) != account.No {
			continue
		}
		source, own := c.image.Origin(n)
		if !own {
			continue
		}
		at := c.image.Plan.Ops[n.Op].Location
		f := &finding.Finding{
			Rule: finding.EntrypointNotRunnable, ImagePath: dir, ContextPath: source, Severity: finding.Warning, Related: c.origin(n), Assumptions: c.assumptions(c.image.Opaque),
			Summary: fmt.Sprintf("%s is closed to the image's user %s: %s:%d gives it the mode %04o of %s", dir, c.image.Plan.Config.User, at.File, at.Range.Start.Line, n.Perm, source),
			Detail: "A directory that is copied over one of the base image gives it its own mode and owner, and only the owner and the group may pass it then. " +
				"Give the source the mode 755. Git keeps no modes of directories, so that a clean checkout has those of its umask.",
		}
		if i < ofPrograms {
			f.Severity = finding.Error
		}
		c.addNotRunnable(f, origin)
	}
}
