package manifest

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Install is a local project that a command installs, or a file that may name some.
type Install struct {
	Tool         string // pip, uv, uv-pip, pipx, poetry, pdm, hatch, flit, setup.py, pipenv, maturin, rye, conda
	Dir          string // absolute directory of the project in the image; empty: only Requirements
	Requirements string // absolute path of a requirements file, Pipfile or environment.yml whose local entries are installed too
	Editable     bool
	Target       string // --target: absolute directory that the packages go to
	Prefix       string // --prefix
	Root         string // --root
	User         bool   // --user
	Workspace    bool   // local dependencies of the project are installed along with it
	Members      string // uv sync: "*" for --all-packages, the name for --package; the project in Dir otherwise
}

// Installs tells whether the command makes the project importable. uv, unlike pip, installs only what declares a build
// system or that it is a package.
func (p *Project) Installs(tool string) bool {
	switch tool {
	case "uv":
		return !p.Virtual && p.Buildable && (p.Backend != "" || p.uvPackage)
	case "poetry", "pdm":
		return !p.Virtual && p.Buildable
	}
	return p.Buildable
}

var interpreter = lazyre.New(`^(python|pypy)[0-9.]*$`)
var pipCommand = lazyre.New(`^pip[0-9.]*$`)

// ParseInstall reads a command, split into words, that runs in workdir. It gives nothing for a command that installs no
// local project. Words that still hold a variable are passed over.
func ParseInstall(argv []string, workdir string) []Install {
	argv = skipWrappers(argv)
	if len(argv) == 0 {
		return nil
	}
	command, args := path.Base(argv[0]), argv[1:]
	if interpreter().MatchString(command) {
		for len(args) > 0 {
			switch a := args[0]; {
			case a == "-m" && len(args) > 1:
				return ParseInstall(args[1:], workdir)
			case a == "-W" || a == "-X":
				args = args[min(2, len(args)):]
			case strings.HasPrefix(a, "-") && a != "-" && a != "-c":
				args = args[1:]
			case path.Base(a) == "setup.py":
				return setupInstall(args[1:], workdir)
			default:
				return nil
			}
		}
		return nil
	}
	if pipCommand().MatchString(command) {
		return pipInstall("pip", args, workdir)
	}
	switch command {
	case "setup.py":
		return setupInstall(args, workdir)
	case "pipx":
		return pipInstall("pipx", args, workdir)
	case "uv":
		return uvInstall(args, workdir)
	case "poetry":
		return poetryInstall(args, workdir)
	case "pdm":
		return pdmInstall(args, workdir)
	case "hatch":
		return hatchInstall(args, workdir)
	case "flit":
		return flitInstall(args, workdir)
	case "pipenv":
		return pipenvInstall(args, workdir)
	case "maturin":
		if o := parseOptions(args, words("-m --manifest-path")); o.command("develop") || o.command("dev") {
			return []Install{{Tool: "maturin", Dir: workdir, Editable: true}}
		}
	case "rye":
		if o := parseOptions(args, words("--pyproject")); o.command("sync") || o.command("install") {
			return []Install{{Tool: "rye", Dir: workdir, Editable: true, Workspace: true}}
		}
	case "conda", "mamba", "micromamba":
		return condaInstall(args, workdir)
	}
	return nil
}

var assignment = lazyre.New(`^[A-Za-z_][A-Za-z0-9_]*=`)

// skipWrappers cuts assignments and commands that only start another one.
func skipWrappers(argv []string) []string {
	for len(argv) > 0 {
		switch {
		case assignment().MatchString(argv[0]):
			argv = argv[1:]
		case isWrapper(path.Base(argv[0])):
			argv = argv[1:]
			for len(argv) > 0 && strings.HasPrefix(argv[0], "-") {
				argv = argv[1:]
			}
		case len(argv) > 2 && isRunner(path.Base(argv[0])) && argv[1] == "run":
			if path.Base(argv[0]) == "uv" && !isInstaller(argv[2]) {
				return argv
			}
			argv = argv[2:]
		default:
			return argv
		}
	}
	return nil
}

func isWrapper(name string) bool {
	switch name {
	case "env", "exec", "sudo", "command", "time", "nice", "nohup":
		return true
	}
	return false
}

func isRunner(name string) bool {
	switch name {
	case "poetry", "pipenv", "pdm", "uv":
		return true
	}
	return false
}

func isInstaller(name string) bool {
	name = path.Base(name)
	return pipCommand().MatchString(name) || interpreter().MatchString(name)
}

// options are the words of a command line: options with their values, and the rest in order.
type options struct {
	values map[string][]string
	rest   []string
}

func words(s string) map[string]bool { return wordSet(s) }

// parseOptions reads words. Of the options in withValue the value may be attached or the next word.
func parseOptions(args []string, withValue map[string]bool) options {
	o := options{values: map[string][]string{}}
	set := func(name, value string) { o.values[name] = append(o.values[name], value) }
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch name, value, attached := strings.Cut(a, "="); {
		case a == "--":
			o.rest = append(o.rest, args[i+1:]...)
			return o
		case !strings.HasPrefix(a, "-") || a == "-":
			o.rest = append(o.rest, a)
		case strings.HasPrefix(a, "--") && attached:
			set(name, value)
		case withValue[a]:
			if i++; i < len(args) {
				set(a, args[i])
			}
		case !strings.HasPrefix(a, "--") && len(a) > 2 && withValue[a[:2]]:
			set(a[:2], strings.TrimPrefix(a[2:], "="))
		default:
			set(a, "")
		}
	}
	return o
}

func (o options) has(names ...string) bool {
	for _, name := range names {
		if _, ok := o.values[name]; ok {
			return true
		}
	}
	return false
}

func (o options) all(names ...string) []string {
	var values []string
	for _, name := range names {
		values = append(values, o.values[name]...)
	}
	return values
}

func (o options) last(names ...string) string {
	if values := o.all(names...); len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// command tells whether these are the first words that are no options.
func (o options) command(names ...string) bool {
	if len(o.rest) < len(names) {
		return false
	}
	for i, name := range names {
		if o.rest[i] != name {
			return false
		}
	}
	return true
}

// resolve gives the absolute form of a path in the image; empty stays empty, as does what holds a variable.
func resolve(workdir, name string) string {
	if name == "" || strings.Contains(name, "$") {
		return ""
	}
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", workdir, name)
}
