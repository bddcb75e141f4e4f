package audit

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/modules/python"
	"github.com/ctxaudit/ctxaudit/internal/modules/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// commandsOf gives the commands of a RUN step as lists of words; a word that is not written out is "".
func commandsOf(op *dockerfile.Op) [][]string {
	commands := commandsInPart(op)
	for _, words := range commands {
		for i, w := range words {
			if strings.Contains(w, expanded) {
				words[i] = ""
			}
		}
	}
	return commands
}

// expanded stands for what a shell would put into a word.
const expanded = "\x00"

// commandsInPart is commandsOf with what is written out of the other words.
func commandsInPart(op *dockerfile.Op) [][]string {
	args := op.Exec.Args
	// SHELL may give the shell more options, as in ["/bin/bash", "-o", "pipefail", "-c"].
	last := len(args) - 1
	if last < 2 || !strings.HasPrefix(args[last-1], "-") || !strings.HasSuffix(args[last-1], "c") || !strings.HasSuffix(args[0], "sh") {
		return [][]string{args}
	}
	file, err := shell.Parse(args[last], syntax.LangBash)
	if err != nil {
		return nil
	}
	var out [][]string
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			words := make([]string, len(call.Args))
			for i, w := range call.Args {
				words[i] = inPart(w)
			}
			out = append(out, words)
		}
		return true
	})
	return out
}

// literal gives a word without its quotes, "" if it holds anything that a shell would expand.
func literal(w *syntax.Word) string {
	if text := inPart(w); !strings.Contains(text, expanded) {
		return text
	}
	return ""
}

// inPart gives a word without its quotes, with a mark for each thing that a shell would expand.
func inPart(w *syntax.Word) string {
	var b strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			for _, inner := range p.Parts {
				if lit, ok := inner.(*syntax.Lit); ok {
					b.WriteString(lit.Value)
				} else {
					b.WriteString(expanded)
				}
			}
		default:
			b.WriteString(expanded)
		}
	}
	return b.String()
}

// Removes reports whether a RUN step says, word for word, that it removes a path of the image: with rm, by its own name or
// that of a directory above it.
func Removes(op *dockerfile.Op, p string) bool {
	cwd := path.Join("/", op.Exec.Dir)
	at := func(word string) string {
		if path.IsAbs(word) {
			return path.Clean(word)
		}
		return path.Join(cwd, word)
	}
	for _, words := range commandsOf(op) {
		if len(words) < 2 {
			continue
		}
		if words[0] == "cd" && words[1] != "" {
			cwd = at(words[1])
		}
		if path.Base(words[0]) != "rm" {
			continue
		}
		recursive := slices.ContainsFunc(words[1:], func(w string) bool {
			return w == "--recursive" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.ContainsAny(w, "rR")
		})
		for _, w := range words[1:] {
			if w == "" || strings.HasPrefix(w, "-") || strings.ContainsAny(w, "*?[") {
				continue
			}
			if at(w) == p || recursive && strings.HasPrefix(p, strings.TrimSuffix(at(w), "/")+"/") {
				return true
			}
		}
	}
	return false
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
		tree, cwd := imageTree{before.Tree}, op.Exec.Dir
		for _, words := range commandsInPart(op) {
			for i, w := range words {
				// .[$EXTRAS] is the project all the same.
				if name, extras, ok := strings.Cut(w, "["); ok && strings.Contains(extras, expanded) {
					words[i] = name
				}
				if strings.Contains(words[i], expanded) {
					words[i] = ""
				}
			}
			if (words[0] == "cd" || words[0] == "pushd") && len(words) > 1 && words[1] != "" {
				if cwd = path.Join(cwd, words[1]); path.IsAbs(words[1]) {
					cwd = path.Clean(words[1])
				}
			}
			if buildsWheel(words) {
				c.installsProject(tree, cwd)
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

// buildsWheel reports whether a command builds a distribution of the project it runs in; what is built is taken to be
// installed somewhere.
func buildsWheel(words []string) bool {
	if len(words) > 1 && pythonProgram().MatchString(path.Base(words[0])) {
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
		c.installsProject(tree, in.Dir)
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
			dir := path.Join(path.Dir(in.Requirements), rel)
			c.installsProject(tree, dir)
			out = append(out, c.packageDirs(tree, dir)...)
		}
	}
	return out
}

// installsProject notes that a step installs the project in a directory.
func (c *importCheck) installsProject(tree imageTree, dir string) {
	if o, ok := c.origin(tree, dir); ok && !slices.Contains(c.installedProjects, o) {
		c.installedProjects = append(c.installedProjects, o)
	}
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
