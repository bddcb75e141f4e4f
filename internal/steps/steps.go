// Package steps tells what a RUN step does, as far as its words tell: the programs that it starts, each in its directory, and the
// files that it writes. Nothing is run.
package steps

import (
	"maps"
	"path"
	"slices"
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
	// Asked tells that it depends on files that it found, and not on its words alone.
	Asked bool
	// Written are the files that the step writes by itself, by their path, or by a name with a [shell.Hole].
	Written map[string]shell.Written
}

// Follow follows a step over the files that it sees; nil: nothing is known of them.
func Follow(x *dockerfile.Exec, files shell.Files) *Script {
	out := &Script{}
	if files != nil {
		files = asked{files, &out.Asked}
	}
	r := command.NewRunner(files)
	r.Substitutions, r.Fixed = true, true
	r.Note = func(n shell.Note) { out.Missed = out.Missed || n.Missed }
	r.Wrapper = func(c *command.Call) { out.Calls = append(out.Calls, c) }
	r.Program = func(c *command.Call) {
		outer := *c
		outer.S = c.S.Clone()
		i := len(out.Calls)
		out.Calls = append(out.Calls, &outer)
		if r.Execute(c) {
			out.Calls[i].Wraps = true
		}
	}
	r.Builtin = func(s *shell.State, c shell.Call) {
		out.Calls = append(out.Calls, &command.Call{S: s, Name: c.Argv[0], Base: c.Argv[0].Text, Args: c.Argv[1:], Builtin: true, Input: c.Input})
	}
	s := shell.NewState(path.Join("/", x.Dir), x.Env)
	r.Command(s, shell.Words(x.Args, shell.Origin{}), true)
	out.Written = r.Written()
	return out
}

// Footprint gives where the step may have made or changed files.
func (s *Script) Footprint(x *dockerfile.Exec) command.Footprint {
	var out command.Footprint
	for _, c := range s.Calls {
		if !c.Wraps {
			out.Join(c.Footprint())
		}
	}
	if s.Missed {
		out.Join(command.Unknown(path.Join("/", x.Dir), x.Env))
	}
	for _, file := range slices.Sorted(maps.Keys(s.Written)) {
		dir, _, hole := strings.Cut(file, shell.Hole)
		switch dir = dir[:strings.LastIndexByte(dir, '/')+1]; {
		case !hole:
			out.Add(file)
		case dir == "":
			out.Add("/")
		default:
			out.Add(path.Clean(dir))
		}
	}
	return out
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
