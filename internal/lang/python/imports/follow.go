package imports

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// statement gives an import as it could be written on one line.
func statement(i *syntax.Import) string {
	if !i.From {
		return "import " + i.String()
	}
	if i.Star {
		return "from " + i.String() + " import *"
	}
	names := make([]string, len(i.Names))
	for k, n := range i.Names {
		names[k] = n.Name
	}
	return "from " + i.String() + " import " + strings.Join(names, ", ")
}

// absolute gives the full name of a relative one; ok is false where there is no package to be relative to.
func absolute(n *Node, level int, module string) (string, bool) {
	if level == 0 {
		return module, module != ""
	}
	if n.Module.Name == "__main__" {
		return "", false
	}
	parts := strings.Split(n.Module.Name, ".")
	up := level
	if n.Module.IsPackage() {
		up--
	}
	if up >= len(parts) {
		return "", false
	}
	base := strings.Join(parts[:len(parts)-up], ".")
	if module == "" {
		return base, true
	}
	return base + "." + module, true
}

func (g *Graph) followImport(n *Node, imp *syntax.Import, site need.Site) {
	name, ok := absolute(n, imp.Level, imp.Module)
	r := min(n.Reach, site.Reach)
	if !ok {
		g.misplace(Missing{Kind: NoModule, Module: imp.String(), Reach: r, From: n, Site: site})
		return
	}
	m, parent := g.find(n, name)
	if m == nil {
		g.lack(Missing{Kind: NoModule, Module: name, Parent: parent, Reach: r, From: n, Site: site})
		return
	}
	g.visit(m, r, n, site)
	g.imported(m, site)
	if imp.Star && m.IsPackage() {
		g.followStar(n, m, r, site)
	}
	for _, want := range imp.Names {
		at := site
		at.Range = want.Range
		g.followName(n, m, want.Name, r, at)
	}
}

// followStar reaches the submodules that __all__ names: a star import imports them.
func (g *Graph) followStar(n *Node, m *Module, r need.Reach, site need.Site) {
	f := g.source(g.Nodes[m.Name])
	if f == nil || f.All == nil {
		return
	}
	for _, name := range f.All.Names {
		if sub, _ := g.find(n, m.Name+"."+name.Value); sub != nil {
			g.visit(sub, r, n, site)
		}
	}
}

// followName reaches what a from-import asks of a module: a name that it binds, or else a submodule.
func (g *Graph) followName(n *Node, m *Module, name string, r need.Reach, site need.Site) {
	node := g.Nodes[m.Name]
	ex := g.Exports(node)
	if ex.Has(name) && !(n == node && m.IsPackage() && g.onlyFromItself(n, name)) {
		// A submodule of that name is usually what the package's own import of it bound.
		if sub, _ := g.find(n, m.Name+"."+name); sub != nil && m.IsPackage() && ex.Imported(name) {
			g.visit(sub, r, n, site)
		}
		return
	}
	if m.IsPackage() {
		if sub, _ := g.find(n, m.Name+"."+name); sub != nil {
			g.visit(sub, r, n, site)
			g.imported(sub, site)
			return
		}
		g.lack(Missing{Kind: NoModule, Module: m.Name + "." + name, Name: name, Parent: m, Reach: r, From: n, Site: site})
		return
	}
	if !ex.Dynamic {
		g.lack(Missing{Kind: NoName, Module: m.Name, Name: name, Parent: m, Reach: r, From: n, Site: site})
	}
}

func (g *Graph) followCall(n *Node, c syntax.ImportCall, site need.Site) {
	name, ok := c.Module, true
	if c.Level > 0 {
		if c.Package != "" {
			name = c.Package + "." + c.Module
			for range c.Level - 1 {
				return
			}
		} else if name, ok = absolute(n, c.Level, c.Module); !ok {
			return
		}
	}
	r := min(n.Reach, site.Reach)
	if strings.HasSuffix(c.Callee, "find_spec") {
		r = min(r, need.Guarded)
	}
	if m, parent := g.find(n, name); m != nil {
		g.visit(m, r, n, site)
		g.imported(m, site)
	} else {
		g.lack(Missing{Kind: NoModule, Module: name, Parent: parent, Reach: r, From: n, Site: site})
	}
}

func (g *Graph) followString(n *Node, s Named, site need.Site) {
	r := min(n.Reach, site.Reach)
	m, parent := g.find(n, s.Dotted)
	if m == nil && !s.Exact {
		if above, _, nested := cutLast(s.Dotted); nested {
			if am, ap := g.find(n, above); am != nil {
				g.visit(am, r, n, site)
				// A package that does not bind the name would have to have a submodule of it.
				if ex := g.Exports(g.Nodes[am.Name]); am.Kind == Package && !ex.Dynamic && !ex.Has(s.Dotted[len(above)+1:]) && !s.Optional {
					g.lack(Missing{Kind: NoModule, Module: s.Dotted, Parent: am, Reach: r, From: n, Site: site})
				}
				return
			} else {
				parent, s.Dotted = ap, above
			}
		}
	}
	if m != nil {
		g.visit(m, r, n, site)
		if s.Called != "" {
			g.imported(m, site)
		}
		return
	}
	if s.Optional {
		return
	}
	g.lack(Missing{Kind: NoModule, Module: s.Dotted, Parent: parent, Reach: r, From: n, Site: site})
}

// imported records a site that asks for a module. A module is followed again when a stronger way to it is found, its
// sites count once.
func (g *Graph) imported(m *Module, site need.Site) {
	key := askedKey{m.Name, site.File, site.Range}
	sites := g.Importers[m.Name]
	if !g.asked.has(key) {
		g.asked.own[key] = true
		g.Importers[m.Name] = append(sites, site)
		return
	}
	same := func(have need.Site) bool { return have.File == site.File && have.Range == site.Range }
	if i := slices.IndexFunc(sites, same); i >= 0 && sites[i].Reach < site.Reach {
		sites = slices.Clone(sites)
		sites[i].Reach = site.Reach
		g.Importers[m.Name] = sites
	}
}

// misplace records a relative import that Python refuses, once. A script that sets __package__ knows what it does.
func (g *Graph) misplace(m Missing) {
	set := func(b syntax.Binding) bool { return b.Name == "__package__" }
	same := func(have Missing) bool { return have.Site.File == m.Site.File && have.Site.Range == m.Site.Range }
	if slices.ContainsFunc(m.From.source.file.Bindings, set) || slices.ContainsFunc(g.Misplaced, same) {
		return
	}
	g.Misplaced = append(g.Misplaced, m)
}

// onlyFromItself reports whether all that binds a name in a package is a from-import of that name out of the package itself,
// such as `from . import sub` in its __init__.py: that needs the submodule.
func (g *Graph) onlyFromItself(n *Node, name string) bool {
	f := g.source(n)
	found := false
	for _, b := range f.Bindings {
		if b.Name != name || b.Kind == syntax.BindDelete {
			continue
		}
		own := b.Kind == syntax.BindImport && slices.ContainsFunc(f.Imports, func(imp syntax.Import) bool {
			from, ok := absolute(n, imp.Level, imp.Module)
			return ok && imp.From && from == n.Module.Name && slices.ContainsFunc(imp.Names, func(w syntax.Name) bool {
				return w.Name == name && w.Bound() == name && w.Range == b.Range
			})
		})
		if !own {
			return false
		}
		found = true
	}
	return found
}

func (g *Graph) lack(m Missing) {
	k := missingKey{m.Module, m.Name, m.Site.File, m.Site.Range.Start.Line}
	if m.Parent == nil && g.config.Foreign != nil && g.config.Foreign(m.Module) {
		k.file, k.line = "", 0
	}
	if have, ok := g.missing[k]; !ok || have.Reach < m.Reach {
		g.missing[k] = &m
	}
}

// editPath does what a module does to sys.path.
func (g *Graph) editPath(n *Node, e syntax.PathEdit) {
	if reachOf(n, e.Context) <= need.Typing {
		return
	}
	dir := ""
	switch e.Path.Base {
	case syntax.PathFile:
		dir = n.Module.File
		for range e.Path.Ups {
			dir = path.Dir(dir)
		}
		dir = path.Join(dir, e.Path.Path)
	case syntax.PathLiteral:
		if path.IsAbs(e.Path.Path) {
			dir = path.Clean(e.Path.Path)
		}
	}
	if dir == "" {
		if e.Path.Base == syntax.PathUnknown {
			g.UnknownPaths = append(g.UnknownPaths, need.Site{File: n.Module.File, Importer: n.key(), Range: e.Range})
		}
		return
	}
	g.finder.addSearch(lang.SearchDir{Tree: n.Module.Tree, Dir: dir, Note: n.Module.File}, e.Front)
}
