package tools

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
)

// The facts are those of setuptools 66, hatchling 1.12, poetry-core 1.4, flit 3.8 and pdm-pep517.

// pyproject looks for what the build of a Python project reads before anything of it can be installed.
func (r *reader) pyproject(file, setup string, because []Line) {
	data, ok := r.text(file)
	if !ok {
		return
	}
	doc, err := document.TOML(data)
	if err != nil {
		return
	}
	dir := path.Dir(file)
	line := func(n *document.Node) []Line {
		return append(append([]Line{}, because...), Line{File: file, Line: n.At(), Text: textOf(data, n.At())})
	}
	backend := doc.Str("build-system", "build-backend")
	is := func(name string) bool { return strings.HasPrefix(backend, name) }
	strict := is("hatchling") || is("poetry") || is("flit") || is("pdm")
	if strict {
		for _, n := range []*document.Node{doc.Get("project", "readme"), doc.Get("project", "readme", "file"), doc.Get("tool", "poetry", "readme")} {
			for _, item := range n.List() {
				r.need(Missing{Path: path.Join(dir, item.Text), What: "the readme, which " + backend + " reads", Because: line(item)})
			}
		}
	}
	if n := doc.Get("project", "license", "file"); n.Is() && is("hatchling") {
		r.need(Missing{Path: path.Join(dir, n.Text), What: "the licence, which " + backend + " reads", Because: line(n)})
	}
	if n := doc.Get("tool", "hatch", "version", "path"); n.Is() && is("hatchling") {
		r.need(Missing{Path: path.Join(dir, n.Text), What: "the file with the version", Because: line(n)})
	}
	if is("setuptools") || backend == "" {
		r.setuptools(dir, doc, line)
	}
}

// setuptools looks for what setuptools fails without, if no setup.py has a say.
func (r *reader) setuptools(dir string, doc *document.Node, line func(*document.Node) []Line) {
	if !r.absent(path.Join(dir, "setup.py")) {
		return
	}
	tool := doc.Get("tool", "setuptools")
	for _, n := range tool.List("dynamic", "version", "file") {
		r.need(Missing{Path: path.Join(dir, n.Text), What: "the file with the version", Because: line(n)})
	}
	for _, n := range tool.List("packages", "find", "where") {
		if !r.editable() {
			r.need(Missing{Path: path.Join(dir, n.Text), Dir: true, What: "the directory of the packages", Because: line(n)})
		}
	}
	if n := tool.Get("package-dir", ""); n.Is() && !r.editable() {
		r.need(Missing{Path: path.Join(dir, n.Text), Dir: true, What: "the directory of the packages", Because: line(n)})
	}
}

// editable reports whether something is installed from where it stands.
func (r *reader) editable() bool { return r.options.Has("-e", "--editable") }
