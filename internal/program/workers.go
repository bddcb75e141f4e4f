package program

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	buildtools "github.com/ctxaudit/ctxaudit/internal/tools"
)

const celeryValued = "-A --app -b --broker --result-backend --loader --config --workdir -c --concurrency -P --pool -l --loglevel -Q --queues " +
	"-X --exclude-queues -n --hostname -I --include -f --logfile --pidfile --uid --gid --umask --executable -s --schedule -S --scheduler " +
	"--max-interval --statedb -O --prefetch-multiplier --max-tasks-per-child --max-memory-per-child --time-limit --soft-time-limit --autoscale " +
	"--port --address --basic_auth --url_prefix -E_ -d --destination -t --timeout -F --frequency -p -L"

// celery imports its application by a name that may be a module, a package or an attribute of one (celery/app/utils.py,
// find_app): the image decides which.
func (c *start) celery(o command.Options) {
	if v, ok := o.Last("--workdir"); ok {
		c.S.Chdir(v)
	}
	dirs := []string{c.S.Dir}
	w, ok := o.Last("-A", "--app")
	if !ok {
		if name, set := c.S.EnvWord("APP"); set && c.Base == "celery" {
			w, ok = name, true
		}
	}
	if !ok {
		if c.Main {
			c.a.untold(c.S.Here, "which application "+c.Base+" runs could not be determined: -A names none")
		}
		return
	}
	module, attr := object(w.Text, "")
	if w.Known() && !strings.Contains(w.Text, ":") && c.locate(module, dirs) == "" {
		if parent, last := dotted(module); last != "" && c.locate(parent, dirs) != "" && path.Base(c.locate(parent, dirs)) != "__init__.py" {
			module, attr = parent, last
		}
	}
	c.importObject(module, attr, dirs, !w.Variable)
	if sub := module + ".celery"; attr == "" && w.Known() && c.locate(sub, dirs) != "" {
		c.importObject(sub, "", dirs, false)
	}
	for _, list := range append(o.Given["-I"], o.Given["--include"]...) {
		for _, m := range strings.Split(list.Text, ",") {
			c.importObject(m, "", dirs, !list.Variable)
		}
	}
}

const dramatiqValued = "-p --processes -t --threads -P --path -Q --queues --pid-file --log-file --worker-shutdown-timeout --fork-function -f --watch --worker-fork-timeout"

const hueyValued = "-w --workers -k --worker-type -l --logfile -d --delay -m --max-delay -b --backoff -c --health-check-interval -i"

const taskiqValued = "--app-dir -d -w --workers --log-level -tp --tasks-pattern --max-async-tasks --max-prefetch --max-threadpool-threads --shutdown-timeout --receiver --ack-type --receiver_arg"

const rqValued = "-c --config -u --url -P --path -w --worker-class -j --job-class --queue-class --connection-class -n --name --results-ttl --worker-ttl --logging_level --sentry-dsn --pid --max-jobs --exception-handler --serializer"

func (c *start) rq(o command.Options) {
	if v, ok := o.Last("-c", "--config"); ok {
		dirs := []string{c.S.Dir}
		if p, ok := o.Last("-P", "--path"); ok {
			dirs = []string{c.S.Abs(p.Text)}
		}
		c.importObject(v.Text, "", dirs, !v.Variable)
	}
	if c.Main {
		c.a.note(c.S.Here, "its queues decide which functions rq runs, not the image")
	}
}

// djangoAdmin loads the settings with --pythonpath in front; unlike manage.py, it has no directory of its own there.
func (c *start) djangoAdmin(o command.Options) {
	dirs := append([]string{}, c.py.front...)
	if v, ok := o.Last("--pythonpath"); ok {
		dirs = append([]string{c.S.Abs(v.Text)}, dirs...)
	}
	w, ok := o.Last("--settings")
	if !ok {
		w, ok = c.S.EnvWord("DJANGO_SETTINGS_MODULE")
	}
	if !ok {
		c.a.untold(c.S.Here, "could not determine which settings django-admin loads")
		return
	}
	c.addPython(Entry{Kind: App, Module: w.Text, SearchDirs: dirs, Required: !w.Variable}, c.py)
}

const alembicValued = "-c --config -n --name -x -m --message --rev-id --head --branch-label --depends-on --splice -r"

// alembic runs env.py in the directory that its configuration names, with prepend_sys_path in front.
func (c *start) alembic(o command.Options) {
	conf, ok := o.Last("-c", "--config")
	if !ok {
		conf = shell.Word{Text: "alembic.ini"}
	}
	file := c.S.Abs(conf.Text)
	text, known := c.a.run.Read(file)
	if !known {
		c.reads(conf, false)
		c.a.untold(c.S.Here, "the configuration "+shell.Shown(conf.Text)+" of alembic is unknown, so what it runs could not be determined")
		return
	}
	section := "alembic"
	if v, ok := o.Last("-n", "--name"); ok {
		section = v.Text
	}
	location, versions := "", "versions"
	dirs := append([]string{}, c.py.front...)
	here := strings.NewReplacer("%(here)s", path.Dir(file), "%%", "%")
	for _, kv := range iniSection(text, section) {
		value := here.Replace(kv[1])
		switch kv[0] {
		case "script_location":
			location = c.S.Abs(value)
			if pkg, dir, ok := strings.Cut(value, ":"); ok { // a directory of a package
				location = path.Join(path.Dir(c.locate(pkg, dirs)), dir)
				if c.locate(pkg, dirs) == "" {
					location = ""
				}
			}
		case "version_locations":
			versions = ""
		case "prepend_sys_path":
			for _, d := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(":; ,", r) }) {
				dirs = append([]string{c.S.Abs(d)}, dirs...)
			}
		}
	}
	if location == "" {
		c.a.untold(c.S.Here, "could not determine where the scripts of alembic are from "+file)
		return
	}
	env := path.Join(location, "env.py")
	c.addPython(Entry{Kind: Script, Path: env, SearchDirs: dirs, Required: !conf.Variable, Beside: true}, c.py)
	if _, there := c.a.run.Read(env); there && versions != "" {
		c.reads(shell.Word{Text: path.Join(location, versions), Variable: conf.Variable}, true)
	}
}

const supervisordValued = "-c --configuration -u --user -d --directory -l --logfile -e --loglevel -j --pidfile -i --identifier"

// supervisord starts the command= of every [program:x].
func (c *start) supervisord(o command.Options) {
	names := []string{"supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"}
	if v, ok := o.Last("-c", "--configuration"); ok {
		names = []string{v.Text}
	}
	if v, ok := o.Last("-c", "--configuration"); ok {
		c.reads(v, false)
	}
	for _, name := range names {
		if c.supervisorFile(c.S.Abs(name)) {
			return
		}
	}
	// Debian's package has a configuration that includes what lies beside it.
	if len(names) > 1 || names[0] == "/etc/supervisor/supervisord.conf" {
		if c.supervisorFiles("/etc/supervisor", "conf.d/*.conf") {
			return
		}
	}
	c.a.untold(c.S.Here, "the configuration of supervisord is unknown, so what it starts could not be determined")
}

// supervisorFile starts what a configuration tells, and those that it includes; it reports whether it is known.
func (c *start) supervisorFile(file string) bool {
	text, ok := c.a.run.Read(file)
	leave, times := c.a.run.Walking(file)
	defer leave()
	if !ok || times > 0 {
		return false
	}
	for _, section := range iniSections(text) {
		switch kind, _, _ := strings.Cut(section.name, ":"); kind {
		case "include":
			for _, kv := range section.pairs {
				c.supervisorFiles(path.Dir(file), strings.ReplaceAll(kv[1], "%(here)s", path.Dir(file)))
			}
		case "program", "fcgi-program", "eventlistener":
			c.supervised(file, text, section, "command", "directory")
		}
	}
	return true
}

// supervisorFiles starts what the configurations tell that some patterns name, and reports whether there are any.
func (c *start) supervisorFiles(dir, patterns string) (found bool) {
	for _, pattern := range strings.Fields(patterns) {
		if !path.IsAbs(pattern) {
			pattern = path.Join(dir, pattern)
		}
		for _, name := range c.a.names(path.Dir(pattern)) {
			if ok, err := path.Match(path.Base(pattern), name); ok && err == nil {
				found = c.supervisorFile(path.Join(path.Dir(pattern), name)) || found
			}
		}
	}
	return found
}

var supervisorEnv = lazyre.New(`%\(ENV_(\w+)\)s`)

// supervised starts what a section of a configuration tells: its command, in a directory.
func (c *start) supervised(file, text string, section iniPart, command, directory string) {
	s := c.S.Child()
	s.Via = append(s.Via, c.S.Here)
	line, cmd := 0, ""
	for i, kv := range section.pairs {
		value := supervisorEnv().ReplaceAllStringFunc(kv[1], func(m string) string {
			if v := s.Env(supervisorEnv().FindStringSubmatch(m)[1]); v != "" {
				return v
			}
			return shell.Hole
		})
		switch kv[0] {
		case command:
			cmd, line = value, section.lines[i]
		case "args": // of circus
			cmd += " " + value
		case directory:
			s.Chdir(shell.Word{Text: value, Variable: value != kv[1]})
		case "environment":
			for _, pair := range strings.Split(value, ",") {
				if name, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
					s.Export(name, strings.Trim(v, `"'`))
				}
			}
		}
	}
	s.In(file, text)
	s.Here = shell.Origin{File: file, Line: line, Text: command + "=" + strings.ReplaceAll(cmd, shell.Hole, "..."), InImage: true}
	var words []shell.Word
	for _, f := range splitWords(cmd) {
		words = append(words, shell.Word{Text: f, Variable: strings.Contains(f, shell.Hole), Origin: s.Here})
	}
	c.a.run.Command(s, words, true)
}

// splitWords splits a command without a shell, with quotes alone.
func splitWords(text string) []string {
	if words, ok := shell.Fields(strings.ReplaceAll(strings.ReplaceAll(text, "$", `\$`), ";", `\;`)); ok {
		return words
	}
	return strings.Fields(text)
}

const procfileValued = "-f --procfile -e --env -d --app-root -p --port -c --concurrency -q --quiet"

// procfile starts the lines of a Procfile, or those that are named.
func (c *start) procfile(o command.Options) {
	if len(o.Operands) == 0 || o.Operands[0].Text != "start" && o.Operands[0].Text != "run" {
		return
	}
	if o.Operands[0].Text == "run" {
		c.a.run.Command(c.S, o.Operands[1:], c.Main)
		return
	}
	name := shell.Word{Text: "Procfile"}
	if v, ok := o.Last("-f", "--procfile"); ok {
		name = v
	}
	if v, ok := o.Last("-d", "--app-root"); ok {
		c.S.Chdir(v)
	}
	c.reads(name, false)
	file := c.S.Abs(name.Text)
	text, ok := c.a.run.Read(file)
	leave, times := c.a.run.Walking(file)
	defer leave()
	if !ok || times > 0 {
		c.a.untold(c.S.Here, "the Procfile of "+c.Base+" is unknown, so what it starts could not be determined")
		return
	}
	chosen := map[string]bool{}
	for _, w := range o.Operands[1:] {
		chosen[w.Text] = true
	}
	for i, line := range strings.Split(text, "\n") {
		process, cmd, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(process, "#") || len(chosen) > 0 && !chosen[strings.TrimSpace(process)] {
			continue
		}
		s := c.S.Child()
		s.Via = append(s.Via, c.S.Here)
		s.In("", "")
		s.Here = shell.Origin{File: file, Line: i + 1, Text: strings.Join(strings.Fields(line), " "), InImage: true}
		c.a.run.Walk(s, strings.TrimSpace(cmd))
	}
}

// makes runs the recipes of what make is asked for.
func (c *start) makes(command.Options) {
	var reading buildtools.Reading
	if c.a.run.Files != nil {
		reading = buildtools.Read(c.Call, started{c.a.run.Files})
	}
	if len(reading.Scripts) == 0 && c.Main {
		c.a.untold(c.S.Here, "could not determine what make starts")
	}
	for _, x := range reading.Scripts {
		s := c.S.Child()
		s.Via = append(s.Via, c.S.Here)
		s.In("", "")
		s.Chdir(shell.Word{Text: x.Dir})
		s.Here = shell.Origin{File: x.At.File, Line: x.At.Line, Text: strings.TrimSpace(x.At.Text), InImage: true}
		c.a.run.Walk(s, x.Text)
	}
}

// started shows the files of an image to a build tool that is started in it.
type started struct{ shell.Files }

func (s started) Content(file string) ([]byte, error) { return s.Read(file) }

func (s started) List(string) ([]fs.DirEntry, error) { return nil, errors.ErrUnsupported }

// iniPart is a section of an INI file; lines has the line of each pair.
type iniPart struct {
	name  string
	pairs [][2]string
	lines []int
}

// iniSections reads an INI file as Python's configparser does, as far as that matters here.
func iniSections(text string) []iniPart {
	var out []iniPart
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case trimmed[0] == '[' && strings.Contains(trimmed, "]"):
			out = append(out, iniPart{name: strings.TrimSpace(trimmed[1:strings.IndexByte(trimmed, ']')])})
		case len(out) == 0:
		default:
			cur := &out[len(out)-1]
			if indented := line[0] == ' ' || line[0] == '\t'; indented && len(cur.pairs) > 0 {
				cur.pairs[len(cur.pairs)-1][1] += " " + strings.TrimSuffix(trimmed, `\`)
				continue
			}
			if at := strings.IndexAny(trimmed, "=:"); at > 0 {
				value, _, _ := strings.Cut(trimmed[at+1:], " ;")
				cur.pairs = append(cur.pairs, [2]string{strings.TrimSpace(trimmed[:at]), strings.TrimSpace(strings.TrimSuffix(value, `\`))})
				cur.lines = append(cur.lines, i+1)
			}
		}
	}
	return out
}

func iniSection(text, name string) [][2]string {
	for _, p := range iniSections(text) {
		if p.name == name {
			return p.pairs
		}
	}
	return nil
}
