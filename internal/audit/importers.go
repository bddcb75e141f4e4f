package audit

import (
	"cmp"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/modules/python"
	"github.com/ctxaudit/ctxaudit/internal/modules/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Usage tells who uses a Python module, of those that what the image starts reaches.
type Usage struct {
	// Module is its name as the program imports it; "" if nothing imports it.
	Module string
	// Imports are the sites that import it, or something below it if it is a package; sorted by place.
	Imports []Place
	// Exports are the names that it offers, if it is in the image.
	Exports []string
}

// Importers finds the imports of a module, named by its path in the main context.
func Importers(m *simulate.Image, main *simulate.Context, pol *policy.Image, contextPath string) (*Usage, error) {
	declared, err := manifest.Declared(repository{main.FS})
	if err != nil {
		return nil, err
	}
	c := &importCheck{
		pass: &pass{subject: Subject{Policy: pol}, image: m, main: main, report: &ImageReport{}},
		tree: imageTree{m.Tree}, repo: repository{main.FS}, declared: declared,
		groups: map[string]*missingGroup{}, names: map[string]*missingName{}, nowhere: map[string]python.Missing{},
	}
	c.declareInstalled()
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
				u.Imports = append(u.Imports, c.sitePlace(python.Missing{Site: site, Reach: site.Reach, From: g.Nodes[site.Importer]}))
			}
		}
	}
	for _, g := range c.groups {
		if simulate.Within(g.repo, contextPath) || simulate.Within(contextPath, g.repo) {
			u.Module = cmp.Or(u.Module, g.module)
			for _, miss := range g.missing {
				u.Imports = append(u.Imports, c.sitePlace(miss))
			}
		}
	}
	slices.SortFunc(u.Imports, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	u.Imports = slices.CompactFunc(u.Imports, func(a, b Place) bool { return a.File == b.File && a.Line == b.Line })
	return u, nil
}
