package imports

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// A program is followed again and again over trees that differ in a few files: an edit brings a package into an image, and
// all else stays. What was followed before holds as long as every directory that was looked at shows the same, and every
// file that was read is the same. Where names were added to directories, only who asked for them in vain is followed again;
// that can add to what is reached and take away from what is missing. It is done where nothing else can come of it:
//
//   - No name went away or became something else, and none hides a module that was found.
//   - What is followed again or newly does not change the search path, and nobody asks for the name in a try, whose handler would be
//     reached in another way then, or by a star, which would bind other names.
//
// Otherwise the program is followed anew. Both ways come to the same modules, reached as surely, and to the same missing
// names (a test holds them against each other); among several importers of a module another one may be told first.

// resume gives what a program reaches over a tree that differs little from the one of g; nil if it must be followed anew.
func (g *Graph) resume(cfg Config) *Graph {
	was, now, ok := g.sameProgram(cfg)
	if !ok {
		return nil
	}
	added, ok := g.added(was, now)
	if !ok {
		return nil
	}
	unmet, ok := g.nowFound(added)
	if !ok {
		return nil
	}
	again := map[*Node]bool{}
	for _, name := range unmet {
		for asked, by := range g.unmet {
			if asked != name && !strings.HasPrefix(asked, name+".") {
				continue
			}
			for _, n := range by {
				if !again[n] && !g.onlyAdds(n, unmet) {
					return nil
				}
				again[n] = true
			}
		}
	}
	out := g.onto(cfg, now)
	for _, name := range unmet {
		delete(out.finder.modules, name)
	}
	files := map[string]bool{}
	for n := range again {
		m := out.Nodes[n.key()]
		m.done = 0
		files[n.Module.File] = true
		out.queue[m.Reach] = append(out.queue[m.Reach], m)
	}
	for _, q := range out.queue {
		slices.SortFunc(q, func(a, b *Node) int { return strings.Compare(a.key(), b.key()) })
	}
	maps.DeleteFunc(out.missing, func(k missingKey, _ *Missing) bool { return files[k.file] })
	out.finish()
	if len(out.finder.search) != len(g.finder.search) {
		return nil // what was found before the change may be another module after it
	}
	return out
}

// sameProgram reports whether another program is the same over another tree, and gives both trees.
func (g *Graph) sameProgram(cfg Config) (was, now view.Tree, ok bool) {
	if len(g.Absent) > 0 || len(g.Unreadable) > 0 || len(cfg.Entries) != len(g.config.Entries) || len(cfg.Search) != len(g.finder.search) {
		return nil, nil, false
	}
	if len(g.finder.entries) != 1 || cfg.Sources != g.config.Sources {
		return nil, nil, false
	}
	for t := range g.finder.entries {
		was = t
	}
	pair := func(a, b view.Tree) bool {
		if a == nil && b == nil {
			return true
		}
		if now == nil {
			now = b
		}
		return a == was && b == now
	}
	for i, d := range cfg.Search {
		if have := g.finder.search[i]; have.Dir != d.Dir || have.Note != d.Note || !pair(have.Tree, d.Tree) {
			return nil, nil, false
		}
	}
	for i, e := range cfg.Entries {
		have := g.config.Entries[i]
		if !pair(have.Tree, e.Tree) {
			return nil, nil, false
		}
		if !slices.Equal(e.Calls, have.Calls) || e.Code != have.Code || e.Script != have.Script || e.Module != have.Module || e.Main != have.Main || e.Site != have.Site && len(cfg.Entries) > 1 {
			return nil, nil, false
		}
	}
	return was, now, now != nil
}

// added gives the stems of the names that directories have now and did not have; ok is false if anything else differs.
func (g *Graph) added(was, now view.Tree) (stems map[string]map[string]bool, ok bool) {
	stems = map[string]map[string]bool{}
	differs := map[string]bool{}
	for dir, have := range g.finder.entries[was] {
		entries := now.Entries(dir)
		if reflect.ValueOf(entries).Pointer() == reflect.ValueOf(have.entries).Pointer() {
			continue
		}
		differs[dir] = true
		if (entries == nil) != (have.entries == nil) {
			return nil, false
		}
		for name, kind := range have.entries {
			if entries[name] != kind {
				return nil, false
			}
		}
		for name := range entries {
			if _, old := have.entries[name]; old {
				continue
			}
			stem, _, _ := strings.Cut(name, ".")
			if stem == "__init__" {
				return nil, false
			}
			if stems[dir] == nil {
				stems[dir] = map[string]bool{}
			}
			stems[dir][stem] = true
		}
	}
	for _, n := range g.Nodes {
		if file := n.Module.File; len(differs) > 0 && file != "" && differs[path.Dir(file)] {
			if key := was.Key(file); key == nil || key != now.Key(file) {
				return nil, false
			}
		}
	}
	return stems, true
}

// nowFound gives the names that were looked up in vain and are there now; ok is false if others are found elsewhere.
func (g *Graph) nowFound(added map[string]map[string]bool) (names []string, ok bool) {
	if len(added) == 0 {
		return nil, true
	}
	for name, m := range g.finder.modules {
		above, last, nested := cutLast(name)
		search := g.finder.search
		if nested {
			search = g.finder.modules[above].Path
		}
		if !slices.ContainsFunc(search, func(d lang.SearchDir) bool { return added[d.Dir][last] }) {
			continue
		}
		if m != nil {
			return nil, false
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, true
}

// onlyAdds reports whether to follow a module again can only add to what is reached.
func (g *Graph) onlyAdds(n *Node, names []string) bool {
	f := g.source(n)
	if f == nil || len(f.PathEdits) > 0 {
		return false
	}
	return !slices.ContainsFunc(f.Imports, func(imp syntax.Import) bool {
		if !imp.Star && !imp.Context.Has(syntax.InTry) && !imp.Context.Has(syntax.InHandler) {
			return false
		}
		asked, ok := absolute(n, imp.Level, imp.Module)
		return !ok || slices.ContainsFunc(names, func(name string) bool {
			return asked == name || strings.HasPrefix(asked, name+".") || strings.HasPrefix(name, asked+".")
		})
	})
}

// onto gives a copy of g over another tree.
func (g *Graph) onto(cfg Config, now view.Tree) *Graph {
	out := newGraph(cfg)
	c := copying{
		now: now, modules: make(map[*Module]*Module, len(g.finder.modules)), nodes: make(map[*Node]*Node, len(g.Nodes)),
		roomForModules: make([]Module, 0, len(g.finder.modules)), roomForNodes: make([]Node, 0, len(g.Nodes)),
	}
	out.keys = slices.Clone(g.Keys())
	out.finder.modules = make(map[string]*Module, len(g.finder.modules))
	for name, m := range g.finder.modules {
		out.finder.modules[name] = c.module(m)
	}
	out.Nodes = make(map[string]*Node, len(g.Nodes))
	for key, n := range g.Nodes {
		out.Nodes[key] = c.node(n)
	}
	for _, n := range out.Nodes {
		if n.From = c.nodes[n.From]; n.From == nil && len(cfg.Entries) == 1 {
			n.Site = cfg.Entries[0].Site
		}
	}
	for k, m := range g.missing {
		of := c.missing(*m)
		out.missing[k] = &of
	}
	for _, m := range g.Misplaced {
		out.Misplaced = append(out.Misplaced, c.missing(m))
	}
	for name, by := range g.unmet {
		list := make([]*Node, len(by))
		for i, n := range by {
			list[i] = c.nodes[n]
		}
		out.unmet[name] = list
	}
	out.Importers = make(map[string][]need.Site, len(g.Importers))
	for name, sites := range g.Importers {
		out.Importers[name] = slices.Clip(sites)
	}
	out.asked.under = &g.asked
	out.ChangesDir, out.UnknownPaths = g.ChangesDir, slices.Clip(g.UnknownPaths)
	return out
}

// copying copies the modules and the nodes of a graph over another tree, each once. They lie in pieces of memory that are made at once:
// a trial copies thousands.
type copying struct {
	now            view.Tree
	modules        map[*Module]*Module
	nodes          map[*Node]*Node
	roomForModules []Module
	roomForNodes   []Node
	dirs           []lang.SearchDir
}

func (c *copying) module(m *Module) *Module {
	if m == nil {
		return nil
	}
	if have := c.modules[m]; have != nil {
		return have
	}
	if len(c.roomForModules) == cap(c.roomForModules) { // what was made is pointed to, and must stay where it is
		c.roomForModules = make([]Module, 0, 16)
	}
	c.roomForModules = append(c.roomForModules, *m)
	out := &c.roomForModules[len(c.roomForModules)-1]
	from := len(c.dirs)
	for _, d := range m.Path {
		d.Tree = c.now
		c.dirs = append(c.dirs, d)
	}
	out.Tree, out.Path = c.now, slices.Clip(c.dirs[from:])
	c.modules[m] = out
	return out
}

func (c *copying) node(n *Node) *Node {
	c.roomForNodes = append(c.roomForNodes, *n) // there is room for all of them
	out := &c.roomForNodes[len(c.roomForNodes)-1]
	out.Module, out.calls = c.module(n.Module), maps.Clone(n.calls)
	c.nodes[n] = out
	return out
}

func (c *copying) missing(m Missing) Missing {
	m.Parent, m.From = c.module(m.Parent), c.nodes[m.From]
	return m
}
