package audit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// pythonTools are modules that python -m runs and that make no modules of a project.
var pythonTools = []string{
	"pip", "venv", "virtualenv", "compileall", "ensurepip", "site", "manage", "pytest", "unittest", "nltk.downloader", "spacy", "playwright",
	"uv", "poetry", "pipenv", "json.tool", "http.server", "celery", "django", "flask", "alembic", "zipfile", "tarfile", "black", "ruff", "mypy",
}

var pythonProgram = lazyre.New(`^python[0-9.]*$`)

// steps calls fn for each RUN step that went into the image, until it says stop.
func (p *pass) steps(fn func(op *dockerfile.Op) (stop bool)) {
	for _, id := range p.image.Opaque {
		if op := p.image.Plan.Ops[id]; op.Kind == dockerfile.OpExec && fn(op) {
			return
		}
	}
}

// mayMakeModules gives a step that may make the missing module, or move it to where it is searched; "" if there is none.
// What the ignore file keeps out cannot be moved. With installs, installing a project of the build context counts too: it
// runs the project's own build.
func (c *importCheck) mayMakeModules(ignored, installs bool) string {
	for _, id := range c.image.Opaque {
		if op := c.image.Plan.Ops[id]; op.Kind == dockerfile.OpRemote {
			return op.Location.Text
		}
	}
	found := ""
	c.steps(func(op *dockerfile.Op) bool {
		if c.stepMakesModules(op, ignored, installs) {
			found = op.Location.Text
		}
		return found != ""
	})
	return found
}

func (c *importCheck) stepMakesModules(op *dockerfile.Op, ignored, installs bool) bool {
	for _, m := range op.Exec.Mounts {
		if m.Kind == dockerfile.MountBind && m.Dest != dockerfile.RootMount && m.Input >= 0 && c.image.Plan.Ops[op.Inputs[m.Input].Op].Kind == dockerfile.OpLocal && !ignored {
			return true
		}
	}
	script := c.script(op)
	return script.Missed || slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
		if installs && slices.ContainsFunc(manifest.Installs(call), func(in manifest.Install) bool { return in.Dir != "" || in.Unknown }) {
			return true
		}
		return !call.Wraps && !shell.IsBuiltin(call.Base) && makesModules(call, ignored)
	})
}

func makesModules(c *command.Call, ignored bool) bool {
	switch words := c.Args; {
	case command.Is(c.Base, command.NoModules):
		return false
	case command.Is(c.Base, command.Mover):
		return !ignored
	case pythonProgram().MatchString(c.Base):
		// One-liners and manage.py make no modules, and few of what -m runs does.
		switch {
		case len(words) == 0 || slices.Contains([]string{"-c", "-V", "--version"}, words[0].Text) || path.Base(words[0].Text) == "manage.py":
			return false
		case words[0].Text == "-m" && len(words) > 1:
			return words[1].Known() && !slices.Contains(pythonTools, words[1].Text)
		}
	}
	return true
}

// stepOn gives a step that names a file or directory of the image, "" if there is none: it writes, moves, fetches or edits
// it, and nobody can tell what comes of that. A file counts by its base name, a directory or module by its path.
func (c *importCheck) stepOn(contextPath, module string, at []string) string {
	base := path.Base(contextPath)
	var names []string
	if path.Ext(base) != "" && base != "__init__.py" && base != "__main__.py" {
		names = append(names, base)
	}
	if strings.Contains(contextPath, "/") {
		names = append(names, contextPath)
	}
	if strings.Contains(module, ".") {
		names = append(names, module)
		names = append(names, strings.ReplaceAll(module, ".", "/"))
	}
	var patterns []*regexp.Regexp
	for _, n := range names {
		patterns = append(patterns, regexp.MustCompile(`(^|[^\w.-])`+regexp.QuoteMeta(n)+`($|[^\w.-]|\.\W|\.$)`))
	}
	found := ""
	c.steps(func(op *dockerfile.Op) bool {
		if c.mentions(op, func(text string) bool {
			return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
		}) {
			found = op.Location.Text
			return true
		}
		for _, call := range c.script(op).Calls {
			if call.Builtin || command.Is(call.Base, command.Namer) {
				continue
			}
			for _, w := range call.Args {
				if !strings.HasPrefix(w.Text, "-") && slices.Contains(at, call.S.Abs(w.Text)) {
					found = op.Location.Text
					return true
				}
			}
		}
		return false
	})
	return found
}

// mentions reports whether a step names something in a way that may make or change it: as a file that it writes, or to a program
// that does more than look. What a step runs must be there: if it is not, the build fails.
func (c *importCheck) mentions(op *dockerfile.Op, named func(text string) bool) bool {
	script := c.script(op)
	for file := range script.Written {
		if named(file) {
			return true
		}
	}
	for _, call := range script.Calls {
		args := call.Args
		switch {
		case call.Wraps, command.Is(call.Base, command.Looker), call.Builtin && call.Base != "cd" && call.Base != "pushd":
			continue
		case len(args) > 0 && command.Is(call.Base, command.Interpreter):
			args = args[1:]
		}
		if named(call.Input.Text) || slices.ContainsFunc(args, func(w shell.Word) bool { return named(w.Text) }) {
			return true
		}
	}
	return script.Missed && named(strings.Join(op.Exec.Args, "\n"))
}

// stepEdits gives a step that may change a Python file of the image: it names it beside an editor or a redirection, or
// applies a patch.
func (c *importCheck) stepEdits(file string) string {
	if file == "" {
		return ""
	}
	base := path.Base(file)
	if base == "__init__.py" {
		base = path.Join(path.Base(path.Dir(file)), base)
	}
	found := ""
	c.steps(func(op *dockerfile.Op) bool {
		names := func(text string) bool { return strings.Contains(text, base) }
		script := c.script(op)
		edited := slices.ContainsFunc(sortedKeys(script.Written), names) || script.Missed && names(strings.Join(op.Exec.Args, "\n"))
		if edited || slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
			return call.Base == "patch" || call.Base == "git" && len(call.Args) > 0 && (call.Args[0].Text == "apply" || call.Args[0].Text == "am") ||
				command.Is(call.Base, command.Editor) && slices.ContainsFunc(call.Args, func(w shell.Word) bool { return names(w.Text) })
		}) {
			found = op.Location.Text
		}
		return found != ""
	})
	return found
}

// stepBuilds gives a step that runs a build tool.
func (c *importCheck) stepBuilds() string {
	found := ""
	c.steps(func(op *dockerfile.Op) bool {
		if slices.ContainsFunc(c.script(op).Calls, func(call *command.Call) bool { return command.Is(call.Base, command.Builder) }) {
			found = op.Location.Text
		}
		return found != ""
	})
	return found
}
