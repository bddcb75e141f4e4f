package tools

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// pyRun follows the imports of a Python program that a step starts. It is sure of the parts of packages that lie where the program looks
// first: nobody else can have put a module into those.
type pyRun struct {
	*reader
	search []string
	seen   map[string]bool
	// unknown tells that something changes where modules are looked for.
	unknown bool
}

// pythonScript is a file that Python runs, with its arguments.
func (r *reader) pythonScript(file shell.Word, args []string) {
	at := r.abs(file.Text)
	if at == "" || !r.is(at) {
		return
	}
	if path.Base(at) == "setup.py" {
		if at == path.Join(r.dir, "setup.py") {
			r.setupFile(args)
		}
		return
	}
	p := r.pythonRun(path.Dir(at))
	p.file(at, path.Dir(at))
	if x, ok := r.pyReads(at, r.dir, nil); ok {
		x.all(false)
	}
	if path.Base(at) == "manage.py" && len(args) > 0 && contains("collectstatic migrate makemigrations compilemessages check compress test", args[0]) {
		p.django(at, args)
	}
}

// pythonModule is a module that Python runs.
func (r *reader) pythonModule(name string) {
	p := r.pythonRun(r.dir)
	p.module(name, nil, "")
	p.module(name+".__main__", nil, "")
}

func (r *reader) pythonRun(first string) *pyRun {
	p := &pyRun{reader: r, search: []string{first}, seen: map[string]bool{}}
	for dir := range strings.SplitSeq(r.call.S.Env("PYTHONPATH"), ":") {
		if at := r.call.S.Abs(dir); dir != "" {
			p.search, p.unknown = append(p.search, at), p.unknown || at == ""
		}
	}
	return p
}

// file follows what a module imports each time it is run; dir is that of its package.
func (p *pyRun) file(file, dir string) {
	if p.seen[file] || len(p.seen) > maxPackages || p.unknown {
		return
	}
	p.seen[file] = true
	data, ok := p.text(file)
	if !ok {
		return
	}
	if x, ok := p.pyReads(file, "", nil); ok && len(p.seen) > 1 {
		x.all(true)
	}
	f := syntax.Scan(data, &syntax.Config{})
	p.unknown = p.unknown || len(f.PathEdits)+len(f.Errors) > 0 || slices.ContainsFunc(f.Dynamic, func(m syntax.Marker) bool {
		return m.Kind == syntax.MarkPackagePath || m.Kind == syntax.MarkMetaPath || m.Kind == syntax.MarkSysModules
	})
	for i := range f.Imports {
		x := &f.Imports[i]
		if x.Context.Flags != 0 || x.Lazy || p.unknown {
			continue
		}
		because := []Line{{File: file, Line: x.Range.Start.Line, Text: textOf(data, x.Range.Start.Line)}}
		base := ""
		if x.Level > 0 {
			base = dir
			for range x.Level - 1 {
				base = path.Dir(base)
			}
		}
		found := p.module(x.Module, because, base)
		for _, n := range x.Names { // a name may be a module, too
			if found != "" && (p.is(path.Join(found, n.Name+".py")) || p.is(path.Join(found, n.Name, "__init__.py")) || p.lacks(found, n.Name)) {
				p.module(n.Name, because, found)
			}
		}
	}
}

// module follows a dotted name from a directory on, or from where the program looks, and gives the directory of the package that it is;
// "" if it is none that is known.
func (p *pyRun) module(name string, because []Line, base string) string {
	at := base
	first, rest, more := strings.Cut(name, ".")
	if at == "" {
		i := slices.IndexFunc(p.search, func(dir string) bool {
			return !p.absent(path.Join(dir, first)) || !p.absent(path.Join(dir, first+".py"))
		})
		if i < 0 {
			return ""
		}
		at = p.search[i]
	}
	for first != "" {
		pkg, init, file := path.Join(at, first), path.Join(at, first, "__init__.py"), path.Join(at, first+".py")
		switch {
		case p.is(init):
			p.file(init, pkg)
		case p.is(file):
			p.file(file, at)
			return ""
		case because != nil && p.is(path.Join(at, "__init__.py")) && p.absent(pkg) && p.absent(file) && p.alone(at, first):
			p.need(Missing{Kind: Source, Path: file, Or: []string{init}, What: "a module that is imported", Because: because})
			return ""
		default:
			return ""
		}
		at = pkg
		if !more {
			break
		}
		first, rest, more = strings.Cut(rest, ".")
	}
	return at
}

// lacks reports whether a package surely has no name of its own, so that only a module can be meant.
func (p *pyRun) lacks(dir, name string) bool {
	data, ok := p.text(path.Join(dir, "__init__.py"))
	if !ok {
		return false
	}
	f := syntax.Scan(data, &syntax.Config{})
	return len(f.Dynamic)+len(f.Errors) == 0 && !slices.ContainsFunc(f.Imports, func(x syntax.Import) bool { return x.Star }) &&
		!slices.ContainsFunc(f.Bindings, func(b syntax.Binding) bool { return b.Name == name })
}

// alone reports whether a directory surely holds nothing under a name, whatever its ending.
func (p *pyRun) alone(dir, name string) bool {
	is := func(file string) bool {
		stem, _, _ := strings.Cut(file, ".")
		return stem == name
	}
	entries, err := p.list(dir, is)
	return err == nil && !p.unknown && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return is(e.Name()) })
}

// django follows the settings of a project, and the applications that they list.
func (p *pyRun) django(manage string, args []string) {
	data, _ := p.text(manage)
	f := syntax.Scan(data, &syntax.Config{Callees: map[string]bool{"setdefault": true}})
	name := p.call.S.Env("DJANGO_SETTINGS_MODULE")
	because := []Line{{File: manage}}
	for i := range f.Calls {
		a := f.Calls[i].Arguments
		if name == "" && len(a) == 2 && len(a[0].Elements) == 1 && a[0].Elements[0].Value == "DJANGO_SETTINGS_MODULE" && len(a[1].Elements) == 1 && a[1].Complete {
			name = a[1].Elements[0].Value
			n := f.Calls[i].Range.Start.Line
			because = []Line{{File: manage, Line: n, Text: textOf(data, n)}}
		}
	}
	if name == "" || strings.Contains(name, shell.Hole) || slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--settings") || strings.HasPrefix(a, "--pythonpath") }) {
		return
	}
	first, _, nested := strings.Cut(name, ".")
	if at := path.Join(p.search[0], first); nested && len(p.search) == 1 && p.absent(at) && p.absent(at+".py") {
		p.need(Missing{Kind: Source, Path: path.Join(p.search[0], strings.ReplaceAll(name, ".", "/")+".py"), What: "the settings " + name, Because: because,
			Doubt: "An installed package may have them."})
		return
	}
	p.module(name, because, "")
	settings := path.Join(p.search[0], strings.ReplaceAll(name, ".", "/"))
	for _, file := range []string{settings + ".py", path.Join(settings, "__init__.py")} {
		p.applications(file)
	}
}

// applications follows the packages that settings list, and their models.
func (p *pyRun) applications(file string) {
	data, ok := p.text(file)
	if !ok {
		return
	}
	f := syntax.Scan(data, &syntax.Config{})
	for i := range f.Literals {
		l := &f.Literals[i]
		if l.Name != "INSTALLED_APPS" || l.Context.Flags != 0 {
			continue
		}
		for _, e := range l.Elements {
			name := e.Value
			if dot := strings.LastIndexByte(name, '.'); dot >= 0 && dot+1 < len(name) && strings.ToUpper(name[dot+1:dot+2]) == name[dot+1:dot+2] {
				name = name[:dot] // a class of the module
			}
			n := e.Range.Start.Line
			if dir := p.module(name, []Line{{File: file, Line: n, Text: textOf(data, n)}}, ""); dir != "" && p.is(path.Join(dir, "models.py")) {
				p.file(path.Join(dir, "models.py"), dir)
			}
		}
	}
}
