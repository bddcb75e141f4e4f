// Package steps tells what a RUN step does, as far as its words tell: the programs that it starts, each in its directory, and the
// files that it writes. Nothing is run.
package steps

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/tools"
)

// Script is what a step starts.
type Script struct {
	// Calls are the programs, and the builtins of the shell, in the order in which they are started.
	Calls []*command.Call
	// Missed tells that some of it could not be followed: programs may have been started that Calls lacks.
	Missed bool
	// Exact tells that nothing but what was done has an effect: there is no place where the step only may have written.
	Exact bool
	// Named are the paths that its programs write, as far as their words name them; sorted.
	Named []string
	// Missing is what programs read that is surely not there when they are started.
	Missing []Missing
	// Written are the files that the step writes by itself, by their path, or by a name with a [shell.Hole].
	Written map[string]shell.Written
}

// Missing is what a program of a step reads and does not find.
type Missing struct {
	tools.Missing
	Call *command.Call
	// Fails tells that the step surely fails by it.
	Fails bool
}

// Sight is the tree that a step sees.
type Sight = tools.Files

// Outcome is what came of what a program does.
type Outcome struct {
	// Known tells that all that it does was done, Fails that it surely fails at some of it, Open that it may fail at it.
	Known, Fails, Open bool
}

// Run follows a step over the files that it sees, as they are at each point; nil: nothing is known of them. do is given what each program, or redirection, does, with
// whether it surely does it, and tells what came of it. Where that is not known, mark is given where the program may
// have written. Its error ends the walk.
func Run(x *dockerfile.Exec, files Sight, do func(effects []command.Effect, sure bool) Outcome, mark func(command.Footprint) error) (*Script, error) {
	w := &walk{r: command.NewRunner(files), out: &Script{Exact: true}, files: files, do: do, mark: mark, named: map[string]bool{}}
	w.r.Substitutions, w.r.Fixed = true, true
	w.r.Note = func(n shell.Note) {
		if n.Missed && !w.out.Missed {
			w.out.Missed = true
			w.note(command.Unknown(path.Join("/", x.Dir), x.Env))
		}
	}
	w.r.Program, w.r.Wrote = w.program, w.wrote
	w.r.Wrapper = func(c *command.Call) {
		w.started(c)
		if files != nil {
			w.out.miss(c, tools.Read(c, files).Missing)
		}
	}
	w.r.Script = func(c *command.Call, file string) bool {
		if files != nil {
			w.out.miss(c, tools.Shell(c, file, files))
		}
		return true
	}
	w.r.Builtin = func(s *shell.State, c shell.Call) {
		if files != nil {
			w.out.miss(&command.Call{S: s.Clone(), Name: c.Argv[0], Args: c.Argv[1:]}, tools.Builtin(s, c.Argv[0].Text, c.Argv[1:], files))
		}
		w.started(&command.Call{S: s, Name: c.Argv[0], Base: c.Argv[0].Text, Args: c.Argv[1:], Builtin: true, Input: c.Input})
	}
	s := shell.NewState(path.Join("/", x.Dir), x.Env)
	w.r.Command(s, shell.Words(x.Args, shell.Origin{}), true)
	w.out.Written = w.r.Written()
	for p, is := range w.named {
		if is {
			w.out.Named = append(w.out.Named, p)
		}
	}
	slices.Sort(w.out.Named)
	return w.out, w.failed
}

// walk is the walk through one step.
type walk struct {
	r      *command.Runner
	out    *Script
	files  Sight
	do     func(effects []command.Effect, sure bool) Outcome
	mark   func(command.Footprint) error
	failed error           // the first of mark
	named  map[string]bool // paths that effects or footprints name
}

// note marks where something may have been written.
func (w *walk) note(f command.Footprint) {
	w.out.Exact = false
	for _, p := range f.Paths {
		w.named[p] = true
	}
	if w.failed == nil {
		w.failed = w.mark(f)
	}
}

func (w *walk) started(c *command.Call) {
	if !c.S.Unlikely {
		w.out.Calls = append(w.out.Calls, c)
	}
}

func sure(s *shell.State) bool { return s.Sure() && !s.Masked }

// program does what a program does, or marks where it may write.
func (w *walk) program(c *command.Call) {
	outer := *c
	outer.S = c.S.Clone()
	w.started(&outer)
	if w.files != nil {
		w.out.miss(&outer, tools.Refused(&outer, w.files))
	}
	if w.r.Execute(c) {
		outer.Wraps = true
		return
	}
	if w.files != nil && w.out.read(w.r, c, &outer, w.files) {
		outer.Wraps = true
		w.note(outer.OwnFiles())
		return
	}
	effects, all := outer.Effects()
	if len(effects) > 0 {
		w.r.Acts()
	}
	for _, e := range effects {
		w.named[e.Path] = w.named[e.Path] || e.Kind <= command.Links
	}
	o := w.do(effects, sure(outer.S))
	if !o.Known || !all {
		w.note(outer.Footprint())
	}
	if all && len(effects) > 0 && (o.Fails || o.Known && !o.Open) {
		w.r.Exits(!o.Fails)
	}
}

// wrote does what a redirection does.
func (w *walk) wrote(s *shell.State, o shell.Output) {
	w.r.Acts()
	if o.File == "" {
		w.note(command.Footprint{Paths: []string{"/"}})
		return
	}
	e := command.Effect{Kind: command.Writes, Path: o.File, Text: o.Text, Unknown: !o.Known, Appends: o.Appends, There: !o.Opens}
	if o.Opens { // what is written is not known yet, and nothing is taken away of what is appended to
		e.Text, e.Unknown = "", !o.Appends
	}
	out := w.do([]command.Effect{e}, sure(s))
	if !out.Known {
		w.note(command.Footprint{Paths: []string{o.File}})
	}
	if out.Known || out.Fails {
		w.r.Exits(!out.Fails)
	}
}

// maxMissing bounds what is told of one step.
const maxMissing = 50

// miss notes what a program does not find.
func (s *Script) miss(c *command.Call, list []tools.Missing) {
	for _, m := range list {
		if len(s.Missing) < maxMissing && !c.S.Unlikely {
			s.Missing = append(s.Missing, Missing{m, c, m.Doubt == "" && c.S.Sure() && c.S.Needed()})
		}
	}
}

// read notes what a program misses, and follows the scripts that it starts; it reports whether that is all that the program does. c is its
// to change, call what is known of it before.
func (s *Script) read(r *command.Runner, c, call *command.Call, files Sight) bool {
	reading := tools.Read(call, files)
	s.miss(call, reading.Missing)
	for _, x := range reading.Scripts {
		from := c.S.Clone()
		from.Dir = x.Dir
		from.Via = append(from.Via, from.Here)
		from.Here = shell.Origin{File: x.At.File, Line: x.At.Line, Text: x.At.Text, InImage: true}
		r.Recipe(from, x.Text, nil)
	}
	if len(reading.Scripts) > 0 {
		call.Followed = true
		r.Unclear()
	}
	return reading.Runs
}

// MayTake reports whether a program of the step that takes things away, or puts them elsewhere, names a path or a directory above
// it. The root and the directory in which the step runs are named for other reasons.
func (s *Script) MayTake(p string) bool {
	for _, c := range s.Calls {
		if !command.Is(c.Base, command.Taker) {
			continue
		}
		for _, w := range c.Args {
			named := c.S.Abs(w.Text)
			if named != "" && named != "/" && named != c.S.Dir && !strings.HasPrefix(w.Text, "-") && (p == named || strings.HasPrefix(p, named+"/")) {
				return true
			}
		}
	}
	return false
}
