// Package command knows programs: which of them start another one, which words of theirs are options, and what they do to files
// and to what is installed. Scripts are followed by package shell; a [Runner] sees through what only wraps another command, so
// that whoever asks meets the programs themselves.
//
// A program is a value in a table: [wrappers] for what starts another command, [programs] for what is known of all others. Nothing
// else in the module lists names of programs.
package command

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Call is a program with its arguments at the point where it is started.
type Call struct {
	// S is the state of the shell, the call's own: what it changes is seen by what it starts alone.
	S    *shell.State
	Name shell.Word
	Base string // the last element of the name
	Args []shell.Word
	// Main tells that it is what a container or a step is for, and not a helper that a script calls on the way.
	Main bool
	// Sub is the subcommand of a program that starts another command with another one, as `uv run` does; else "".
	Sub string
	// Input is what it reads.
	Input shell.Input

	// Wraps tells that it is a wrapper: the command that it starts is a call of its own.
	Wraps bool
	// Followed tells that the scripts of a manifest that it starts are calls of their own.
	Followed bool
	// Builtin tells that it is no program, but a builtin of the shell.
	Builtin bool

	run *Runner
}

// Words are the name and the arguments, as texts.
func (c *Call) Words() []string { return append([]string{c.Name.Text}, shell.Texts(c.Args)...) }

// maxShown bounds what a message shows of a call, in characters.
const maxShown = 60

// Shown gives the call as a message names it.
func (c *Call) Shown() string {
	words := strings.ReplaceAll(strings.Join(c.Words(), " "), shell.Hole, "...")
	if r := []rune(words); len(r) > maxShown {
		words = string(r[:maxShown]) + "..."
	}
	return words
}

// Runner follows scripts down to the programs that they start.
type Runner struct {
	shell.Interp
	// Program is called for each program that wraps no other.
	Program func(c *Call)
	// Wrapper is called for each program that starts another command which it is given, before that; nil: nobody asks.
	Wrapper func(c *Call)
	// Script is called for each script file that a shell is given; the file is walked if it returns true. nil: all are walked.
	Script func(c *Call, file string) (walk bool)
}

// NewRunner gives a runner over a tree.
func NewRunner(files shell.Files) *Runner {
	r := &Runner{}
	r.Files = files
	r.Run = func(s *shell.State, c shell.Call) {
		r.command(&Call{S: s, Name: c.Argv[0], Args: c.Argv[1:], Main: c.Replaces || s.InText(), Input: c.Input})
	}
	return r
}

// Command tells what a command line runs. s belongs to it.
func (r *Runner) Command(s *shell.State, argv []shell.Word, main bool) {
	if len(argv) > 0 {
		r.command(&Call{S: s, Name: argv[0], Args: argv[1:], Main: main})
	}
}

func (r *Runner) command(c *Call) {
	c.run, c.Base = r, path.Base(c.Name.Text)
	s := c.S
	leave, ok := r.Enter(s.Here)
	defer leave()
	if !ok || c.Name.Text == "" {
		return
	}
	// Words that were handed over, as CMD's are by "$@", still stand where they were written.
	if o := c.Name.Origin; o != s.Here && (o != shell.Origin{}) {
		s.Via, s.Here = append(s.Via, s.Here), o
	}
	if !c.Name.Known() {
		r.untold(s.Here, "the program is not literal ("+shell.Shown(c.Name.Text)+"), so what it runs could not be determined")
		return
	}
	if (c.Base == "su" || c.Base == "runuser") && c.switchUser() {
		return
	}
	if w, ok := wrappers[c.Base]; ok && c.wrapper(w) {
		return
	}
	if shells[c.Base] {
		c.shell()
		return
	}
	c.writes()
	if r.Program != nil {
		r.Program(c)
	}
}

// untold notes a program of which nobody can tell what it runs.
func (r *Runner) untold(o shell.Origin, text string) {
	r.Tell(shell.Note{Text: text, Origin: o, Untold: true, Missed: true})
}

// Wraps reports whether a program starts another command that it is given.
func Wraps(base string) bool {
	_, ok := wrappers[base]
	return ok
}

// shells are the programs that read shell text, and whether they expand braces.
var shells = map[string]bool{"sh": true, "bash": true, "dash": true, "ash": true, "ksh": true, "zsh": true, "rbash": true}

// IsShell reports whether a program reads shell text.
func IsShell(base string) bool { return shells[base] }

// shell runs sh with its own options: -c TEXT, or a file with arguments.
func (c *Call) shell() {
	words := c.Args
	text, input := false, false
	var options []func(*shell.State)
	for len(words) > 0 && len(words[0].Text) > 1 && strings.ContainsAny(words[0].Text[:1], "-+") {
		w := words[0].Text
		words = words[1:]
		switch {
		case w == "--":
		case strings.HasPrefix(w, "--"):
			if w == "--rcfile" || w == "--init-file" {
				words = words[min(1, len(words)):]
			}
			continue
		default:
			text, input = text || strings.Contains(w, "c") && w[0] == '-', input || strings.Contains(w, "s") && w[0] == '-'
			behind := words
			options = append(options, func(s *shell.State) { s.Option(w, behind) })
			if strings.Contains(w, "o") {
				words = words[min(1, len(words)):]
			}
			continue
		}
		break
	}
	switch {
	case len(words) == 0 || input && !text: // interactive, or from standard input
		switch {
		case c.Input.Known:
			c.run.Text(c.S, c.Input.Text, nil)
		case c.Input.Piped && c.run.Program != nil: // a script that nobody knows, mostly one that installs
			c.run.Program(c)
		}
	case !text:
		dash := c.small()
		options = append(options, func(s *shell.State) { s.Dash = dash })
		c.run.file(c.S, words[0], words[1:], options)
	default:
		if words = skipDashes(words); len(words) > 0 {
			c.S.Dash = c.small()
			c.run.text(c.S, words[0].Text, words[1:], options)
		}
	}
}

// small reports whether a shell may be one of the small ones.
func (c *Call) small() bool { return c.Base == "sh" || c.Base == "dash" || c.Base == "ash" }

// Text walks the text of sh -c. The first word after it is "$0".
func (r *Runner) Text(s *shell.State, text string, rest []shell.Word) { r.text(s, text, rest, nil) }

func (r *Runner) text(s *shell.State, text string, rest []shell.Word, options []func(*shell.State)) {
	if strings.Contains(text, shell.Hole) {
		r.Tell(shell.Note{Origin: s.Here, Missed: true, Text: "a shell command depends on what only the running container knows: " + shell.Shown(text)})
		return
	}
	r.Recipe(s, text, rest, options...)
}

// Recipe walks the text of sh -c, what is not known in which is no syntax of the shell: the words that have it are not known.
func (r *Runner) Recipe(s *shell.State, text string, rest []shell.Word, options ...func(*shell.State)) {
	child := s.Child()
	child.In("", "")
	child.SetArgs("sh", nil)
	if len(rest) > 0 {
		child.SetArgs(rest[0].Text, rest[1:])
	}
	for _, set := range options {
		set(child)
	}
	r.Shell(child, text)
}

// File walks a script in a shell of its own.
func (r *Runner) File(s *shell.State, name shell.Word, args []shell.Word) { r.file(s, name, args, nil) }

func (r *Runner) file(s *shell.State, name shell.Word, args []shell.Word, options []func(*shell.State)) {
	file := s.Abs(name.Text)
	if file == "" {
		r.untold(s.Here, "the shell script is not literal ("+shell.Shown(name.Text)+"), so what it runs could not be determined")
		return
	}
	if r.Script != nil && !r.Script(&Call{S: s, Name: name, Base: path.Base(file), Args: args, Main: true, run: r}, file) {
		return
	}
	text, ok := r.Read(file)
	if !ok {
		r.Tell(shell.Note{Origin: s.Here, Missed: true, Text: "the script " + file + " is not a file whose content is known"})
		return
	}
	leave, times := r.Walking(file)
	defer leave()
	if times > 1 {
		return // it calls itself, and not only to become another user
	}
	child := s.Child()
	child.Via = append(child.Via, s.Here)
	child.In(file, text)
	child.SetArgs(name.Text, args)
	for _, set := range options {
		set(child)
	}
	r.Shell(child, text)
}

// Shebang gives the interpreter of a script and its options, seen through env.
func Shebang(text string) (string, []shell.Word) {
	line, ok := strings.CutPrefix(text, "#!")
	if !ok {
		return "", nil
	}
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	for len(words) > 0 && path.Base(words[0]) == "env" {
		words = words[1:]
		for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=")) {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return "", nil
	}
	var options []shell.Word
	for _, w := range words[1:] {
		options = append(options, shell.Word{Text: w})
	}
	return words[0], options
}

// Execute walks a script that is started by its path, if its content is known and a shell reads it, and reports whether it did.
func (r *Runner) Execute(c *Call) bool {
	if !strings.Contains(c.Name.Text, "/") {
		return false
	}
	file := c.S.Abs(c.Name.Text)
	text, ok := r.Read(file)
	if !ok {
		return false
	}
	program, options := Shebang(text)
	if !IsShell(path.Base(program)) && (program != "" || path.Ext(file) != ".sh" && path.Ext(file) != "") {
		return false
	}
	var set []func(*shell.State)
	for i, w := range options {
		if strings.HasPrefix(w.Text, "-") {
			set = append(set, func(s *shell.State) { s.Option(w.Text, options[i+1:]) })
		}
	}
	r.file(c.S, shell.Word{Text: file, Variable: c.Name.Variable, Origin: c.Name.Origin}, c.Args, set)
	return true
}
