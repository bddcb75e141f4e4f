package program

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

const uvicornValued = "--host --port --uds --fd --reload-dir --reload-include --reload-exclude --reload-delay --workers --env-file " +
	"--log-config --log-level --forwarded-allow-ips --root-path --limit-concurrency --backlog --limit-max-requests " +
	"--limit-max-requests-jitter --timeout-keep-alive --timeout-graceful-shutdown --timeout-worker-healthcheck --ssl-keyfile --ssl-certfile --ssl-keyfile-password --ssl-version " +
	"--ssl-cert-reqs --ssl-ca-certs --ssl-ciphers --header --app-dir --h11-max-incomplete-event-size --loop --http --ws --ws-max-size " +
	"--ws-max-queue --ws-ping-interval --ws-ping-timeout --ws-per-message-deflate --lifespan --interface"

const hypercornValued = "--access-log --access-logfile --access-logformat --backlog -b --bind --ca-certs --certfile --cert-reqs --ciphers -c " +
	"--config --error-log --error-logfile --log-file --graceful-timeout --read-timeout --max-requests --max-requests-jitter -g --group " +
	"-k --worker-class --keep-alive --keyfile --keyfile-password --insecure-bind --log-config --log-level -p --pid --quic-bind --root-path " +
	"--server-name --statsd-host --statsd-prefix -m --umask -u --user --verify-mode --websocket-ping-interval -w --workers"

func (c *start) hypercorn(o command.Options) {
	if v, ok := o.Last("-c", "--config"); ok {
		c.configFile(v, []string{c.S.Dir})
		if path.Ext(v.Text) != ".py" && !strings.HasPrefix(v.Text, "python:") {
			c.reads(v, false) // TOML
		}
	}
	for i, w := range o.Operands {
		// The module may be written as a path: its directory goes in front.
		w.Text = strings.TrimPrefix(strings.TrimPrefix(w.Text, "asgi:"), "wsgi:")
		o.Operands[i] = w
		name, attr := object(w.Text, "app")
		if i == 0 && strings.Contains(name, "/") && w.Known() {
			file := c.S.Abs(name)
			c.importObject(strings.TrimSuffix(path.Base(file), ".py"), attr, []string{path.Dir(file)}, !w.Variable)
			return
		}
	}
	c.application(o, "app", []string{c.S.Dir})
}

const daphneValued = "-p --port -b --bind --websocket_timeout --websocket_connect_timeout -u --unix-socket --fd -e --endpoint -v --verbosity " +
	"-t --http-timeout --access-log --log-fmt --ping-interval --ping-timeout --application-close-timeout --root-path --proxy-headers-host " +
	"--proxy-headers-port -s --server-name"

const granianValued = "--host --port --uds --uds-permissions --interface --http --workers --blocking-threads --blocking-threads-idle-timeout --runtime-threads " +
	"--runtime-blocking-threads --runtime-mode --loop --task-impl --backlog --backpressure --http1-buffer-size --http1-header-read-timeout --http2-max-concurrent-streams --log-level " +
	"--log-config --access-log-fmt --ssl-certificate --ssl-keyfile --ssl-keyfile-password --url-path-prefix --respawn-interval --workers-lifetime " +
	"--workers-kill-timeout --process-name --pid-file --working-dir --env-files --static-path-route --static-path-mount --static-path-expires --reload-paths --reload-ignore-dirs"

const gunicornValued = "-b --bind --backlog -w --workers -k --worker-class --threads --worker-connections --max-requests --max-requests-jitter " +
	"-t --timeout --graceful-timeout --keep-alive --limit-request-line --limit-request-fields --limit-request-field_size --reload-engine " +
	"--reload-extra-file --chdir -c --config --user -u --group -g -m --umask --worker-tmp-dir -e --env -p --pid --access-logfile " +
	"--access-logformat --error-logfile --log-file --log-level --logger-class --log-config --log-config-json --log-syslog-to " +
	"--log-syslog-prefix --log-syslog-facility --statsd-host --statsd-prefix --dogstatsd-tags -n --name --pythonpath --paste " +
	"--paster --proxy-allow-from --forwarded-allow-ips --keyfile --certfile --ssl-version --cert-reqs --ca-certs --ciphers " +
	"--paste-global --forwarder-headers --header-map --control-socket"

// gunicorn puts the directory it changes to in front of the search path (gunicorn/app/base.py, Application.chdir), and
// each element of --pythonpath in front of that (Application.run).
func (c *start) gunicorn(command.Options) {
	words := c.Args
	if v, ok := c.S.EnvWord("GUNICORN_CMD_ARGS"); ok {
		var extra []shell.Word
		for _, f := range strings.Fields(v.Text) {
			extra = append(extra, shell.Word{Text: strings.Trim(f, `"'`), Variable: v.Variable})
		}
		words = append(extra, words...)
	}
	o := command.Parse(words, gunicornValued)
	for _, pair := range append(slices.Clone(o.Given["-e"]), o.Given["--env"]...) {
		if name, value, ok := strings.Cut(pair.Text, "="); ok && pair.Known() {
			c.S.Export(name, value)
		}
	}
	start := c.S.Dir
	conf, given := o.Last("-c", "--config")
	if !given {
		conf = shell.Word{Text: "./gunicorn.conf.py", Variable: true}
	}
	text, _ := c.a.run.Read(c.S.Abs(strings.TrimPrefix(conf.Text, "file:")))
	setting := func(option, name string) (shell.Word, bool) {
		if v, ok := o.Last(option); ok {
			return v, true
		}
		m := regexp.MustCompile(`(?m)^` + name + `\s*=\s*["']([^"'\n]+)["']`).FindStringSubmatch(text)
		if m == nil {
			return shell.Word{}, false
		}
		return shell.Word{Text: m[1]}, true
	}
	before := c.S.Clone()
	dirs := []string{start}
	if v, ok := setting("--chdir", "chdir"); ok {
		c.S.Chdir(v)
		if c.S.Dir == "" {
			c.a.note(c.S.Here, "the directory that gunicorn changes to is not literal")
		}
		dirs = []string{c.S.Dir, start}
	}
	if v, ok := setting("--pythonpath", "pythonpath"); ok {
		for _, d := range strings.Split(v.Text, ",") {
			dirs = append([]string{c.S.Abs(d)}, dirs...)
		}
	}
	// A directory that the configuration computes is one that cannot be told.
	computed := regexp.MustCompile(`(?m)^\s*(chdir|pythonpath)\s*=\s*[^"'\s]`).MatchString(text)
	inside := c.S
	c.S = before
	if module, ok := strings.CutPrefix(conf.Text, "python:"); ok {
		c.importObject(module, "", []string{start}, !conf.Variable)
	} else if given || text != "" {
		c.configFile(conf, []string{start})
	}
	c.S = inside
	if len(o.Operands) == 0 {
		if v, ok := setting("", "wsgi_app"); ok {
			o.Operands = []shell.Word{v}
		}
	}
	if v, ok := o.Last("--paste", "--paster"); ok {
		c.paste(v, "main", dirs)
		return
	}
	c.unknownPath = computed
	c.application(o, "application", dirs)
}

// configFile records a configuration that is executed as Python; those in other forms are not.
func (c *start) configFile(name shell.Word, dirs []string) {
	text := strings.TrimPrefix(name.Text, "file:")
	file := c.S.Abs(text)
	if file == "" || path.Ext(file) != ".py" {
		return
	}
	c.addPython(Entry{Kind: Script, Path: file, SearchDirs: dirs, Required: !name.Variable}, c.py)
}

const uwsgiValued = "--ini -i --module -w --wsgi --wsgi-file --file --chdir --pythonpath --python-path --pp --http --socket -s --http-socket --callable -p --processes " +
	"--workers --threads --master-fifo --uid --gid --virtualenv -H --home --venv --harakiri --buffer-size --static-map --stats --env --plugin --plugins --mount --pidfile " +
	"--daemonize --logto --max-requests --touch-reload --py-autoreload --chmod-socket --http-timeout --listen -b -l -M --paste --ini-paste --ini-paste-logged"

func (c *start) uwsgi(o command.Options) {
	values := map[string]shell.Word{}
	ini, ok := o.Last("--ini", "-i")
	for _, w := range o.Operands {
		if path.Ext(w.Text) == ".ini" {
			ini, ok = w, true
		}
	}
	if ok {
		text, known := c.a.run.Read(c.S.Abs(ini.Text))
		if !known {
			c.reads(ini, false)
			c.a.untold(c.S.Here, "the configuration "+shell.Shown(ini.Text)+" of uwsgi is unknown, so what it serves could not be determined")
			return
		}
		for _, kv := range iniSection(text, "uwsgi") {
			values[kv[0]] = shell.Word{Text: kv[1]}
		}
	}
	pick := func(names ...string) (shell.Word, bool) {
		for _, n := range names {
			if v, ok := o.Last("-"+n, "--"+n); ok {
				return v, true
			}
			if v, ok := values[n]; ok {
				return v, !strings.ContainsAny(v.Text, "%$")
			}
		}
		return shell.Word{}, false
	}
	if v, ok := pick("chdir"); ok {
		c.S.Chdir(v)
	}
	dirs := []string{c.S.Dir}
	if v, ok := pick("pythonpath", "python-path", "pp"); ok {
		dirs = append([]string{c.S.Abs(v.Text)}, dirs...)
	}
	attr := "application"
	if v, ok := pick("callable"); ok {
		attr = v.Text
	}
	if v, ok := pick("module", "w", "wsgi"); ok {
		module, name := object(v.Text, attr)
		c.importObject(module, name, dirs, !v.Variable)
	} else if v, ok := pick("wsgi-file", "file"); ok && c.S.Abs(v.Text) != "" {
		e := Entry{Kind: Script, Path: c.S.Abs(v.Text), SearchDirs: dirs, Required: !v.Variable}
		c.addPython(e, c.py)
		c.djangoOf(e, c.py, e.Path)
	} else if v, ok := pick("paste", "ini-paste", "ini-paste-logged"); ok {
		c.paste(v, "main", dirs)
	} else {
		c.a.untold(c.S.Here, "could not determine which application uwsgi serves")
	}
}

const sanicValued = "-H --host -p --port -u --unix -w --workers --cert --key --tls --tls-strict-host --factory-args -s --simple-path"

func (c *start) sanic(o command.Options) {
	for i, w := range o.Operands {
		if !strings.Contains(w.Text, ":") {
			if m, attr := dotted(w.Text); attr != "" {
				o.Operands[i].Text = m + ":" + attr
			}
		}
	}
	c.application(o, "app", []string{c.S.Dir})
}

const flaskValued = "-A --app -e --env-file -h --host -p --port --cert --key --extra-files --exclude-patterns --app-dir -W --wc --web-concurrency -H -P -R --reload-dir"

// flask serves flask, quart and litestar, whose command lines name the application alike. Flask climbs out of packages
// to find the directory for the search path (flask/cli.py, prepare_import).
func (c *start) flask(o command.Options) {
	w, ok := o.Last("--app", "-A")
	if !ok {
		name := map[string]string{"flask": "FLASK_APP", "quart": "QUART_APP", "litestar": "LITESTAR_APP"}[c.Base]
		w, ok = c.S.EnvWord(name)
		if !ok && c.Base == "flask" {
			for _, env := range []string{".flaskenv", ".env"} {
				text, _ := c.a.run.Read(c.S.Abs(env))
				if m := dotenvFlask().FindStringSubmatch(text); m != nil && !ok {
					w, ok = shell.Word{Text: m[1]}, true
				}
			}
		}
	}
	if !ok {
		for _, name := range []string{"wsgi.py", "app.py"} {
			if file := c.S.Abs(name); file != "" && c.a.run.Stat(file) == shell.Regular {
				w, ok = shell.Word{Text: name, Variable: true}, true
				break
			}
		}
	}
	if !ok {
		if c.Base == "flask" {
			c.reads(shell.Word{Text: ".flaskenv"}, false)
		}
		if c.Main {
			c.a.untold(c.S.Here, "which application "+c.Base+" serves could not be determined: neither --app nor its variable names one")
		}
		return
	}
	module, attr := object(w.Text, "")
	c.called = c.Base == "flask"
	if !w.Known() || c.S.Dir == "" {
		c.importObject(module+shell.Hole, attr, nil, false)
		return
	}
	dir, name := c.a.packaged(c.S.Abs(module))
	if !strings.HasSuffix(module, ".py") && !strings.Contains(module, "/") {
		if file := c.S.Abs("__init__.py"); c.a.run.Stat(file) == shell.Regular {
			c.asked = module
		} else {
			name = module
		}
	}
	dirs := []string{dir}
	if v, ok := o.Last("--app-dir"); ok {
		dirs = append([]string{c.S.Abs(v.Text)}, dirs...)
	}
	c.importObject(name, attr, dirs, !w.Variable)
}

var dotenvFlask = lazyre.New(`(?m)^\s*(?:export\s+)?FLASK_APP\s*=\s*["']?([^\s"'#]+)`)

var fastapiEntry = lazyre.New(`(?m)^\[tool\.fastapi\][^\[]*?^entrypoint\s*=\s*["']([^"']+)["']`)

const fastapiValued = "--host --port --app --workers --root-path --reload-dir -e --entrypoint --forwarded-allow-ips"

// fastapi finds its file as fastapi_cli/discover.py does.
func (c *start) fastapi(o command.Options) {
	if len(o.Operands) == 0 || o.Operands[0].Text != "run" && o.Operands[0].Text != "dev" {
		return
	}
	attr := ""
	if v, ok := o.Last("--app"); ok {
		attr = v.Text
	}
	if v, ok := o.Last("-e", "--entrypoint"); ok {
		module, name := object(v.Text, attr)
		c.importObject(module, name, []string{c.S.Dir}, !v.Variable)
		return
	}
	var name shell.Word
	if len(o.Operands) > 1 {
		name = o.Operands[1]
	} else {
		for _, n := range []string{"main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py"} {
			if file := c.S.Abs(n); file != "" && c.a.run.Stat(file) == shell.Regular {
				name = shell.Word{Text: n, Variable: true}
				break
			}
		}
		if text, ok := c.a.run.Read(c.S.Abs("pyproject.toml")); name.Text == "" && ok {
			if m := fastapiEntry().FindStringSubmatch(text); m != nil {
				module, app := object(m[1], attr)
				c.importObject(module, app, []string{c.S.Dir}, true)
				return
			}
		}
		if name.Text == "" {
			c.a.untold(c.S.Here, "which application fastapi runs could not be determined: none of its usual files is known")
			return
		}
	}
	file := c.S.Abs(name.Text)
	if file == "" {
		c.a.untold(c.S.Here, "the file that fastapi runs is not literal ("+shell.Shown(name.Text)+")")
		return
	}
	if c.a.run.Stat(file) == shell.Directory {
		file = path.Join(file, "__init__.py")
	}
	dir, module := c.a.packaged(file)
	c.importObject(module, attr, []string{dir}, !name.Variable)
}

// streamlit and its like run a file with its directory in front of the search path.
func (c *start) streamlit(command.Options) {
	words := c.Args
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "--") {
		words = words[1:]
	}
	if len(words) < 2 || !slices.Contains([]string{"run", "serve", "edit"}, words[0].Text) {
		return
	}
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case strings.HasPrefix(w.Text, "-"):
			next := i+1 < len(words) && !strings.HasPrefix(words[i+1].Text, "-") && path.Ext(words[i+1].Text) != ".py"
			if !strings.Contains(w.Text, "=") && next {
				i++
			}
			continue
		case strings.Contains(w.Text, "://") || c.S.Abs(w.Text) == "":
			c.a.untold(c.S.Here, "the script that "+c.Base+" runs could not be determined ("+shell.Shown(w.Text)+")")
		default:
			c.scriptFile(w)
			if c.Base == "streamlit" {
				c.pages(path.Dir(c.S.Abs(w.Text)))
			}
		}
		if c.Base != "panel" && c.Base != "bokeh" { // which serve each file
			return
		}
	}
}

// pages runs the files of a directory beside the script, each as a page of its own, with the script's directory on the search path.
func (c *start) pages(dir string) {
	for _, name := range c.a.names(path.Join(dir, "pages")) {
		if strings.HasSuffix(name, ".py") && name != "__init__.py" {
			c.addPython(Entry{Kind: Script, Path: path.Join(dir, "pages", name), SearchDirs: []string{dir}, Required: true}, c.py)
		}
	}
}

const locustValued = "-f --locustfile -H --host -u --users -r --spawn-rate -t --run-time --master-host --master-port --web-port --expect-workers --csv --html -L --loglevel"

// locust runs each file of a list. What is called otherwise is a directory, or comes from an address.
func (c *start) locust(o command.Options) {
	w, ok := o.Last("-f", "--locustfile")
	if !ok {
		w.Text = "locustfile.py"
	}
	for name := range strings.SplitSeq(w.Text, ",") {
		if w.Text = strings.TrimSpace(name); path.Ext(w.Text) == ".py" && !strings.Contains(w.Text, "://") {
			c.scriptFile(w)
		}
	}
}
