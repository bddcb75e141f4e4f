package startup

import (
	"errors"
	"path"
	"slices"
	"strings"
)

var errNotKnown = errors.New("content is not known")

// program runs what is no wrapper: an interpreter, a server, a script or a command of the image.
func (c *command) program() {
	name := c.name.text
	switch {
	case shells[c.base]:
		c.shell()
		return
	case pythonName().MatchString(c.base):
		c.python(c.args)
		return
	case strings.Contains(name, "/"):
		if c.file(c.s.abs(name), true) {
			return
		}
	}
	if target, ok := c.a.console(c.base); ok {
		c.consoleScript(target)
		return
	}
	if run, ok := tools[strings.TrimSuffix(c.base, ".py")]; ok {
		run(c)
		return
	}
	if !strings.Contains(name, "/") {
		for _, dir := range strings.Split(c.s.vars["PATH"].value, ":") {
			if file := c.s.abs(path.Join(dir, name)); file != "" && c.a.files.Stat(file) == Regular && c.file(file, false) {
				return
			}
		}
	}
	c.unknownProgram()
}

// file runs a file of the image by its first line, and reports whether it could. A path with a known extension or one
// that is certainly absent is an entry too, so that its absence can be told.
func (c *command) file(file string, named bool) bool {
	if file == "" {
		return false
	}
	entry := Entry{Kind: Script, Lang: extension(file), Path: file, Required: !c.name.variable}
	switch c.a.files.Stat(file) {
	case Absent:
		if _, known := tools[c.base]; known || c.a.installs(c.base) {
			return false // an environment's bin directory is filled by an installation
		}
		c.a.add(c.s, entry)
		return true
	case Directory:
		return false
	case Unknown:
		if !named || entry.Lang == Other {
			return false
		}
		if entry.Lang == Python {
			c.pythonFile(c.name, interpreter{})
			return true
		}
		c.a.add(c.s, entry)
		c.unreadable(file)
		return true
	}
	text, ok := c.a.read(file)
	if !ok {
		if _, known := tools[c.base]; known {
			return false
		}
		entry.Kind = Program
		c.a.add(c.s, entry)
		if entry.Lang == Shell {
			c.a.note(c.s.here, "the content of "+file+" is not known: what it runs cannot be told")
			c.handOver()
		}
		return true
	}
	program, options := shebang(text)
	switch base := path.Base(program); {
	case pythonName().MatchString(base):
		if _, known := tools[strings.TrimSuffix(c.base, ".py")]; known && c.base != "manage.py" {
			return false
		}
		c.python(append(append([]arg{}, options...), append([]arg{{text: file, variable: c.name.variable, origin: c.name.origin}}, c.args...)...))
	case shells[base], program == "" && (entry.Lang == Shell || entry.Lang == Other):
		c.a.shellFile(c.s, arg{text: file, variable: c.name.variable, origin: c.name.origin}, c.args)
	case base == "node":
		entry.Lang = Node
		c.a.add(c.s, entry)
	case program != "" && wraps(base):
		words := append([]arg{{text: base}}, options...)
		words = append(words, arg{text: file, variable: c.name.variable, origin: c.name.origin})
		if base == "with-contenv" && len(options) > 0 && shells[path.Base(options[0].text)] {
			c.a.shellFile(c.s, words[len(words)-1], c.args)
			return true
		}
		c.a.command(c.s, append(words, c.args...), c.main)
	default:
		entry.Kind = Program
		c.a.add(c.s, entry)
	}
	return true
}

// wraps tells whether the interpreter that a first line names starts another command.
func wraps(base string) bool {
	_, ok := wrappers[base]
	return ok && base != "env"
}

// shebang gives the interpreter of a script and its options, seen through env.
func shebang(text string) (string, []arg) {
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
	var options []arg
	for _, w := range words[1:] {
		options = append(options, arg{text: w})
	}
	return words[0], options
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

// shellFile walks a script of the image in a shell of its own.
func (a *analysis) shellFile(s *state, name arg, rest []arg) {
	file := s.abs(name.text)
	if file == "" {
		a.note(s.here, "the shell script is not written out ("+shown(name.text)+"): what it runs cannot be told")
		return
	}
	a.add(s, Entry{Kind: Script, Lang: Shell, Path: file, Required: !name.variable})
	text, ok := a.read(file)
	c := &command{a: a, s: s, name: name, base: path.Base(file), args: rest, main: true}
	switch {
	case !ok && a.files.Stat(file) == Absent:
		return
	case !ok:
		c.unreadable(file)
		return
	case a.active[file] > 1:
		return // it calls itself
	}
	a.active[file]++
	defer func() { a.active[file]-- }()
	child := s.child()
	child.via = append(child.via, s.here)
	child.source = newSource(file, text)
	child.args, child.arg0 = rest, name.text
	a.script(child, text)
}

// unreadable notes a script whose content is not known, and goes on with its arguments.
func (c *command) unreadable(file string) {
	c.a.note(c.s.here, "the script "+file+" is not among the files whose content is known: what it runs cannot be told")
	c.handOver()
}

// handOver looks at the arguments of a script that cannot be read. An entry-point script nearly always ends with
// exec "$@", so a command that is understood is taken for what runs, with the caution of a branch.
func (c *command) handOver() {
	words := c.args
	if len(words) == 0 || !words[0].known() {
		return
	}
	base := path.Base(words[0].text)
	_, tool := tools[base]
	_, wrapped := wrappers[base]
	if tool || wrapped || shells[base] || pythonName().MatchString(base) || c.a.installs(base) {
		s := c.s.clone()
		s.conditional = true
		c.a.command(s, words, false)
	}
}

// installs reports whether installing the repository's packages creates a command.
func (a *analysis) installs(name string) bool {
	target, _ := a.console(name)
	return target != ""
}

// consoleScript is a command that installing a package of the repository creates. It imports the module with the
// search path of the environment alone: the directory of the command itself stands in front, and holds no modules.
func (c *command) consoleScript(target string) {
	target, _, _ = strings.Cut(target, "[") // extras
	module, attr, _ := strings.Cut(strings.TrimSpace(target), ":")
	c.importObject(strings.TrimSpace(module), strings.TrimSpace(attr), nil, !c.name.variable)
}

// unknownProgram ends the search: with a word where it matters.
func (c *command) unknownProgram() {
	name := c.name.text
	if lang, ok := runtimes[c.base]; ok {
		c.runtime(lang)
		return
	}
	if utilities[c.base] {
		c.utility()
		return
	}
	if path.IsAbs(name) {
		c.a.add(c.s, Entry{Kind: Program, Path: path.Clean(name), Required: !c.name.variable})
	}
	switch {
	case strings.HasPrefix(name, "[") && len(name) > 1 && c.s.source.path == "":
		c.a.note(c.s.here, shown(name)+" is taken for a command: what is not valid JSON, as with single quotes, is the shell form")
		return
	case c.main && slices.ContainsFunc(c.args, func(w arg) bool { return w.text == "&&" || w.text == "||" || w.text == ";" }):
		c.a.note(c.s.here, shown(c.args[slices.IndexFunc(c.args, func(w arg) bool { return w.text == "&&" || w.text == "||" || w.text == ";" })].text)+
			" is an argument here and no operator: the exec form has no shell")
		return
	}
	if c.main {
		c.a.note(c.s.here, "what "+shown(name)+" runs cannot be told: its content is not known")
	}
	if c.main && (strings.Contains(c.base, "entrypoint") || c.base == "init" || strings.HasSuffix(c.base, ".sh")) {
		c.handOver()
	}
}

// runtimes are programs of other languages.
var runtimes = map[string]Lang{
	"node": Node, "nodejs": Node, "npm": Node, "npx": Node, "yarn": Node, "pnpm": Node, "bun": Node, "deno": Node,
	"pm2": Node, "pm2-runtime": Node, "next": Node, "ts-node": Node, "tsx": Node,
	"java": Other, "ruby": Other, "bundle": Other, "rails": Other, "puma": Other, "php": Other, "php-fpm": Other,
	"perl": Other, "dotnet": Other, "Rscript": Other, "R": Other, "nginx": Other, "httpd": Other, "apache2ctl": Other,
	"apachectl": Other, "caddy": Other, "traefik": Other, "envoy": Other, "haproxy": Other, "redis-server": Other,
	"postgres": Other, "mysqld": Other, "mongod": Other, "memcached": Other, "rabbitmq-server": Other, "cron": Other,
	"crond": Other, "sshd": Other, "go": Other, "cargo": Other, "elixir": Other, "mix": Other, "beam": Other,
}

// runtime records a program of another language, with its script where that is plain to see.
func (c *command) runtime(lang Lang) {
	e := Entry{Kind: Program, Lang: lang}
	if lang == Node && (c.base == "node" || c.base == "nodejs") {
		words := skip(c.args, "-r --require --import --loader --env-file -C --conditions")
		if len(words) > 0 && words[0].known() && c.s.abs(words[0].text) != "" {
			e.Kind, e.Path, e.Required = Script, c.s.abs(words[0].text), false // .js may be left out
		}
	}
	c.a.add(c.s, e)
}

// utilities are the commands of entry-point scripts that prepare and wait, and run no code of the project.
var utilities = set(`awk base64 basename cat chgrp chmod chown clear cp curl cut date df dirname du envsubst expr file find
	flock getent git grep egrep gunzip gzip head hostname id install jq kill killall less ln locale logger ls md5sum mkdir mkfifo mktemp
	mount mv nc ncat netcat nproc openssl pg_isready pg_dump psql mysql mysqladmin redis-cli mongosh ping pip pip3 pidof pgrep pkill printenv ps
	pwd readlink realpath rm rmdir rsync sed seq sha256sum sleep sort ssh-keygen stat stty su sync sysctl tail tar tee touch tput tr
	tty umount uname uniq unzip usermod useradd groupadd groupmod addgroup adduser update-ca-certificates uuidgen wc wget which whoami xz yes
	apt-get apk apt dpkg ldconfig aws gcloud gsutil az kubectl vault chsh passwd pybabel`)

func set(names string) map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(names) {
		out[n] = true
	}
	return out
}
