// Package program tells what a container runs: from ENTRYPOINT and CMD through wrappers, shells and the scripts of the
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
// The package reads files through [shell.Files] alone and knows neither Dockerfiles nor the disk. What an import resolves to
// is not its subject: it says where the search begins.
package program

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/tools"
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
	// Code is a program that is written out in the command.
	Code
	// File is a file or, with Dir, a directory that what is started reads, and does not start without: Path.
	File
)

// String gives the kind in lower case.
func (k Kind) String() string {
	return [...]string{"program", "script", "module", "app", "code", "file"}[k]
}

// Lang is the language that an entry is written in.
type Lang string

// The languages that are told apart.
const (
	Other  Lang = ""
	Python Lang = "python"
	Shell  Lang = "shell"
	Node   Lang = "node"
)

// Entry is one thing that the container runs.
type Entry struct {
	Kind   Kind
	Lang   Lang
	Path   string // absolute image path, "" if there is none
	Module string // Module, App: dotted name
	Attr   string // App: dotted name of what is looked up in the module, "" if nothing is
	Asked  string // App: the module as the command names it, where the program derives another; else ""
	// Command of an App is that of an installed package which starts it, "" if a server or an interpreter does.
	Command string
	Code    string // Code: the source
	Dir     bool   // File: it is a directory
	// Places are where a Program is looked for that is not known to be at any of them; Path is not set then.
	Places []string
	// Beside tells of a Script that what lies in its directory is as much needed as itself.
	Beside bool
	// Called tells of an App that its Attr is called when it starts; without an Attr, what Flask looks for is.
	Called bool

	// SearchDirs are the image directories that are put in front of sys.path, before PYTHONPATH: what the interpreter
	// puts there (the script's directory, or for -m the working directory) and what the program adds itself.
	SearchDirs []string
	// IgnoreEnv tells that PYTHONPATH is ignored (-E, -I); NoSite that site-packages and .pth files are (-S).
	IgnoreEnv, NoSite bool

	// UnknownPath tells that the search path, or the directory that it starts from, holds something that cannot be told.
	UnknownPath bool

	Workdir string            // working directory at that point; "" if it cannot be told
	Env     map[string]string // what the command sets beyond the image's environment; nil if nothing

	// Through are the programs that start it and wrap it, outermost first: tini, poetry.
	Through []string

	Origin shell.Origin
	Via    []shell.Origin // the commands that led here, outermost first, without Origin

	// Conditional tells that the command stands in a branch that need not be taken with the image's own settings.
	Conditional bool
	// Required tells that the name is written out, without a variable that somebody may set differently.
	Required bool
	// Tolerated tells that the script goes on if the command fails: it stands before `||`.
	Tolerated bool
	// Executed tells of a Script or Program that the kernel is given its path, and not an interpreter.
	Executed bool
	// Health tells that the health check runs it, and not the start.
	Health bool
}

// Command is the value of ENTRYPOINT or CMD as the image configuration holds it: the shell form has become
// ["/bin/sh", "-c", "..."].
type Command struct {
	Args   []string
	Origin shell.Origin
}

// Input is what a container is started from.
type Input struct {
	Entrypoint, Cmd Command
	Env             []string    // NAME=value, as the image configuration holds it
	Workdir         string      // "" is /
	Files           shell.Files // nil: nothing is known
	// Tree is the image as build tools see it, which read what a start needs, too; nil: nothing of it is known.
	Tree tools.Files
	// ConsoleScript gives what a command of that name runs, "pkg.mod:attr", if installing the repository's packages creates
	// it. It is asked only where nothing nearer decides. nil: there are none.
	ConsoleScript func(name string) (target string, ok bool)
	// Crontabs are tables of cron beyond those that are seen among the files.
	Crontabs []Crontab
}

// Run is one way in which a container is started.
type Run struct {
	Input
	// Mounts are what of the host is mounted over the image.
	Mounts []Mount
}

// Args gives the words of the command that a container is started with. Those of the shell form are cut at blanks, and `exec` is left out.
func (r *Run) Args() []string {
	args := append(slices.Clone(r.Entrypoint.Args), r.Cmd.Args...)
	if len(args) > 2 && command.IsShell(path.Base(args[0])) && args[1] == "-c" {
		args = strings.Fields(args[2])
		if len(args) > 0 && args[0] == "exec" {
			args = args[1:]
		}
	}
	return args
}

// Mount is a directory or file that is mounted over a path of the image.
type Mount struct {
	At string
	// From is its path on the host, as directories of the repository are opened.
	From string
	// File and Line are the place that says so; Line is 0 if it is not known.
	File string
	Line int
}

// Mounted reports whether a path of the image is hidden by what is mounted over it.
func (r *Run) Mounted(p string) bool {
	return slices.ContainsFunc(r.Mounts, func(m Mount) bool { return m.Hides(p) })
}

// Hides reports whether a path of the image is hidden by what is mounted.
func (m Mount) Hides(p string) bool {
	return p == m.At || m.At == "/" || strings.HasPrefix(p, m.At+"/")
}

// Result is what a container runs.
type Result struct {
	Entries []Entry      // in the order in which they are met, each once
	Notes   []shell.Note // what could not be told, once per cause
	// Written are the files that a script writes by itself before or while it runs others, with the command that does.
	Written map[string]shell.Origin
	// Made are the places below the working directory in which known programs may make files when the container starts, as an installer or
	// a compiler does.
	Made []Made
}

// Made is a place in which a program may make files; Path is absolute, and its names may be patterns as in [command.Footprint].
type Made struct {
	Path string
	By   shell.Origin
}

// Analyze gives the entries and notes of [Follow].
func Analyze(in Input) ([]Entry, []shell.Note) {
	r := Follow(in)
	return r.Entries, r.Notes
}

// Follow tells what a container runs when it is started without arguments of its own. CMD becomes the arguments of an
// ENTRYPOINT, as in Docker.
func Follow(in Input) Result {
	a := &analysis{run: command.NewRunner(in.Files), tools: in.Tree, crontabs: in.Crontabs, console: in.ConsoleScript, imageEnv: map[string]string{}, index: map[string]int{}}
	a.run.Note, a.run.Script = a.record, a.script
	a.run.Program = func(c *command.Call) {
		a.makes(c)
		(&start{Call: c, a: a}).follow()
	}
	a.run.Builtin = a.sourced
	a.names = func(string) []string { return nil }
	if l, ok := in.Files.(interface{ Names(dir string) []string }); ok {
		a.names = l.Names
	}
	if a.console == nil {
		a.console = func(string) (string, bool) { return "", false }
	}
	env := in.Env
	if !slices.ContainsFunc(env, func(pair string) bool { return strings.HasPrefix(pair, "PATH=") }) {
		// The engine sets it where the image does not: system.DefaultPathEnv of Docker and BuildKit.
		env = append(slices.Clone(env), "PATH="+defaultPath)
	}
	s := shell.NewState(path.Join("/", in.Workdir), env)
	maps.Copy(a.imageEnv, s.Environ())
	argv := append(shell.Words(in.Entrypoint.Args, in.Entrypoint.Origin), shell.Words(in.Cmd.Args, in.Cmd.Origin)...)
	if len(argv) == 0 {
		a.note(in.Cmd.Origin, "the image has neither ENTRYPOINT nor CMD")
		return Result{Notes: a.notes}
	}
	s.Here = argv[0].Origin
	if strings.HasPrefix(argv[0].Text, "-") {
		a.untold(s.Here, "CMD has only options ("+shell.Shown(argv[0].Text)+") for the base image's ENTRYPOINT, which is unknown")
		return Result{Notes: a.notes}
	}
	a.run.Command(s, argv, true)
	written := map[string]shell.Origin{}
	for file, w := range a.run.Written() {
		if !strings.Contains(file, shell.Hole) {
			written[file] = w.By
		}
	}
	return Result{a.entries, a.notes, written, a.made}
}

// makes records where a program may make files, if it is one that is known.
func (a *analysis) makes(c *command.Call) {
	f := c.Footprint()
	if f.Unknown || c.S.Dir == "" {
		return
	}
	for _, p := range f.Paths {
		if strings.HasPrefix(p, strings.TrimSuffix(c.S.Dir, "/")+"/") && len(a.made) < maxMade {
			a.made = append(a.made, Made{p, c.S.Here})
		}
	}
}

// maxMade bounds the places that are remembered of one start.
const maxMade = 1000

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// analysis collects what a walk finds.
type analysis struct {
	run      *command.Runner
	made     []Made
	console  func(string) (string, bool)
	tools    tools.Files
	crontabs []Crontab
	names    func(dir string) []string // what a directory holds, as far as the files tell
	imageEnv map[string]string

	entries []Entry
	index   map[string]int // identity of an entry to its place in entries
	notes   []shell.Note
}

func (a *analysis) note(o shell.Origin, text string) { a.record(shell.Note{Text: text, Origin: o}) }

// untold notes a program of which nobody can tell what it runs.
func (a *analysis) untold(o shell.Origin, text string) {
	a.record(shell.Note{Text: text, Origin: o, Untold: true})
}

func (a *analysis) record(n shell.Note) {
	if !slices.ContainsFunc(a.notes, func(have shell.Note) bool { return have.Text == n.Text }) {
		a.notes = append(a.notes, n)
	}
}

// modulePath is what a dotted module name looks like. Keywords are not refused: a file may be called that.
var modulePath = lazyre.New(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*$`)

// add records an entry. Where the same one was met before, what is more certain wins.
func (a *analysis) add(s *shell.State, e Entry) {
	if (e.Kind == Module || e.Kind == App) && !modulePath().MatchString(e.Module) {
		a.note(s.Here, "the name "+shell.Shown(e.Module)+" is not a module name")
		return
	}
	e.SearchDirs = unique(e.SearchDirs)
	e.Workdir, e.Through = s.Dir, s.Through
	environ := s.Environ()
	e.Env = changes(environ, a.imageEnv)
	e.Origin, e.Via = s.Here, slices.Clone(s.Via)
	e.Conditional, e.Tolerated = s.Conditional, s.Tolerated
	e.Required = e.Required && !s.DirVariable && !s.Tolerated
	e.UnknownPath = e.UnknownPath || s.Dir == "" || strings.Contains(environ["PYTHONPATH"], shell.Hole)
	key := strings.Join(append([]string{
		e.Kind.String(), string(e.Lang), e.Path, e.Module, e.Attr, e.Code, e.Env["PYTHONPATH"],
		flag(e.IgnoreEnv), flag(e.NoSite), strings.Join(e.Places, ":"), "",
	}, e.SearchDirs...), "\x00")
	if i, ok := a.index[key]; ok {
		old := &a.entries[i]
		old.Required, old.Tolerated, old.Executed = old.Required || e.Required, old.Tolerated && e.Tolerated, old.Executed || e.Executed
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
func changes(env, image map[string]string) map[string]string {
	var out map[string]string
	for name, value := range env {
		if name == "PYTHONPATH" && strings.Contains(value, shell.Hole) {
			// What can be told of it counts.
			value = strings.Join(slices.DeleteFunc(strings.Split(value, ":"), func(dir string) bool { return strings.Contains(dir, shell.Hole) }), ":")
		}
		if old, ok := image[name]; ok && old == value || strings.Contains(value, shell.Hole) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = value
	}
	return out
}
