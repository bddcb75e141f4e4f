package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// An environment (PEP 405) is a directory with programs and modules, made for one place and one minor version of Python: the first line of
// each program names the interpreter by the path that the environment was made at, and modules lie in lib/pythonX.Y, which another version
// does not search. One that is copied out of the stage that made it is of use at the same place, with the same version.

// environment is one that a step makes.
type environment struct {
	step   *dockerfile.Op
	dir    string
	python string // its minor version, "" if it is not known
	// prefix tells that it is none but a directory laid out as one, whose programs are run by the Python that installed them.
	prefix bool
}

// environments gives those that RUN steps make.
func (c *programs) environments() (out []environment) {
	for _, op := range c.Image.Plan.Ops {
		if op.Kind != dockerfile.OpExec {
			continue
		}
		for _, call := range c.Script(op).Calls {
			dir, own := madeEnvironment(call)
			prefix := prefixOf(call)
			if dir == "" && prefix != "" {
				dir, own = prefix, true
			}
			if dir == "" || slices.ContainsFunc(out, func(e environment) bool { return e.dir == dir && c.descends(op.ID, e.step.ID) }) {
				continue
			}
			e := environment{step: op, dir: dir, prefix: dir == prefix}
			if root, ok := op.Root(); own && ok {
				e.python = c.pythonOf(root)
			}
			out = append(out, e)
		}
	}
	return out
}

// madeEnvironment gives the directory of the environment that a command makes, "" if it makes none or the place is not known. own tells
// that it has the Python that runs the command.
func madeEnvironment(call *command.Call) (dir string, own bool) {
	words := shell.Texts(call.Args)
	at := func(name string) string {
		if strings.Contains(name, shell.Hole) || name == "" {
			return ""
		}
		return call.S.Abs(name)
	}
	switch {
	case (call.Base == "python" || call.Base == "python3") && len(words) > 2 && words[0] == "-m" && (words[1] == "venv" || words[1] == "virtualenv"):
		o := command.Parse(call.Args[2:], "--prompt -p --python --upgrade-deps")
		if len(o.Operands) == 1 && !o.Has("-p", "--python") {
			return at(o.Operands[0].Text), true
		}
	case call.Base == "virtualenv":
		o := command.Parse(call.Args, "-p --python --prompt --seeder --app-data")
		if len(o.Operands) == 1 {
			return at(o.Operands[0].Text), !o.Has("-p", "--python")
		}
	case call.Base == "uv" && len(words) > 0 && words[0] == "venv":
		o := command.Parse(call.Args[1:], "-p --python --prompt --directory --project --cache-dir")
		if o.Has("--relocatable", "--directory", "--project") || call.S.Env("UV_VENV_RELOCATABLE") != "" || len(o.Operands) > 1 {
			return "", false
		}
		if len(o.Operands) == 0 {
			return at(".venv"), false
		}
		return at(o.Operands[0].Text), false
	case call.Base == "uv" && len(words) > 0 && words[0] == "sync":
		if call.S.Env("UV_PROJECT_ENVIRONMENT") == "" && !slices.ContainsFunc(words, func(w string) bool {
			return strings.HasPrefix(w, "--directory") || strings.HasPrefix(w, "--project") || w == "--active"
		}) {
			return at(".venv"), false
		}
	}
	return "", false
}

// pipWords gives what stands behind pip in a command, nil if it is none of pip.
func pipWords(call *command.Call) []shell.Word {
	words := call.Args
	if command.IsPython(call.Base) && len(words) > 2 && words[0].Text == "-m" && words[1].Text == "pip" {
		return words[2:]
	} else if call.Base != "pip" && call.Base != "pip3" {
		return nil
	}
	return words
}

// prefixOf gives the directory below which pip installs, "" if none is given.
func prefixOf(call *command.Call) string {
	words := pipWords(call)
	if len(words) == 0 || words[0].Text != "install" {
		return ""
	}
	if v, ok := command.Parse(words[1:], installOptions).Last("--prefix"); ok && v.Known() {
		return call.S.Abs(v.Text)
	}
	return ""
}

// pythonOf gives the minor version of Python of the base image that a file system was made on; "" if it is not known.
func (c *programs) pythonOf(ref dockerfile.OutputRef) string {
	if base := need.BaseOf(c.Image.Plan, ref); base != nil {
		return bases.Python(base.Image.Ref)
	}
	return ""
}

// descends reports whether an operation is made on another one, or is that one.
func (c *programs) descends(op, from int) bool {
	for op >= 0 && op != from {
		ref, _ := c.Image.Plan.Ops[op].Parent()
		op = ref.Op
	}
	return op >= 0
}

// taken is a directory that a COPY of the image takes out of a stage.
type taken struct {
	op       *dockerfile.Op
	from     dockerfile.OutputRef
	src, dst string
}

// takenFromStages gives the directories that the image takes out of stages, the operations on which it is made alone.
func (c *programs) takenFromStages() (out []taken) {
	for _, op := range c.Image.Plan.Ops {
		if op.Kind != dockerfile.OpFile || !c.descends(c.Image.Plan.Result.Op, op.ID) {
			continue
		}
		for _, a := range op.File {
			cp, ok := a.Change.(dockerfile.Copy)
			if ok && a.Source >= 0 && a.Source < len(op.Inputs) && op.Inputs[a.Source].Op >= 0 && !strings.ContainsAny(cp.Src, "*?[") {
				out = append(out, taken{op, op.Inputs[a.Source], path.Clean("/" + cp.Src), path.Clean("/" + cp.Dest)})
			}
		}
	}
	return out
}

// libraryPath is a path of an interpreter's own modules, with its version.
var libraryPath = lazyre.New(`^/usr(?:/local)?/lib/python(\d\.\d+)(?:/|$)`)

// misfits gives what the image takes from stages and cannot use: the programs of an environment that lies elsewhere now, and modules of
// another version of Python.
func (c *programs) misfits() (out []lang.Fault) {
	if len(c.entries) == 0 {
		return nil
	}
	own := c.pythonOf(c.Image.Plan.Result)
	copies := c.takenFromStages()
	for _, e := range c.environments() {
		for _, t := range copies {
			rel, within := strings.CutPrefix(e.dir+"/", strings.TrimSuffix(t.src, "/")+"/")
			if !within || !c.descends(t.from.Op, e.step.ID) {
				continue
			}
			dir := path.Join(t.dst, rel)
			if c.mended(dir) {
				continue
			}
			for _, s := range c.startsFrom(dir) {
				switch name := started(s.start.Run); {
				case !e.prefix && dir != e.dir && c.Tree.Stat(e.dir) == shell.Absent && !command.IsPython(name) && (s.start.Kind == program.App || s.start.Kind == program.Module):
					out = append(out, lang.Fault{
						Kind: lang.Moved, File: path.Join(dir, "bin", name), Name: path.Join(e.dir, "bin", "python"), Asks: c.asks([]imports.Missing{{Site: s.Site, Reach: need.Startup}}),
						By: by(t.op, e.step), Add: finding.Hint{Found: dir, Asked: e.dir},
					})
				case e.python != "" && own != "" && e.python != own:
					out = append(out, c.otherVersion(path.Join(dir, "lib", "python"+e.python, "site-packages"), e.python, own, s, by(t.op, e.step)))
				default:
					continue
				}
				break
			}
		}
	}
	for _, t := range copies {
		if m := libraryPath().FindStringSubmatch(t.dst); m != nil && own != "" && m[1] != own && t.src == t.dst {
			out = append(out, c.otherVersion(t.dst, m[1], own, c.entries[0], by(t.op)))
		}
	}
	return out
}

// mended reports whether a step of the image itself does something to an environment.
func (c *programs) mended(dir string) bool {
	return c.Steps(func(op *dockerfile.Op) bool {
		return c.descends(c.Image.Plan.Result.Op, op.ID) && c.Mentions(op, func(text string) bool { return strings.Contains(text, dir) })
	}) != nil
}

func (c *programs) otherVersion(dir, version, own string, e entry, by []finding.Place) lang.Fault {
	return lang.Fault{
		Kind: lang.OtherVersion, File: dir, Name: own, Asks: c.asks([]imports.Missing{{Site: e.Site, Reach: need.Startup}}), By: by,
		Add: finding.Hint{Asked: version, Instead: own},
	}
}

// by gives the instructions of a copy, and of the step that made what it copies.
func by(copied *dockerfile.Op, made ...*dockerfile.Op) []finding.Place {
	place := func(role finding.Role, l dockerfile.Location) finding.Place {
		return finding.Place{Role: role, File: l.File, Line: l.Range.Start.Line, Text: l.Text}
	}
	out := []finding.Place{place(finding.RoleCopies, copied.Location)}
	for _, op := range made {
		out = append(out, place(finding.RoleSets, op.Location))
	}
	return out
}

// startsFrom gives the programs that are surely started and that the programs of an environment are found for first.
func (c *programs) startsFrom(dir string) (out []entry) {
	bin := path.Join(dir, "bin")
	for _, e := range c.entries {
		if e.start.Conditional || e.start.Tolerated || e.start.Health || e.start.Run.Mounted(bin) {
			continue
		}
		list, _ := view.Lookup(e.start.Run.Env, "PATH")
		first, _, _ := strings.Cut(list, ":")
		if args := e.start.Run.Args(); len(args) > 0 && (path.Clean(first) == bin || path.Dir(args[0]) == bin) && !e.start.Origin.InImage {
			out = append(out, e)
		}
	}
	return out
}

// started gives the name of the program that a container is started with.
func started(r *program.Run) string {
	if args := r.Args(); len(args) > 0 {
		return path.Base(args[0])
	}
	return ""
}
