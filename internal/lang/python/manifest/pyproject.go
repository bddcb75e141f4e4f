package manifest

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

func (r *reader) pyproject(p *project, file string, data []byte) {
	doc, fault := document.TOML(data)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
	}
	p.toml = doc
	p.Buildable = true
	p.Backend = doc.Str("build-system", "build-backend")
	m := &tomlManifest{Project: p.Project, dir: path.Dir(file), file: file}
	m.specifiers(doc.Get("build-system", "requires"))
	m.project(doc.Get("project"))
	for _, group := range doc.Get("dependency-groups").All() {
		m.specifiers(group)
	}
	tool := doc.Get("tool")
	for _, name := range []string{"poetry", "pdm", "uv", "hatch", "flit"} {
		if p.Tool == "" && tool.Get(name) != nil {
			p.Tool = name
		}
	}
	m.poetry(tool.Get("poetry"))
	m.pdm(tool.Get("pdm"))
	m.uv(r, tool.Get("uv"))
	m.hatch(tool.Get("hatch"))
	m.flit(tool.Get("flit"))
	m.named(tool.Get("pixi", "dependencies"))
	m.named(tool.Get("pixi", "pypi-dependencies"))
	dynamic := tool.Get("setuptools", "dynamic")
	for _, name := range dynamic.Texts("dependencies", "file") {
		r.include(p.Project, file, dynamic.Get("dependencies").Line, name, FromManifest)
	}
	for _, extra := range dynamic.Get("optional-dependencies").All() {
		for _, name := range extra.Texts("file") {
			r.include(p.Project, file, extra.Line, name, FromManifest)
		}
	}
	p.setup.pyproject(file, tool.Get("setuptools"))
}

func (r *reader) hatchFile(p *project, file string, data []byte) {
	doc, fault := document.TOML(data)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
	}
	m := &tomlManifest{Project: p.Project, dir: path.Dir(file), file: file}
	m.hatch(doc)
}

// tomlManifest records what the tables of one TOML file say.
type tomlManifest struct {
	*Project
	dir, file string
}

// specifiers reads an array of PEP 508 strings. Tables in it ({include-group = ...}) name nothing new.
func (m *tomlManifest) specifiers(n *document.Node) {
	for _, item := range n.List() {
		if !item.Scalar {
			continue
		}
		text, editable := optionValue(item.Text, "-e", "--editable")
		if !editable {
			text = item.Text
		}
		if !m.require(text, m.dir, m.file, item.Line, FromManifest, editable) {
			m.fail(m.file, item.Line, "no requirement in %q", item.Text)
		}
	}
}

func (m *tomlManifest) project(n *document.Node) {
	if name := n.Str("name"); name != "" {
		m.Name = name
	}
	m.specifiers(n.Get("dependencies"))
	for _, extra := range n.Get("optional-dependencies").All() {
		m.specifiers(extra)
	}
	m.scripts(n.Get("scripts"))
	m.scripts(n.Get("gui-scripts"))
}

func (m *tomlManifest) scripts(n *document.Node) {
	for name, value := range n.All() {
		target := value.Text
		for _, key := range []string{"reference", "callable", "call"} {
			if target == "" {
				target = value.Str(key)
			}
		}
		if value.Str("type") != "file" && target != "" {
			m.script(name, target, m.file, value.Line)
		}
	}
}

// script records a console script. Extras behind the target are left out.
func (p *Project) script(name, target, file string, line int) {
	target, _, _ = strings.Cut(target, "[")
	p.Scripts[strings.TrimSpace(name)] = Script{strings.TrimSpace(target), file, line}
}

// named reads a table of name = version, or name = {path = ...}.
func (m *tomlManifest) named(n *document.Node) {
entries:
	for name, value := range n.All() {
		if strings.EqualFold(name, "python") {
			continue
		}
		constraints := value.List()
		if value.Fields != nil {
			constraints = []*document.Node{value}
		}
		for _, c := range constraints {
			location := c.Str("path")
			if file := c.Str("file"); location == "" {
				location = localPath(file)
			}
			if location == "" {
				location = localPath(c.Str("url"))
			}
			if location != "" && !path.IsAbs(location) {
				location = localPath("./" + location)
			}
			if location != "" && location != "." || c.Str("path") == "." {
				m.local(name, m.dir, location, m.file, value.Line, c.Str("editable") == "true" || c.Str("develop") == "true")
				continue entries
			}
		}
		m.depend(name, m.file, value.Line, FromManifest)
	}
}

func (m *tomlManifest) poetry(n *document.Node) {
	if n == nil {
		return
	}
	if name := n.Str("name"); name != "" && m.Name == "" {
		m.Name = name
	}
	m.Virtual = m.Virtual || n.Str("package-mode") == "false"
	m.named(n.Get("dependencies"))
	m.named(n.Get("dev-dependencies"))
	for _, group := range n.Get("group").All() {
		m.named(group.Get("dependencies"))
	}
	m.scripts(n.Get("scripts"))
}

func (m *tomlManifest) pdm(n *document.Node) {
	m.Virtual = m.Virtual || n.Str("distribution") == "false"
	for _, group := range n.Get("dev-dependencies").All() {
		m.specifiers(group)
	}
	m.named(n.Get("dependencies"))
}

func (m *tomlManifest) uv(r *reader, n *document.Node) {
	m.Virtual = m.Virtual || n.Str("package") == "false"
	m.uvPackage = n.Str("package") == "true"
	for _, key := range []string{"dev-dependencies", "constraint-dependencies", "override-dependencies"} {
		m.specifiers(n.Get(key))
	}
	for name, source := range n.Get("sources").All() {
		for _, s := range append(source.List(), source) {
			normal, _ := Normalise(name)
			switch {
			case s.Str("workspace") == "true":
				m.Local = append(m.Local, Local{Name: normal, Editable: true, File: m.file, Line: s.Line})
			case s.Str("path") != "" && !isArchive(s.Str("path")):
				m.local(name, m.dir, s.Str("path"), m.file, s.Line, s.Str("editable") == "true")
			}
		}
	}
	for _, member := range n.List("workspace", "members") {
		for _, dir := range r.glob(m.dir, member.Text) {
			m.Local = append(m.Local, Local{Path: dir, Editable: true, File: m.file, Line: member.Line})
		}
	}
}

// hatch reads tool.hatch, or the whole of a hatch.toml.
func (m *tomlManifest) hatch(n *document.Node) {
	for _, env := range n.Get("envs").All() {
		m.specifiers(env.Get("dependencies"))
		m.specifiers(env.Get("extra-dependencies"))
	}
}

func (m *tomlManifest) flit(n *document.Node) {
	metadata := n.Get("metadata") // the form before PEP 621
	m.specifiers(metadata.Get("requires"))
	for _, extra := range metadata.Get("requires-extra").All() {
		m.specifiers(extra)
	}
	if name := metadata.Str("dist-name"); name != "" && m.Name == "" {
		m.Name = name
	}
	if name := metadata.Str("module"); name != "" && m.Name == "" {
		m.Name = name
	}
	m.scripts(n.Get("scripts"))
}

// glob expands a pattern of directories below dir.
func (r *reader) glob(dir, pattern string) []string {
	dirs := []string{dir}
	for segment := range strings.SplitSeq(path.Clean(pattern), "/") {
		var next []string
		for _, d := range dirs {
			names, _ := r.list(d)
			for _, name := range names {
				sub, isDir := strings.CutSuffix(name, "/")
				if ok, _ := path.Match(segment, sub); ok && isDir && !view.Foreign(sub) {
					next = append(next, path.Join(d, sub))
				}
			}
		}
		if segment == "." {
			next = dirs
		}
		dirs = next
	}
	return dirs
}
