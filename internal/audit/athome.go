package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// installsAtHome gives the only step that installs with pip, if it is run by a user who may not write where programs lie: nil otherwise.
func (c *programCheck) installsAtHome() (only *dockerfile.Op) {
	for _, id := range c.image.Opaque {
		op := c.image.Plan.Ops[id]
		if op.Kind != dockerfile.OpExec {
			continue
		}
		script := c.build.Script(op)
		if strings.Contains(op.Location.Text, "/usr/local") || script.Missed {
			return nil
		}
		for _, call := range script.Calls {
			pip := command.Unversioned(call.Base) == "pip" && len(call.Args) > 0 && call.Args[0].Text == "install"
			switch {
			case !pip && (command.Is(call.Base, command.Installer) || call.Footprint().Unknown):
				return nil
			case pip && (only != nil && only != op || !atHome(op, call)):
				return nil
			case pip:
				only = op
			}
		}
	}
	return only
}

// atHome reports whether pip surely installs for who runs it alone.
func atHome(op *dockerfile.Op, call *command.Call) bool {
	user, _, _ := strings.Cut(op.Exec.User, ":")
	system := []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
	dirs, _ := call.S.Value("PATH")
	elsewhere := slices.ContainsFunc(strings.Split(dirs, ":"), func(dir string) bool {
		return !slices.Contains(system, dir) && !strings.HasSuffix(dir, "/.local/bin")
	})
	set := slices.ContainsFunc([]string{"VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONUSERBASE"}, func(name string) bool { return call.S.Env(name) != "" })
	return user != "" && user != "root" && user != "0" && !elsewhere && !set && !strings.Contains(call.Name.Text, "/") &&
		!command.Parse(call.Args[1:], "").Has("-t", "--target", "--prefix", "--root")
}

// homePrograms gives where a user's own programs lie that a step makes with a home directory, "" if that is not known.
func (c *programCheck) homePrograms(user string) string {
	made := c.build.Steps(func(op *dockerfile.Op) bool {
		return slices.ContainsFunc(c.build.Script(op).Calls, func(call *command.Call) bool {
			if call.Base != "useradd" && call.Base != "adduser" {
				return false
			}
			words := shell.Texts(call.Args)
			other := slices.ContainsFunc(words, func(w string) bool {
				return slices.Contains([]string{"-d", "--home", "--home-dir", "-h", "-b", "--base-dir", "-M", "--no-create-home", "-H"}, w)
			})
			return slices.Contains(words, user) && !other
		})
	})
	if made == nil {
		return ""
	}
	return path.Join("/home", user, ".local", "bin")
}
