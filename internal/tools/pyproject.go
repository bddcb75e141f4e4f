package tools

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of setuptools 66, hatchling 1.12, poetry-core 1.4, flit 3.8 and pdm-pep517; of newer hatchling, uv_build, maturin and
// what builds on pyproject-metadata they are those of their sources.

const pyprojectTOML = "pyproject.toml"

// pyProject is a Python project with a pyproject.toml.
type pyProject struct {
	dir  string
	data []byte
	doc  *document.Node
	// because are the lines that lead to it.
	because []Line
	// editable tells that it is installed from where it stands.
	editable bool
}

// pyProject reads the pyproject.toml of a directory.
func (r *reader) pyProject(dir string) (pyProject, bool) {
	data, ok := r.text(path.Join(dir, pyprojectTOML))
	if !ok {
		return pyProject{}, false
	}
	doc, err := document.TOML(data)
	return pyProject{dir: dir, data: data, doc: doc}, err == nil
}

// line gives the lines that lead to a value of the manifest.
func (p pyProject) line(n *document.Node) []Line {
	return append(slices.Clip(p.because), Line{File: path.Join(p.dir, pyprojectTOML), Line: n.At(), Text: textOf(p.data, n.At())})
}

// name gives the name of the project as it is compared; "" if it has none.
func (p pyProject) name() string {
	name := p.doc.Str("project", "name")
	if name == "" {
		name = p.doc.Str("tool", "poetry", "name")
	}
	return pyName(name)
}

var pyDashes = regexp.MustCompile(`[-_.]+`)

// pyName gives a name of a Python distribution as such names are compared.
func pyName(name string) string {
	return strings.ToLower(pyDashes.ReplaceAllString(strings.TrimSpace(name), "-"))
}

// dynamic reports whether the project leaves a field to its backend.
func (p pyProject) dynamic(field string) bool {
	return slices.Contains(p.doc.Texts("project", "dynamic"), field)
}

// newest reports whether the newest release of a backend builds the project: nothing holds an older one back.
func (p pyProject) newest(backend string) bool {
	if p.doc.Get("tool", "uv", "build-constraint-dependencies") != nil {
		return false
	}
	for _, text := range p.doc.Texts("build-system", "requires") {
		if rest, ok := strings.CutPrefix(text, backend); ok && strings.IndexFunc(rest, func(c rune) bool { return c == '=' || c == '<' || c == '~' || c == '@' }) < 0 {
			return true
		}
	}
	return false
}

// strictReadme are backends that fail without the readme, by how their names begin.
var strictReadme = []string{"hatchling", "poetry", "flit", "pdm", "uv_build", "maturin", "mesonpy", "scikit_build_core"}

// pyBuild looks for what the build of a Python project reads before anything of it can be installed. because leads to it.
func (r *reader) pyBuild(dir string, because []Line, editable bool) {
	p, ok := r.pyProject(dir)
	if !ok {
		if r.absent(path.Join(dir, pyprojectTOML)) {
			r.setuptools(pyProject{dir: dir, because: because, editable: editable})
		}
		return
	}
	p.because, p.editable = because, editable
	backend := p.doc.Get("build-system", "build-backend")
	name := p.doc.Str("build-system", "build-backend")
	r.backendPath(p, backend)
	r.pyHistory(p, name)
	if slices.ContainsFunc(strictReadme, func(s string) bool { return strings.HasPrefix(name, s) }) {
		for _, n := range []*document.Node{p.doc.Get("project", "readme"), p.doc.Get("project", "readme", "file"), p.doc.Get("tool", "poetry", "readme")} {
			for _, item := range n.List() {
				r.need(Missing{Path: path.Join(dir, item.Text), What: "the readme, which " + name + " reads", Because: p.line(item)})
			}
		}
	}
	switch {
	case strings.HasPrefix(name, "hatchling"):
		r.hatchling(p)
	case strings.HasPrefix(name, "poetry"):
		r.poetryCore(p)
	case strings.HasPrefix(name, "flit"):
		r.flitCore(p)
	case strings.HasPrefix(name, "pdm"):
		if v := p.doc.Get("tool", "pdm", "version"); v.Str("source") == "file" && p.dynamic("version") {
			r.need(Missing{Path: path.Join(dir, v.Str("path")), What: "the file with the version", Because: p.line(v.Get("path"))})
		}
	case strings.HasPrefix(name, "uv_build"):
		r.uvBuild(p)
	case strings.HasPrefix(name, "setuptools"), name == "":
		r.setuptools(p)
	}
}

// backendPath looks for a backend that the project brings along.
func (r *reader) backendPath(p pyProject, backend *document.Node) {
	module, _, _ := strings.Cut(backend.Str(), ":")
	first, _, _ := strings.Cut(module, ".")
	dirs := p.doc.List("build-system", "backend-path")
	if first == "" || len(dirs) != 1 || first == "setuptools" {
		return
	}
	at := path.Join(p.dir, dirs[0].Text, first)
	r.need(Missing{Path: at + ".py", Or: []string{at}, What: "the build backend", Because: p.line(backend)})
}

// hatchling looks for what hatchling fails without.
func (r *reader) hatchling(p pyProject) {
	hatch := p.doc.Get("tool", "hatch")
	if n := p.doc.Get("project", "license", "file"); n.Is() {
		r.need(Missing{Path: path.Join(p.dir, n.Text), What: "the licence, which hatchling reads", Because: p.line(n)})
	}
	if n := hatch.Get("version", "path"); n.Is() && p.dynamic("version") && slices.Contains([]string{"", "regex", "code"}, hatch.Str("version", "source")) {
		r.need(Missing{Path: path.Join(p.dir, n.Text), What: "the file with the version", Because: p.line(n)})
	}
	wheel := hatch.Get("build", "targets", "wheel")
	for _, hooks := range []*document.Node{hatch.Get("build", "hooks"), wheel.Get("hooks"), hatch.Get("metadata", "hooks")} {
		hook := hooks.Get("custom")
		if hook == nil || hook.Str("enable-by-default") == "false" {
			continue
		}
		script := hook.Str("path")
		if script == "" {
			script = "hatch_build.py"
		}
		r.need(Missing{Path: path.Join(p.dir, script), What: "the script of the build hook", Because: p.line(hook)})
	}
	if !p.newest("hatchling") {
		return
	}
	for _, from := range []*document.Node{hatch.Get("build", "force-include"), wheel.Get("force-include")} {
		for source, n := range from.All() {
			if !path.IsAbs(source) && !strings.ContainsAny(source, "~$") {
				r.need(Missing{Path: path.Join(p.dir, source), What: "what force-include takes along", Because: p.line(n)})
			}
		}
	}
	r.hatchFiles(p, hatch.Get("build"), wheel)
}

// hatchFiles looks for the package that hatchling takes if it is not told what to ship.
func (r *reader) hatchFiles(p pyProject, build, wheel *document.Node) {
	for _, n := range []*document.Node{build, wheel} {
		for _, key := range []string{"packages", "only-include", "include", "exclude", "bypass-selection", "sources", "hooks", "dev-mode-dirs", "force-include", "artifacts"} {
			if n.Get(key) != nil {
				return
			}
		}
	}
	raw := p.doc.Get("project", "name")
	if !raw.Is() || !r.absent(path.Join(p.dir, "hatch.toml")) {
		return
	}
	word := func(name string) string { return hatchWord.ReplaceAllString(name, "_") }
	var or []string
	for _, name := range []string{word(raw.Text), word(pyName(raw.Text))} {
		if found, known := r.glob(p.dir, "*/"+name+"/__init__.py"); len(found) > 0 || !known {
			return
		}
		or = append(or, path.Join(p.dir, "src", name, "__init__.py"), path.Join(p.dir, name, "__init__.py"), path.Join(p.dir, name+".py"))
	}
	r.need(Missing{Path: or[0], Or: or[1:], What: "the package, without which hatchling has nothing to ship", Because: p.line(raw)})
}

var hatchWord = regexp.MustCompile(`[^\w.]+`)

// poetryCore looks for the packages and the script that the manifest names.
func (r *reader) poetryCore(p pyProject) {
	poetry := p.doc.Get("tool", "poetry")
	script := poetry.Get("build")
	if !script.Is() {
		script = poetry.Get("build", "script")
	}
	if script.Is() {
		r.need(Missing{Path: path.Join(p.dir, script.Text), What: "the script that builds", Because: p.line(script)})
	}
	for _, item := range poetry.List("packages") {
		include := item.Get("include")
		if include.Is() && item.Get("format") == nil && !strings.ContainsAny(include.Text, "*?[") {
			r.need(Missing{Path: path.Join(p.dir, item.Str("from"), include.Text), What: "a package of the project", Because: p.line(include)})
		}
	}
	raw := p.doc.Get("project", "name")
	if raw == nil {
		raw = poetry.Get("name")
	}
	if poetry.Get("packages") == nil && poetry.Get("include") == nil && script == nil && raw.Is() {
		r.pyModule(p, raw, "", "src")
	}
}

// flitCore looks for the module or package that flit takes.
func (r *reader) flitCore(p pyProject) {
	name := p.doc.Get("tool", "flit", "module", "name")
	if name == nil {
		name = p.doc.Get("tool", "flit", "metadata", "module")
	}
	if name == nil {
		name = p.doc.Get("project", "name")
	}
	if name.Is() {
		r.pyModule(p, name, "", "src")
	}
}

// uvBuild looks for the module that uv_build takes.
func (r *reader) uvBuild(p pyProject) {
	settings := p.doc.Get("tool", "uv", "build-backend")
	if settings.Get("module-name") != nil || settings.Get("namespace") != nil || !p.doc.Get("project", "name").Is() {
		return
	}
	root := "src"
	if n := settings.Get("module-root"); n.Is() {
		root = n.Text
	}
	name := p.doc.Get("project", "name")
	at := path.Join(p.dir, root, strings.ReplaceAll(pyName(name.Text), "-", "_"))
	r.need(Missing{Path: path.Join(at, "__init__.py"), Or: []string{path.Join(at, "__init__.pyi"), at + "-stubs"}, What: "the package that uv_build takes", Because: p.line(name)})
}

// pyModule is a module or package that must be in one of some directories.
func (r *reader) pyModule(p pyProject, name *document.Node, dirs ...string) {
	module := strings.ReplaceAll(strings.ReplaceAll(name.Text, "-", "_"), ".", "/")
	if path.Dir(module) != "." {
		return
	}
	var places []string
	for _, spelled := range []string{module, strings.ToLower(module)} {
		for _, dir := range dirs {
			at := path.Join(p.dir, dir, spelled)
			places = append(places, at, at+".py", at+"-stubs")
		}
	}
	r.need(Missing{Path: places[0], Or: places[1:], What: "the package of the project", Because: p.line(name)})
}

// pyManifest looks for the manifest of a project that is built, and reports whether one may be there.
func (r *reader) pyManifest(dir string, because []Line) bool {
	manifest, setup := path.Join(dir, pyprojectTOML), path.Join(dir, "setup.py")
	r.need(Missing{Path: manifest, Or: []string{setup}, What: "the project's pyproject.toml or setup.py", Because: because})
	return !r.absent(manifest) || !r.absent(setup)
}

// pyPath gives the directory of a project that is built where an operand says, if that is known.
func (r *reader) pyPath(w shell.Word) (string, bool) {
	at := r.abs(w.Text)
	return at, w.Known() && at != "" && r.isDir(at)
}
