package manifest

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Install is a local project that a command installs, or a file that may name some.
type Install struct {
	Tool         string // pip, uv, uv-pip, pipx, poetry, pdm, hatch, flit, setup.py, pipenv, maturin, rye, conda
	Dir          string // absolute directory of the project in the image; empty: only Requirements, or Unknown
	Unknown      bool   // a project is installed from a directory that is not known
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

// Installs reads a command. It gives nothing for one that installs no local project.
func Installs(c *command.Call) []Install {
	found := installs(c.Base, c.Args, c.S.Dir)
	if c.Base == "uv" && (c.S.Env("UV_NO_INSTALL_PROJECT") != "" || c.S.Env("UV_NO_INSTALL_WORKSPACE") != "") {
		found = slices.DeleteFunc(found, func(in Install) bool { return in.Tool == "uv" })
	}
	for i := range found {
		found[i].Unknown = found[i].Dir == "" && found[i].Requirements == ""
		if found[i].Tool == "uv" && c.S.Env("UV_NO_EDITABLE") != "" {
			found[i].Editable = false
		}
	}
	return found
}

// RunBy gives what a runner of projects installs before it starts a command: nothing if it does not.
func RunBy(runner string, args []string, workdir string) []Install {
	words := shell.Words(args, shell.Origin{})
	switch runner {
	case "uv":
		return uvInstall(words, workdir)
	case "hatch":
		return hatchInstall(words, workdir)
	}
	return nil
}

func installs(base string, args []shell.Word, workdir string) []Install {
	if command.IsPython(base) {
		for len(args) > 0 {
			switch a := args[0].Text; {
			case a == "-m" && len(args) > 1:
				return installs(path.Base(args[1].Text), args[2:], workdir)
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
	if command.Unversioned(base) == "pip" {
		return pipInstall("pip", args, workdir)
	}
	switch base {
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
		if o := command.Parse(args, "-m --manifest-path"); sub(o, "develop") || sub(o, "dev") {
			return []Install{{Tool: "maturin", Dir: workdir, Editable: true}}
		}
	case "rye":
		if o := command.Parse(args, "--pyproject"); sub(o, "sync") || sub(o, "install") {
			return []Install{{Tool: "rye", Dir: workdir, Editable: true, Workspace: true}}
		}
	case "conda", "mamba", "micromamba":
		return condaInstall(args, workdir)
	}
	return nil
}

func last(o command.Options, names ...string) string {
	w, _ := o.Last(names...)
	return w.Text
}

func texts(words []shell.Word) []string { return shell.Texts(words) }

// sub tells whether these are the first words that are no options.
func sub(o command.Options, names ...string) bool {
	return len(o.Operands) >= len(names) && slices.Equal(texts(o.Operands[:len(names)]), names)
}

// resolve gives the absolute form of a path in the image; empty stays empty, and what is not known becomes that.
func resolve(workdir, name string) string {
	if name == "" || strings.Contains(name, shell.Hole) || workdir == "" && !path.IsAbs(name) {
		return ""
	}
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", workdir, name)
}
