package manifest

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
)

// packages fills in what installing the project makes importable, by its build backend.
func (r *reader) packages(p *project) {
	if p.Virtual && p.Tool != "uv" || !p.Buildable {
		return
	}
	b := backend{r: r, p: p, file: path.Join(p.Dir, "pyproject.toml")}
	module, _, _ := strings.Cut(p.Backend, ".")
	switch {
	case p.Backend == "" && p.Tool == "poetry" && p.toml.Get("project") == nil, strings.HasPrefix(p.Backend, "poetry"):
		b.poetry(p.toml.Get("tool", "poetry"))
	case strings.HasPrefix(module, "hatch"):
		b.hatch(p.toml.Get("tool", "hatch"))
	case strings.HasPrefix(module, "pdm"):
		b.pdm(p.toml.Get("tool", "pdm"))
	case strings.HasPrefix(module, "flit"):
		b.flit(p.toml.Get("tool", "flit"))
	case module == "uv_build":
		b.uv(p.toml.Get("tool", "uv", "build-backend"))
	case module == "", module == "setuptools":
		r.setuptools(p)
	default:
		p.Opaque = true
	}
}

// backend reads the tables of the other build backends.
type backend struct {
	r    *reader
	p    *project
	file string
}

// candidate adds a package directory or a module file, if there is one.
func (b *backend) candidate(base, name string, line int) bool {
	location := path.Join(base, strings.ReplaceAll(name, ".", "/"))
	switch {
	case b.r.isDir(path.Join(b.p.Dir, location)):
		b.p.add(PackageRoot{Import: name, Path: location, Deep: true, File: b.file, Line: line})
	case b.r.isFile(path.Join(b.p.Dir, location+".py")):
		b.p.add(PackageRoot{Import: name, Path: location + ".py", File: b.file, Line: line})
	default:
		return false
	}
	return true
}

// poetry: packages, or the distribution's name in the directory itself or in src.
func (b *backend) poetry(n *document.Node) {
	packages := n.List("packages")
	if len(packages) == 0 {
		name := moduleName(b.p.Name)
		_ = b.candidate("", name, 0) || b.candidate("src", name, 0)
		return
	}
	for _, item := range packages {
		include, from := item.Str("include"), item.Str("from")
		if to := item.Str("to"); to != "" {
			b.p.add(PackageRoot{Import: dotted(path.Join(to, include)), Path: path.Join(from, include), Deep: true, File: b.file, Line: item.Line})
			continue
		}
		if strings.ContainsAny(include, "*?[") {
			top, _, _ := strings.Cut(include, "/")
			if strings.ContainsAny(top, "*?[") {
				b.glob(from, top, item.Line)
				continue
			}
			include = top
		}
		include = strings.TrimSuffix(path.Clean(include), ".py")
		b.candidate(from, dotted(include), item.Line)
	}
}

// glob adds what a pattern matches in a directory.
func (b *backend) glob(from, pattern string, line int) {
	names, _ := b.r.list(path.Join(b.p.Dir, from))
	for _, name := range names {
		stem := strings.TrimSuffix(strings.TrimSuffix(name, "/"), ".py")
		if ok, _ := path.Match(pattern, strings.TrimSuffix(name, "/")); ok && isIdentifier(stem) {
			b.candidate(from, stem, line)
		}
	}
}

func dotted(name string) string { return strings.ReplaceAll(path.Clean(name), "/", ".") }

// hatch: packages lose their parent directories; only-include and sources keep or strip them as told; by default the
// package of the distribution's name, in the directory itself or in src.
func (b *backend) hatch(n *document.Node) {
	wheel := n.Get("build", "targets", "wheel")
	pick := func(key string) *document.Node {
		if v := wheel.Get(key); v != nil {
			return v
		}
		return n.Get("build", key)
	}
	given := false
	for _, item := range pick("packages").List() {
		given = true
		location := strings.Trim(path.Clean("/"+item.Text), "/")
		b.p.add(PackageRoot{Import: path.Base(strings.TrimSuffix(location, ".py")), Path: location, Deep: true, File: b.file, Line: item.Line})
	}
	sources := map[string]string{}
	for _, item := range pick("sources").List() {
		sources[path.Clean(item.Text)] = ""
	}
	for from, to := range pick("sources").All() {
		sources[path.Clean(from)] = to.Text
	}
	for _, key := range []string{"only-include", "include"} {
		for _, item := range pick(key).List() {
			if given && key == "include" {
				continue
			}
			given = true
			location := strings.Trim(path.Clean("/"+item.Text), "/")
			if strings.ContainsAny(location, "*?[") {
				location = strings.TrimSuffix(location[:strings.IndexAny(location, "*?[")], "/")
			}
			b.rewritten(location, sources, item.Line)
		}
	}
	for from, to := range pick("force-include").All() {
		given = true
		target := strings.TrimSuffix(strings.Trim(to.Text, "/"), ".py")
		b.p.add(PackageRoot{Import: dotted(target), Path: path.Clean(from), Deep: true, File: b.file, Line: to.Line})
	}
	if given {
		return
	}
	name := moduleName(b.p.Name)
	if !b.candidate("", name, 0) && !b.candidate("src", name, 0) {
		b.p.Opaque = true // hatch also looks for a package below a namespace
	}
}

// rewritten adds a directory under the name that sources give it. A source itself stands for what is in it.
func (b *backend) rewritten(location string, sources map[string]string, line int) {
	for from, to := range sources {
		if location == from {
			b.glob(from, "*", line)
			return
		}
		if rest, ok := strings.CutPrefix(location, from+"/"); ok {
			name := strings.TrimSuffix(path.Join(to, rest), ".py")
			b.p.add(PackageRoot{Import: dotted(name), Path: location, Deep: true, File: b.file, Line: line})
			return
		}
	}
	if location != "" {
		b.p.add(PackageRoot{Import: dotted(strings.TrimSuffix(location, ".py")), Path: location, Deep: true, File: b.file, Line: line})
	}
}

// pdm: includes, or every package of package-dir, or else its modules.
func (b *backend) pdm(n *document.Node) {
	build := n.Get("build")
	base := build.Str("package-dir")
	if base == "" && b.r.isDir(path.Join(b.p.Dir, "src")) && !b.r.isFile(path.Join(b.p.Dir, "src/__init__.py")) {
		base = "src"
	}
	if includes := build.List("includes"); len(includes) > 0 {
		for _, item := range includes {
			location, _, _ := strings.Cut(path.Clean(item.Text), "*")
			location = strings.Trim(location, "/")
			name := strings.TrimPrefix(strings.TrimPrefix(location, base), "/")
			if name != "" && base != "." {
				b.p.add(PackageRoot{Import: dotted(strings.TrimSuffix(name, ".py")), Path: location, Deep: true, File: b.file, Line: item.Line})
			} else if location == base {
				b.glob(base, "*", item.Line)
			}
		}
		return
	}
	names, _ := b.r.list(path.Join(b.p.Dir, base))
	for _, name := range names {
		sub, isDir := strings.CutSuffix(name, "/")
		if isDir && b.r.isFile(path.Join(b.p.Dir, base, sub, "__init__.py")) && (base != "" || sub != "tests" && sub != "test") {
			b.p.add(PackageRoot{Import: sub, Path: path.Join(base, sub), Deep: true, File: b.file})
		}
	}
	if len(b.p.Packages) == 0 {
		b.r.modules(b.p, path.Join(b.p.Dir, base), base, nil, b.file)
	}
}

func (b *backend) flit(n *document.Node) {
	name, line := n.Str("module", "name"), n.Get("module", "name").At()
	if name == "" {
		name, line = n.Str("metadata", "module"), n.Get("metadata", "module").At()
	}
	if name == "" {
		name = strings.ReplaceAll(b.p.Name, "-", "_")
	}
	_ = b.candidate("", name, line) || b.candidate("src", name, line)
}

func (b *backend) uv(n *document.Node) {
	root := "src"
	if v := n.Get("module-root"); v != nil {
		root = v.Text
	}
	names := n.List("module-name")
	if len(names) == 0 {
		b.candidate(root, moduleName(b.p.Name), 0)
	}
	for _, item := range names {
		b.candidate(root, item.Text, item.Line)
	}
}
