package imports

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// finder finds modules. What it found once it finds again, as sys.modules does.
type finder struct {
	search  []lang.SearchDir
	modules map[string]*Module // nil for what is not there
	entries map[view.Tree]map[string]listing
}

func newFinder(search []lang.SearchDir) *finder {
	return &finder{search: search, modules: map[string]*Module{}, entries: map[view.Tree]map[string]listing{}}
}

// addSearch puts an entry on the search path; what was not found may be found now.
func (f *finder) addSearch(d lang.SearchDir, front bool) bool {
	for _, have := range f.search {
		if have.Dir == d.Dir && have.Tree == d.Tree {
			return false
		}
	}
	if front {
		f.search = append([]lang.SearchDir{d}, f.search...)
	} else {
		f.search = append(f.search, d)
	}
	for name, m := range f.modules {
		if m == nil {
			delete(f.modules, name)
		}
	}
	return true
}

// find gives a module by its full name, nil if it is not there, and the nearest package above it that is.
func (f *finder) find(name string) (m, parent *Module) {
	if m, ok := f.modules[name]; ok && m != nil {
		return m, nil
	}
	search := f.search
	above, last, nested := cutLast(name)
	if nested {
		p, grand := f.find(above)
		if p == nil {
			return nil, grand
		}
		parent, search = p, p.Path
	}
	if _, known := f.modules[name]; !known {
		f.modules[name] = f.lookup(name, last, search)
	}
	return f.modules[name], parent
}

// cutLast cuts the last part off a dotted name.
func cutLast(name string) (above, last string, nested bool) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:], true
	}
	return "", name, false
}

// lookup searches directories for a module: in each a regular package wins over a compiled module, that over a source
// file; directories without __init__.py count only if nothing else is found anywhere, all of them together.
func (f *finder) lookup(name, last string, search []lang.SearchDir) *Module {
	var portions []lang.SearchDir
	for _, d := range search {
		here := f.list(d.Tree, d.Dir)
		entries := here.entries
		if entries == nil {
			continue
		}
		dir := path.Join(d.Dir, last)
		if entries[last] == view.Directory {
			inside := f.list(d.Tree, dir)
			if inside.entries["__init__.py"] == view.RegularFile {
				return &Module{Name: name, Kind: Package, Tree: d.Tree, File: dir + "/__init__.py", Path: []lang.SearchDir{{Tree: d.Tree, Dir: dir}}}
			}
			if ext := inside.compiled("__init__"); ext != "" {
				return &Module{Name: name, Kind: Extension, Tree: d.Tree, File: path.Join(dir, ext), Path: []lang.SearchDir{{Tree: d.Tree, Dir: dir}}}
			}
		}
		if ext := here.compiled(last); ext != "" {
			return &Module{Name: name, Kind: Extension, Tree: d.Tree, File: path.Join(d.Dir, ext)}
		}
		if entries[last+".py"] == view.RegularFile {
			return &Module{Name: name, Kind: Plain, Tree: d.Tree, File: dir + ".py"}
		}
		if entries[last+".pyc"] == view.RegularFile {
			return &Module{Name: name, Kind: Extension, Tree: d.Tree, File: dir + ".pyc"}
		}
		switch entries[last] {
		case view.Opaque:
			return &Module{Name: name, Kind: Extension, Tree: d.Tree, File: dir}
		case view.Directory:
			portions = append(portions, lang.SearchDir{Tree: d.Tree, Dir: dir})
		}
	}
	if len(portions) > 0 {
		return &Module{Name: name, Kind: Namespace, Tree: portions[0].Tree, Path: portions}
	}
	return nil
}

// listing is what a directory holds, and which of it are modules that were compiled for one version of Python, by name.
type listing struct {
	entries  map[string]view.EntryKind
	versions map[string]string
}

// compiled gives the file of a compiled module: NAME.so, NAME.abi3.so, NAME.cpython-312-x86_64-linux-gnu.so, NAME.pyd.
func (l listing) compiled(name string) string {
	for _, suffix := range []string{".so", ".abi3.so", ".pyd"} {
		if l.entries[name+suffix] == view.RegularFile {
			return name + suffix
		}
	}
	return l.versions[name]
}

func (f *finder) list(t view.Tree, dir string) listing {
	byDir := f.entries[t]
	if byDir == nil {
		byDir = map[string]listing{}
		f.entries[t] = byDir
	}
	if l, ok := byDir[dir]; ok {
		return l
	}
	l := listing{entries: t.Entries(dir)}
	for e, kind := range l.entries {
		name, _, ok := strings.Cut(e, ".cpython-")
		if !ok || kind != view.RegularFile || !strings.HasSuffix(e, ".so") {
			continue
		}
		if l.versions == nil {
			l.versions = map[string]string{}
		}
		if have := l.versions[name]; have == "" || e < have {
			l.versions[name] = e
		}
	}
	byDir[dir] = l
	return l
}

// Finder looks modules up along a search path, and remembers the directories that it has listed.
type Finder struct{ finder *finder }

// NewFinder makes a Finder.
func NewFinder(search []lang.SearchDir) *Finder { return &Finder{newFinder(search)} }

// Find looks a module up; nil if it is not there.
func (f *Finder) Find(name string) *Module {
	m, _ := f.finder.find(name)
	return m
}

// Find looks a module up along a search path; nil if it is not there.
func Find(search []lang.SearchDir, name string) *Module {
	m, _ := newFinder(search).find(name)
	return m
}
