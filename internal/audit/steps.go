package audit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/modules/python/manifest"
)

// harmless are programs that neither make nor move Python modules of a project.
var harmless = []string{
	":", "[", "true", "false", "test", "set", "export", "cd", "echo", "printf", "exit", "if", "then", "apt-get", "apt", "apk", "yum",
	"dnf", "microdnf", "pip", "pip3", "uv", "poetry", "pdm", "pipenv", "pipx", "npm", "npx", "yarn", "pnpm", "useradd", "adduser",
	"groupadd", "addgroup", "usermod", "groupmod", "passwd", "chown", "chmod", "chgrp", "mkdir", "rm", "rmdir", "touch", "sed", "cat", "tee", "grep",
	"find", "which", "command", "id", "whoami", "locale-gen", "localedef", "update-ca-certificates", "dpkg-reconfigure", "dpkg", "gpg",
	"ldconfig", "fc-cache", "setcap", "sleep", "uname", "getent", "type", "source", ".", "ls", "sha256sum", "rustup", "corepack", "xargs",
	"env", "head", "tail", "awk", "cut", "tr", "sort", "date", "apt-mark", "update-alternatives", "debconf-set-selections", "curl", "wget",
	"pybabel", "msgfmt", "compilemessages", "chsh", "hash", "install_packages", "manage.py", "django-admin", "flask", "alembic", "pytest", "ruff", "mypy", "black", "pre-commit", "playwright", "fc-list", "mkfifo", "sysctl",
}

// movers are programs that put files elsewhere: they matter only for what is in the image, or was in a stage, at all.
var movers = []string{"cp", "mv", "ln", "rsync", "install"}

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
	commands := commandsOf(op)
	if commands == nil {
		return true
	}
	return slices.ContainsFunc(commands, func(words []string) bool {
		if installs && slices.ContainsFunc(manifest.ParseInstall(words, op.Exec.Dir), func(in manifest.Install) bool { return in.Dir != "" }) {
			return true
		}
		return makesModules(words, ignored)
	})
}

func makesModules(words []string, ignored bool) bool {
	name := path.Base(words[0])
	if words[0] == "" {
		name = ""
	}
	switch {
	case slices.Contains(harmless, name):
		return false
	case slices.Contains(movers, name):
		return !ignored
	case pythonProgram().MatchString(name):
		// One-liners and manage.py make no modules, and few of what -m runs does.
		switch {
		case len(words) < 2 || slices.Contains([]string{"-c", "manage.py", "-V", "--version"}, words[1]) || strings.HasSuffix(words[1], "manage.py"):
			return false
		case words[1] == "-m" && len(words) > 2:
			return words[2] != "" && !slices.Contains(pythonTools, words[2])
		}
		return true
	default:
		return true
	}
}

// stepText is what a RUN step runs, heredocs and all.
func stepText(op *dockerfile.Op) string {
	return strings.Join(op.Exec.Args, "\n")
}

// naming are commands whose operands are names and not files that they make or change.
var naming = []string{
	"mkdir", "useradd", "adduser", "groupadd", "addgroup", "usermod", "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "pip", "pip3", "rm", "chown",
	"chmod", "cd", "export", "test", "[",
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
		text := stepText(op)
		if slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) }) && !onlyNames(op, patterns) {
			found = op.Location.Text
			return true
		}
		for _, words := range commandsOf(op) {
			if slices.Contains(naming, path.Base(words[0])) {
				continue
			}
			for _, w := range words[1:] {
				if w != "" && !strings.HasPrefix(w, "-") && slices.Contains(at, path.Clean(absoluteIn(op, w))) {
					found = op.Location.Text
					return true
				}
			}
		}
		return false
	})
	return found
}

func absoluteIn(op *dockerfile.Op, name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join("/", op.Exec.Dir, name)
}

// onlyNames reports whether every mention of a name in a step is an operand of a command that neither makes nor changes it.
func onlyNames(op *dockerfile.Op, patterns []*regexp.Regexp) bool {
	mentioned := func(text string) bool {
		return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
	}
	rest := stepText(op)
	drop := func(w string) {
		if w != "" && mentioned(w) {
			rest = strings.Replace(rest, w, "", 1)
		}
	}
	for _, words := range commandsOf(op) {
		name := path.Base(words[0])
		if slices.Contains([]string{"rm", "mkdir", "test", "[", "chmod", "chown", "chgrp", "ls", "cat", "stat"}, name) {
			for _, w := range words[1:] {
				drop(w)
			}
		}
		// What a step runs must be there: if it is not, the build fails.
		drop(words[0])
		if len(words) > 1 && (pythonProgram().MatchString(name) || slices.Contains([]string{"sh", "bash", ".", "source"}, name)) {
			drop(words[1])
		}
	}
	return !mentioned(rest)
}

// editors are programs that change files which they need not name, or whose name says that they edit them.
var editors = lazyre.New(`\b(sed|patch|perl|awk|ed|tee|git +(apply|am)|ex)\b|>`)

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
		text := stepText(op)
		patched := slices.ContainsFunc(commandsOf(op), func(words []string) bool {
			return path.Base(words[0]) == "patch" || len(words) > 1 && words[0] == "git" && (words[1] == "apply" || words[1] == "am")
		})
		if patched || strings.Contains(text, base) && editors().MatchString(text) {
			found = op.Location.Text
		}
		return found != ""
	})
	return found
}

// buildTools run a project's own build, which may make any script or program.
var buildTools = strings.Fields(`make gmake cmake ninja npm npx yarn pnpm bun deno go cargo mvn mvnw gradle gradlew dotnet bundle rake rails mix
	sbt bazel meson tsc webpack vite gcc g++ cc c++ clang swift stack cabal composer configure just task`)

// stepBuilds gives a step that runs a build tool.
func (c *importCheck) stepBuilds() string {
	found := ""
	c.steps(func(op *dockerfile.Op) bool {
		for _, words := range commandsOf(op) {
			for len(words) > 1 && slices.Contains([]string{"env", "sudo", "time", "exec", "command"}, words[0]) {
				words = words[1:]
			}
			if slices.Contains(buildTools, path.Base(words[0])) {
				found = op.Location.Text
			}
		}
		return found != ""
	})
	return found
}
