package audit

import (
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Usage tells who uses a Python module, of those that what the image starts reaches.
type Usage struct {
	// Module is its name as the program imports it; "" if nothing imports it.
	Module string
	// Imports are the sites that import it, or something below it if it is a package; sorted by place.
	Imports []finding.Place
	// Exports are the names that it offers, if it is in the image.
	Exports []string
	// Findings are what a check of the image says about it, the worst first.
	Findings []finding.Finding
}

// Importers finds the imports of a module, named by its path in the main context.
func Importers(m *simulate.Image, main *simulate.Context, s Subject, contextPath string) (*Usage, error) {
	c := newImportCheck(s.lookingOnly(m, main))
	u := &Usage{}
	for _, e := range c.entries() {
		c.searchDirs = append(c.searchDirs, e.search...)
		g := c.follow(e)
		for _, name := range sortedKeys(g.Nodes) {
			n := g.Nodes[name]
			o, ok := c.contextPath(n.Module.Tree, n.Module.File)
			if !ok || n.Module.File == "" || !simulate.Within(o, contextPath) {
				continue
			}
			if o == contextPath || o == path.Join(contextPath, "__init__.py") {
				u.Module, u.Exports = n.Module.Name, g.Exports(n).Sorted()
			}
			for _, site := range g.Importers[name] {
				reach := e.reach(min(site.Reach, g.Nodes[site.Importer].Reach))
				u.Imports = append(u.Imports, c.sitePlace(imports.Missing{Site: site, Reach: reach, From: g.Nodes[site.Importer]}))
			}
		}
	}
	for _, key := range sortedKeys(c.groups) {
		g := c.groups[key]
		if simulate.Within(g.repo, contextPath) || simulate.Within(contextPath, g.repo) {
			u.Module = cmp.Or(u.Module, g.module)
			for _, miss := range g.missing {
				u.Imports = append(u.Imports, c.sitePlace(miss))
			}
			if err := c.reportGroup(g); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(u.Imports, func(a, b finding.Place) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	u.Findings = c.report.Findings
	slices.SortStableFunc(u.Findings, finding.Compare)
	u.Imports = slices.CompactFunc(u.Imports, func(a, b finding.Place) bool { return a.File == b.File && a.Line == b.Line })
	return u, c.unread
}

// lookingOnly is a pass over an image of the subject from which nothing is reported.
func (s Subject) lookingOnly(m *simulate.Image, main *simulate.Context) *pass {
	if s.Policy == nil {
		s.Policy = &policy.Image{}
	}
	if s.Facts == nil {
		s.Facts = NewFacts()
	}
	return &pass{ctx: context.Background(), subject: s, image: m, main: main, report: &finding.ImageReport{}}
}

// ModulePath gives the path in the main context of the directory or file of a Python module, by the name under which the
// program imports it: from where the image's search path comes from, the context and its src, and the directories that the
// project's own manifests name. ok is false if it is nowhere.
func ModulePath(m *simulate.Image, main *simulate.Context, s Subject, name string) (contextPath string, ok bool, err error) {
	c := newImportCheck(s.lookingOnly(m, main))
	for _, e := range c.entries() {
		c.searchDirs = append(c.searchDirs, e.search...)
	}
	find := func(roots []string) (string, bool) {
		for _, root := range roots {
			if found := c.inRoot(root, name); found != nil {
				return (&repoModule{found}).pathOf(name), true
			}
		}
		return "", false
	}
	if p, ok := find(c.roots(nil)); ok {
		return p, true, c.unread
	}
	var named []string
	for _, p := range c.declared().Projects {
		for _, root := range c.packages(p) {
			if dir, ok := root.SearchDir(); ok {
				named = append(named, path.Join(p.Dir, dir))
			}
		}
	}
	contextPath, ok = find(named)
	return contextPath, ok, c.unread
}
