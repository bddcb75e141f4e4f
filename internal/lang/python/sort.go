package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// sortEntry decides what it means that the very module or script that is started was not found.
func (c *programs) sortEntry(e entry) {
	if e.Script != "" {
		return
	}
	module := e.Module
	found := c.inRepository(module, nil, true, true)
	if found == nil && e.start.Asked != "" {
		module = e.start.Asked
		found = c.inRepository(module, nil, true, true)
	}
	if p := imports.Find(e.search, module); e.Main && p != nil && p.IsPackage() {
		// The package is there: it is its __main__ that was not found.
		module += ".__main__"
		if found = c.inRepository(module, p, true, true); found == nil {
			return
		}
	}
	if found != nil {
		top, _, _ := strings.Cut(module, ".")
		missing := imports.Missing{Kind: imports.NoModule, Module: module, Reach: need.Startup, Site: e.Site}
		// If the package is there the module in it is what is missing.
		for name := module; strings.Contains(name, "."); {
			above := name[:strings.LastIndexByte(name, '.')]
			if p := imports.Find(e.search, above); p != nil {
				missing.Parent, top = p, name
				break
			}
			name = above
		}
		g := c.groupOf(top, found)
		if missing.Reach = need.Startup; e.start.Tolerated {
			missing.Reach = need.Guarded
		}
		g.reach, g.started, g.command = max(g.reach, missing.Reach), true, commandOf(e.start)
		g.missing = append(g.missing, missing)
		return
	}
	if !c.foreign(e.Module) {
		c.unresolved = append(c.unresolved, e)
	}
}

// sortBare tells of a package without its __init__.py, which the repository has, where what is started must be something that it defines.
func (c *programs) sortBare(e entry) {
	m := imports.Find(e.search, e.Module)
	if e.start.Kind != program.App || e.start.Attr == "" || m == nil || m.Kind != imports.Namespace || len(m.Path) != 1 {
		return
	}
	found := c.inRepository(e.Module, nil, true, true)
	if found == nil || found.Kind != imports.Package || found.File == "" || imports.Find(e.search, e.Module+"."+e.start.Attr) != nil {
		return
	}
	p := c.resolved(view.InContext(found.File))
	if c.groups[p] == nil {
		c.groups[p] = &group{module: e.Module + ".__init__", repo: p}
	}
	g, reach := c.groups[p], e.reach(need.Startup)
	g.reach, g.started = max(g.reach, reach), true
	g.missing = append(g.missing, imports.Missing{Kind: imports.NoModule, Module: g.module, Parent: m, Reach: reach, Site: e.Site})
}

// foreign reports whether a module is known to be somebody else's.
func (c *programs) foreign(module string) bool {
	top, _, _ := strings.Cut(module, ".")
	if manifest.IsStdlib(top) {
		return true
	}
	_, declared := c.declared().ImportDeclared(module)
	return declared
}

// sort decides what a missing module or name is: the project's own and to be reported, or somebody else's.
func (c *programs) sort(m imports.Missing, g *imports.Graph) {
	if m.Kind == imports.NoName {
		c.sortName(m, g)
		return
	}
	found := c.inRepository(m.Module, m.Parent, false, m.Reach >= need.Startup)
	switch {
	case found != nil:
		grp := c.groupOf(topmost(m), found)
		grp.reach = max(grp.reach, m.Reach)
		same := func(have imports.Missing) bool {
			return have.Site.File == m.Site.File && have.Site.Range.Start.Line == m.Site.Range.Start.Line
		}
		if i := slices.IndexFunc(grp.missing, same); i < 0 {
			grp.missing = append(grp.missing, m)
		} else if grp.missing[i].Reach < m.Reach {
			grp.missing[i] = m
		}
	case c.inNamed(m):
	case m.Name != "":
		// A from-import of something that is no submodule anywhere: a name that the package lacks.
		c.sortName(m, g)
	case (m.Parent == nil || m.Parent.Kind == imports.Namespace) && c.notFetched(m) != "":
		if _, ok := c.unfetched[m.Module]; !ok {
			c.unfetched[m.Module] = m
		}
	case m.Parent == nil && m.Reach >= need.Startup && !c.foreign(m.Module) && c.topInOtherCase(m.Module) != "":
		c.nowhere[m.Module] = m
	case m.Parent != nil && !g.Moves(m.Parent.Name):
		if _, ok := c.nowhere[m.Module]; !ok {
			c.nowhere[m.Module] = m
		}
	}
}

// inNamed looks for a missing module beside what the image has of its package out of a named context, and notes it.
func (c *programs) inNamed(m imports.Missing) bool {
	if m.Parent == nil {
		return false
	}
	if c.named == nil {
		named := c.Named()
		c.named = &named
	}
	name := topmost(m)
	_, last, _ := cutModule(name)
	for _, b := range *c.named {
		for _, d := range m.Parent.Path {
			dir, ok := b.Origin(d.Tree, d.Dir)
			if !ok {
				continue
			}
			entries, file := b.Repo.Entries(dir), last+".py"
			if entries[last] == view.Directory {
				file = last
			} else if entries[file] != view.RegularFile {
				continue
			}
			p := path.Join(dir, file)
			key := b.Main.Name + ":" + p
			g := c.groups[key]
			if g == nil {
				g = &group{module: name, repo: p, in: b}
				c.groups[key] = g
			}
			g.reach = max(g.reach, m.Reach)
			g.missing = append(g.missing, m)
			return true
		}
	}
	return false
}

// resolved gives a path of the context without links: a link is worth what it leads to.
func (c *programs) resolved(p string) string {
	if to, ok := c.Repo.Resolve(p); ok {
		return to
	}
	return p
}

func (c *programs) groupOf(module string, found *repoModule) *group {
	p := c.resolved(found.pathOf(module))
	g := c.groups[p]
	if g == nil {
		g = &group{module: module, repo: p}
		c.groups[p] = g
	}
	return g
}

// submodulePath is where .gitmodules says that a submodule lies.
var submodulePath = lazyre.New(`(?m)^\s*path\s*=\s*(\S+)\s*$`)

// notFetched gives the submodule of git in which a module would lie, and that is empty here or not there at all; "" if there is none.
func (c *programs) notFetched(m imports.Missing) string {
	if c.submodules == nil {
		c.submodules = []string{}
		data, err := []byte(nil), error(nil)
		if c.Repo.Entries("/")[".gitmodules"] == view.RegularFile {
			data, err = c.Repo.Read("/.gitmodules")
		}
		if err == nil {
			for _, found := range submodulePath().FindAllStringSubmatch(string(data), -1) {
				if len(c.Repo.Entries(path.Join("/", found[1]))) == 0 {
					c.submodules = append(c.submodules, found[1])
				}
			}
		}
	}
	at := strings.ReplaceAll(m.Module, ".", "/")
	i := slices.IndexFunc(c.submodules, func(s string) bool {
		return at == s || strings.HasPrefix(at, s+"/") || strings.HasPrefix(s, at+"/")
	})
	if i < 0 || m.Reach <= need.Guarded {
		return ""
	}
	return c.submodules[i]
}

// topmost gives the name of the highest package that is missing.
func topmost(m imports.Missing) string {
	if m.Parent == nil {
		top, _, _ := strings.Cut(m.Module, ".")
		return top
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(m.Module, m.Parent.Name+"."), ".")
	return m.Parent.Name + "." + name
}

// sortName looks whether a name that a module does not export can be known not to be there.
func (c *programs) sortName(m imports.Missing, g *imports.Graph) {
	target := m.Module
	if m.Kind == imports.NoModule {
		target = m.Parent.Name
	}
	node := g.Nodes[target]
	if node != nil && node.Module.Kind == imports.Namespace {
		c.sortInit(m, node.Module)
		return
	}
	if node == nil || node.Module.File == "" {
		return
	}
	// Of a file that no context gave nothing is known: a step made it.
	if _, ok := c.ContextPath(node.Module.Tree, node.Module.File); !ok {
		return
	}
	ex := g.Exports(node)
	// What a package imports from itself it has only if something else brings it.
	if ex.Dynamic || ex.Has(m.Name) && m.From != node || g.Assigned(m.Name) {
		return
	}
	if node.Module.IsPackage() && c.generated(imports.Missing{Module: target + "." + m.Name, Parent: node.Module}) {
		return
	}
	c.addName(m, node.Module, ex.Sorted())
}

// sortInit looks whether a name that a directory without __init__.py lacks is bound by the __init__.py that the repository has
// of it.
func (c *programs) sortInit(m imports.Missing, namespace *imports.Module) {
	for _, d := range namespace.Path {
		dir, ok := c.Origin(d.Tree, d.Dir)
		if !ok {
			continue
		}
		file := path.Join(dir, "__init__.py")
		data, err := c.Repo.Read(file)
		if err != nil || !imports.Binds(data, m.Name) {
			continue
		}
		g := c.groups[file]
		if g == nil {
			g = &group{module: namespace.Name + ".__init__", repo: file}
			c.groups[file] = g
		}
		m.Parent = namespace
		g.reach = max(g.reach, m.Reach)
		g.missing = append(g.missing, m)
		return
	}
	// It binds nothing at all: what it does not hold as a module it does not have, if all of it is the project's.
	m.Parent = namespace
	if m.Kind == imports.NoModule && !c.generated(m) {
		c.addName(m, namespace, nil)
	}
}

// onlyProjects reports whether a directory without __init__.py is the project's beyond doubt, with all of its modules: it is one, or lies in
// one that is.
func (c *programs) onlyProjects(namespace *imports.Module) bool {
	if len(namespace.Path) != 1 {
		return false
	}
	if _, own := c.Origin(namespace.Path[0].Tree, namespace.Path[0].Dir); !own {
		return false
	}
	if c.ownPackage(namespace) {
		return true
	}
	above, _, nested := cutModule(namespace.Name)
	return nested && slices.ContainsFunc(c.graphs, func(f followed) bool {
		n := f.graph.Nodes[above]
		return n != nil && c.ownPackage(n.Module)
	})
}

// addName remembers that a module lacks a name.
func (c *programs) addName(m imports.Missing, module *imports.Module, exports []string) {
	key := module.Name + ":" + m.Name
	n := c.names[key]
	if n == nil {
		n = &lackedName{exports: exports, definedIn: c.definedIn(module, m.Name), module: module}
		c.names[key] = n
	}
	n.missing = append(n.missing, m)
}

// definedIn gives a submodule that binds a name at its top level.
func (c *programs) definedIn(m *imports.Module, name string) string {
	for _, d := range m.Path {
		entries := d.Tree.Entries(d.Dir)
		for _, file := range sortedKeys(entries) {
			sub, ok := strings.CutSuffix(file, ".py")
			if !ok || entries[file] != view.RegularFile || sub == "__init__" {
				continue
			}
			data, err := d.Tree.Read(path.Join(d.Dir, file))
			if err != nil {
				continue
			}
			if imports.Defines(data, name) {
				return sub
			}
		}
	}
	return ""
}
