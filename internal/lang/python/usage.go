package python

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Usage implements lang.Programs: who imports a module, or something below it if it is a package.
func (c *programs) Usage(contextPath string) lang.Usage {
	var u lang.Usage
	for _, f := range c.graphs {
		for _, name := range f.graph.Keys() {
			n := f.graph.Nodes[name]
			o, ok := c.ContextPath(n.Module.Tree, n.Module.File)
			if !ok || n.Module.File == "" || !simulate.Within(o, contextPath) {
				continue
			}
			if o == contextPath || o == path.Join(contextPath, "__init__.py") {
				u.Module, u.Exports = n.Module.Name, f.graph.Exports(n).Sorted()
			}
			if name == f.entry.Module { // it is what is started
				u.Asks = append(u.Asks, c.ask(imports.Missing{Site: f.entry.Site, Reach: f.entry.reach(need.Startup)}))
			}
			for _, site := range f.graph.Importers[name] {
				from := f.graph.Nodes[site.Importer]
				u.Asks = append(u.Asks, c.ask(imports.Missing{Site: site, Reach: f.entry.reach(min(site.Reach, from.Reach)), From: from}))
			}
		}
	}
	for _, key := range sortedKeys(c.groups) {
		if g := c.groups[key]; simulate.Within(g.repo, contextPath) || simulate.Within(contextPath, g.repo) {
			u.Module = cmp.Or(u.Module, g.module)
			u.Asks = append(u.Asks, c.asks(g.missing)...)
		}
	}
	return u
}

// Locate implements lang.Programs: from where the image's search path comes from, the context and its src, and the directories that
// the project's own manifests name.
func (c *programs) Locate(name string, started []lang.Entry) (contextPath string, ok bool) {
	c.start(started)
	find := func(roots []string) (string, bool) {
		for _, root := range roots {
			if found := c.inRoot(root, name); found != nil {
				return c.resolved((&repoModule{found}).pathOf(name)), true
			}
		}
		return "", false
	}
	if p, ok := find(c.roots(nil)); ok {
		return p, true
	}
	if p, ok := c.inImage(name); ok {
		return p, true
	}
	var named []string
	for _, p := range c.declared().Projects {
		for _, root := range c.packages(p) {
			if dir, ok := root.SearchDir(); ok {
				named = append(named, path.Join(p.Dir, dir))
			}
		}
	}
	return find(named)
}

// inImage gives what of the context a module of the image is a copy of, which may have another name there.
func (c *programs) inImage(name string) (contextPath string, ok bool) {
	m := imports.Find(c.searchDirs, name)
	if m == nil || m.File == "" {
		return "", false
	}
	p, ok := c.ContextPath(m.Tree, m.File)
	if ok && m.IsPackage() {
		p = path.Dir(p)
	}
	return p, ok
}

// Provider implements lang.Programs: the standard library, or a declared dependency.
func (c *programs) Provider(module string) (sentence string, declared *finding.Place) {
	top, _, _ := strings.Cut(module, ".")
	if manifest.IsStdlib(top) {
		return top + " is part of Python's standard library", nil
	}
	dep, ok := c.declared().ImportDeclared(module)
	if !ok {
		return "", nil
	}
	if dep.File != "" {
		declared = &finding.Place{Role: finding.RoleRequires, File: dep.File, Line: dep.Line, Text: dep.Written}
	}
	return top + " is part of the dependency " + dep.Name + ", which a step of the build must install", declared
}

// Starts implements lang.Programs.
func (c *programs) Starts(e lang.Entry) (found bool, files []string) {
	var search []lang.SearchDir
	for _, d := range append(slices.Clone(e.SearchDirs), pythonPath(e)...) {
		search = append(search, lang.SearchDir{Tree: c.Tree, Dir: d})
	}
	file := strings.ReplaceAll(e.Module, ".", "/")
	return e.Kind != program.Module && e.Kind != program.App || imports.Find(search, e.Module) != nil, []string{file + ".py", file + "/__init__.py"}
}
