package python

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// result gives what was followed and sorted, in a fixed order.
func (c *programs) result() *lang.Followed {
	out := &lang.Followed{Hidden: c.hidden, Cycles: c.cycles, Programs: len(c.entries)}
	c.count(out)
	out.Reads, out.Hides = c.reads(), c.hides()
	for _, key := range sortedKeys(c.groups) {
		out.Needs = append(out.Needs, c.need(c.groups[key]))
	}
	for _, key := range sortedKeys(c.names) {
		if n := c.names[key]; n.module.Kind != imports.Namespace || c.onlyProjects(n.module) {
			out.Faults = append(out.Faults, c.lacksName(n))
		}
	}
	for _, e := range c.unresolved {
		out.Faults = append(out.Faults, c.noProgram(e))
	}
	for _, key := range sortedKeys(c.nowhere) {
		m := c.nowhere[key]
		if m.Parent == nil {
			out.Faults = append(out.Faults, lang.Fault{Kind: lang.NoModule, Module: m.Module, Asks: c.asks([]imports.Missing{m}), Name: c.topInOtherCase(m.Module)})
			continue
		}
		if c.surelyNowhere(m) {
			out.Faults = append(out.Faults, lang.Fault{
				Kind: lang.NoModule, Module: m.Module, Parent: m.Parent.Name, Own: true, Asks: c.asks([]imports.Missing{m}), Name: c.otherCase(m),
				File: path.Join(m.Parent.Path[0].Dir, m.Module[strings.LastIndexByte(m.Module, '.')+1:]),
			})
		}
	}
	for _, key := range sortedKeys(c.unfetched) {
		m := c.unfetched[key]
		out.Faults = append(out.Faults, lang.Fault{Kind: lang.NotFetched, Module: m.Module, Name: c.notFetched(m), Asks: c.asks([]imports.Missing{m})})
	}
	for _, file := range sortedKeys(c.leftOut) {
		out.Faults = append(out.Faults, c.leftOut[file])
	}
	out.Faults = append(out.Faults, c.misfits()...)
	out.Faults = append(out.Faults, c.strayed()...)
	for _, m := range c.misplaced {
		out.Faults = append(out.Faults, lang.Fault{Kind: lang.Misplaced, Module: m.Module, Asks: c.asks([]imports.Missing{m}), Detail: misplaced(m)})
	}
	return out
}

// count gives the files that are reached, and counts modules and their imports; what several entries reach counts once.
func (c *programs) count(out *lang.Followed) {
	size := 0
	for _, f := range c.graphs {
		size = max(size, len(f.graph.Nodes))
	}
	have := make(map[string]int, size)
	out.Files = make([]lang.File, 0, size)
	for _, f := range c.graphs {
		for _, name := range f.graph.Keys() {
			n := f.graph.Nodes[name]
			key := cmp.Or(n.Module.File, n.Module.Name)
			before, ok := have[key]
			if !ok {
				out.Modules++
			}
			if n.Imports > before || !ok {
				out.Imports += n.Imports - before
				have[key] = n.Imports
			}
			if ok {
				continue
			}
			if n.Origin == nil {
				o, _ := c.ContextPath(n.Module.Tree, n.Module.File)
				n.Origin = &o
			}
			if o := *n.Origin; o != "" && n.Module.File != "" {
				out.Files = append(out.Files, lang.File{Path: o, Ask: func() need.Ask {
					site := imports.Missing{Site: n.Site, From: n.From, Reach: n.Reach}
					if n.From == nil {
						site.Site = f.entry.Site
					}
					return c.ask(site)
				}})
			}
		}
	}
}

// need says what the image lacks.
func (c *programs) need(g *group) *need.Need {
	slices.SortStableFunc(g.missing, func(a, b imports.Missing) int { return -cmp.Compare(a.Reach, b.Reach) })
	lost, add := c.lost(g.module, g.repo)
	return &need.Need{
		Name: g.module, Source: g.repo, Asks: c.asks(g.missing), Reach: g.reach, Started: g.started, Wants: c.wants(g), Ways: c,
		Top: topLevel(g), In: g.in, Lost: lost, Add: add, Command: g.command, NotMade: c.notMade(g.command),
	}
}

// topLevel reports whether a module is searched along the search path, and not in a package. A directory that merely has the name of
// its package may be something else.
func topLevel(g *group) bool {
	if p := g.missing[0].Parent; p != nil {
		return p.Kind == imports.Namespace && !strings.Contains(p.Name, ".")
	}
	return !strings.Contains(g.module, ".")
}

// wants gives the places in the image at which a missing package would be found: in its parent package, or in the first
// directories of the search path.
func (c *programs) wants(g *group) []string {
	dirs := c.searchDirs
	if p := g.missing[0].Parent; p != nil {
		dirs = p.Path
	}
	var out []string
	for _, d := range dirs {
		at := path.Join(d.Dir, path.Base(g.repo))
		if d.Tree == view.Tree(c.Tree) && d.Note == "" && !slices.Contains(out, at) && len(out) < 3 {
			out = append(out, at)
		}
	}
	return out
}

// Unreached implements lang.Programs.
func (c *programs) Unreached(n *need.Need, at string) (advice, searchDir string, searched bool) {
	if g := c.groups[n.Source]; g != nil && g.missing[0].Parent != nil && g.missing[0].Parent.Kind == imports.Package {
		p := g.missing[0].Parent
		return fmt.Sprintf("The package %s is at %s, and its modules are searched only there.", p.Name, p.Path[0].Dir), "",
			slices.ContainsFunc(p.Path, func(d lang.SearchDir) bool { return d.Tree == view.Tree(c.Tree) && d.Dir == path.Dir(at) })
	}
	below := "/" + strings.ReplaceAll(n.Name, ".", "/")
	dir, named := strings.CutSuffix(strings.TrimSuffix(at, ".py"), below)
	if named {
		searchDir = path.Join("/", dir)
		whole := func(d lang.SearchDir) bool { _, part := d.Tree.(*installed); return !part && d.Dir == searchDir }
		if slices.ContainsFunc(c.searchDirs, whole) {
			return "", searchDir, true
		}
	}
	var dirs []string
	for _, d := range c.searchDirs {
		if _, part := d.Tree.(*installed); !part && !slices.Contains(dirs, d.Dir) {
			dirs = append(dirs, d.Dir)
		}
	}
	advice = "The search path is " + strings.Join(dirs, ", ") + "."
	if len(dirs) == 0 {
		advice = "The search path contains no directory of this image."
	}
	name := n.Name[strings.LastIndexByte(n.Name, '.')+1:]
	if strings.TrimSuffix(path.Base(at), ".py") != name {
		return fmt.Sprintf("%s Its directory has lost its name: it must be called %s.", advice, name), searchDir, false
	}
	parent := path.Dir(at)
	for range strings.Count(n.Name, ".") {
		parent = path.Dir(parent)
	}
	return fmt.Sprintf("%s Put %s on PYTHONPATH, or set WORKDIR %s if the program searches its working directory.", advice, parent, parent), searchDir, false
}

// lacksName says which name a module lacks.
func (c *programs) lacksName(n *lackedName) lang.Fault {
	slices.SortStableFunc(n.missing, func(a, b imports.Missing) int { return -cmp.Compare(a.Reach, b.Reach) })
	m := n.missing[0]
	f := lang.Fault{
		Kind: lang.NoName, Module: m.Module, Name: m.Name, Asks: c.asks(n.missing), Exports: n.exports, File: n.module.File,
		Package: n.module.IsPackage() && m.Name == strings.ToLower(m.Name),
	}
	if m.Kind == imports.NoModule {
		f.Module = m.Parent.Name
	}
	if n.definedIn == "" {
		if n.module.Kind == imports.Namespace {
			f.Detail = fmt.Sprintf("The directory has neither __init__.py nor a module %s.", m.Name)
		}
		return f
	}
	f.Detail = fmt.Sprintf("The submodule %s defines it: add `from .%s import %s` to the package's __init__.py.", n.definedIn, n.definedIn, m.Name)
	if m.Parent != nil && m.Parent.Kind == imports.Package {
		if file, ok := c.ContextPath(m.Parent.Tree, m.Parent.File); ok {
			f.Add = finding.Hint{ExportFile: file, ExportFrom: n.definedIn, ExportName: m.Name}
			if data, err := c.Repo.Read(file); err == nil {
				f.Add.ExportLine = imports.BehindImports(data)
			}
		}
	}
	return f
}

// surelyNowhere reports whether a submodule belongs to a package of the project, and is none that a build makes.
func (c *programs) surelyNowhere(m imports.Missing) bool {
	return m.Reach > need.Guarded && c.ownPackage(m.Parent) && !c.generated(m)
}

// ownPackage reports whether a package is the project's beyond doubt: it has an __init__.py, which makes all of it lie in one directory,
// or the program has found another module in its only directory and no dependency has its name. That directory comes from the build
// context.
func (c *programs) ownPackage(m *imports.Module) bool {
	if m.Kind == imports.Namespace {
		if _, declared := c.declared().ImportDeclared(m.Name); declared || len(m.Path) != 1 || !c.hasFound(m) {
			return false
		}
	} else if m.Kind != imports.Package || m.File == "" {
		return false
	}
	_, own := c.Origin(m.Path[0].Tree, m.Path[0].Dir)
	return own
}

// hasFound reports whether a program has found a module in a package.
func (c *programs) hasFound(m *imports.Module) bool {
	return slices.ContainsFunc(c.graphs, func(f followed) bool {
		for name, n := range f.graph.Nodes {
			if strings.HasPrefix(name, m.Name+".") && n.Module.File != "" {
				return true
			}
		}
		return false
	})
}

// otherCase names what a package has that differs from the name of a missing module in upper and lower case alone.
func (c *programs) otherCase(m imports.Missing) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(m.Module, m.Parent.Name+"."), ".")
	for _, entry := range sortedKeys(m.Parent.Path[0].Tree.Entries(m.Parent.Path[0].Dir)) {
		if stem, _, _ := strings.Cut(entry, "."); stem != name && strings.EqualFold(stem, name) {
			return entry
		}
	}
	return ""
}

// topInOtherCase names the package or module of the build context that a search directory has and that differs from a top-level name in upper
// and lower case alone.
func (c *programs) topInOtherCase(module string) string {
	top, _, _ := strings.Cut(module, ".")
	for _, d := range c.searchDirs {
		entries := d.Tree.Entries(d.Dir)
		for _, entry := range sortedKeys(entries) {
			stem, ext := strings.TrimSuffix(entry, ".py"), path.Ext(entry)
			if stem == top || !strings.EqualFold(stem, top) {
				continue
			}
			file := path.Join(d.Dir, entry)
			if entries[entry] == view.Directory {
				file = path.Join(file, "__init__.py")
			} else if ext != ".py" {
				continue
			}
			if _, own := c.ContextPath(d.Tree, file); own && d.Tree.Entries(path.Dir(file))[path.Base(file)] == view.RegularFile {
				return entry
			}
		}
	}
	return ""
}

// misplaced says why Python refuses a relative import.
func misplaced(m imports.Missing) string {
	switch name := m.From.Module.Name; {
	case name == "__main__":
		return "A file that is run as a script belongs to no package; run it with python -m."
	case !strings.Contains(name, ".") && !m.From.Module.IsPackage():
		return name + " is a top-level module here, so it belongs to no package."
	default:
		return "It goes beyond the top-level package " + name + ": the directory above is not part of it here."
	}
}

// noProgram tells of what is started and was found nowhere.
func (c *programs) noProgram(e entry) lang.Fault {
	f := lang.Fault{
		Kind: lang.NoProgram, Module: e.Module, Asks: c.asks([]imports.Missing{{Site: e.Site, Reach: need.Startup}}),
		Detail: "Its imports were not checked. If it is first-party, it is not in the working directory or on the search path of the image.",
	}
	file := "/" + strings.ReplaceAll(e.Module, ".", "/") + ".py"
	at := c.OwnFile(func(at string) bool { return path.Base(at) == path.Base(file) })
	if above, name, nested := cutModule(e.Module); nested {
		if p := imports.Find(e.search, above); p != nil && c.ownPackage(p) && !c.generated(imports.Missing{Module: e.Module, Parent: p}) {
			f.Own, f.Parent, f.File = true, above, path.Join(p.Path[0].Dir, name)
			f.Detail = fmt.Sprintf("The package %s is at %s and has no module %s.", above, p.Path[0].Dir, name)
			if i := slices.IndexFunc(e.search, func(d lang.SearchDir) bool { return d.Dir == path.Dir(at) }); at != "" && i >= 0 {
				f.Name = name
				f.Detail += fmt.Sprintf(" The file %s is imported as %s.", at, name)
			}
			return f
		}
	}
	if strings.HasSuffix(at, file) {
		f.Detail = fmt.Sprintf("%s may be the file, but it is not on the search path.", at)
	} else if source := c.onlyFile(e.Module); at == "" && source != "" && len(e.search) > 0 {
		f.Own, f.Source, f.File = true, source, path.Join(e.search[0].Dir, strings.ReplaceAll(e.Module, ".", "/"))
		f.Detail = fmt.Sprintf("The repository has %s, but no COPY copies it to a directory on the search path.", source)
	}
	return f
}

// cycles gives the names that are asked for too early.
func (c *programs) cycles() []lang.Fault {
	var out []lang.Fault
	seen := map[finding.Position]bool{}
	for _, f := range c.graphs {
		for _, cy := range f.graph.Cycles() {
			ask := c.ask(imports.Missing{Site: cy.Site, Reach: need.Startup, From: f.graph.Nodes[cy.Site.Importer]})
			if seen[ask.At] {
				continue // another entry comes to it too
			}
			seen[ask.At] = true
			pending := c.ask(imports.Missing{Site: cy.Pending, Reach: need.Startup, From: f.graph.Nodes[cy.Pending.Importer]})
			out = append(out, lang.Fault{Kind: lang.StillLoading, Module: cy.Module, Name: cy.Name, Asks: []need.Ask{ask}, Pending: pending})
		}
	}
	return out
}

// cutModule cuts the last part off a dotted name.
func cutModule(name string) (above, last string, nested bool) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(i, 0)], name[i+1:], i >= 0
}
