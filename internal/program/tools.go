package program

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// tool is a program that loads a project's code by a name that it is given. Most are told by what is said here of their words;
// run is for the others.
type tool struct {
	names string // of the command, between blanks; a name that ends in .py has lost that ending
	// module is what `python -m` runs it by, where that is another name; several stand between blanks.
	module string
	valued string // options that take a value
	files  string // those of them that name a file which it reads, and does not start without
	sub    string // subcommands, one of which must be the first operand; "" if there are none
	// dir are options that name a directory which is searched in the place of the working directory.
	dir []string
	// operands says how the operands name code, env the variable that does where there is no operand.
	operands operands
	env      string
	attr     string // what is looked up where no name of the module is given
	run      func(c *start, o command.Options)
}

// operands is how a tool's operands name code.
type operands uint8

const (
	oneObject  operands = iota // the first one: pkg.mod:attr
	allObjects                 // each of them
	oneDotted                  // the first one: pkg.mod.attr
)

// table is in no order. A new one is a row here, and the name of it a row of the table of programs if it does more than start.
var table []tool

func init() { // a literal would refer to itself by way of supervisord
	table = []tool{
		{names: "uvicorn", files: "--log-config --env-file", module: "uvicorn.main", valued: uvicornValued, dir: []string{"--app-dir"}, env: "UVICORN_APP"},
		{names: "hypercorn", files: "--log-config", valued: hypercornValued, run: (*start).hypercorn},
		{names: "daphne", module: "daphne.cli", valued: daphneValued},
		{names: "granian", files: "--log-config", valued: granianValued, dir: []string{"--working-dir"}},
		{names: "gunicorn", files: "--log-config --log-config-json", module: "gunicorn.app.wsgiapp", run: (*start).gunicorn},
		{names: "waitress-serve", module: "waitress", valued: "--app"},
		{names: "uwsgi", valued: uwsgiValued, run: (*start).uwsgi},
		{names: "sanic", valued: sanicValued, attr: "app", run: (*start).sanic},
		{names: "flask quart litestar", module: "flask.cli", valued: flaskValued, run: (*start).flask},
		{names: "fastapi", valued: fastapiValued, run: (*start).fastapi},
		{names: "streamlit chainlit panel bokeh marimo", module: "streamlit.web.cli", run: (*start).streamlit},
		{names: "functions-framework", module: "functions_framework", valued: "--target --source --signature-type --host --port", run: func(c *start, o command.Options) {
			c.optionFile(o, "main.py", "--source")
		}},
		{names: "locust", valued: locustValued, run: (*start).locust},
		{names: "celery faust", module: "celery.bin.celery", valued: celeryValued, run: (*start).celery},
		{names: "dramatiq", valued: dramatiqValued, dir: []string{"-P", "--path"}, operands: allObjects},
		{names: "arq", valued: "--watch --custom-log-dict", operands: oneDotted},
		{names: "taskiq", valued: taskiqValued, sub: "worker scheduler", dir: []string{"--app-dir", "-d"}, operands: allObjects},
		{names: "huey_consumer", module: "huey.bin.huey_consumer", valued: hueyValued, operands: oneDotted},
		{names: "rq rqworker", valued: rqValued, run: (*start).rq},
		{names: "awslambdaric", operands: oneDotted},
		{names: "django-admin", module: "django", valued: "--settings --pythonpath -v --verbosity", run: (*start).djangoAdmin},
		{names: "alembic", valued: alembicValued, run: (*start).alembic},
		{names: "supervisord", valued: supervisordValued, run: (*start).supervisord},
		{names: "circusd", module: "circus.circusd", valued: circusValued, run: (*start).circus},
		{names: "scrapy", module: "scrapy.cmdline", valued: scrapyValued, run: (*start).scrapy},
		{names: "gradio", run: (*start).gradio},
		{names: "honcho foreman", valued: procfileValued, run: (*start).procfile},
		{names: "pserve", valued: pserveValued, run: (*start).pserve},
		{names: "paster", run: (*start).paster},
		{names: "cron crond", run: (*start).cron},
		{names: "crontab supercronic", valued: "-u", run: (*start).crontabFile},
		{names: "make", run: (*start).makes},
		{names: "service", run: (*start).service},
		{names: "rqscheduler flower pytest", run: func(*start, command.Options) {}},
	}
}

// findTool gives a tool by the name of its command.
func findTool(name string) (tool, bool) {
	name = strings.TrimSuffix(name, ".py")
	i := slices.IndexFunc(table, func(t tool) bool { return slices.Contains(strings.Fields(t.names), name) })
	if i < 0 {
		return tool{}, false
	}
	return table[i], true
}

// findModule gives a tool by the module that `python -m` runs it by, with the name of its command.
func findModule(module string) (t tool, name string, ok bool) {
	for _, t := range table {
		name, _, _ := strings.Cut(t.names, " ")
		if slices.Contains(strings.Fields(t.module), module) {
			return t, name, true
		}
	}
	if t, ok = findTool(module); ok && !strings.HasSuffix(module, ".py") {
		return t, module, true
	}
	return tool{}, "", false
}

// KnownTool reports whether a command of that name is one whose arguments are understood, unless a package of the repository
// brings its own.
func KnownTool(name string) bool {
	_, ok := findTool(name)
	return ok
}

// start follows the tool.
func (t tool) start(c *start) {
	o := command.Parse(c.Args, t.valued)
	for _, w := range o.All(strings.Fields(t.files)...) {
		c.reads(w, false)
	}
	switch {
	case t.run != nil:
		t.run(c, o)
		return
	case t.sub != "":
		if len(o.Operands) < 2 || !slices.Contains(strings.Fields(t.sub), o.Operands[0].Text) {
			return
		}
		o.Operands = o.Operands[1:]
	}
	dirs := []string{c.S.Dir}
	if given := o.All(t.dir...); len(given) > 0 && given[0].Text != "" {
		dirs = nil
		for _, d := range given {
			dirs = append(dirs, c.S.Abs(d.Text))
		}
	}
	if app, ok := c.S.EnvWord(cmp.Or(t.env, " ")); ok && len(o.Operands) == 0 {
		o.Operands = []shell.Word{app}
	}
	switch t.operands {
	case oneObject:
		c.application(o, t.attr, dirs)
	case allObjects:
		for _, w := range o.Operands {
			module, attr := object(w.Text, t.attr)
			c.importObject(module, attr, dirs, !w.Variable)
		}
	case oneDotted:
		for _, w := range o.Operands[:min(1, len(o.Operands))] {
			module, attr := dotted(w.Text)
			c.importObject(strings.ReplaceAll(module, "/", "."), attr, dirs, !w.Variable)
		}
	}
}

// application records the first operand that names a module, as servers take it.
func (c *start) application(o command.Options, attr string, dirs []string) {
	for _, w := range o.Operands {
		if !w.Known() && len(o.Operands) > 1 {
			continue // an option list that only the environment holds
		}
		module, name := object(w.Text, attr)
		c.called = strings.Contains(w.Text, "(") || o.Has("--factory")
		c.importObject(module, name, dirs, !w.Variable)
		return
	}
	if c.Main && len(o.Given) == 0 || len(o.Operands) > 0 {
		c.a.untold(c.S.Here, "which application "+c.Base+" serves could not be determined")
	}
}

// optionFile records the file that an option names, or the one that the tool looks for.
func (c *start) optionFile(o command.Options, usual string, names ...string) {
	w, ok := o.Last(names...)
	if !ok {
		w = shell.Word{Text: usual}
	}
	c.scriptFile(w)
}

// reads records a file or directory that is read when what is started starts, and that is not known to be there.
func (c *start) reads(w shell.Word, dir bool) {
	is := shell.Regular
	if dir {
		is = shell.Directory
	}
	if file := c.S.Abs(w.Text); file != "" && w.Known() && c.a.run.Stat(file) != is {
		c.a.add(c.S, Entry{Kind: File, Path: file, Dir: dir, Required: !w.Variable})
	}
}

// scriptFile records a file that a tool runs with its directory in front of the search path.
func (c *start) scriptFile(w shell.Word) {
	if file := c.S.Abs(w.Text); file != "" {
		c.addPython(Entry{Kind: Script, Path: file, SearchDirs: append([]string{path.Dir(file)}, c.py.front...), Required: !w.Variable}, c.py)
	}
}
