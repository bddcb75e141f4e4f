package imports

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// Start is a command that a module runs.
type Start struct {
	// Args is the command with its arguments.
	Args []string
	From *Node
	Site need.Site
}

// starting is a call that runs a command.
type starting struct {
	name, of string
	form     commandForm
}

// commandForm is how the arguments of a call make up a command.
type commandForm uint8

const (
	asList  commandForm = iota // the first is a list of words, or a text for a shell if the call says shell=True
	asShell                    // the first is a text for a shell
	asWords                    // each is a word
	asExec                     // the first is a path, the second a list that begins with a name
	asNamed                    // the first is a path, the others are words that begin with a name
)

// startings are the functions of the standard library that run a command.
var startings = []starting{
	{"run", "subprocess", asList}, {"Popen", "subprocess", asList}, {"call", "subprocess", asList},
	{"check_call", "subprocess", asList}, {"check_output", "subprocess", asList},
	{"getoutput", "subprocess", asShell}, {"getstatusoutput", "subprocess", asShell},
	{"system", "os", asShell}, {"popen", "os", asShell},
	{"execv", "os", asExec}, {"execve", "os", asExec}, {"execvp", "os", asExec}, {"execvpe", "os", asExec},
	{"execl", "os", asNamed}, {"execlp", "os", asNamed},
	{"create_subprocess_exec", "asyncio", asWords}, {"create_subprocess_shell", "asyncio", asShell},
}

// addStarts notes the commands that a module runs when it is imported, or in a function of it.
func (g *Graph) addStarts(n *Node, f *syntax.File) {
	n.starts = nil // it may be followed again
	for i := range f.Calls {
		call := &f.Calls[i]
		of, name, _ := cutLast(call.Callee)
		s := slices.IndexFunc(startings, func(s starting) bool { return s.name == name && (s.of == of || f.Stands(of, name, s.of)) })
		if s < 0 || call.Context.Flags&(syntax.InTry|syntax.Suppressed) != 0 {
			continue
		}
		r := min(n.Reach, reachOf(n, call.Context))
		if args := startings[s].command(call); len(args) > 0 && r > need.Lazy {
			text := call.Callee + "(" + strings.Join(args, " ") + ")"
			n.starts = append(n.starts, Start{Args: args, Site: need.Site{File: n.Module.File, Importer: n.key(), Range: call.Range, Text: text, Reach: r}})
		}
	}
}

// command gives the words of the command that a call runs; none if they are not all written out, or it runs in another directory.
func (s starting) command(call *syntax.Call) (words []string) {
	inShell := s.form == asShell
	position := 0
	for _, a := range call.Arguments {
		switch {
		case a.Keyword == "cwd" || a.Keyword == "executable":
			return nil
		case a.Keyword == "shell":
			inShell = true
		case a.Keyword != "" && a.Keyword != "args" && a.Keyword != "cmd":
		case s.form == asWords, s.form == asNamed, s.form == asExec && position < 2, position == 0:
			position++
			if !a.Complete || len(a.Elements) == 0 {
				return nil
			}
			for _, e := range a.Elements {
				if e.Value == syntax.Executable {
					e.Value = "python"
				}
				words = append(words, e.Value)
			}
		}
	}
	if (s.form == asExec || s.form == asNamed) && len(words) > 1 {
		words = slices.Delete(words, 1, 2)
	}
	if inShell && len(words) > 0 {
		return []string{"/bin/sh", "-c", words[0]}
	}
	return words
}
