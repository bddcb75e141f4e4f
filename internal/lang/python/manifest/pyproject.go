package manifest

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/view"
)

func (r *reader) pyproject(p *project, file string, data []byte) {
	doc, fault := parseTOML(data)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
	}
	p.toml = doc
	p.Buildable = true
	p.Backend = doc.str("build-system", "build-backend")
	m := &tomlManifest{Project: p.Project, dir: path.Dir(file), file: file}
	m.specifiers(doc.get("build-system", "requires"))
	m.project(doc.get("project"))
	doc.get("dependency-groups").each(func(_ string, group *node) { m.specifiers(group) })
	tool := doc.get("tool")
	for _, name := range []string{"poetry", "pdm", "uv", "hatch", "flit"} {
		if p.Tool == "" && tool.get(name) != nil {
			p.Tool = name
		}
	}
	m.poetry(tool.get("poetry"))
	m.pdm(tool.get("pdm"))
	m.uv(r, tool.get("uv"))
	m.hatch(tool.get("hatch"))
	m.flit(tool.get("flit"))
	m.named(tool.get("pixi", "dependencies"))
	m.named(tool.get("pixi", "pypi-dependencies"))
	dynamic := tool.get("setuptools", "dynamic")
	for _, name := range dynamic.texts("dependencies", "file") {
		r.include(p.Project, file, dynamic.get("dependencies").line, name, FromManifest)
	}
	dynamic.get("optional-dependencies").each(func(_ string, extra *node) {
		for _, name := range extra.texts("file") {
			r.include(p.Project, file, extra.line, name, FromManifest)
		}
	})
	p.setup.pyproject(file, tool.get("setuptools"))
}

func (r *reader) hatchFile(p *project, file string, data []byte) {
	doc, fault := parseTOML(data)
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
func (m *tomlManifest) specifiers(n *node) {
	for _, item := range n.list() {
		if !item.scalar {
			continue
		}
		text, editable := optionValue(item.text, "-e", "--editable")
		if !editable {
			text = item.text
		}
		if !m.require(text, m.dir, m.file, item.line, FromManifest, editable) {
			m.fail(m.file, item.line, "no requirement in %q", item.text)
		}
	}
}

func (m *tomlManifest) project(n *node) {
	if name := n.str("name"); name != "" {
		m.Name = name
	}
	m.specifiers(n.get("dependencies"))
	n.get("optional-dependencies").each(func(_ string, extra *node) { m.specifiers(extra) })
	m.scripts(n.get("scripts"))
	m.scripts(n.get("gui-scripts"))
}

func (m *tomlManifest) scripts(n *node) {
	n.each(func(name string, value *node) {
		target := value.text
		for _, key := range []string{"reference", "callable", "call"} {
			if target == "" {
				target = value.str(key)
			}
		}
		if value.str("type") != "file" && target != "" {
			m.script(name, target, m.file, value.line)
		}
	})
}

// script records a console script. Extras behind the target are left out.
func (p *Project) script(name, target, file string, line int) {
	target, _, _ = strings.Cut(target, "[")
	p.Scripts[strings.TrimSpace(name)] = Script{strings.TrimSpace(target), file, line}
}

// named reads a table of name = version, or name = {path = ...}.
func (m *tomlManifest) named(n *node) {
	n.each(func(name string, value *node) {
		if strings.EqualFold(name, "python") {
			return
		}
		constraints := value.list()
		if value.fields != nil {
			constraints = []*node{value}
		}
		for _, c := range constraints {
			location := c.str("path")
			if file := c.str("file"); location == "" {
				location = localPath(file)
			}
			if location == "" {
				location = localPath(c.str("url"))
			}
			if location != "" && !path.IsAbs(location) {
				location = localPath("./" + location)
			}
			if location != "" && location != "." || c.str("path") == "." {
				m.local(name, m.dir, location, m.file, value.line, c.str("editable") == "true" || c.str("develop") == "true")
				return
			}
		}
		m.depend(name, m.file, value.line, FromManifest)
	})
}

func (m *tomlManifest) poetry(n *node) {
	if n == nil {
		return
	}
	if name := n.str("name"); name != "" && m.Name == "" {
		m.Name = name
	}
	m.Virtual = m.Virtual || n.str("package-mode") == "false"
	m.named(n.get("dependencies"))
	m.named(n.get("dev-dependencies"))
	n.get("group").each(func(_ string, group *node) { m.named(group.get("dependencies")) })
	m.scripts(n.get("scripts"))
}

func (m *tomlManifest) pdm(n *node) {
	m.Virtual = m.Virtual || n.str("distribution") == "false"
	n.get("dev-dependencies").each(func(_ string, group *node) { m.specifiers(group) })
	m.named(n.get("dependencies"))
}

func (m *tomlManifest) uv(r *reader, n *node) {
	m.Virtual = m.Virtual || n.str("package") == "false"
	m.uvPackage = n.str("package") == "true"
	for _, key := range []string{"dev-dependencies", "constraint-dependencies", "override-dependencies"} {
		m.specifiers(n.get(key))
	}
	n.get("sources").each(func(name string, source *node) {
		for _, s := range append(source.list(), source) {
			normal, _ := Normalise(name)
			switch {
			case s.str("workspace") == "true":
				m.Local = append(m.Local, Local{Name: normal, Editable: true, File: m.file, Line: s.line})
			case s.str("path") != "" && !isArchive(s.str("path")):
				m.local(name, m.dir, s.str("path"), m.file, s.line, s.str("editable") == "true")
			}
		}
	})
	for _, member := range n.list("workspace", "members") {
		for _, dir := range r.glob(m.dir, member.text) {
			m.Local = append(m.Local, Local{Path: dir, Editable: true, File: m.file, Line: member.line})
		}
	}
}

// hatch reads tool.hatch, or the whole of a hatch.toml.
func (m *tomlManifest) hatch(n *node) {
	n.get("envs").each(func(_ string, env *node) {
		m.specifiers(env.get("dependencies"))
		m.specifiers(env.get("extra-dependencies"))
	})
}

func (m *tomlManifest) flit(n *node) {
	metadata := n.get("metadata") // the form before PEP 621
	m.specifiers(metadata.get("requires"))
	metadata.get("requires-extra").each(func(_ string, extra *node) { m.specifiers(extra) })
	if name := metadata.str("dist-name"); name != "" && m.Name == "" {
		m.Name = name
	}
	if name := metadata.str("module"); name != "" && m.Name == "" {
		m.Name = name
	}
	m.scripts(n.get("scripts"))
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
