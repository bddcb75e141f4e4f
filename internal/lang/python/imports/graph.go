package imports

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Entry is where a program starts.
type Entry struct {
	// Script is a file that is run as __main__, and Code a program that is written out; both are "" if Module is set.
	Script string
	Code   string
	Tree   view.Tree
	// Module is imported, or run as __main__ if Main is set (python -m).
	Module string
	Main   bool
	// Calls are functions of Module of which the first that it has is called then.
	Calls []string
	// Site is the command that starts it.
	Site need.Site
}

// Config says how imports are followed.
type Config struct {
	Entries []Entry
	Search  []lang.SearchDir
	// Sources are where files are read, for this program and others; nil: they are read as the zero configuration says.
	Sources *Sources
	// Foreign reports whether a module is somebody else's whatever happens, such as one of the standard library: that it is
	// missing is told once, and not for each site. nil: none is.
	Foreign func(module string) bool
	// Context ends the work: what is given then is not all. nil: nothing does.
	Context context.Context
	// Prior is what the same program reached over another tree, which may differ little; nil for none.
	Prior *Graph
	// Strings gives what literals of a file name modules of this program, such as Django's settings; nil for none.
	Strings func(file *syntax.File) []Named
}

// Named is a module, or a name in one, that a string literal names.
type Named struct {
	Dotted string
	Range  syntax.Range
	// Exact asks for the module itself; otherwise its last part may be a name in a module.
	Exact bool
	// Optional tells of a module that is used if it is there.
	Optional bool
	// Called is the call that imports it, as it is written; "" if something else decides when it is imported.
	Called string
	// Context is what surrounds the literal.
	Context syntax.Context
}

// Graph is what a program reaches.
type Graph struct {
	// Nodes by module name, and scripts by their path.
	Nodes map[string]*Node
	// Importers gives the sites that ask for a module, by its name, in the order in which they were met.
	Importers map[string][]need.Site
	// Missing is what is asked for and not there, the strongest way first, each site once for each name.
	Missing []Missing
	// Entries that could not be found, by their index in Config.Entries.
	Absent []int
	// Search is the search path in the end, with what the program itself put on it.
	Search []lang.SearchDir
	// UnknownPaths are places that put something on the search path that could not be told.
	UnknownPaths []need.Site
	// Unreadable are files that were reached and whose content is not known, or no Python.
	Unreadable []string
	// Misplaced are relative imports that Python refuses: in a script, which has no package, or beyond the top of one.
	Misplaced []Missing
	// Reads are files that modules read when they are imported, each place once. ChangesDir tells that the program may change its
	// working directory.
	Reads      []Read
	ChangesDir bool
	// Starts are the commands that modules run, each place once.
	Starts    []Start
	exports   map[*Node]*Exports
	inherited int // names that star imports handed on
	finder    *finder
	config    Config
	keys      []string // of Nodes, in any order
	queue     [need.Startup + 1][]*Node
	callers   []*Node // were followed, and may call functions of what they import
	missing   map[missingKey]*Missing
	asked     askedSites
	unmet     map[string][]*Node // who asked for what is not there
}

// askedSites are the sites that are in Graph.Importers.
type askedSites struct {
	own   map[askedKey]bool
	under *askedSites // those of the graph that this one goes on from
}

type askedKey struct {
	module, file string
	at           syntax.Range
}

func (a *askedSites) has(k askedKey) bool {
	for ; a != nil; a = a.under {
		if a.own[k] {
			return true
		}
	}
	return false
}

type missingKey struct {
	module, name, file string
	line               int
}

// Follow gives what a program reaches.
func Follow(cfg Config) *Graph {
	if cfg.Prior != nil {
		if g := cfg.Prior.resume(cfg); g != nil {
			return g
		}
	}
	g := newGraph(cfg)
	for i, e := range cfg.Entries {
		if !g.start(e) {
			g.Absent = append(g.Absent, i)
		}
	}
	g.finish()
	return g
}

func newGraph(cfg Config) *Graph {
	if cfg.Sources == nil {
		cfg.Sources = NewSources(syntax.Config{})
	}
	if cfg.Context == nil {
		cfg.Context = context.Background()
	}
	cfg.Prior = nil
	return &Graph{
		Nodes: map[string]*Node{}, exports: map[*Node]*Exports{}, finder: newFinder(slices.Clone(cfg.Search)), config: cfg,
		missing: map[missingKey]*Missing{}, Importers: map[string][]need.Site{}, asked: askedSites{own: map[askedKey]bool{}}, unmet: map[string][]*Node{},
	}
}

// finish follows what waits to be followed, and sorts what is missing.
func (g *Graph) finish() {
	g.drain()
	// A path that was put on the search path late may lead to what was missing before.
	for again := true; again; {
		again = false
		for _, k := range g.found() {
			m := g.missing[k]
			found, _ := g.finder.find(m.Module)
			delete(g.missing, k)
			g.visit(found, m.Reach, m.From, m.Site)
			again = true
		}
		g.drain()
	}
	g.Search = g.finder.search
	order := slices.SortedFunc(maps.Values(g.missing), func(a, b *Missing) int {
		return cmp.Or(-cmp.Compare(a.Reach, b.Reach), cmp.Compare(a.Module, b.Module), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Site.File, b.Site.File), cmp.Compare(a.Site.Range.Start.Offset, b.Site.Range.Start.Offset))
	})
	g.Missing = make([]Missing, len(order))
	for i, m := range order {
		g.Missing[i] = *m
	}
	slices.Sort(g.Unreadable)
	g.gather()
}

// gather puts together what the modules read and run, in a fixed order.
func (g *Graph) gather() {
	for _, key := range g.Keys() {
		n := g.Nodes[key]
		for _, r := range n.reads {
			r.From = n
			g.Reads = append(g.Reads, r)
		}
		for _, s := range n.starts {
			s.From = n
			g.Starts = append(g.Starts, s)
		}
	}
}

// found gives what was missing and is there now, in a fixed order.
func (g *Graph) found() []missingKey {
	var out []missingKey
	for k, m := range g.missing {
		if m.Kind == NoModule {
			if found, _ := g.finder.find(m.Module); found != nil {
				out = append(out, k)
			}
		}
	}
	slices.SortFunc(out, func(a, b missingKey) int {
		return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.name, b.name), cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	return out
}

// find looks a module up that a node asks for.
func (g *Graph) find(n *Node, name string) (m, parent *Module) {
	if m, parent = g.finder.find(name); m == nil {
		if by := g.unmet[name]; len(by) == 0 || by[len(by)-1] != n {
			g.unmet[name] = append(by, n)
		}
	}
	return m, parent
}

// codeFile is what Python calls the file of a program that is given with -c.
const codeFile = "<string>"

func (g *Graph) start(e Entry) bool {
	if e.Code != "" {
		g.push(codeFile, &Module{Name: "__main__", Kind: Plain, Tree: e.Tree, File: codeFile}, need.Startup, nil, e.Site, true)
		g.Nodes[codeFile].source = g.config.Sources.parse([]byte(e.Code))
		return true
	}
	if e.Script != "" {
		if g.finder.list(e.Tree, path.Dir(e.Script)).entries[path.Base(e.Script)] != view.RegularFile {
			return false
		}
		m := &Module{Name: "__main__", Kind: Plain, Tree: e.Tree, File: e.Script}
		g.push(e.Script, m, need.Startup, nil, e.Site, true)
		return true
	}
	m, _ := g.finder.find(e.Module)
	if m == nil {
		return false
	}
	g.visit(m, need.Startup, nil, e.Site)
	if e.Main {
		if m.IsPackage() {
			main, _ := g.finder.find(e.Module + ".__main__")
			if main == nil {
				return false
			}
			m = main
		}
		g.push(m.Name, m, need.Startup, nil, e.Site, true)
	}
	return true
}

// visit reaches a module and the packages above it, which are imported first.
func (g *Graph) visit(m *Module, r need.Reach, from *Node, site need.Site) {
	for i := range m.Name {
		if m.Name[i] == '.' {
			if above, _ := g.finder.find(m.Name[:i]); above != nil {
				g.push(above.Name, above, r, from, site, false)
			}
		}
	}
	g.push(m.Name, m, r, from, site, false)
}

// key is that of the node in Graph.Nodes.
func (n *Node) key() string {
	if n.Module.Name == "__main__" {
		return n.Module.File
	}
	return n.Module.Name
}

// add makes the node of a module that has none.
func (g *Graph) add(key string, m *Module) *Node {
	n := &Node{Module: m}
	g.Nodes[key] = n
	g.keys = append(g.keys, key)
	return n
}

// Keys gives the keys of Nodes, sorted. It must not be changed.
func (g *Graph) Keys() []string {
	if !slices.IsSorted(g.keys) {
		slices.Sort(g.keys)
	}
	return g.keys
}

func (g *Graph) push(key string, m *Module, r need.Reach, from *Node, site need.Site, main bool) {
	n := g.Nodes[key]
	if n == nil {
		n = g.add(key, m)
	}
	if main && !n.Main {
		// As __main__ it does what it would not do as a module.
		n.Main, n.done = true, 0
	}
	if n.Reach < r {
		n.Reach, n.From, n.Site = r, from, site
	}
	if n.done < n.Reach {
		g.queue[n.Reach] = append(g.queue[n.Reach], n)
	}
}

// drain follows imports, the strongest ways first, so that most modules are followed once.
func (g *Graph) drain() {
	for r := need.Startup; r > need.Typing && g.config.Context.Err() == nil; {
		q := g.queue[r]
		if len(q) == 0 {
			if r--; r == need.Typing && g.runImported() {
				r = need.Startup
			}
			continue
		}
		n := q[0]
		g.queue[r] = q[1:]
		if n.done >= n.Reach {
			continue
		}
		n.done = n.Reach
		g.follow(n)
		// What was found may be reached at start-up again.
		r = need.Startup
	}
}

// source gives what was read of a node's file; nil if there is nothing to read.
func (g *Graph) source(n *Node) *syntax.File {
	if n.source == nil {
		if n.Module.File == "" || n.Module.Kind == Extension {
			return nil
		}
		n.source = g.config.Sources.source(n.Module.Tree, n.Module.File)
		if n.source.err != nil {
			if !slices.Contains(g.Unreadable, n.Module.File) {
				g.Unreadable = append(g.Unreadable, n.Module.File)
			}
			n.source = unreadable
		}
	}
	return n.source.file
}

// unreadable stands for a file that may hold anything.
var unreadable = &source{file: &syntax.File{Dynamic: []syntax.Marker{{Kind: syntax.MarkExec}}}}

// reachOf tells how a place is reached once its module is imported; 0 if it never is.
func reachOf(n *Node, c syntax.Context) need.Reach {
	switch {
	case c.Has(syntax.Never):
		return 0
	case c.Has(syntax.TypeChecking):
		return need.Typing
	case c.Has(syntax.MainGuard) && !n.Main:
		return 0
	case c.Has(syntax.Guarded), c.Has(syntax.Suppressed), c.Has(syntax.InHandler),
		c.Has(syntax.VersionBranch), c.Has(syntax.PlatformBranch), c.Has(syntax.DevelopmentBranch), c.Has(syntax.Probed):
		return need.Guarded
	case c.Has(syntax.InFunction) && n.calls[c.Function] == 0:
		return need.Lazy
	case c.Has(syntax.Branch):
		return need.Conditional
	case c.Has(syntax.InFunction):
		return n.calls[c.Function]
	default:
		return need.Startup
	}
}

func (g *Graph) follow(n *Node) {
	f := g.source(n)
	if f == nil {
		return
	}
	for _, e := range f.PathEdits {
		g.editPath(n, e)
	}
	g.runOwn(n, f)
	n.Imports = 0
	failed := map[int]bool{} // tries whose body asks for a module that is known not to be there
	for i := range f.Imports {
		imp := &f.Imports[i]
		at := imp.Context
		if at.Has(syntax.InHandler) && failed[at.Try] {
			// What stands in for it is needed as much as the try itself.
			at.Flags &^= syntax.InHandler
		}
		if at.Has(syntax.InTry) && !at.Has(syntax.InHandler) && g.knownMissing(n, imp) {
			failed[at.Try] = true
		}
		if r := reachOf(n, at); r > need.Typing {
			n.Imports++
			g.followImport(n, imp, need.Site{File: n.Module.File, Importer: n.key(), Range: imp.Range, Text: n.source.texts[i], Reach: r})
		}
	}
	for _, c := range f.ImportCalls {
		if r := reachOf(n, c.Context); r > need.Typing && c.Literal {
			g.followCall(n, c, need.Site{File: n.Module.File, Importer: n.key(), Range: c.Range, Text: c.Callee + "(\"" + c.Module + "\")", Reach: r})
		}
	}
	g.addReads(n, f)
	g.addStarts(n, f)
	g.callers = append(g.callers, n)
	if g.config.Strings != nil {
		for _, s := range g.config.Strings(f) {
			r, text := reachOf(n, s.Context), "\""+s.Dotted+"\""
			if s.Called != "" {
				text = s.Called
			} else {
				r = min(r, need.Lazy)
			}
			if r > need.Typing {
				g.followString(n, s, need.Site{File: n.Module.File, Importer: n.key(), Range: s.Range, Text: text, Reach: r})
			}
		}
	}
}

// knownMissing reports whether an import asks for a submodule of a package that is there, and that has none of that name.
func (g *Graph) knownMissing(n *Node, imp *syntax.Import) bool {
	name, ok := absolute(n, imp.Level, imp.Module)
	if !ok {
		return false
	}
	m, parent := g.find(n, name)
	return m == nil && parent != nil && parent.Kind == Package
}
