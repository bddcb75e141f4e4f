package program

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// interpreter is what the options of `python` set for the program that it runs.
type interpreter struct {
	front     []string // what -m puts in front of sys.path
	ignoreEnv bool     // -E, -I
	noSite    bool     // -S
	safe      bool     // -P, -I, PYTHONSAFEPATH: no directory is put in front
}

// python runs an interpreter's command line. What its options do to sys.path is told in CPython's
// Doc/using/cmdline.rst and done in Modules/getpath.py and Modules/main.c.
func (c *start) python(words []shell.Word) {
	py, option, value, words := pythonOptions(words)
	py.safe = py.safe || c.S.Env("PYTHONSAFEPATH") != "" && !py.ignoreEnv
	switch {
	case option == 'c':
		c.pythonCode(value, py)
	case option == 'm':
		c.pythonModule(value, words, py)
	case option != 0: // it starts nothing
	case len(words) == 0:
		if c.Main {
			c.a.note(c.S.Here, "python is started without a script")
		}
	case words[0].Text == "-" || words[0].Text == "/dev/stdin":
		c.a.note(c.S.Here, "python reads its code from standard input; its imports were not checked")
	default:
		c.Args = words[1:]
		c.pythonFile(words[0], py)
	}
}

// pythonOptions reads the options of `python`, as far as they matter. option is the one that ends them: c and m with their value, V for
// one with which nothing is started, 0 where none does. rest are the words behind.
func pythonOptions(words []shell.Word) (py interpreter, option byte, value shell.Word, rest []shell.Word) {
	for len(words) > 0 {
		w := words[0]
		if !strings.HasPrefix(w.Text, "-") || w.Text == "-" {
			break
		}
		words = words[1:]
		switch {
		case w.Text == "--":
			return py, 0, value, words
		case w.Text == "--version", w.Text == "--help":
			return py, 'V', value, nil
		case w.Text == "--check-hash-based-pycs":
			words = words[min(1, len(words)):]
		}
		if strings.HasPrefix(w.Text, "--") {
			continue
		}
		for i := 1; i < len(w.Text); i++ {
			value = shell.Word{Text: w.Text[i+1:], Variable: w.Variable, Origin: w.Origin}
			switch w.Text[i] {
			case 'E':
				py.ignoreEnv = true
			case 'I':
				py.ignoreEnv, py.safe = true, true
			case 'P':
				py.safe = true
			case 'S':
				py.noSite = true
			case 'h', 'V', '?':
				return py, 'V', value, nil
			case 'W', 'X':
				if value.Text == "" {
					words = words[min(1, len(words)):]
				}
				i = len(w.Text)
			case 'c', 'm':
				if value.Text != "" {
					return py, w.Text[i], value, words
				}
				if len(words) == 0 {
					return py, 'V', value, nil
				}
				return py, w.Text[i], words[0], words[1:]
			}
		}
	}
	return py, 0, value, words
}

// pythonCode runs code that is written out.
func (c *start) pythonCode(code shell.Word, py interpreter) {
	if !code.Known() {
		c.a.note(c.S.Here, "the code given with -c is not literal; its imports were not checked")
		return
	}
	e := Entry{Kind: Code, Lang: Python, Code: code.Text, Required: !code.Variable}
	if !py.safe {
		e.SearchDirs = []string{c.S.Dir}
	}
	c.addPython(e, py)
}

// pythonFile runs a file, or a directory with a __main__.py in it.
func (c *start) pythonFile(name shell.Word, py interpreter) {
	file := c.S.Abs(name.Text)
	if file == "" {
		c.a.untold(c.S.Here, "the script that python runs is not literal ("+shell.Shown(name.Text)+")")
		return
	}
	if base := path.Base(file); path.Ext(base) == "" || base == "huey_consumer.py" {
		// The commands that an installation puts into an environment may be given to the interpreter too.
		if t, ok := findTool(base); ok && c.a.run.Stat(file) != shell.Regular {
			c.Base, c.py = base, py
			t.start(c)
			return
		}
		if c.a.run.Stat(file) != shell.Regular {
			if target, ok := c.a.console(base); ok {
				c.consoleScript(target)
				return
			}
		}
	}
	dir := path.Dir(file)
	if c.a.run.Stat(file) == shell.Directory {
		dir, file = file, path.Join(file, "__main__.py")
	}
	e := Entry{Kind: Script, Lang: Python, Path: file, Required: !name.Variable}
	if !py.safe {
		e.SearchDirs = []string{dir}
	}
	c.addPython(e, py)
	c.djangoOf(e, py, file)
}

// pythonModule runs `python -m`: a program that is known by its module, or a module.
func (c *start) pythonModule(name shell.Word, words []shell.Word, py interpreter) {
	if !name.Known() {
		c.a.untold(c.S.Here, "the module that python runs is not literal ("+shell.Shown(name.Text)+")")
		return
	}
	if !py.safe {
		py.front = []string{c.S.Dir}
	}
	c.Args, c.py = words, py
	switch name.Text {
	case "pdb", "cProfile", "profile", "trace", "coverage", "debugpy", "scalene", "memray", "viztracer", "line_profiler", "kernprof", "runpy", "ddtrace", "pudb", "ptvsd", "pyinstrument":
		c.pythonTool(name.Text)
		return
	case "pip", "venv", "ensurepip", "compileall", "virtualenv", "json.tool", "site", "http.server", "pytest", "build", "zipfile":
		return
	case "poetry", "pipenv", "uv", "pdm", "hatch":
		c.a.run.Command(c.S, append([]shell.Word{name}, words...), c.Main)
		return
	}
	if t, base, ok := findModule(name.Text); ok {
		c.Base = base
		t.start(c)
		return
	}
	c.addPython(Entry{Kind: Module, Lang: Python, Module: name.Text, SearchDirs: py.front, Required: !name.Variable}, py)
}

// pythonTool is a debugger or profiler that runs another program in its own process.
func (c *start) pythonTool(module string) {
	words := c.Args
	if module == "coverage" {
		if len(words) == 0 || words[0].Text != "run" {
			return
		}
		words = words[1:]
	}
	if module == "memray" && len(words) > 0 && words[0].Text == "run" {
		words = words[1:]
	}
	valued := map[string]string{
		"debugpy": "--listen --connect --log-to --pid", "ptvsd": "--host --port",
		"cProfile": "-o -s", "profile": "-o -s", "pdb": "-c", "trace": "-f -C --ignore-dir --ignore-module",
		"coverage": "--rcfile --source --omit --include --data-file --context --concurrency", "memray": "-o -p",
		"scalene": "--outfile --cpu-percent-threshold --profile-only --profile-exclude",
	}[module]
	if m := slices.IndexFunc(words, func(w shell.Word) bool { return w.Text == "-m" }); m >= 0 && len(command.Skip(words[:m], valued)) == 0 {
		words = words[m:]
	} else {
		words = command.Skip(words, valued)
	}
	if len(words) > 0 {
		c.python(words)
	}
}

// addPython records an entry with what the interpreter was told.
func (c *start) addPython(e Entry, py interpreter) {
	e.Lang, e.IgnoreEnv, e.NoSite = Python, py.ignoreEnv, py.noSite
	c.a.add(c.S, e)
}

// importObject records a module that a program imports by name, with what it looks up there. dirs are what the program
// itself puts in front of the search path.
func (c *start) importObject(module, attr string, dirs []string, required bool) {
	if strings.Contains(module, shell.Hole) {
		c.a.untold(c.S.Here, "the module that "+c.Base+" imports is not literal ("+shell.Shown(module)+")")
		return
	}
	e := Entry{
		Kind: App, Module: module, Attr: attr, Asked: c.asked, Required: required, UnknownPath: c.unknownPath, Called: c.called,
		Command:    c.command,
		SearchDirs: append(append([]string{}, dirs...), c.py.front...),
	}
	if !modulePath().MatchString(attr) {
		e.Attr = ""
	}
	c.addPython(e, c.py)
	if modulePath().MatchString(module) {
		c.djangoOf(e, c.py, c.locate(module, e.SearchDirs))
	}
}

// object splits what servers are given: pkg.mod:app, pkg.mod:create_app("x"), pkg.mod:obj.attr.
func object(text, attr string) (module, name string) {
	module, name, ok := strings.Cut(text, ":")
	if !ok || name == "" {
		return module, attr
	}
	if i := strings.IndexByte(name, '('); i >= 0 {
		name = name[:i]
	}
	return module, strings.TrimSpace(name)
}

// dotted splits pkg.mod.name for programs that take the last element for an attribute.
func dotted(text string) (module, attr string) {
	if strings.Contains(text, ":") {
		return object(text, "")
	}
	if i := strings.LastIndexByte(text, '.'); i > 0 {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// searchDirs are the directories in which a module is looked for before the installed packages.
func (c *start) searchDirs(dirs []string) []string {
	out := append([]string{}, dirs...)
	if !c.py.ignoreEnv {
		if v := c.S.Env("PYTHONPATH"); v != "" {
			for _, d := range strings.Split(v, ":") {
				if d = c.S.Abs(d); d != "" {
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// locate gives the file of a module in the image, "" if it is not known there.
func (c *start) locate(module string, dirs []string) string {
	for _, dir := range c.searchDirs(dirs) {
		if dir == "" {
			continue
		}
		base := path.Join(dir, strings.ReplaceAll(module, ".", "/"))
		for _, file := range []string{base + "/__init__.py", base + ".py"} {
			if c.a.run.Stat(file) == shell.Regular {
				return file
			}
		}
	}
	return ""
}

// packaged climbs out of the packages around a file: the directory that must be on the search path, and the module's
// name from there. Flask and FastAPI find the module of a path so.
func (a *analysis) packaged(file string) (dir, module string) {
	file = strings.TrimSuffix(file, ".py")
	dir, module = path.Dir(file), path.Base(file)
	if module == "__init__" && dir != "/" {
		dir, module = path.Dir(dir), path.Base(dir)
	}
	for dir != "/" && a.run.Stat(path.Join(dir, "__init__.py")) == shell.Regular {
		dir, module = path.Dir(dir), path.Base(dir)+"."+module
	}
	return dir, module
}

var settingsName = lazyre.New(`(?:setdefault\(\s*["']DJANGO_SETTINGS_MODULE["']\s*,|environ\[["']DJANGO_SETTINGS_MODULE["']\]\s*=)\s*["']([\w.]+)["']`)

// djangoOf records the settings module that a Django program loads by name: from the environment, or from the line that
// manage.py, wsgi.py and celery.py set it with when the environment does not.
func (c *start) djangoOf(e Entry, py interpreter, file string) {
	text, known := c.a.run.Read(file)
	set, _ := c.S.EnvWord("DJANGO_SETTINGS_MODULE")
	module, required := set.Text, !set.Variable
	if o := command.Parse(c.Args, "--settings --pythonpath"); path.Base(e.Path) == "manage.py" {
		if v, ok := o.Last("--settings"); ok {
			module, required = v.Text, !v.Variable
		}
	}
	m := settingsName().FindStringSubmatch(text)
	if module == "" && m != nil {
		module, required = m[1], true
	}
	if module == "" || !modulePath().MatchString(module) {
		return
	}
	if e.Kind == Script && known && m == nil && !strings.Contains(text, "django") {
		return
	}
	c.addPython(Entry{Kind: App, Module: module, SearchDirs: e.SearchDirs, Required: required}, py)
}
