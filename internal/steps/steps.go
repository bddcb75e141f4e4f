// Package steps tells what a RUN step does, as far as its words tell: the programs that it starts, each in its directory, and their
// effects. Nothing is run.
package steps

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Script is what a step starts.
type Script struct {
	// Calls are the programs, and the builtins of the shell, in the order in which they are started.
	Calls []*command.Call
	// Missed tells that some of it could not be followed: programs may have been started that Calls lacks.
	Missed bool
	// Written are the files that the step writes by itself, by their path, or by a name with a [shell.Hole].
	Written map[string]shell.Written
}

// Effect is an effect of a step.
type Effect struct {
	command.Effect
	// Conditional tells that it need not come about.
	Conditional bool
}

// Follow follows a step over the files that it sees; nil: nothing is known of them.
func Follow(x *dockerfile.Exec, files shell.Files) *Script {
	out := &Script{}
	r := command.NewRunner(files)
	r.Substitutions, r.Fixed = true, true
	r.Note = func(n shell.Note) { out.Missed = out.Missed || n.Missed }
	r.Program = func(c *command.Call) { out.Calls = append(out.Calls, c) }
	r.Wrapper = r.Program
	r.Builtin = func(s *shell.State, c shell.Call) {
		out.Calls = append(out.Calls, &command.Call{S: s, Name: c.Argv[0], Base: c.Argv[0].Text, Args: c.Argv[1:], Builtin: true, Input: c.Input})
	}
	s := shell.NewState(path.Join("/", x.Dir), x.Env)
	r.Command(s, shell.Words(x.Args, shell.Origin{}), true)
	out.Written = r.Written()
	return out
}

// Effects gives the effects of the programs, in their order.
func (s *Script) Effects() []Effect {
	var out []Effect
	for _, c := range s.Calls {
		for _, e := range c.Effects() {
			out = append(out, Effect{e, c.S.Conditional})
		}
	}
	return out
}

// Removes reports whether a step says, word for word, that it removes a path of the image: by its own name or that of a
// directory above it.
func (s *Script) Removes(p string) bool {
	for _, e := range s.Effects() {
		if e.Kind == command.Removes && (e.Path == p || e.Recursive && strings.HasPrefix(p, strings.TrimSuffix(e.Path, "/")+"/")) {
			return true
		}
	}
	return false
}
