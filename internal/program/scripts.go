package program

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// start is a program with what the interpreter and the servers around it set.
type start struct {
	*command.Call
	a *analysis

	py    interpreter // what `python -m` brings along
	asked string      // Entry.Asked
	// command is Entry.Command.
	command string
	// unknownPath is Entry.UnknownPath, called Entry.Called.
	unknownPath, called bool
}

// follow goes on with what is no wrapper: an interpreter, a server, a script or a command of the image.
func (c *start) follow() {
	name := c.Name.Text
	switch {
	case command.Wraps(c.Base):
		if c.Main && c.Sub != "" {
			c.a.untold(c.S.Here, "what "+shell.Shown(c.Base+" "+c.Sub)+" runs could not be determined")
		}
		return
	case command.IsPython(c.Base):
		c.python(c.Args)
		return
	case strings.Contains(name, "/"):
		if c.file(c.S.Abs(name), true) {
			return
		}
	}
	if target, ok := c.a.console(c.Base); ok {
		c.consoleScript(target)
		return
	}
	if t, ok := findTool(c.Base); ok {
		t.start(c)
		return
	}
	if !strings.Contains(name, "/") {
		dirs, _ := c.S.Value("PATH")
		for _, dir := range strings.Split(dirs, ":") {
			if file := c.S.Abs(path.Join(dir, name)); file != "" && c.a.run.Stat(file) == shell.Regular && c.file(file, false) {
				return
			}
		}
	}
	c.unknownProgram()
}

// sourced records a file that a script reads into itself and that is not there: a POSIX shell ends there, bash does where set -e holds.
func (a *analysis) sourced(s *shell.State, c shell.Call) {
	if name := c.Argv[0].Text; name != "." && name != "source" || len(c.Argv) < 2 || !c.Argv[1].Known() {
		return
	}
	file := s.Abs(c.Argv[1].Text)
	if !s.Conditional && strings.Contains(c.Argv[1].Text, "/") && !strings.HasSuffix(file, "/bin/activate") && a.run.Stat(file) == shell.Absent {
		a.add(s, Entry{Kind: File, Path: file, Required: !c.Argv[1].Variable && (s.Dash || s.Errexit())})
	}
}

// file runs a file of the image by its first line, and reports whether it could. A path with a known extension or one
// that is certainly absent is an entry too, so that its absence can be told.
func (c *start) file(file string, named bool) bool {
	if file == "" {
		return false
	}
	entry := Entry{Kind: Script, Lang: extension(file), Path: file, Required: !c.Name.Variable}
	switch c.a.run.Stat(file) {
	case shell.Absent:
		if KnownTool(c.Base) || c.a.installs(c.Base) {
			return false // an environment's bin directory is filled by an installation
		}
		c.a.add(c.S, entry)
		return true
	case shell.Directory:
		return false
	case shell.Unknown:
		if !named || entry.Lang == Other {
			return false
		}
		if entry.Lang == Python {
			c.pythonFile(c.Name, interpreter{})
			return true
		}
		c.a.add(c.S, entry)
		c.unreadable(file)
		return true
	}
	text, ok := c.a.run.Read(file)
	if !ok {
		if KnownTool(c.Base) {
			return false
		}
		entry.Kind = Program
		c.a.add(c.S, entry)
		if entry.Lang == Shell {
			c.a.untold(c.S.Here, "the content of "+file+" is unknown, so what it runs could not be determined")
			c.handOver()
		}
		return true
	}
	program, options := command.Shebang(text)
	switch base := path.Base(program); {
	case command.IsPython(base):
		if KnownTool(c.Base) && c.Base != "manage.py" {
			return false
		}
		c.python(append(append([]shell.Word{}, options...), append([]shell.Word{{Text: file, Variable: c.Name.Variable, Origin: c.Name.Origin}}, c.Args...)...))
	case command.IsShell(base), program == "" && (entry.Lang == Shell || entry.Lang == Other):
		entry.Lang, entry.Executed = Shell, true
		c.a.add(c.S, entry)
		c.a.run.File(c.S, shell.Word{Text: file, Variable: c.Name.Variable, Origin: c.Name.Origin}, c.Args)
	case base == "node":
		entry.Lang = Node
		c.a.add(c.S, entry)
	case program != "" && base != "env" && command.Wraps(base):
		words := append([]shell.Word{{Text: base}}, options...)
		words = append(words, shell.Word{Text: file, Variable: c.Name.Variable, Origin: c.Name.Origin})
		if base == "with-contenv" && len(options) > 0 && command.IsShell(path.Base(options[0].Text)) {
			c.a.run.File(c.S, words[len(words)-1], c.Args)
			return true
		}
		c.a.run.Command(c.S, append(words, c.Args...), c.Main)
	default:
		entry.Kind = Program
		c.a.add(c.S, entry)
	}
	return true
}

func extension(file string) Lang {
	switch path.Ext(file) {
	case ".py":
		return Python
	case ".sh", ".bash":
		return Shell
	case ".js", ".mjs", ".cjs", ".ts":
		return Node
	default:
		return Other
	}
}

// script records a script that a shell is given, and reports whether it can be followed.
func (a *analysis) script(call *command.Call, file string) bool {
	a.add(call.S, Entry{Kind: Script, Lang: Shell, Path: file, Required: !call.Name.Variable})
	if _, ok := a.run.Read(file); ok {
		return true
	}
	if a.run.Stat(file) != shell.Absent {
		(&start{Call: call, a: a}).unreadable(file)
	}
	return false
}

// unreadable notes a script whose content is not known, and goes on with its arguments.
func (c *start) unreadable(file string) {
	c.a.untold(c.S.Here, "the script "+file+" is not a file whose content is known")
	c.handOver()
}

// handOver looks at the arguments of a script that cannot be read. An entry-point script nearly always ends with
// exec "$@", so a command that is understood is taken for what runs, with the caution of a branch.
func (c *start) handOver() {
	words := c.Args
	if len(words) == 0 || !words[0].Known() {
		return
	}
	base := path.Base(words[0].Text)
	if KnownTool(base) || command.Wraps(base) || command.IsShell(base) || command.IsPython(base) || c.a.installs(base) {
		s := c.S.Clone()
		s.Conditional = true
		c.a.run.Command(s, words, false)
	}
}

// installs reports whether installing the repository's packages creates a command.
func (a *analysis) installs(name string) bool {
	target, _ := a.console(name)
	return target != ""
}

// consoleScript is a command that installing a package of the repository creates. It imports the module with the
// search path of the environment alone: the directory of the command itself stands in front, and holds no modules.
func (c *start) consoleScript(target string) {
	target, _, _ = strings.Cut(target, "[") // extras
	module, attr, _ := strings.Cut(strings.TrimSpace(target), ":")
	c.called, c.command = attr != "", c.Base
	c.importObject(strings.TrimSpace(module), strings.TrimSpace(attr), nil, !c.Name.Variable)
}

// unknownProgram ends the search: with a word where it matters.
func (c *start) unknownProgram() {
	name := c.Name.Text
	if lang, ok := runtimes[c.Base]; ok {
		c.runtime(lang)
		return
	}
	if command.Is(c.Base, command.Helper) || command.OfPackage(c.Call) != nil && !c.Footprint().Unknown {
		return
	}
	if path.IsAbs(name) {
		c.a.add(c.S, Entry{Kind: Program, Path: path.Clean(name), Required: !c.Name.Variable})
	}
	switch {
	case strings.HasPrefix(name, "[") && len(name) > 1 && c.S.InText():
		c.a.note(c.S.Here, shell.Shown(name)+" is run as a shell command: it is not valid JSON (single quotes?), so it is the shell form")
		return
	case c.Main && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Text == "&&" || w.Text == "||" || w.Text == ";" }):
		c.a.note(c.S.Here, shell.Shown(c.Args[slices.IndexFunc(c.Args, func(w shell.Word) bool { return w.Text == "&&" || w.Text == "||" || w.Text == ";" })].Text)+
			" is an argument here, not an operator: the exec form has no shell")
		return
	}
	if places := c.places(); !path.IsAbs(name) && len(places) > 0 {
		c.a.add(c.S, Entry{Kind: Program, Places: places, Required: !c.Name.Variable})
	}
	if c.Main {
		c.a.untold(c.S.Here, "what "+shell.Shown(name)+" runs could not be determined: its content is unknown")
	}
	if c.Main && (strings.Contains(c.Base, "entrypoint") || c.Base == "init" || strings.HasSuffix(c.Base, ".sh")) {
		c.handOver()
	}
}

// places are where the kernel, or the shell, looks for the program.
func (c *start) places() (out []string) {
	name := c.Name.Text
	if !c.Name.Known() || name == "" {
		return nil
	}
	if strings.Contains(name, "/") {
		return unique([]string{c.S.Abs(name)})
	}
	dirs, _ := c.S.Value("PATH")
	for _, dir := range strings.Split(dirs, ":") {
		out = append(out, c.S.Abs(path.Join(dir, name)))
	}
	return unique(out)
}

// archive gives the program that java or dotnet is given as a file; "" if there is none, or it is not known.
func (c *start) archive() string {
	for i, w := range c.Args {
		given := c.Base == "dotnet" && i == 0 && path.Ext(w.Text) == ".dll" || c.Base == "java" && i > 0 && c.Args[i-1].Text == "-jar"
		if given && w.Known() && !w.Variable {
			return c.S.Abs(w.Text)
		}
	}
	return ""
}

// runtimes are programs of other languages.
var runtimes = map[string]Lang{
	"node": Node, "nodejs": Node, "npm": Node, "npx": Node, "yarn": Node, "pnpm": Node, "bun": Node, "deno": Node,
	"pm2": Node, "pm2-runtime": Node, "next": Node, "ts-node": Node, "ts-node-dev": Node, "tsx": Node, "nodemon": Node,
	"java": Other, "ruby": Other, "bundle": Other, "rails": Other, "puma": Other, "php": Other, "php-fpm": Other,
	"perl": Other, "dotnet": Other, "Rscript": Other, "R": Other, "nginx": Other, "httpd": Other, "apache2ctl": Other,
	"apachectl": Other, "caddy": Other, "traefik": Other, "envoy": Other, "haproxy": Other, "redis-server": Other,
	"postgres": Other, "mysqld": Other, "mongod": Other, "memcached": Other, "rabbitmq-server": Other,
	"sshd": Other, "go": Other, "cargo": Other, "elixir": Other, "mix": Other, "beam": Other,
}
