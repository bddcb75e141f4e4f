package python

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// repoModule is a module of the repository.
type repoModule struct{ *imports.Module }

// pathOf gives the path in the context of a package on the way to the module, or of the module itself.
func (r *repoModule) pathOf(name string) string {
	p := r.File
	switch r.Kind {
	case imports.Namespace:
		p = r.Path[0].Dir
	case imports.Package:
		p = path.Dir(p)
	}
	for range strings.Count(r.Name, ".") - strings.Count(name, ".") {
		p = path.Dir(p)
	}
	return strings.TrimPrefix(p, "/")
}

// inRepository looks a module up in the repository: beside the package that the image has of it, or below a directory
// that a search path of the image stands for. It gives nil for what is not there, and for what is not the project's own:
// the standard library, a declared dependency, a directory that merely has the name. started tells that the image starts it, sure that
// it is asked for whenever the program starts.
//
// Every import of somebody else's module comes here, so an answer is remembered.
func (c *programs) inRepository(module string, parent *imports.Module, started, sure bool) *repoModule {
	key := lookup{module, parent, started, sure, len(c.searchDirs)}
	have, ok := c.lookedUp[key]
	if !ok {
		have = c.lookUp(module, parent, started, sure)
		c.lookedUp[key] = have
	}
	return have
}

// lookup is a question for a module of the repository, with how many search directories are known.
type lookup struct {
	module   string
	parent   *imports.Module
	started  bool
	sure     bool
	searched int
}

func (c *programs) lookUp(module string, parent *imports.Module, started, sure bool) *repoModule {
	top, _, _ := strings.Cut(module, ".")
	if parent == nil && manifest.IsStdlib(top) {
		return nil
	}
	searched := c.searchRoots()
	for _, root := range c.roots(parent) {
		// The name of a directory alone does not make it what an import means: of what is installed along with something else
		// nobody sees the names.
		if parent == nil && !started && !slices.Contains(searched, root) && !c.copiedFrom(root, module) {
			continue
		}
		m := c.inRoot(root, module)
		if m == nil || m.Kind == imports.Namespace && (parent == nil || !c.hasPython(m)) {
			// A directory without __init__.py that has the name asked for may be anything.
			continue
		}
		if parent != nil {
			return &repoModule{m}
		}
		// What is declared is asked last: that takes the manifests of the whole repository, and most programs import nothing
		// that the image lacks and the repository has.
		dep, ok := c.declared().ImportDeclared(module)
		// A distribution that provides the name only by a habit of naming loses to a package that says so itself.
		if ok && (!dep.Weak || c.Repo.Entries(path.Join("/", root, top))["__init__.py"] != view.RegularFile) {
			return nil
		}
		return &repoModule{m}
	}
	if root, ok := c.onlyRoot(module); ok && parent == nil && (sure || !c.copiedFrom(root, module)) {
		if _, declared := c.declared().ImportDeclared(module); !declared {
			if m := c.inRoot(root, module); m != nil && m.Kind != imports.Namespace {
				return &repoModule{m}
			}
		}
	}
	return nil
}

// onlyFile gives the only file that git tracks and that is a module of that name, from some directory of the build context; "" if there is
// none, or more than one.
func (c *programs) onlyFile(module string) string {
	if all := c.places(module); len(all) == 1 {
		return all[0].file
	}
	return ""
}

// onlyRoot gives the directory from which a submodule would be found, if git tracks its file in one place alone, in a package with an
// __init__.py: a name of several parts is nobody else's by chance. What is there for tests and as an example counts as nowhere.
func (c *programs) onlyRoot(module string) (root string, ok bool) {
	top, _, nested := strings.Cut(module, ".")
	if !nested {
		return "", false
	}
	for _, p := range c.places(module) {
		if slices.ContainsFunc(strings.Split(p.root, "/"), aside) || c.Repo.Entries(path.Join(p.root, top))["__init__.py"] != view.RegularFile {
			continue
		}
		if ok && p.root != root {
			return "", false
		}
		root, ok = p.root, true
	}
	return root, ok
}

// place is a file that git tracks and that is a module of some name, from a directory of the build context.
type place struct{ file, root string }

// places gives where git tracks a module of that name.
func (c *programs) places(module string) []place {
	if c.trackedFiles == nil {
		c.trackedFiles = map[string][]string{}
		files, _, _ := c.Tracked(".")
		for _, f := range files {
			if of, ok := strings.CutSuffix(strings.TrimSuffix(f, "/__init__.py"), ".py"); ok || of != f {
				c.trackedFiles[path.Base(of)] = append(c.trackedFiles[path.Base(of)], f)
			}
		}
	}
	name := "/" + strings.ReplaceAll(module, ".", "/")
	var out []place
	for _, f := range c.trackedFiles[path.Base(name)] {
		root, ok := strings.CutSuffix("/"+f, name+".py")
		if !ok {
			root, ok = strings.CutSuffix("/"+f, name+"/__init__.py")
		}
		if ok {
			out = append(out, place{f, view.InContext(root)})
		}
	}
	return out
}

// aside reports whether a directory of that name holds what no program of the project means.
func aside(dir string) bool {
	return slices.Contains([]string{"test", "tests", "testing", "testdata", "fixtures", "example", "examples", "sample", "samples", "demo", "docs", "doc", "vendor",
		"third_party", "thirdparty", "external", "node_modules", "site-packages", "templates", "skeleton", "build", "dist"}, strings.ToLower(dir))
}

// copiedFrom reports whether the image has anything of a top-level name in a directory of the context: then the program may
// mean that one, though no search directory comes from there.
func (c *programs) copiedFrom(root, module string) bool {
	top, _, _ := strings.Cut(module, ".")
	return c.Copied(path.Join(root, top)) || c.Copied(path.Join(root, top+".py"))
}

// hasPython reports whether a namespace package holds Python files of its own.
func (c *programs) hasPython(m *imports.Module) bool {
	for _, d := range m.Path {
		for name, kind := range c.Repo.Entries(d.Dir) {
			if kind == view.RegularFile && strings.HasSuffix(name, ".py") {
				return true
			}
		}
	}
	return false
}

// roots gives the directories of the context from which a name may be looked up: where the image's copy of its package
// comes from or, for a top-level name, where the image's search directories come from, the context and its src.
func (c *programs) roots(parent *imports.Module) []string {
	var out []string
	add := func(dir string) {
		if dir = view.InContext(dir); !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	if parent == nil {
		for _, o := range c.searchRoots() {
			add(o)
		}
		add(".")
		add("src")
		return out
	}
	for _, d := range parent.Path {
		o, ok := c.Origin(d.Tree, d.Dir)
		for range strings.Count(parent.Name, ".") + 1 {
			ok = ok && o != "."
			o = path.Dir(o)
		}
		if ok {
			add(o)
		}
	}
	return out
}

// searchRoots gives the directories of the context that the image's search directories come from.
func (c *programs) searchRoots() []string {
	if c.rooted == len(c.searchDirs) {
		return c.rootDirs
	}
	var out []string
	add := func(o string) {
		if o = view.InContext(o); !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, d := range c.searchDirs {
		if o, ok := c.Origin(d.Tree, d.Dir); ok {
			add(o)
			continue
		}
		// Files that are copied one by one lie where they lie in the repository, too.
		for _, name := range sortedKeys(d.Tree.Entries(d.Dir)) {
			if o, ok := c.ContextPath(d.Tree, path.Join(d.Dir, name)); ok && strings.HasSuffix(name, ".py") && path.Base(o) == name {
				add(path.Dir(o))
			}
		}
	}
	c.rootDirs, c.rooted = out, len(c.searchDirs)
	return out
}
