package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// What pip install --user installs lies in the home directory of who runs it, and is searched in that of who runs the program
// (Lib/site.py, getuserbase). That of root is closed to all others in the official images.

// rootsHome is the home directory of root, and userBase what of it pip installs to.
const (
	rootsHome = "/root"
	userBase  = rootsHome + "/.local"
)

// strayed gives what root installs for itself and the image runs as somebody else, or has in another place.
func (c *programs) strayed() (out []lang.Fault) {
	if len(c.entries) == 0 || need.ForeignBase(c.Image) != nil || slices.ContainsFunc([]string{"HOME", "PYTHONPATH", "PYTHONUSERBASE"}, func(name string) bool {
		_, set := view.Lookup(c.Image.Plan.Config.Env, name)
		return set
	}) {
		return nil
	}
	user, _, _ := strings.Cut(c.Image.Plan.Config.User, ":")
	root := user == "" || user == "root" || user == "0"
	for _, op := range c.Image.Plan.Ops {
		if op.Kind != dockerfile.OpExec || !c.installsForRoot(op) {
			continue
		}
		found, places := c.userBases(op)
		for n, dir := range found {
			lost := dir != userBase
			if !root {
				lost = simulate.Within(dir, rootsHome)
			}
			i := slices.IndexFunc(c.entries, func(e entry) bool { return lost && c.needsInstalled(e) })
			if i < 0 || path.Base(dir) != path.Base(userBase) || c.touched(op) {
				continue
			}
			f := lang.Fault{
				Kind: lang.OfOtherUser, File: dir, Name: user, Asks: c.asks([]imports.Missing{{Site: c.entries[i].Site, Reach: need.Startup}}), By: places[n],
			}
			if root {
				f.Add = finding.Hint{Found: dir, Asked: userBase}
			} else if len(places[n]) == 1 {
				f.Add = finding.Hint{Without: "--user"}
			}
			return append(out, f)
		}
	}
	return out
}

// needsInstalled reports whether an entry surely needs what is installed: it is started by a server, or imports a dependency.
func (c *programs) needsInstalled(e entry) bool {
	if e.start.Conditional || e.start.Tolerated || e.start.Health || len(e.start.Through) > 0 || e.start.Origin.InImage {
		return false
	}
	if e.start.Kind == program.App && e.start.Command == "" {
		return true
	}
	return slices.ContainsFunc(c.graphs, func(f followed) bool {
		return f.entry.Site == e.Site && slices.ContainsFunc(f.graph.Missing, func(m imports.Missing) bool {
			_, declared := c.declared().ImportDeclared(m.Module)
			return m.Reach >= need.Startup && m.Parent == nil && declared
		})
	})
}

// installsForRoot reports whether all that a step installs with pip is installed for root alone.
func (c *programs) installsForRoot(op *dockerfile.Op) bool {
	user, _, _ := strings.Cut(op.Exec.User, ":")
	if user != "" && user != "root" && user != "0" {
		return false
	}
	found := false
	for _, call := range c.Script(op).Calls {
		words := pipWords(call)
		if len(words) == 0 || words[0].Text != "install" {
			continue
		}
		if !command.Parse(words[1:], installOptions).Has("--user") || call.S.Env("PYTHONUSERBASE") != "" || call.S.Env("HOME") != "" && call.S.Env("HOME") != rootsHome {
			return false
		}
		found = true
	}
	return found
}

// userBases gives where the image has what a step installs for root, with the instructions that brought it there.
func (c *programs) userBases(op *dockerfile.Op) (dirs []string, places [][]finding.Place) {
	if c.descends(c.Image.Plan.Result.Op, op.ID) {
		l := op.Location
		dirs = append(dirs, userBase)
		places = append(places, []finding.Place{{Role: finding.RoleSets, File: l.File, Line: l.Range.Start.Line, Text: l.Text}})
	}
	for _, t := range c.takenFromStages() {
		if rel, within := strings.CutPrefix(userBase+"/", strings.TrimSuffix(t.src, "/")+"/"); within && c.descends(t.from.Op, op.ID) {
			dirs, places = append(dirs, path.Join(t.dst, rel)), append(places, by(t.op, op))
		}
	}
	return dirs, places
}

// touched reports whether another step of the image does something to a user's installation, or installs otherwise.
func (c *programs) touched(install *dockerfile.Op) bool {
	return c.Steps(func(op *dockerfile.Op) bool {
		return op != install && c.descends(c.Image.Plan.Result.Op, op.ID) && (c.Mentions(op, func(text string) bool {
			return strings.Contains(text, ".local") || strings.Contains(text, rootsHome)
		}) || slices.ContainsFunc(c.Script(op).Calls, func(call *command.Call) bool { return len(pipWords(call)) > 0 || call.Footprint().Unknown }))
	}) != nil
}
