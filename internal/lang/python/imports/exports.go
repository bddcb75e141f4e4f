package imports

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
)

// Exports is what a module offers to a from-import.
type Exports struct {
	// Names that it binds, with how; star imports that could be followed included.
	Names map[string]syntax.BindingKind
	// Dynamic says that there may be more: only running the module could tell.
	Dynamic bool
}

// Has reports whether a name can be imported, or may be.
func (e *Exports) Has(name string) bool {
	_, ok := e.Names[name]
	return ok || slices.Contains(implicitNames, name)
}

// Imported reports whether the module binds the name by an import.
func (e *Exports) Imported(name string) bool { return e.Names[name] == syntax.BindImport }

// Sorted gives the public names in order.
func (e *Exports) Sorted() []string {
	var out []string
	for n := range e.Names {
		if !strings.HasPrefix(n, "_") {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// implicitNames are attributes that every module has.
var implicitNames = []string{
	"__name__", "__doc__", "__file__", "__package__", "__path__", "__loader__", "__spec__", "__dict__", "__builtins__",
	"__cached__", "__annotations__", "__class__",
}

// Exports gives what a reached module offers.
func (g *Graph) Exports(n *Node) *Exports {
	if e, ok := g.exports[n]; ok {
		return e
	}
	if n == nil || n.Module.Kind == Extension {
		e := &Exports{Dynamic: true}
		g.exports[n] = e
		return e
	}
	f := g.source(n)
	if f == nil {
		e := &Exports{}
		g.exports[n] = e
		return e
	}
	if n.source.exports != nil {
		g.exports[n] = n.source.exports
		return n.source.exports
	}
	e := namesOf(f)
	// A cycle of star imports finds what is known so far.
	g.exports[n] = e
	for i := range f.Imports {
		if imp := &f.Imports[i]; imp.Star {
			g.exportStar(n, e, imp)
		}
	}
	return e
}

// ownExports gives what a file offers; nil if what it imports by a star counts, too.
func ownExports(f *syntax.File) *Exports {
	if slices.ContainsFunc(f.Imports, func(i syntax.Import) bool { return i.Star }) {
		return nil
	}
	return namesOf(f)
}

// namesOf gives what a file binds itself.
func namesOf(f *syntax.File) *Exports {
	e := &Exports{Names: map[string]syntax.BindingKind{}, Dynamic: len(f.Dynamic) > 0 || len(f.Errors) > 0}
	for _, b := range f.Bindings {
		if b.Kind != syntax.BindDelete {
			if _, ok := e.Names[b.Name]; !ok {
				e.Names[b.Name] = b.Kind
			}
		}
	}
	return e
}

// Assigned reports whether a reached module assigns an attribute of that name to something that it imports: `pkg.db = 1`
// gives pkg what its own source does not, and setattr(sys.modules[...], ...) anything to any.
func (g *Graph) Assigned(name string) bool {
	for _, n := range g.Nodes {
		if n.source == nil {
			continue
		}
		if slices.ContainsFunc(n.source.file.Dynamic, func(m syntax.Marker) bool { return m.Kind == syntax.MarkSetattr }) {
			return true
		}
		for _, a := range n.source.file.Attributes {
			object, attr, _ := cutLast(a.Value)
			if attr != name && attr != "*" {
				continue
			}
			object, _, _ = strings.Cut(object, ".")
			if slices.ContainsFunc(n.source.file.Bindings, func(b syntax.Binding) bool { return b.Name == object && b.Kind == syntax.BindImport }) {
				return true
			}
		}
	}
	return false
}

// Moves reports whether a module puts others into sys.modules, or changes where its submodules are searched.
func (g *Graph) Moves(module string) bool {
	n := g.Nodes[module]
	return n != nil && n.source != nil && slices.ContainsFunc(n.source.file.Dynamic, func(m syntax.Marker) bool {
		return m.Kind == syntax.MarkSysModules || m.Kind == syntax.MarkPackagePath || m.Kind == syntax.MarkMetaPath
	})
}

// exportStar adds what a star import brings: __all__ if it is there, else the names without a leading underscore.
func (g *Graph) exportStar(n *Node, e *Exports, imp *syntax.Import) {
	name, ok := absolute(n, imp.Level, imp.Module)
	if !ok {
		e.Dynamic = true
		return
	}
	m, _ := g.find(n, name)
	if m == nil || m.Kind == Extension {
		e.Dynamic = true
		return
	}
	from := g.Nodes[m.Name]
	if from == nil {
		// It is reached by this very import, a little later.
		from = g.add(m.Name, m)
	}
	theirs := g.Exports(from)
	e.Dynamic = e.Dynamic || theirs.Dynamic
	if f := g.source(from); f != nil && f.All != nil {
		for _, s := range f.All.Names {
			e.Names[s.Value] = syntax.BindImport
		}
		e.Dynamic = e.Dynamic || f.All.Dynamic
		return
	}
	if g.inherited += len(theirs.Names); g.inherited > maxInherited {
		e.Dynamic = true // what else it has is not known
		return
	}
	for name, kind := range theirs.Names {
		if !strings.HasPrefix(name, "_") {
			e.Names[name] = kind
		}
	}
}

// maxInherited bounds the names that star imports hand on, all together: a chain of modules hands on those of all before it.
const maxInherited = 200_000
