// Package shell follows shell scripts without running them: text after `sh -c`, the scripts of an image, RUN steps, steps of a
// workflow, recipes of a Makefile.
//
// An [Interp] walks a script with what is known: variables, arguments, the working directory, the files that the script sees.
// Each program that it would start is handed to [Interp.Run], with its words after expansion and a [State]. Where a condition
// cannot be decided both ways are walked, in states of their own, and what is only done in one of them is Conditional. Text that
// only a running shell knows is a [Hole] in a word: what depends on it is not known, and never guessed.
//
// This is the only package that knows the parser of mvdan.cc/sh, and the only interpreter of scripts there is.
package shell

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// Hole stands inside a word for text that only a running shell knows: a code point that Unicode reserves for such use inside
// programs. A script that holds it by itself is then not understood, and no harm is done.
const Hole = "\uFDD0"

// Word is a word of a command after expansion.
type Word struct {
	Text string
	// Variable tells that a variable that somebody may set differently took part in it.
	Variable bool
	// Origin is where it is written.
	Origin Origin
}

// Known reports whether the word has no [Hole].
func (w Word) Known() bool { return !strings.Contains(w.Text, Hole) }

// Shown is a word as a message quotes it.
func Shown(text string) string {
	text = strings.ReplaceAll(text, Hole, "...")
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "..."
	}
	return strconv.Quote(text)
}

// Words makes known words of texts.
func Words[S ~string](texts []S, from Origin) []Word {
	var out []Word
	for _, text := range texts {
		out = append(out, Word{Text: string(text), Origin: from})
	}
	return out
}

// Texts gives the texts of words.
func Texts(list []Word) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = w.Text
	}
	return out
}

// Quote gives text as a word that a POSIX shell reads back as it is; ok is false where there is none.
func Quote(text string) (quoted string, ok bool) {
	quoted, err := syntax.Quote(text, syntax.LangPOSIX)
	return quoted, err == nil
}

// Origin is the place of a command: an instruction, or a line of a file.
type Origin struct {
	File    string // as shown to people; an absolute image path if InImage
	Line    int    // from 1; 0 if unknown
	Text    string // the instruction or the line, white space folded
	InImage bool   // File is a path in the image
}

// FileKind is what is known of a path.
type FileKind uint8

// The answers of [Files.Stat].
const (
	Unknown   FileKind = iota // it may be there: in a base image, or made by a step that is not simulated
	Absent                    // certainly not there
	Regular                   // a file
	Directory                 // a directory
)

// Files is the tree that a script sees. Paths are absolute and clean; symbolic links are followed.
type Files interface {
	Stat(path string) FileKind
	Read(path string) ([]byte, error)
}

// Lister is what [Files] may know, too: the names in a directory, and what a file surely holds. Its error is fs.ErrNotExist or syscall.ENOTDIR where it is known that
// there are none, a [Partial] where more may be there of which the names are known, and another one where nothing is.
type Lister interface {
	List(dir string) ([]fs.DirEntry, error)
	// Content gives what a file surely holds. It is an error if that is not known.
	Content(file string) ([]byte, error)
}

// Partial is the error of a list of what is surely in a directory, to which more may belong.
type Partial struct {
	// Names are those of what may be there, too, or patterns of them as path.Match has them.
	Names []string
}

func (p *Partial) Error() string { return "there may be more: " + strings.Join(p.Names, ", ") }

// The limits of a walk. They are far above what real scripts need, and keep a hostile one from costing time.
const (
	maxDepth  = 40        // nested commands, functions and scripts
	maxStates = 8         // ways through a script that are kept apart
	maxScript = 256 << 10 // bytes of a script, a variable or a configuration file
	maxArgs   = 4096      // words of a command
	maxLoop   = 64        // words of a list that a loop is walked for
)

// defaultSteps are commands and statements that a walk without a budget of its own may take.
const defaultSteps = 20_000

// Interp walks scripts. Its zero value knows no files and hands programs to nobody.
type Interp struct {
	// Files is the tree that scripts see; nil: nothing is known.
	Files Files
	// Run is called for each program that a script starts, in the order in which a shell would start them. s is the callee's own.
	Run func(s *State, c Call)
	// Builtin is called for each builtin of the shell, before it is followed; nil: nobody asks.
	Builtin func(s *State, c Call)
	// Unread is called for each file that standard input is to be taken from and that is not there; nil: nobody asks.
	Unread func(s *State, file Word)
	// Wrote is called for each file to which output is redirected: when it is opened, and when the command is done; nil: nobody asks.
	Wrote func(s *State, o Output)
	// Note is given what cannot be followed; nil: nobody asks.
	Note func(Note)
	// Fixed tells that nobody sets variables or arguments differently when the script runs, and that nobody asks for what comes of
	// one that fails, as in the step of a build: what a condition on them rules out is not walked, and every way is that on which
	// the script succeeds. Otherwise what is ruled out is walked as something that may be, and a command is taken to succeed.
	Fixed bool
	// Merge joins the ways through a script again after a condition that cannot be decided: what differs between them is not known
	// then. Otherwise they are walked on apart, as far as there are not too many.
	Merge bool
	// Substitutions asks for the programs that are started for their output, too: $(...).
	Substitutions bool
	// Substitute gives what a command prints of which the caller knows more than the shell: $(git rev-parse --show-toplevel).
	Substitute func(s *State, argv []Word) (Word, bool)
	// Budget is what walks may spend: a step is a command or a statement, bytes are those of values. nil: steps are bounded.
	Budget *budget.Budget

	exit    exit // of the program that was run last
	acts    int  // programs and redirections that change files
	written map[string]Written
	active  map[string]int // files that are being walked
	depth   int
	ended   bool // the budget is used up, and that was noted

	exceeded error // what a script needs more of than there is
}

// Note is something that could not be followed.
type Note struct {
	Text   string
	Origin Origin
	// Untold tells that it is about a program of which nobody can tell what it runs.
	Untold bool
	// Missed tells that programs were passed over: they may have done anything.
	Missed bool
}

// Call is a program with its arguments, at the point where a script starts it.
type Call struct {
	// Argv are the words, the name first; never empty.
	Argv []Word
	// Replaces tells that it takes the place of the shell, by exec.
	Replaces bool
	// Input is what it reads.
	Input Input
}

// Input is what a command reads from its standard input.
type Input struct {
	// File is what it reads, known by `< FILE` or `cat FILE |`; "" if it is no file.
	File Word
	// Text is what it reads of a here-document or from echo, if that is Known; it may have a [Hole].
	Text  string
	Known bool
	// Piped tells that another command writes it.
	Piped bool
}

// Output is what a redirection writes.
type Output struct {
	File string // absolute; "" if it is not known
	// Text is the output, if that is Known.
	Text    string
	Known   bool
	Appends bool
	// Opens tells that the file is opened, and nothing written yet.
	Opens bool
}

// Written is a file that a script writes.
type Written struct {
	By Origin
	// Text is what of its content is known: what echo, printf and here-documents write there.
	Text string
}

// NewState gives the state of a shell that starts in a directory, "" if that is not known, with an environment of NAME=value.
func NewState(dir string, env []string) *State {
	s := &State{Dir: dir, vars: map[string]variable{}, funcs: map[string]function{}, level: &level{needed: true}, tail: true}
	for _, pair := range env {
		if name, value, ok := strings.Cut(pair, "="); ok && name != "" {
			s.vars[name] = variable{value: value, exported: true, given: true}
		}
	}
	return s
}

// State is what a shell knows at one point of a script.
type State struct {
	Dir string // the working directory, absolute; "" if it is not known
	// DirVariable tells that somebody may set the working directory differently.
	DirVariable bool

	Here Origin   // the command being looked at
	Via  []Origin // what led here, outermost first

	// Through are the programs that were seen through on the way here, outermost first: see package command.
	Through []string

	Conditional bool // in a branch that need not be taken
	Tolerated   bool // before ||: a failure ends nothing
	// OneOfSeveral tells that other states are walked beside it, since a condition before was not decided.
	OneOfSeveral bool
	// ArgsUnknown tells that nobody knows with which arguments the script is called, and so what $1 is.
	ArgsUnknown bool
	// Dash tells that the shell may be one of the small ones, which expand no braces.
	Dash bool
	// Unlikely tells that a command before has to fail for this, which nobody means it to.
	Unlikely bool
	// Masked tells that the script set another umask.
	Masked bool

	vars  map[string]variable
	funcs map[string]function
	args  []Word // "$@"
	arg0  string // "$0"
	last  Word   // "$_": the last word of the command before

	exit   exit   // how the command before ended
	prior  exit   // how the one before that ended
	source source // the file that the command stands in
	in     Input  // standard input
	out    *sink  // where standard output goes, nil if nobody asks
	leaves leaves // by return, break or continue

	level    *level
	tail     bool     // the status of the command is that of its shell
	tested   bool     // somebody asks for the status of the command, so that set -e does not count
	errexit  bool     // set -e
	pipefail bool     // set -o pipefail
	noglob   bool     // set -f, or names are looked for in another way
	loops    int      // around the command, in its shell and its function
	around   bool     // tells that there are loops around these
	calls    int      // of functions, and files that are read, around the command
	dirs     []string // of pushd
	old      string   // the directory before the last cd, "" if it is not known
}

// Clone gives a state that can be changed on its own.
func (s *State) Clone() *State {
	c := *s
	c.vars = maps.Clone(s.vars)
	c.funcs = maps.Clone(s.funcs)
	c.args = slices.Clone(s.args)
	c.Via = slices.Clone(s.Via)
	c.Through = slices.Clip(s.Through)
	return &c
}

// Child is the state of a new shell: it inherits what is exported.
func (s *State) Child() *State {
	c := s.inner(s.needed())
	for name, v := range c.vars {
		if !v.exported {
			delete(c.vars, name)
		}
	}
	c.funcs, c.args, c.arg0, c.ArgsUnknown = map[string]function{}, nil, "", false
	c.errexit, c.pipefail, c.tested, c.noglob, c.around, c.dirs = false, false, false, false, false, nil
	return c
}

// In sets the file that commands stand in; with "", they are the text of an instruction, which has no lines of its own.
func (s *State) In(file, text string) {
	s.source = source{}
	if file != "" {
		s.source = source{path: file, lines: strings.Split(text, "\n")}
	}
}

// InText reports whether commands stand in the text of an instruction.
func (s *State) InText() bool { return s.source.path == "" }

// SetArgs sets the arguments of the script, $0 first.
func (s *State) SetArgs(arg0 string, args []Word) { s.arg0, s.args = arg0, args }

// Abs gives the path that a name means in the working directory, "" if that is not known.
func (s *State) Abs(name string) string {
	switch {
	case name == "" || strings.Contains(name, Hole):
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	case s.Dir == "":
		return ""
	default:
		return path.Join(s.Dir, name)
	}
}

// Chdir changes the working directory, and remembers whether a variable took part.
func (s *State) Chdir(dir Word) {
	s.DirVariable = dir.Variable || s.DirVariable && !path.IsAbs(dir.Text)
	s.Dir = s.Abs(dir.Text)
}

// Value gives a variable that is set. It may have a [Hole].
func (s *State) Value(name string) (value string, exported bool) {
	v := s.vars[name]
	return v.value, v.exported
}

// EnvWord gives an exported variable whose value is known and not empty.
func (s *State) EnvWord(name string) (w Word, ok bool) {
	value := s.Env(name)
	return Word{Text: value, Variable: !s.vars[name].given}, value != ""
}

// Env gives an exported variable whose value is known, "" otherwise.
func (s *State) Env(name string) string {
	if v := s.vars[name]; v.exported && !strings.Contains(v.value, Hole) {
		return v.value
	}
	return ""
}

// Environ gives the names and values of what is exported, also where a value has a [Hole].
func (s *State) Environ() map[string]string {
	out := map[string]string{}
	for name, v := range s.vars {
		if v.exported {
			out[name] = v.value
		}
	}
	return out
}

// Export sets a variable for programs, too.
func (s *State) Export(name, value string) { s.vars[name] = variable{value: value, exported: true} }

// Assign sets a variable and keeps whether it is exported.
func (s *State) Assign(name, value string) {
	s.vars[name] = variable{value: value, exported: s.vars[name].exported}
}

// Unset removes a variable, or all of them if no name is given.
func (s *State) Unset(names ...string) {
	if len(names) == 0 {
		clear(s.vars)
	}
	for _, n := range names {
		delete(s.vars, n)
	}
}

// lookup gives a variable or a parameter of the shell.
func (s *State) lookup(name string) (Word, bool) {
	switch name {
	case "#":
		return Word{Text: strconv.Itoa(len(s.args))}, !s.ArgsUnknown
	case "0":
		return Word{Text: s.arg0}, s.arg0 != ""
	case "_":
		// dash has none. Who writes it has a shell that does, or a build that fails.
		return s.last, s.last.Text != ""
	case "PWD":
		if s.Dir != "" {
			return Word{Text: s.Dir}, true
		}
		return Word{}, false
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n >= 1 && n <= len(s.args) {
			return s.args[n-1], true
		}
		return Word{}, false
	}
	v, ok := s.vars[name]
	if v.list {
		// An array by its name alone is its first element.
		v.value, _, _ = strings.Cut(v.value, separator)
	}
	return Word{Text: v.value, Variable: !v.given}, ok
}

// Enter counts one step and one level of depth; leave comes back. ok is false where there are no more.
func (sh *Interp) Enter(o Origin) (leave func(), ok bool) {
	if sh.depth >= maxDepth {
		sh.missed(o, "the commands are nested too deeply to be followed")
		return func() {}, false
	}
	sh.depth++
	return func() { sh.depth-- }, sh.step(o)
}

// step counts one unit of work and reports whether there is any left.
func (sh *Interp) step(o Origin) bool {
	if sh.Budget == nil {
		sh.Budget = budget.New(budget.Limits{Steps: defaultSteps})
	}
	if sh.Budget.Steps(1) == nil {
		return true
	}
	if !sh.ended {
		sh.ended = true
		sh.missed(o, "the scripts are too long to be followed to their end")
	}
	return false
}

// Tell gives a note to who asks for it.
func (sh *Interp) Tell(n Note) {
	if sh.Note != nil {
		sh.Note(n)
	}
}

func (sh *Interp) missed(o Origin, text string) { sh.Tell(Note{Text: text, Origin: o, Missed: true}) }

// Stat says what is known of a path, with what was written to it so far.
func (sh *Interp) Stat(file string) FileKind {
	if file == "" || sh.Files == nil {
		return Unknown
	}
	kind := sh.Files.Stat(file)
	if _, ok := sh.written[file]; ok && kind == Absent && sh.Wrote == nil {
		return Unknown // what a script writes may be there, unless the files are kept up to date
	}
	return kind
}

// Err gives the limit that a walk passed, of its budget or of the parser, nil if none was.
func (sh *Interp) Err() error {
	if err := sh.Budget.Err(); err != nil {
		return err
	}
	return sh.exceeded
}
