package startup

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// tools are the programs that load a project's code by a name they are given, by the name of their command. A name that
// ends in .py has lost that ending.
var tools map[string]func(*command)

func init() { // a literal would refer to itself by way of supervisord
	tools = map[string]func(*command){
		"uvicorn": (*command).uvicorn, "hypercorn": (*command).hypercorn, "daphne": (*command).daphne,
		"granian": (*command).granian, "gunicorn": (*command).gunicorn, "waitress-serve": (*command).waitress,
		"uwsgi": (*command).uwsgi, "sanic": (*command).sanic, "litestar": (*command).flask, "flask": (*command).flask,
		"quart": (*command).flask, "fastapi": (*command).fastapi, "streamlit": (*command).streamlit, "chainlit": (*command).streamlit,
		"panel": (*command).streamlit, "bokeh": (*command).streamlit, "marimo": (*command).streamlit,
		"functions-framework": (*command).functions,
		"celery":              (*command).celery, "faust": (*command).celery, "dramatiq": (*command).dramatiq, "arq": (*command).arq,
		"taskiq": (*command).taskiq, "huey_consumer": (*command).huey, "rq": (*command).rq, "rqworker": (*command).rq,
		"rqscheduler": nothing, "flower": nothing,
		"django-admin": (*command).djangoAdmin, "alembic": (*command).alembic, "awslambdaric": (*command).lambda,
		"supervisord": (*command).supervisord, "honcho": (*command).procfile, "foreman": (*command).procfile,
		"locust": (*command).locust, "pytest": nothing,
	}
}

// KnownTool reports whether a command of that name is one whose arguments are understood, unless a package of the repository
// brings its own.
func KnownTool(name string) bool {
	_, ok := tools[strings.TrimSuffix(name, ".py")]
	return ok
}

func nothing(*command) {}

// application records the first operand that names a module, as servers take it.
func (c *command) application(o options, attr string, dirs []string) {
	for _, w := range o.operands {
		if !w.known() && len(o.operands) > 1 {
			continue // an option list that only the environment holds
		}
		module, name := object(w.text, attr)
		c.importObject(module, name, dirs, !w.variable)
		return
	}
	if c.main && len(o.given) == 0 || len(o.operands) > 0 {
		c.a.note(c.s.here, "which application "+c.base+" serves cannot be told")
	}
}

const uvicornValued = "--host --port --uds --fd --reload-dir --reload-include --reload-exclude --reload-delay --workers --env-file " +
	"--log-config --log-level --forwarded-allow-ips --root-path --limit-concurrency --backlog --limit-max-requests " +
	"--limit-max-requests-jitter --timeout-keep-alive --timeout-graceful-shutdown --timeout-worker-healthcheck --ssl-keyfile --ssl-certfile --ssl-keyfile-password --ssl-version " +
	"--ssl-cert-reqs --ssl-ca-certs --ssl-ciphers --header --app-dir --h11-max-incomplete-event-size --loop --http --ws --ws-max-size " +
	"--ws-max-queue --ws-ping-interval --ws-ping-timeout --ws-per-message-deflate --lifespan --interface"

func (c *command) uvicorn() {
	o := parseOptions(c.args, uvicornValued)
	dir := c.s.cwd
	if v, ok := o.last("--app-dir"); ok && v.text != "" {
		dir = c.s.abs(v.text)
	}
	if len(o.operands) == 0 {
		if app := c.s.env("UVICORN_APP"); app != "" {
			o.operands = []arg{{text: app, variable: true}}
		}
	}
	c.application(o, "", []string{dir})
}

func (c *command) hypercorn() {
	o := parseOptions(c.args, "--access-log --access-logfile --access-logformat --backlog -b --bind --ca-certs --certfile --cert-reqs --ciphers -c "+
		"--config --error-log --error-logfile --log-file --graceful-timeout --read-timeout --max-requests --max-requests-jitter -g --group "+
		"-k --worker-class --keep-alive --keyfile --keyfile-password --insecure-bind --log-config --log-level -p --pid --quic-bind --root-path "+
		"--server-name --statsd-host --statsd-prefix -m --umask -u --user --verify-mode --websocket-ping-interval -w --workers")
	if v, ok := o.last("-c", "--config"); ok {
		c.configFile(v, []string{c.s.cwd})
	}
	for i, w := range o.operands {
		// The module may be written as a path: its directory goes in front.
		w.text = strings.TrimPrefix(strings.TrimPrefix(w.text, "asgi:"), "wsgi:")
		o.operands[i] = w
		name, attr := object(w.text, "app")
		if i == 0 && strings.Contains(name, "/") && w.known() {
			file := c.s.abs(name)
			c.importObject(strings.TrimSuffix(path.Base(file), ".py"), attr, []string{path.Dir(file)}, !w.variable)
			return
		}
	}
	c.application(o, "app", []string{c.s.cwd})
}

func (c *command) daphne() {
	o := parseOptions(c.args, "-p --port -b --bind --websocket_timeout --websocket_connect_timeout -u --unix-socket --fd -e --endpoint -v --verbosity "+
		"-t --http-timeout --access-log --log-fmt --ping-interval --ping-timeout --application-close-timeout --root-path --proxy-headers-host "+
		"--proxy-headers-port -s --server-name")
	c.application(o, "", []string{c.s.cwd})
}

func (c *command) granian() {
	o := parseOptions(c.args, "--host --port --uds --uds-permissions --interface --http --workers --blocking-threads --blocking-threads-idle-timeout --runtime-threads "+
		"--runtime-blocking-threads --runtime-mode --loop --task-impl --backlog --backpressure --http1-buffer-size --http1-header-read-timeout --http2-max-concurrent-streams --log-level "+
		"--log-config --access-log-fmt --ssl-certificate --ssl-keyfile --ssl-keyfile-password --url-path-prefix --respawn-interval --workers-lifetime "+
		"--workers-kill-timeout --process-name --pid-file --working-dir --env-files --static-path-route --static-path-mount --static-path-expires --reload-paths --reload-ignore-dirs")
	dir := c.s.cwd
	if v, ok := o.last("--working-dir"); ok {
		dir = c.s.abs(v.text)
	}
	c.application(o, "", []string{dir})
}

const gunicornValued = "-b --bind --backlog -w --workers -k --worker-class --threads --worker-connections --max-requests --max-requests-jitter " +
	"-t --timeout --graceful-timeout --keep-alive --limit-request-line --limit-request-fields --limit-request-field_size --reload-engine " +
	"--reload-extra-file --chdir -c --config --user -u --group -g -m --umask --worker-tmp-dir -e --env -p --pid --access-logfile " +
	"--access-logformat --error-logfile --log-file --log-level --logger-class --log-config --log-config-json --log-syslog-to " +
	"--log-syslog-prefix --log-syslog-facility --statsd-host --statsd-prefix --dogstatsd-tags -n --name --pythonpath --paste " +
	"--paster --proxy-allow-from --forwarded-allow-ips --keyfile --certfile --ssl-version --cert-reqs --ca-certs --ciphers " +
	"--paste-global --forwarder-headers --header-map --control-socket"

// gunicorn puts the directory it changes to in front of the search path (gunicorn/app/base.py, Application.chdir), and
// each element of --pythonpath in front of that (Application.run).
func (c *command) gunicorn() {
	words := c.args
	if v := c.s.env("GUNICORN_CMD_ARGS"); v != "" {
		var extra []arg
		for _, f := range strings.Fields(v) {
			extra = append(extra, arg{text: strings.Trim(f, `"'`), variable: true})
		}
		words = append(extra, words...)
	}
	o := parseOptions(words, gunicornValued)
	for _, pair := range append(slices.Clone(o.given["-e"]), o.given["--env"]...) {
		if name, value, ok := strings.Cut(pair.text, "="); ok && pair.known() {
			c.s.export(name, value)
		}
	}
	start := c.s.cwd
	conf, given := o.last("-c", "--config")
	if !given {
		conf = arg{text: "./gunicorn.conf.py", variable: true}
	}
	text, _ := c.a.read(c.s.abs(strings.TrimPrefix(conf.text, "file:")))
	setting := func(option, name string) (arg, bool) {
		if v, ok := o.last(option); ok {
			return v, true
		}
		m := regexp.MustCompile(`(?m)^` + name + `\s*=\s*["']([^"'\n]+)["']`).FindStringSubmatch(text)
		if m == nil {
			return arg{}, false
		}
		return arg{text: m[1]}, true
	}
	before := c.s.clone()
	dirs := []string{start}
	if v, ok := setting("--chdir", "chdir"); ok {
		c.s.chdir(v)
		if c.s.cwd == "" {
			c.a.note(c.s.here, "the directory that gunicorn changes to is not written out")
		}
		dirs = []string{c.s.cwd, start}
	}
	if v, ok := setting("--pythonpath", "pythonpath"); ok {
		for _, d := range strings.Split(v.text, ",") {
			dirs = append([]string{c.s.abs(d)}, dirs...)
		}
	}
	// A directory that the configuration computes is one that cannot be told.
	computed := regexp.MustCompile(`(?m)^\s*(chdir|pythonpath)\s*=\s*[^"'\s]`).MatchString(text)
	inside := c.s
	c.s = before
	if module, ok := strings.CutPrefix(conf.text, "python:"); ok {
		c.importObject(module, "", []string{start}, !conf.variable)
	} else if given || text != "" {
		c.configFile(conf, []string{start})
	}
	c.s = inside
	if len(o.operands) == 0 {
		if v, ok := setting("", "wsgi_app"); ok {
			o.operands = []arg{v}
		}
	}
	if v, ok := o.last("--paste", "--paster"); ok {
		c.a.note(c.s.here, "the application of the paste file "+shown(v.text)+" cannot be told")
		return
	}
	c.unknownPath = computed
	c.application(o, "application", dirs)
}

// configFile records a configuration that is executed as Python; those in other forms are not.
func (c *command) configFile(name arg, dirs []string) {
	text := strings.TrimPrefix(name.text, "file:")
	file := c.s.abs(text)
	if file == "" || path.Ext(file) != ".py" {
		return
	}
	c.addPython(Entry{Kind: Script, Path: file, SearchDirs: dirs, Required: !name.variable}, c.py)
}

func (c *command) waitress() {
	o := parseOptions(c.args, "--app")
	c.application(o, "", []string{c.s.cwd})
}

func (c *command) uwsgi() {
	o := parseOptions(c.args, "--ini -i --module -w --wsgi --wsgi-file --file --chdir --pythonpath --python-path --pp --http --socket -s --http-socket --callable -p --processes "+
		"--workers --threads --master-fifo --uid --gid --virtualenv -H --home --venv --harakiri --buffer-size --static-map --stats --env --plugin --plugins --mount --pidfile "+
		"--daemonize --logto --max-requests --touch-reload --py-autoreload --chmod-socket --http-timeout --listen -b -l -M")
	values := map[string]arg{}
	ini, ok := o.last("--ini", "-i")
	for _, w := range o.operands {
		if path.Ext(w.text) == ".ini" {
			ini, ok = w, true
		}
	}
	if ok {
		text, known := c.a.read(c.s.abs(ini.text))
		if !known {
			c.a.note(c.s.here, "the configuration "+shown(ini.text)+" of uwsgi is not known: what it serves cannot be told")
			return
		}
		for _, kv := range iniSection(text, "uwsgi") {
			values[kv[0]] = arg{text: kv[1]}
		}
	}
	pick := func(names ...string) (arg, bool) {
		for _, n := range names {
			if v, ok := o.last("-"+n, "--"+n); ok {
				return v, true
			}
			if v, ok := values[n]; ok {
				return v, !strings.ContainsAny(v.text, "%$")
			}
		}
		return arg{}, false
	}
	if v, ok := pick("chdir"); ok {
		c.s.chdir(v)
	}
	dirs := []string{c.s.cwd}
	if v, ok := pick("pythonpath", "python-path", "pp"); ok {
		dirs = append([]string{c.s.abs(v.text)}, dirs...)
	}
	attr := "application"
	if v, ok := pick("callable"); ok {
		attr = v.text
	}
	if v, ok := pick("module", "w", "wsgi"); ok {
		module, name := object(v.text, attr)
		c.importObject(module, name, dirs, !v.variable)
	} else if v, ok := pick("wsgi-file", "file"); ok && c.s.abs(v.text) != "" {
		e := Entry{Kind: Script, Path: c.s.abs(v.text), SearchDirs: dirs, Required: !v.variable}
		c.addPython(e, c.py)
		c.djangoOf(e, c.py, e.Path)
	} else {
		c.a.note(c.s.here, "which application uwsgi serves cannot be told")
	}
}

func (c *command) sanic() {
	o := parseOptions(c.args, "-H --host -p --port -u --unix -w --workers --cert --key --tls --tls-strict-host --factory-args -s --simple-path")
	for i, w := range o.operands {
		if !strings.Contains(w.text, ":") {
			if m, attr := dotted(w.text); attr != "" {
				o.operands[i].text = m + ":" + attr
			}
		}
	}
	c.application(o, "app", []string{c.s.cwd})
}

// flask serves flask, quart and litestar, whose command lines name the application alike. Flask climbs out of packages
// to find the directory for the search path (flask/cli.py, prepare_import).
func (c *command) flask() {
	o := parseOptions(c.args, "-A --app -e --env-file -h --host -p --port --cert --key --extra-files --exclude-patterns --app-dir -W --wc --web-concurrency -H -P -R --reload-dir")
	w, ok := o.last("--app", "-A")
	if !ok {
		name := map[string]string{"flask": "FLASK_APP", "quart": "QUART_APP", "litestar": "LITESTAR_APP"}[c.base]
		v := c.s.vars[name]
		w, ok = arg{text: v.value, variable: true}, v.exported && v.value != ""
		if !ok && c.base == "flask" {
			for _, env := range []string{".flaskenv", ".env"} {
				text, _ := c.a.read(c.s.abs(env))
				if m := dotenvFlask().FindStringSubmatch(text); m != nil && !ok {
					w, ok = arg{text: m[1], variable: true}, true
				}
			}
		}
	}
	if !ok {
		for _, name := range []string{"wsgi.py", "app.py"} {
			if file := c.s.abs(name); file != "" && c.a.files.Stat(file) == Regular {
				w, ok = arg{text: name, variable: true}, true
				break
			}
		}
	}
	if !ok {
		if c.main {
			c.a.note(c.s.here, "which application "+c.base+" serves cannot be told: neither --app nor its variable names one")
		}
		return
	}
	module, attr := object(w.text, "")
	if !w.known() || c.s.cwd == "" {
		c.importObject(module+unknown, attr, nil, false)
		return
	}
	dir, name := c.a.packaged(c.s.abs(module))
	if !strings.HasSuffix(module, ".py") && !strings.Contains(module, "/") {
		if file := c.s.abs("__init__.py"); c.a.files.Stat(file) == Regular {
			c.asked = module
		} else {
			name = module
		}
	}
	dirs := []string{dir}
	if v, ok := o.last("--app-dir"); ok {
		dirs = append([]string{c.s.abs(v.text)}, dirs...)
	}
	c.importObject(name, attr, dirs, !w.variable)
}

var dotenvFlask = lazyre.New(`(?m)^\s*(?:export\s+)?FLASK_APP\s*=\s*["']?([^\s"'#]+)`)

// fastapi finds its file as fastapi_cli/discover.py does.
func (c *command) fastapi() {
	o := parseOptions(c.args, "--host --port --app --workers --root-path --reload-dir -e --entrypoint --forwarded-allow-ips")
	if len(o.operands) == 0 || o.operands[0].text != "run" && o.operands[0].text != "dev" {
		return
	}
	attr := ""
	if v, ok := o.last("--app"); ok {
		attr = v.text
	}
	if v, ok := o.last("-e", "--entrypoint"); ok {
		module, name := object(v.text, attr)
		c.importObject(module, name, []string{c.s.cwd}, !v.variable)
		return
	}
	var name arg
	if len(o.operands) > 1 {
		name = o.operands[1]
	} else {
		for _, n := range []string{"main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py"} {
			if file := c.s.abs(n); file != "" && c.a.files.Stat(file) == Regular {
				name = arg{text: n, variable: true}
				break
			}
		}
		if name.text == "" {
			c.a.note(c.s.here, "which application fastapi runs cannot be told: none of its usual files is known")
			return
		}
	}
	file := c.s.abs(name.text)
	if file == "" {
		c.a.note(c.s.here, "the file that fastapi runs is not written out ("+shown(name.text)+"): it cannot be told")
		return
	}
	if c.a.files.Stat(file) == Directory {
		file = path.Join(file, "__init__.py")
	}
	dir, module := c.a.packaged(file)
	c.importObject(module, attr, []string{dir}, !name.variable)
}

// streamlit and its like run a file with its directory in front of the search path.
func (c *command) streamlit() {
	words := c.args
	for len(words) > 0 && strings.HasPrefix(words[0].text, "--") {
		words = words[1:]
	}
	if len(words) < 2 || !slices.Contains([]string{"run", "serve", "edit"}, words[0].text) {
		return
	}
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case strings.HasPrefix(w.text, "-"):
			next := i+1 < len(words) && !strings.HasPrefix(words[i+1].text, "-") && path.Ext(words[i+1].text) != ".py"
			if !strings.Contains(w.text, "=") && next {
				i++
			}
			continue
		case strings.Contains(w.text, "://") || c.s.abs(w.text) == "":
			c.a.note(c.s.here, "the script that "+c.base+" runs cannot be told ("+shown(w.text)+")")
		default:
			file := c.s.abs(w.text)
			c.addPython(Entry{Kind: Script, Path: file, SearchDirs: append([]string{path.Dir(file)}, c.py.front...), Required: !w.variable}, c.py)
		}
		return
	}
}

func (c *command) functions() {
	o := parseOptions(c.args, "--target --source --signature-type --host --port")
	w, ok := o.last("--source")
	if !ok {
		w = arg{text: "main.py"}
	}
	if file := c.s.abs(w.text); file != "" {
		c.addPython(Entry{Kind: Script, Path: file, SearchDirs: []string{path.Dir(file)}, Required: !w.variable}, c.py)
	}
}

func (c *command) locust() {
	o := parseOptions(c.args, "-f --locustfile -H --host -u --users -r --spawn-rate -t --run-time --master-host --master-port --web-port --expect-workers --csv --html -L --loglevel")
	w, ok := o.last("-f", "--locustfile")
	if !ok {
		w = arg{text: "locustfile.py"}
	}
	if file := c.s.abs(w.text); file != "" {
		c.addPython(Entry{Kind: Script, Path: file, SearchDirs: []string{path.Dir(file)}, Required: !w.variable}, c.py)
	}
}

// lambda is the runtime client of AWS Lambda: its argument is pkg.mod.handler.
func (c *command) lambda() {
	if len(c.args) > 0 {
		module, attr := dotted(c.args[0].text)
		c.importObject(strings.ReplaceAll(module, "/", "."), attr, []string{c.s.cwd}, !c.args[0].variable)
	}
}
