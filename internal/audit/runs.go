package audit

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/modules/python"
	"github.com/ctxaudit/ctxaudit/internal/modules/python/manifest"
)

// commandsOf gives the commands of a RUN step as lists of words; a word that is not written out is "".
func commandsOf(op *dockerfile.Op) [][]string {
	args := op.Exec.Meta.Args
	// SHELL may give the shell more options, as in ["/bin/bash", "-o", "pipefail", "-c"].
	last := len(args) - 1
	if last < 2 || !strings.HasPrefix(args[last-1], "-") || !strings.HasSuffix(args[last-1], "c") || !strings.HasSuffix(args[0], "sh") {
		return [][]string{args}
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(args[last]), "")
	if err != nil {
		return nil
	}
	var out [][]string
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			words := make([]string, len(call.Args))
			for i, w := range call.Args {
				words[i] = literal(w)
			}
			out = append(out, words)
		}
		return true
	})
	return out
}

// literal gives a word without its quotes, "" if it holds anything that a shell would expand.
func literal(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return ""
				}
				b.WriteString(lit.Value)
			}
		default:
			return ""
		}
	}
	return b.String()
}

// installedDirs gives what RUN steps make importable by installing packages of this repository: the directories that
// hold them, as they are when the step runs.
func (c *importCheck) installedDirs() []python.SearchDir {
	var out []python.SearchDir
	for _, op := range c.image.Plan.Ops {
		if op.Kind != dockerfile.OpExec {
			continue
		}
		before := c.image.Before(op.ID)
		if before == nil {
			continue
		}
		tree, cwd := imageTree{before.Tree}, op.Exec.Meta.Cwd
		for _, words := range commandsOf(op) {
			if (words[0] == "cd" || words[0] == "pushd") && len(words) > 1 && words[1] != "" {
				if cwd = path.Join(cwd, words[1]); path.IsAbs(words[1]) {
					cwd = path.Clean(words[1])
				}
			}
			if buildsWheel(words) {
				for _, dir := range c.packageDirs(tree, cwd) {
					out = append(out, python.SearchDir{Tree: tree, Dir: dir, Note: op.Location.Text})
				}
			}
			for _, in := range manifest.ParseInstall(words, cwd) {
				for _, dir := range c.installs(tree, in) {
					out = append(out, python.SearchDir{Tree: tree, Dir: dir, Note: op.Location.Text})
					// An editable install leads to the directory as it is in the end.
					out = append(out, python.SearchDir{Tree: c.tree, Dir: dir, Note: op.Location.Text})
				}
			}
		}
	}
	return out
}

// distribution is how a requirement on a command line begins.
var distribution = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

// declareInstalled declares the distributions that RUN steps install, by name or by a requirements file.
func (c *importCheck) declareInstalled() {
	for _, op := range c.image.Plan.Ops {
		before := c.image.Before(op.ID)
		if op.Kind != dockerfile.OpExec || before == nil {
			continue
		}
		for _, words := range commandsOf(op) {
			i := slices.Index(words, "install")
			if i < 0 {
				if i = slices.Index(words, "add"); i < 0 {
					continue
				}
			}
			if !slices.ContainsFunc(words[:i], func(w string) bool { return slices.Contains(installers, path.Base(w)) }) {
				continue
			}
			for _, w := range words[i+1:] {
				if name := distribution.FindString(w); name != "" && !strings.Contains(w, "/") {
					c.declared.Add(manifest.Dependency{Name: name, Written: name, File: op.Location.File, Line: op.Location.Range.Start.Line})
				}
			}
			for _, in := range manifest.ParseInstall(words, op.Exec.Meta.Cwd) {
				file, ok := c.origin(imageTree{before.Tree}, in.Requirements)
				if in.Requirements == "" || !ok {
					continue
				}
				if p, err := manifest.Requirements(c.repo, file); err == nil {
					for _, d := range p.Dependencies {
						c.declared.Add(d)
					}
				}
			}
		}
	}
}

// installers install distributions that they are given the names of.
var installers = []string{"pip", "pip3", "uv", "pipx", "poetry", "pdm", "pipenv", "conda", "mamba", "micromamba", "python", "python3"}

// buildsWheel reports whether a command builds a distribution of the project it runs in; what is built is taken to be
// installed somewhere.
func buildsWheel(words []string) bool {
	if len(words) > 1 && pythonProgram.MatchString(path.Base(words[0])) {
		if words[1] == "-m" && len(words) > 2 {
			words = words[2:]
			if words[0] == "build" {
				return true
			}
		} else {
			words = words[1:]
		}
	}
	if len(words) < 2 {
		return false
	}
	switch path.Base(words[0]) {
	case "setup.py":
		return slices.Contains(words, "bdist_wheel") || slices.Contains(words, "sdist") || slices.Contains(words, "build")
	case "pip", "pip3":
		return words[1] == "wheel"
	case "poetry", "uv", "hatch", "flit", "pdm", "pyproject-build":
		return words[1] == "build"
	}
	return false
}

// installs gives the directories that one command makes importable.
func (c *importCheck) installs(tree imageTree, in manifest.Install) []string {
	var out []string
	if in.Dir != "" {
		out = c.packageDirs(tree, in.Dir)
	}
	if in.Requirements == "" {
		return out
	}
	// A requirements file may name directories beside it.
	file, ok := c.origin(tree, in.Requirements)
	if !ok {
		return out
	}
	p, err := manifest.Requirements(c.repo, file)
	if err != nil {
		return out
	}
	for _, l := range p.Local {
		if rel, err := filepath.Rel(path.Dir(file), l.Path); err == nil && l.Path != "" {
			out = append(out, c.packageDirs(tree, path.Join(path.Dir(in.Requirements), rel))...)
		}
	}
	return out
}

// packageDirs gives the directories that the packages of a project lie in.
func (c *importCheck) packageDirs(tree imageTree, dir string) []string {
	out := []string{dir, path.Join(dir, "src")}
	o, ok := c.origin(tree, dir)
	if !ok {
		return out
	}
	project, err := manifest.Read(c.repo, o)
	if err != nil {
		return out
	}
	for _, root := range project.Packages {
		if rel, ok := root.SearchDir(); ok && !slices.Contains(out, path.Join(dir, rel)) {
			out = append(out, path.Join(dir, rel))
		}
	}
	return out
}

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

var pythonProgram = regexp.MustCompile(`^python[0-9.]*$`)

// mayMakeModules gives a step that may make the missing module, or move it to where it is searched; "" if there is none.
// What the ignore file keeps out cannot be moved.
func (c *importCheck) mayMakeModules(ignored bool) string {
	for _, id := range c.image.Opaque {
		op := c.image.Plan.Ops[id]
		if op.Kind == dockerfile.OpRemote {
			return op.Location.Text
		}
		if op.Kind != dockerfile.OpExec {
			continue
		}
		for _, m := range op.Exec.Mounts {
			if m.MountType == pb.MountType_BIND && m.Dest != pb.RootMount && m.Input >= 0 && c.image.Plan.Ops[op.Inputs[m.Input].Op].Kind == dockerfile.OpLocal && !ignored {
				return op.Location.Text
			}
		}
		commands := commandsOf(op)
		if commands == nil {
			return op.Location.Text
		}
		for _, words := range commands {
			if c.makesModules(words, ignored) {
				return op.Location.Text
			}
		}
	}
	return ""
}

func (c *importCheck) makesModules(words []string, ignored bool) bool {
	name := path.Base(words[0])
	if words[0] == "" {
		name = ""
	}
	switch {
	case slices.Contains(harmless, name):
		return false
	case slices.Contains(movers, name):
		return !ignored
	case pythonProgram.MatchString(name):
		// -m pip and its like, manage.py and one-liners make no modules.
		return len(words) > 1 && !slices.Contains([]string{"-m", "-c", "manage.py", "-V", "--version"}, words[1]) && !strings.HasSuffix(words[1], "manage.py")
	default:
		return true
	}
}
