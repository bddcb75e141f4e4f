package startup

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

const celeryValued = "-A --app -b --broker --result-backend --loader --config --workdir -c --concurrency -P --pool -l --loglevel -Q --queues " +
	"-X --exclude-queues -n --hostname -I --include -f --logfile --pidfile --uid --gid --umask --executable -s --schedule -S --scheduler " +
	"--max-interval --statedb -O --prefetch-multiplier --max-tasks-per-child --max-memory-per-child --time-limit --soft-time-limit --autoscale " +
	"--port --address --basic_auth --url_prefix -E_ -d --destination -t --timeout -F --frequency -p -L"

// celery imports its application by a name that may be a module, a package or an attribute of one (celery/app/utils.py,
// find_app): the image decides which.
func (c *command) celery() {
	o := parseOptions(c.args, celeryValued)
	if v, ok := o.last("--workdir"); ok {
		c.s.chdir(v)
	}
	dirs := []string{c.s.cwd}
	w, ok := o.last("-A", "--app")
	if !ok {
		if name := c.s.env("APP"); name != "" && c.base == "celery" {
			w, ok = arg{text: name, variable: true}, true
		}
	}
	if !ok {
		if c.main {
			c.a.note(c.s.here, "which application "+c.base+" runs cannot be told: -A names none")
		}
		return
	}
	module, attr := object(w.text, "")
	if w.known() && !strings.Contains(w.text, ":") && c.locate(module, dirs) == "" {
		if parent, last := dotted(module); last != "" && c.locate(parent, dirs) != "" && path.Base(c.locate(parent, dirs)) != "__init__.py" {
			module, attr = parent, last
		}
	}
	c.importObject(module, attr, dirs, !w.variable)
	if sub := module + ".celery"; attr == "" && w.known() && c.locate(sub, dirs) != "" {
		c.importObject(sub, "", dirs, false)
	}
	for _, list := range append(o.given["-I"], o.given["--include"]...) {
		for _, m := range strings.Split(list.text, ",") {
			c.importObject(m, "", dirs, !list.variable)
		}
	}
}

func (c *command) dramatiq() {
	o := parseOptions(c.args, "-p --processes -t --threads -P --path -Q --queues --pid-file --log-file --worker-shutdown-timeout --fork-function -f --watch --worker-fork-timeout")
	dirs := []string{c.s.cwd}
	if list := append(o.given["-P"], o.given["--path"]...); len(list) > 0 {
		dirs = nil
		for _, d := range list {
			dirs = append(dirs, c.s.abs(d.text))
		}
	}
	for _, w := range o.operands {
		module, attr := object(w.text, "")
		c.importObject(module, attr, dirs, !w.variable)
	}
}

func (c *command) arq() {
	o := parseOptions(c.args, "--watch --custom-log-dict")
	for _, w := range o.operands[:min(1, len(o.operands))] {
		module, attr := dotted(w.text)
		c.importObject(module, attr, []string{c.s.cwd}, !w.variable)
	}
}

func (c *command) huey() {
	o := parseOptions(c.args, "-w --workers -k --worker-type -l --logfile -d --delay -m --max-delay -b --backoff -c --health-check-interval -i")
	for _, w := range o.operands[:min(1, len(o.operands))] {
		module, attr := dotted(w.text)
		c.importObject(module, attr, []string{c.s.cwd}, !w.variable)
	}
}

func (c *command) taskiq() {
	o := parseOptions(c.args, "--app-dir -d -w --workers --log-level -tp --tasks-pattern --max-async-tasks --max-prefetch --max-threadpool-threads --shutdown-timeout --receiver --ack-type --receiver_arg")
	if len(o.operands) < 2 || o.operands[0].text != "worker" && o.operands[0].text != "scheduler" {
		return
	}
	dirs := []string{c.s.cwd}
	if v, ok := o.last("--app-dir", "-d"); ok {
		dirs = []string{c.s.abs(v.text)}
	}
	for _, w := range o.operands[1:] {
		module, attr := object(w.text, "")
		c.importObject(module, attr, dirs, !w.variable)
	}
}

func (c *command) rq() {
	o := parseOptions(c.args, "-c --config -u --url -P --path -w --worker-class -j --job-class --queue-class --connection-class -n --name --results-ttl --worker-ttl --logging_level --sentry-dsn --pid --max-jobs --exception-handler --serializer")
	if v, ok := o.last("-c", "--config"); ok {
		dirs := []string{c.s.cwd}
		if p, ok := o.last("-P", "--path"); ok {
			dirs = []string{c.s.abs(p.text)}
		}
		c.importObject(v.text, "", dirs, !v.variable)
	}
	if c.main {
		c.a.note(c.s.here, "which functions rq runs is told by its queues, not by the image")
	}
}

// djangoAdmin loads the settings with --pythonpath in front; unlike manage.py, it has no directory of its own there.
func (c *command) djangoAdmin() {
	o := parseOptions(c.args, "--settings --pythonpath -v --verbosity")
	dirs := append([]string{}, c.py.front...)
	if v, ok := o.last("--pythonpath"); ok {
		dirs = append([]string{c.s.abs(v.text)}, dirs...)
	}
	w, ok := o.last("--settings")
	if !ok {
		v := c.s.env("DJANGO_SETTINGS_MODULE")
		w, ok = arg{text: v, variable: true}, v != ""
	}
	if !ok {
		c.a.note(c.s.here, "which settings django-admin loads cannot be told")
		return
	}
	c.addPython(Entry{Kind: App, Module: w.text, SearchDirs: dirs, Required: !w.variable}, c.py)
}

// alembic runs env.py in the directory that its configuration names, with prepend_sys_path in front.
func (c *command) alembic() {
	o := parseOptions(c.args, "-c --config -n --name -x -m --message --rev-id --head --branch-label --depends-on --splice -r")
	conf, ok := o.last("-c", "--config")
	if !ok {
		conf = arg{text: "alembic.ini"}
	}
	file := c.s.abs(conf.text)
	text, known := c.a.read(file)
	if !known {
		c.a.note(c.s.here, "the configuration "+shown(conf.text)+" of alembic is not known: what it runs cannot be told")
		return
	}
	section := "alembic"
	if v, ok := o.last("-n", "--name"); ok {
		section = v.text
	}
	location := ""
	dirs := append([]string{}, c.py.front...)
	here := strings.NewReplacer("%(here)s", path.Dir(file), "%%", "%")
	for _, kv := range iniSection(text, section) {
		value := here.Replace(kv[1])
		switch kv[0] {
		case "script_location":
			location = c.s.abs(value)
			if pkg, dir, ok := strings.Cut(value, ":"); ok { // a directory of a package
				location = path.Join(path.Dir(c.locate(pkg, dirs)), dir)
				if c.locate(pkg, dirs) == "" {
					location = ""
				}
			}
		case "prepend_sys_path":
			for _, d := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(":; ,", r) }) {
				dirs = append([]string{c.s.abs(d)}, dirs...)
			}
		}
	}
	if location == "" {
		c.a.note(c.s.here, "where the scripts of alembic are cannot be told from "+file)
		return
	}
	c.addPython(Entry{Kind: Script, Path: path.Join(location, "env.py"), SearchDirs: dirs, Required: !conf.variable}, c.py)
}

// supervisord starts the command= of every [program:x].
func (c *command) supervisord() {
	o := parseOptions(c.args, "-c --configuration -u --user -d --directory -l --logfile -e --loglevel -j --pidfile -i --identifier")
	names := []string{"supervisord.conf", "etc/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"}
	if v, ok := o.last("-c", "--configuration"); ok {
		names = []string{v.text}
	}
	for _, name := range names {
		file := c.s.abs(name)
		text, ok := c.a.read(file)
		if !ok || c.a.active[file] > 0 {
			continue
		}
		c.a.active[file]++
		defer func() { c.a.active[file]-- }()
		for _, section := range iniSections(text) {
			if section.name == "include" {
				c.a.note(c.s.here, "the files that "+file+" includes are not followed")
			}
			if strings.HasPrefix(section.name, "program:") || strings.HasPrefix(section.name, "fcgi-program:") || strings.HasPrefix(section.name, "eventlistener:") {
				c.supervised(file, text, section)
			}
		}
		return
	}
	c.a.note(c.s.here, "the configuration of supervisord is not known: what it starts cannot be told")
}

var supervisorEnv = lazyre.New(`%\(ENV_(\w+)\)s`)

func (c *command) supervised(file, text string, section iniPart) {
	s := c.s.child()
	s.via = append(s.via, c.s.here)
	line, cmd := 0, ""
	for i, kv := range section.pairs {
		value := supervisorEnv().ReplaceAllStringFunc(kv[1], func(m string) string {
			if v := s.env(supervisorEnv().FindStringSubmatch(m)[1]); v != "" {
				return v
			}
			return unknown
		})
		switch kv[0] {
		case "command":
			cmd, line = value, section.lines[i]
		case "directory":
			s.chdir(arg{text: value, variable: value != kv[1]})
		case "environment":
			for _, pair := range strings.Split(value, ",") {
				if name, v, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
					s.export(name, strings.Trim(v, `"'`))
				}
			}
		}
	}
	s.source = newSource(file, text)
	s.here = Origin{File: file, Line: line, Text: "command=" + strings.ReplaceAll(cmd, unknown, "..."), InImage: true}
	var words []arg
	for _, f := range splitWords(cmd) {
		words = append(words, arg{text: f, variable: strings.Contains(f, unknown), origin: s.here})
	}
	c.a.command(s, words, true)
}

// splitWords splits a command without a shell, with quotes alone.
func splitWords(text string) []string {
	stmts, err := parse(strings.ReplaceAll(strings.ReplaceAll(text, "$", `\$`), ";", `\;`))
	if err == nil && len(stmts) == 1 {
		if call, ok := stmts[0].Cmd.(*syntax.CallExpr); ok && len(call.Assigns) == 0 {
			a := &analysis{files: nothingKnown{}}
			s := &state{vars: map[string]variable{}}
			return texts(a.fields(s, call.Args))
		}
	}
	return strings.Fields(text)
}

// procfile starts the lines of a Procfile, or those that are named.
func (c *command) procfile() {
	o := parseOptions(c.args, "-f --procfile -e --env -d --app-root -p --port -c --concurrency -q --quiet")
	if len(o.operands) == 0 || o.operands[0].text != "start" && o.operands[0].text != "run" {
		return
	}
	if o.operands[0].text == "run" {
		c.a.command(c.s, o.operands[1:], c.main)
		return
	}
	name := arg{text: "Procfile"}
	if v, ok := o.last("-f", "--procfile"); ok {
		name = v
	}
	if v, ok := o.last("-d", "--app-root"); ok {
		c.s.chdir(v)
	}
	file := c.s.abs(name.text)
	text, ok := c.a.read(file)
	if !ok || c.a.active[file] > 0 {
		c.a.note(c.s.here, "the Procfile of "+c.base+" is not known: what it starts cannot be told")
		return
	}
	c.a.active[file]++
	defer func() { c.a.active[file]-- }()
	chosen := map[string]bool{}
	for _, w := range o.operands[1:] {
		chosen[w.text] = true
	}
	for i, line := range strings.Split(text, "\n") {
		process, cmd, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(process, "#") || len(chosen) > 0 && !chosen[strings.TrimSpace(process)] {
			continue
		}
		s := c.s.child()
		s.via = append(s.via, c.s.here)
		s.source = source{}
		s.here = Origin{File: file, Line: i + 1, Text: strings.Join(strings.Fields(line), " "), InImage: true}
		c.a.script(s, strings.TrimSpace(cmd))
	}
}

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
