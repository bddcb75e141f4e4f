package builds

import (
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// scriptBuild is a build line of a script.
type scriptBuild struct {
	line    int // in the script, from 1
	command *buildCommand
	cwd     word
}

// scriptLimits are what reading one script may cost. A step is a command, or a variable that is copied for a branch; bytes are
// those of the words, which a script can double with every line.
var scriptLimits = budget.Limits{Steps: 100_000, Bytes: 16 << 20}

// scriptSteps is what a script costs, be it empty.
const scriptSteps = 30

// script finds the build lines of a shell script that runs in a directory with some variables known; root is that of the
// repository, and both are absolute. What is only known when it runs stays unknown: both branches of a condition count then. Where
// the budget ends, the reading does, and gives what it found and why.
func script(text, root string, cwd word, vars map[string]string, b *budget.Budget) ([]scriptBuild, error) {
	var found []scriptBuild
	have := map[string]bool{} // two ways through a script may come to the same line
	r := walk(text, root, cwd, vars, b, func(c *command.Call) {
		build := parseCommand(c.Base, c.Args)
		if build == nil {
			return
		}
		if build.file == "-" && c.Input.File.Text != "" {
			build.file = word(c.Input.File.Text)
		}
		key := strings.Join(append(c.Words(), c.S.Dir), "\x00")
		if line := c.S.Here.Line; !have[key] {
			have[key] = true
			found = append(found, scriptBuild{line, build, known(c.S.Dir)})
		}
	})
	return found, r.Err()
}

// walk hands over the programs that such a script starts.
func walk(text, root string, cwd word, vars map[string]string, b *budget.Budget, program func(c *command.Call)) *command.Runner {
	r := runner(text, root, b.Part(scriptLimits))
	r.Program = program
	dir := string(cwd)
	if !cwd.known() {
		dir = ""
	}
	s := shell.NewState(dir, nil)
	s.ArgsUnknown = true
	for k, v := range vars {
		switch {
		case k == "0":
			s.SetArgs(v, nil)
		case v != unknownPart: // else a default counts: it is what somebody gets who runs the script as it is
			s.Export(k, v)
		}
	}
	s.In("script", text)
	r.Walk(s, text)
	return r
}

// known makes a word of a directory that is "" if it is not known.
func known(dir string) word {
	if dir == "" {
		return unknownPart
	}
	return word(dir)
}

// runner follows scripts of a repository whose files are not looked at.
func runner(text, root string, b *budget.Budget) *command.Runner {
	r := command.NewRunner(nil)
	r.Budget, r.Substitutions, r.Merge = b, true, true
	_ = b.Steps(int64(scriptSteps + len(text)/16)) // it is parsed
	r.Substitute = func(_ *shell.State, argv []shell.Word) (shell.Word, bool) {
		if root != "" && strings.Join(shell.Texts(argv), " ") == "git rev-parse --show-toplevel" {
			return shell.Word{Text: root}, true
		}
		return shell.Word{}, false
	}
	return r
}
