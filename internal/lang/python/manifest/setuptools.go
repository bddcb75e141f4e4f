package manifest

import (
	"path"
	"strings"
	"unicode"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// setuptools is what setup.py, setup.cfg and tool.setuptools say about packages, before anything is looked up.
type setuptools struct {
	packages      []listed
	modules       []listed
	finders       []finder
	dirs          map[string]string // package_dir
	packagesGiven bool
	modulesGiven  bool
	extensions    bool
	incomplete    bool
}

// listed is a package or module that a manifest names.
type listed struct {
	name, file string
	line       int
}

// finder is a find_packages call or table.
type finder struct {
	where            string
	include, exclude []string
	namespaces       bool
	file             string
	line             int
}

func (s *setuptools) dir(name, location string) {
	if s.dirs == nil {
		s.dirs = map[string]string{}
	}
	s.dirs[name] = location
}

func (s *setuptools) pyproject(file string, n *document.Node) {
	packages := n.Get("packages")
	for _, item := range packages.List() {
		s.packages = append(s.packages, listed{item.Text, file, item.Line})
	}
	if find := packages.Get("find"); find != nil {
		f := finder{include: find.Texts("include"), exclude: find.Texts("exclude"), file: file, line: find.Line,
			namespaces: find.Str("namespaces") != "false"}
		where := find.Texts("where")
		if len(where) == 0 {
			where = []string{"."}
		}
		for _, f.where = range where {
			s.finders = append(s.finders, f)
		}
	}
	s.packagesGiven = s.packagesGiven || packages != nil
	for _, item := range n.List("py-modules") {
		s.modules = append(s.modules, listed{item.Text, file, item.Line})
	}
	s.modulesGiven = s.modulesGiven || n.Get("py-modules") != nil
	for name, value := range n.Get("package-dir").All() {
		s.dir(name, value.Text)
	}
}

func (s *setuptools) config(file string, sections map[string]*iniSection) {
	options := sections["options"]
	for _, l := range options.get("package_dir") {
		name, location, _ := strings.Cut(l.text, "=")
		s.dir(strings.TrimSpace(name), strings.TrimSpace(location))
	}
	if modules := options.get("py_modules"); modules != nil {
		s.modulesGiven = true
		for _, name := range modules.words() {
			s.modules = append(s.modules, listed{name, file, modules.line()})
		}
	}
	packages := options.get("packages")
	if packages == nil {
		return
	}
	s.packagesGiven = true
	switch text := packages.text(); text {
	case "find:", "find_namespace:":
		find := sections["options.packages.find"]
		f := finder{where: find.get("where").text(), include: find.get("include").words(), exclude: find.get("exclude").words(),
			namespaces: text == "find_namespace:", file: file, line: packages.line()}
		if f.where == "" {
			f.where = "."
		}
		s.finders = append(s.finders, f)
	default:
		for _, name := range packages.words() {
			s.packages = append(s.packages, listed{name, file, packages.line()})
		}
	}
}

// Names that automatic discovery passes over (setuptools/discovery.py, FlatLayoutPackageFinder and FlatLayoutModuleFinder).
var (
	flatPackages = wordSet(`ci bin debian doc docs documentation manpages news newsfragments changelog test tests unit_test
		unit_tests example examples scripts tools util utils python build dist venv env requirements benchmark benchmarks
		exercise exercises htmlcov tasks fabfile site_scons`)
	flatModules = wordSet(`setup conftest test tests example examples build toxfile noxfile pavement dodo tasks fabfile
		SConstruct sconstruct Sconstruct conanfile manage benchmark benchmarks exercise exercises`)
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// setuptools resolves what is listed, or discovers packages as setuptools does when nothing is.
func (r *reader) setuptools(p *project) {
	s := &p.setup
	p.Opaque = p.Opaque || s.incomplete
	file := path.Join(p.Dir, "pyproject.toml")
	if !r.isFile(file) {
		file = path.Join(p.Dir, "setup.py")
	}
	if !s.packagesGiven && !s.modulesGiven && (!s.extensions || p.toml.Get("project") != nil) {
		r.discover(p, file)
		return
	}
	p.Listed = (s.packagesGiven || s.modulesGiven) && !p.Opaque && !s.extensions
	for _, l := range s.packages {
		p.add(PackageRoot{Import: l.name, Path: s.place(l.name), File: l.file, Line: l.line})
	}
	for _, f := range s.finders {
		for _, name := range r.find(path.Join(p.Dir, f.where), f) {
			// Where the finder looks and where package_dir says that packages lie are two statements: a build goes by the latter.
			place := s.place(name)
			if s.dirs == nil {
				place = path.Join(f.where, strings.ReplaceAll(name, ".", "/"))
			}
			p.add(PackageRoot{Import: name, Path: place, File: f.file, Line: f.line})
		}
	}
	for _, l := range s.modules {
		p.add(PackageRoot{Import: l.name, Path: s.place(l.name) + ".py", File: l.file, Line: l.line})
	}
}

// place gives the directory of a package: the longest entry of package_dir wins.
func (s *setuptools) place(name string) string {
	tail := ""
	for head := name; ; {
		if dir, ok := s.dirs[head]; ok {
			return path.Join(dir, tail)
		}
		i := strings.LastIndexByte(head, '.')
		if i < 0 {
			return path.Join(s.dirs[""], head, tail)
		}
		head, tail = head[:i], path.Join(head[i+1:], tail)
	}
}

// add records a package once.
func (p *Project) add(root PackageRoot) {
	for _, other := range p.Packages {
		if other.Import == root.Import && other.Path == root.Path {
			return
		}
	}
	p.Packages = append(p.Packages, root)
}

// discover goes by the layout: package_dir, then src, then the directory itself, which must hold a single package.
func (r *reader) discover(p *project, file string) {
	s := &p.setup
	explicit := false
	for name, dir := range s.dirs {
		if name != "" {
			explicit = true
			p.add(PackageRoot{Import: name, Path: path.Clean(dir), Deep: true, File: file})
		}
	}
	if explicit {
		return
	}
	src := s.dirs[""]
	if src == "" {
		src = "src"
	}
	if where := path.Join(p.Dir, src); where != p.Dir && r.isDir(where) {
		f := finder{namespaces: true}
		for _, name := range r.find(where, f) {
			p.add(PackageRoot{Import: name, Path: path.Join(src, strings.ReplaceAll(name, ".", "/")), File: file})
		}
		r.modules(p, where, src, nil, file)
		return
	}
	names, _ := r.list(p.Dir)
	for _, name := range names {
		sub, isDir := strings.CutSuffix(name, "/")
		if isDir && isIdentifier(sub) && !flatPackages[sub] && sub[0] != '_' {
			p.add(PackageRoot{Import: sub, Path: sub, Deep: true, File: file})
		}
	}
	if len(p.Packages) == 0 {
		r.modules(p, p.Dir, "", flatModules, file)
	}
	// With several, setuptools refuses to build: nothing is installed.
	if len(p.Packages) > 1 {
		p.Packages, p.Opaque = nil, true
	}
}

// modules adds the modules that lie in a directory.
func (r *reader) modules(p *project, where, prefix string, except map[string]bool, file string) {
	names, _ := r.list(where)
	for _, name := range names {
		stem, ok := strings.CutSuffix(name, ".py")
		if ok && isIdentifier(stem) && !except[stem] && (except == nil || stem[0] != '_') {
			p.add(PackageRoot{Import: stem, Path: path.Join(prefix, name), File: file})
		}
	}
}

// find lists packages as find_packages does. A directory that is excluded is entered all the same.
func (r *reader) find(where string, f finder) []string {
	include := f.include
	if len(include) == 0 {
		include = []string{"*"}
	}
	var found []string
	var visit func(dir, prefix string, depth int)
	visit = func(dir, prefix string, depth int) {
		names, err := r.list(dir)
		if err != nil || depth > 20 {
			return
		}
		for _, name := range names {
			sub, isDir := strings.CutSuffix(name, "/")
			if !isDir || strings.Contains(sub, ".") || strings.HasSuffix(sub, "__pycache__") || sub == "node_modules" {
				continue
			}
			full := path.Join(dir, sub)
			if !f.namespaces && !r.isFile(path.Join(full, "__init__.py")) {
				continue
			}
			if matches(include, prefix+sub) && !matches(f.exclude, prefix+sub) {
				found = append(found, prefix+sub)
			}
			visit(full, prefix+sub+".", depth+1)
		}
	}
	visit(where, "", 0)
	return found
}

// matches tells whether one of the shell patterns matches. Their * crosses dots; path.Match stops only at slashes, and a
// package's name has none.
func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(negatedClass().ReplaceAllString(pattern, "[^"), name); ok {
			return true
		}
	}
	return false
}

var negatedClass = lazyre.New(`\[!`)

func isIdentifier(s string) bool {
	for i, c := range s {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return s != ""
}
