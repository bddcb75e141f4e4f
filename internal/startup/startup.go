// Package startup tells what a container runs: from ENTRYPOINT and CMD through wrappers, shells and the scripts of the
// image to the programs, scripts and modules whose code can be followed.
//
// Nothing is run. Shell text is parsed and walked with the variables that the image sets; a value that only a running
// container knows (a command substitution, a variable nobody sets, a pattern over file names) makes the word it stands
// in unknown, and what depends on such a word becomes a [Note], never an error. Every branch that may run is walked.
//
//	ENTRYPOINT ["tini", "--", "/entrypoint.sh"]     /entrypoint.sh:  cd /srv
//	CMD ["web"]                                                      case "$1" in
//	                                                                 web) exec gunicorn shop.wsgi ;;
//
// gives the shell script /entrypoint.sh and, by way of its third line, the module shop.wsgi with /srv in front of the
// search path.
//
// The package reads files through [Files] alone and knows neither Dockerfiles nor the disk. What an import resolves to
// is not its subject: it says where the search begins.
package startup

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Kind says in which way an entry's code is reached.
type Kind uint8

// The kinds of entries.
const (
	// Program is something that runs and whose code is not followed. Path is set when it is known.
	Program Kind = iota
	// Script is a file of the image: Path.
	Script
	// Module is run as `python -m` runs it: Module itself or, of a package, its __main__.
	Module
	// App is a module that is imported by name; with an Attr, that name is looked up in it afterwards.
	App
)

// String gives the kind in lower case.
func (k Kind) String() string {
	return [...]string{"program", "script", "module", "app"}[k]
}

// Lang is the language that an entry is written in.
type Lang uint8

// The languages that are told apart.
const (
	Other Lang = iota
	Python
	Shell
	Node
)

// String gives the language in lower case.
func (l Lang) String() string {
	return [...]string{"other", "python", "shell", "node"}[l]
}

// Origin is the place of a command: an instruction, or a line of a file of the image.
type Origin struct {
	File    string // as shown to people; an absolute image path if InImage
	Line    int    // from 1; 0 if unknown
	Text    string // the instruction or the line, white space folded
	InImage bool   // File is a path in the image
}

// Entry is one thing that the container runs.
type Entry struct {
	Kind   Kind
	Lang   Lang
	Path   string // absolute image path, "" if there is none
	Module string // Module, App: dotted name
	Attr   string // App: dotted name of what is looked up in the module, "" if nothing is
	Asked  string // App: the module as the command names it, where the program derives another; else ""

	// SearchDirs are the image directories that are put in front of sys.path, before PYTHONPATH: what the interpreter
	// puts there (the script's directory, or for -m the working directory) and what the program adds itself.
	SearchDirs []string
	// IgnoreEnv tells that PYTHONPATH is ignored (-E, -I); NoSite that site-packages and .pth files are (-S).
	IgnoreEnv, NoSite bool

	// UnknownPath tells that the search path, or the directory that it starts from, holds something that cannot be told.
	UnknownPath bool

	Workdir string            // working directory at that point; "" if it cannot be told
	Env     map[string]string // what the command sets beyond the image's environment; nil if nothing

	Origin Origin
	Via    []Origin // the commands that led here, outermost first, without Origin

	// Conditional tells that the command stands in a branch that need not be taken with the image's own settings.
	Conditional bool
	// Required tells that the name is written out, without a variable that somebody may set differently.
	Required bool
	// Tolerated tells that the script goes on if the command fails: it stands before `||`.
	Tolerated bool
}

// Note is something that could not be told, once per cause.
type Note struct {
	Text   string
	Origin Origin
}

// FileKind is what is known of a path of the image.
type FileKind uint8

// The answers of [Files.Stat].
const (
	Unknown   FileKind = iota // it may be there: in a base image, or made by a step that is not simulated
	Absent                    // certainly not there
	Regular                   // a file
	Directory                 // a directory
)

// Files is the image's tree. Paths are absolute and clean; symbolic links are followed.
type Files interface {
	Stat(path string) FileKind
	Read(path string) ([]byte, error)
}

// Command is the value of ENTRYPOINT or CMD as the image configuration holds it: the shell form has become
// ["/bin/sh", "-c", "..."].
type Command struct {
	Args   []string
	Origin Origin
}

// Input is what a container is started from.
type Input struct {
	Entrypoint, Cmd Command
	Env             []string // NAME=value, as the image configuration holds it
	Workdir         string   // "" is /
	Files           Files    // nil: nothing is known
	// ConsoleScript gives what a command of that name runs, "pkg.mod:attr", if installing the repository's packages creates
	// it. It is asked only where nothing nearer decides. nil: there are none.
	ConsoleScript func(name string) (target string, ok bool)
}

// Result is what a container runs.
type Result struct {
	Entries []Entry // in the order in which they are met, each once
	Notes   []Note
	// Written are the files that a script writes by itself before or while it runs others, with the command that does.
	Written map[string]Origin
}

// Analyze gives the entries and notes of [Follow].
func Analyze(in Input) ([]Entry, []Note) {
	r := Follow(in)
	return r.Entries, r.Notes
}

// Follow tells what a container runs when it is started without arguments of its own. CMD becomes the arguments of an
// ENTRYPOINT, as in Docker.
func Follow(in Input) Result {
	a := &analysis{
		files:    in.Files,
		console:  in.ConsoleScript,
		imageEnv: map[string]string{},
		index:    map[string]int{},
		notes:    map[string]bool{},
		active:   map[string]int{},
		written:  map[string]Origin{},
	}
	if a.files == nil {
		a.files = nothingKnown{}
	}
	if a.console == nil {
		a.console = func(string) (string, bool) { return "", false }
	}
	a.files = writtenFiles{a.files, a.written}
	s := &state{cwd: path.Join("/", in.Workdir), vars: map[string]variable{}, funcs: map[string]function{}}
	for _, pair := range in.Env {
		name, value, ok := strings.Cut(pair, "=")
		if ok && name != "" {
			a.imageEnv[name] = value
			s.vars[name] = variable{value: value, exported: true}
		}
	}
	if _, ok := s.vars["PATH"]; !ok {
		// The engine sets it where the image does not: system.DefaultPathEnv of Docker and BuildKit.
		s.vars["PATH"] = variable{value: defaultPath, exported: true}
		a.imageEnv["PATH"] = defaultPath
	}
	argv := append(args(in.Entrypoint), args(in.Cmd)...)
	if len(argv) == 0 {
		a.note(in.Cmd.Origin, "the image has neither ENTRYPOINT nor CMD")
		return Result{Notes: a.noteList}
	}
	s.here = argv[0].origin
	if strings.HasPrefix(argv[0].text, "-") {
		a.note(s.here, "CMD holds options ("+shown(argv[0].text)+") of the base image's ENTRYPOINT, which is not known: what it runs cannot be told")
		return Result{Notes: a.noteList}
	}
	a.command(s, argv, true)
	return Result{a.entries, a.noteList, a.written}
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// nothingKnown is the tree of an image of which nothing is known.
type nothingKnown struct{}

func (nothingKnown) Stat(string) FileKind { return Unknown }

func (nothingKnown) Read(string) ([]byte, error) { return nil, errNotKnown }

// The limits of a walk. They are far above what entry-point scripts need, and keep a hostile one from costing time.
const (
	maxSteps  = 20000     // commands and statements
	maxDepth  = 40        // nested commands, functions and scripts
	maxStates = 8         // ways through a script that are kept apart
	maxScript = 256 << 10 // bytes of a script or configuration file
	maxArgs   = 4096      // words of a command
)

// analysis collects what a walk finds.
type analysis struct {
	files    Files
	console  func(string) (string, bool)
	imageEnv map[string]string

	entries  []Entry
	index    map[string]int // identity of an entry to its place in entries
	noteList []Note
	notes    map[string]bool
	active   map[string]int // scripts being walked
	written  map[string]Origin
	steps    int
	depth    int
}

// step counts one unit of work and reports whether there is any left.
func (a *analysis) step(o Origin) bool {
	a.steps++
	if a.steps > maxSteps {
		a.note(o, "the scripts that the image starts are too long to be followed to their end")
		return false
	}
	return true
}

func (a *analysis) note(o Origin, text string) {
	if a.notes[text] {
		return
	}
	a.notes[text] = true
	a.noteList = append(a.noteList, Note{Text: text, Origin: o})
}

// modulePath is what a dotted module name looks like. Keywords are not refused: a file may be called that.
var modulePath = lazyre.New(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*$`)

// add records an entry. Where the same one was met before, what is more certain wins.
func (a *analysis) add(s *state, e Entry) {
	if (e.Kind == Module || e.Kind == App) && !modulePath().MatchString(e.Module) {
		a.note(s.here, "the name "+shown(e.Module)+" is not that of a module")
		return
	}
	e.SearchDirs = unique(e.SearchDirs)
	e.Workdir = s.cwd
	e.Env = s.changes(a.imageEnv)
	e.Origin, e.Via = s.here, slices.Clone(s.via)
	e.Conditional, e.Tolerated = s.conditional, s.tolerated
	e.Required = e.Required && !s.cwdVariable && !s.tolerated
	e.UnknownPath = e.UnknownPath || s.cwd == "" || strings.Contains(s.vars["PYTHONPATH"].value, unknown) && s.vars["PYTHONPATH"].exported
	key := strings.Join(append([]string{
		e.Kind.String(), e.Lang.String(), e.Path, e.Module, e.Attr, e.Env["PYTHONPATH"],
		flag(e.IgnoreEnv), flag(e.NoSite), "",
	}, e.SearchDirs...), "\x00")
	if i, ok := a.index[key]; ok {
		old := &a.entries[i]
		old.Required, old.Tolerated = old.Required || e.Required, old.Tolerated && e.Tolerated
		old.UnknownPath = old.UnknownPath || e.UnknownPath
		if old.Conditional && !e.Conditional {
			// The chain that is shown should be the one that certainly runs.
			old.Conditional, old.Origin, old.Via, old.Env, old.Workdir = false, e.Origin, e.Via, e.Env, e.Workdir
		}
		return
	}
	a.index[key] = len(a.entries)
	a.entries = append(a.entries, e)
}

func flag(b bool) string {
	if b {
		return "y"
	}
	return ""
}

// unique drops the directories that came before, and those that cannot be told.
func unique(dirs []string) []string {
	var out []string
	for _, d := range dirs {
		if path.IsAbs(d) && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// changes gives what of the environment differs from the image's, leaving out values that cannot be told.
func (s *state) changes(image map[string]string) map[string]string {
	var out map[string]string
	for name, v := range s.vars {
		if name == "PYTHONPATH" && strings.Contains(v.value, unknown) {
			// What can be told of it counts.
			v.value = strings.Join(slices.DeleteFunc(strings.Split(v.value, ":"), func(dir string) bool { return strings.Contains(dir, unknown) }), ":")
		}
		if !v.exported || strings.Contains(v.value, unknown) {
			continue
		}
		if old, ok := image[name]; ok && old == v.value {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = v.value
	}
	return out
}

// clone gives a state that can be changed on its own.
func (s *state) clone() *state {
	c := *s
	c.vars = maps.Clone(s.vars)
	c.funcs = maps.Clone(s.funcs)
	c.args = slices.Clone(s.args)
	c.via = slices.Clone(s.via)
	return &c
}
