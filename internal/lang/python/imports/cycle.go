package imports

import (
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// Cycle is a name that is asked of a module which is still being imported, further up, and has not bound it yet: the
// import fails when the program starts.
type Cycle struct {
	// Module is asked for Name at Site, while its own import at Pending is not done.
	Module, Name string
	Site         need.Site
	Pending      need.Site
}

// Cycles follows the imports that happen at start-up, in their order, and gives those that come too early. Modules whose
// namespace only running them could tell are taken to have every name.
func (g *Graph) Cycles() []Cycle {
	c := &cycles{graph: g, state: map[*Node]*progress{}}
	for _, e := range g.config.Entries {
		if e.Script != "" {
			c.main(g.Nodes[e.Script])
			continue
		}
		c.packages(e.Module, 0)
		if !e.Main {
			c.load(e.Module, 0)
		} else if n := g.Nodes[e.Module]; n != nil && n.Module.IsPackage() {
			c.load(e.Module, 0)
			c.main(g.Nodes[e.Module+".__main__"])
		} else {
			c.main(n)
		}
	}
	return c.found
}

// main executes what runs as __main__: under its own name it is another module, which is not being imported.
func (c *cycles) main(n *Node) {
	if n != nil {
		c.imports(n, &progress{}, 0)
	}
}

// maxImportDepth is where CPython's own recursion limit ends an import of imports.
const maxImportDepth = 900

type cycles struct {
	graph *Graph
	state map[*Node]*progress
	found []Cycle
}

// progress is how far a module has been executed.
type progress struct {
	done bool
	at   int // offset of the statement that runs
	site need.Site
}

func (c *cycles) run(n *Node, depth int) {
	if c.state[n] != nil || depth > maxImportDepth {
		return
	}
	p := &progress{}
	c.state[n] = p
	c.imports(n, p, depth)
	p.done = true
}

// imports executes the import statements of a module, and keeps book of where it is.
func (c *cycles) imports(n *Node, p *progress, depth int) {
	f := c.graph.source(n)
	if f == nil {
		return
	}
	for i := range f.Imports {
		imp := &f.Imports[i]
		if reachOf(n, imp.Context) != need.Startup {
			continue
		}
		p.at = imp.Range.Start.Offset
		p.site = need.Site{File: n.Module.File, Importer: n.key(), Range: imp.Range, Text: statement(imp), Reach: need.Startup}
		c.execute(n, imp, p.site, depth)
	}
}

// execute does what an import statement does: it imports the packages on the way, the module, and asks it for names.
func (c *cycles) execute(n *Node, imp *syntax.Import, site need.Site, depth int) {
	name, ok := absolute(n, imp.Level, imp.Module)
	if !ok {
		return
	}
	c.packages(name, depth)
	target := c.load(name, depth)
	if target == nil {
		return
	}
	for _, want := range imp.Names {
		if c.graph.Nodes[name+"."+want.Name] != nil && !c.graph.Exports(target).Has(want.Name) {
			c.load(name+"."+want.Name, depth)
			continue
		}
		p := c.state[target]
		if p == nil || p.done || target == n || !c.tooEarly(target, want.Name, p.at) {
			continue
		}
		at := site
		at.Range = want.Range
		c.found = append(c.found, Cycle{Module: name, Name: want.Name, Site: at, Pending: p.site})
	}
}

// packages imports the packages above a module, as Python does before the module itself.
func (c *cycles) packages(name string, depth int) {
	for i := range name {
		if name[i] == '.' {
			c.load(name[:i], depth)
		}
	}
}

func (c *cycles) load(name string, depth int) *Node {
	n := c.graph.Nodes[name]
	if n != nil && n.Reach == need.Startup {
		c.run(n, depth+1)
	}
	return n
}

// tooEarly reports whether a module binds a name only after an offset.
func (c *cycles) tooEarly(n *Node, name string, offset int) bool {
	ex := c.graph.Exports(n)
	if ex.Dynamic || !ex.Has(name) || c.graph.Nodes[n.Module.Name+"."+name] != nil {
		return false
	}
	bound := false
	for _, b := range c.graph.source(n).Bindings {
		if b.Name == name && b.Kind != syntax.BindDelete {
			if b.Range.Start.Offset < offset {
				return false
			}
			bound = true
		}
	}
	return bound
}
