package tools

import (
	"bytes"
	"errors"
	"go/build"
	"go/token"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// goRunArgs gives the package or files that go run compiles; what follows them is the program's.
func goRunArgs(args []shell.Word) []shell.Word {
	n := 0
	for n < len(args) && strings.HasSuffix(args[n].Text, ".go") {
		n++
	}
	return args[:min(max(n, 1), len(args))]
}

// maxMissing bounds what is told of one command.
const maxMissing = 20

// maxPackages bounds the packages that one command is followed through.
const maxPackages = 5000

// goLoad follows the packages of one command.
type goLoad struct {
	*goSetup
	ctx     build.Context
	tests   bool // packages that only tests import count, too
	vendor  bool // packages of other modules are in vendor
	sums    bool // go.sum is asked for as soon as another module is imported
	seen    map[string]bool
	missing []Missing
	unknown bool // something could not be read
	loaded  []GoPackage
}

// packages looks for what the packages of a command are compiled from.
func (s *goSetup) packages(sub string, args []shell.Word) {
	first := s.load(sub, args, false)
	if len(first.missing) == 0 {
		return
	}
	// Whether cgo is on depends on a C compiler being there: what counts is missing either way.
	second := s.load(sub, args, true)
	for _, m := range first.missing {
		if slices.ContainsFunc(second.missing, func(o Missing) bool { return o.Path == m.Path }) {
			s.r.missing(m)
		}
	}
}

func (s *goSetup) load(sub string, args []shell.Word, cgo bool) *goLoad {
	r := s.r
	l := &goLoad{goSetup: s, tests: sub == "test" || sub == "vet", seen: map[string]bool{}}
	l.ctx = build.Default
	l.ctx.GOROOT, l.ctx.GOPATH, l.ctx.Compiler = "/usr/local/go", "", "gc"
	l.ctx.GOOS, l.ctx.GOARCH, l.ctx.CgoEnabled = "linux", "amd64", cgo
	if v := r.call.S.Env("GOOS"); v != "" && !strings.Contains(v, shell.Hole) {
		l.ctx.GOOS = v
	}
	if v := r.call.S.Env("GOARCH"); v != "" && !strings.Contains(v, shell.Hole) {
		l.ctx.GOARCH = v
	}
	if v := r.call.S.Env("CGO_ENABLED"); v != "" && !strings.Contains(v, shell.Hole) {
		l.ctx.CgoEnabled = v == "1"
	}
	l.ctx.BuildTags = strings.FieldsFunc(r.goFlag("-tags"), func(c rune) bool { return c == ',' || c == ' ' })
	l.ctx.JoinPath, l.ctx.IsAbsPath, l.ctx.SplitPathList = path.Join, path.IsAbs, func(list string) []string { return strings.Split(list, ":") }
	l.ctx.HasSubdir = func(root, dir string) (string, bool) { return "", false }
	l.ctx.IsDir = func(p string) bool { return r.isDir(p) }
	l.ctx.ReadDir = l.readDir
	l.ctx.OpenFile = func(p string) (io.ReadCloser, error) {
		data, ok := r.text(p)
		if !ok {
			l.unknown = true
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	if s.main.file != nil {
		vendor := path.Join(s.main.dir, "vendor")
		if s.work != nil {
			vendor = path.Join(path.Dir(s.work.Syntax.Name), "vendor")
		}
		l.vendor = (s.mod == "vendor" || s.mod == "") && r.isDir(vendor) && !older(s.main.file, "1.14")
		if l.vendor {
			l.need(Missing{Path: path.Join(vendor, "modules.txt"), What: "the list of vendored packages"})
		} else if s.mod == "vendor" {
			l.need(Missing{Path: vendor, Dir: true, What: "the directory of vendored packages, which -mod=vendor asks for"})
		}
		l.sums = !l.vendor && s.mod != "mod" && s.work == nil
	}
	if len(args) == 0 {
		args = []shell.Word{{Text: "."}}
	}
	var files []string
	for _, w := range args {
		if strings.HasSuffix(w.Text, ".go") {
			p := r.abs(w.Text)
			files = append(files, p)
			l.need(Missing{Kind: Source, Path: p, What: "the Go file that is compiled"})
			continue
		}
		if sub != "generate" {
			l.pattern(w.Text)
		}
	}
	if len(files) > 0 && sub != "generate" {
		l.files(files)
	}
	return l
}

// need notes what is surely not there.
func (l *goLoad) need(m Missing) {
	if m.Path != "" && l.r.absent(m.Path) {
		l.missing = append(l.missing, m)
	}
}

// pattern follows what an argument names: a directory, a package, or all below one.
func (l *goLoad) pattern(arg string) {
	dir, all := strings.CutSuffix(arg, "/...")
	at := ""
	switch {
	case arg == "...", strings.Contains(dir, "..."):
		return
	case dir == "." || dir == ".." || strings.HasPrefix(dir, "./") || strings.HasPrefix(dir, "../") || path.IsAbs(dir):
		at = l.r.abs(dir)
	default:
		m, rel, ok := l.module(dir)
		if !ok {
			return
		}
		at = path.Join(m.dir, rel)
	}
	if l.main.file == nil && l.work == nil {
		m := Missing{Path: path.Join(l.r.dir, gomod), Or: []string{path.Join(l.r.dir, "go.work")}, What: "the go.mod of the main module, or a go.work"}
		if l.r.absent(m.Path) && l.r.absent(m.Or[0]) {
			l.missing = append(l.missing, m)
		}
		return
	}
	if l.r.absent(at) {
		l.need(Missing{Kind: Source, Path: at, Dir: true, What: "the package " + arg})
		return
	}
	if !all {
		l.visit(at, arg, nil)
		return
	}
	l.below(at, true)
}

// below follows all packages below a directory, as ./... means them.
func (l *goLoad) below(dir string, top bool) {
	if len(l.seen) > maxPackages || !top && !l.r.absent(path.Join(dir, gomod)) {
		return
	}
	entries, err := l.r.list(dir, isGoSource)
	if err != nil {
		return
	}
	hasGo := false
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"):
		case e.IsDir() && name != "testdata" && name != "vendor":
			l.below(path.Join(dir, name), false)
		case strings.HasSuffix(name, ".go"):
			hasGo = true
		}
	}
	if hasGo {
		l.visit(dir, "", nil)
	}
}

// files follows a package of files that are named one by one.
func (l *goLoad) files(names []string) {
	dir := path.Dir(names[0])
	for _, n := range names {
		if l.r.absent(n) {
			return
		}
	}
	was := l.ctx.ReadDir
	l.ctx.ReadDir = func(d string) ([]fs.FileInfo, error) {
		list, err := was(d)
		if d != dir {
			return list, err
		}
		return slices.DeleteFunc(list, func(i fs.FileInfo) bool { return !slices.Contains(names, path.Join(dir, i.Name())) }), err
	}
	if p, _ := l.ctx.ImportDir(dir, 0); p != nil && l.main.file == nil && l.work == nil && !strings.HasPrefix(dir, "/go/src/") &&
		slices.ContainsFunc(p.Imports, func(name string) bool { first, _, _ := strings.Cut(name, "/"); return strings.Contains(first, ".") }) {
		l.need(Missing{Path: path.Join(l.r.dir, gomod), Or: []string{path.Join(l.r.dir, "go.work")}, What: "the go.mod of the main module, or a go.work"})
	}
	l.visit(dir, "", nil)
	l.ctx.ReadDir = was
}

// isGoSource reports whether the go command compiles a file of a name with the package that it lies beside.
func isGoSource(name string) bool {
	return contains(".go .c .cc .cpp .cxx .m .h .hh .hpp .hxx .f .F .for .f90 .s .S .sx .swig .swigcxx .syso", path.Ext(name))
}

// readDir lists a directory of the tree.
func (l *goLoad) readDir(dir string) ([]fs.FileInfo, error) {
	entries, err := l.r.list(dir, isGoSource)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.unknown = true
		}
		return nil, err
	}
	var out []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			out = append(out, info)
		}
	}
	return out, nil
}

// visit follows the imports and embeds of the package in a directory.
//
// imported is what asks for it by its name, "" if nothing does: a pattern may mean directories without a package.
func (l *goLoad) visit(dir, imported string, because []Line) {
	if l.seen[dir] || len(l.seen) > maxPackages || len(l.missing) > maxMissing {
		return
	}
	l.seen[dir] = true
	p, err := l.ctx.ImportDir(dir, 0)
	if p == nil || l.unknown {
		l.unknown = false
		return
	}
	if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) && !l.tests && imported != "" {
		l.empty(dir, because)
		return
	}
	var multiple *build.MultiplePackageError
	if err != nil && !errors.As(err, &multiple) {
		if noGo := (*build.NoGoError)(nil); !errors.As(err, &noGo) || imported == "" {
			return
		}
	}
	l.loaded = append(l.loaded, GoPackage{Dir: dir, Path: imported, Name: p.Name, Files: slices.Concat(p.GoFiles, p.CgoFiles)})
	imports := p.ImportPos
	if l.tests {
		for _, more := range []map[string][]token.Position{p.TestImportPos, p.XTestImportPos} {
			for name, at := range more {
				if _, is := imports[name]; !is {
					imports[name] = at
				}
			}
		}
	}
	for _, name := range sortedKeys(imports) {
		l.follow(name, l.source(imports[name]))
	}
	embeds := []map[string][]token.Position{p.EmbedPatternPos}
	if l.tests {
		embeds = append(embeds, p.TestEmbedPatternPos, p.XTestEmbedPatternPos)
	}
	for _, list := range embeds {
		for _, pattern := range sortedKeys(list) {
			l.embed(dir, pattern, l.source(list[pattern]))
		}
	}
}

// empty notes a package of which the tree has no file that counts. Which it lacks another tree tells.
func (l *goLoad) empty(dir string, because []Line) {
	have := map[string]bool{}
	entries, err := l.r.list(dir, isGoSource)
	if err != nil {
		return
	}
	none := true
	for _, e := range entries {
		have[e.Name()] = true
		none = none && path.Ext(e.Name()) != ".go"
	}
	l.missing = append(l.missing, Missing{Kind: Source, Path: path.Join(dir, "*.go"), What: "the Go files of the package", Because: because, Root: dir, Find: func(tree Files, root string) string {
		entries, _ := tree.List(root)
		for _, e := range entries {
			if none && root != "/" && isGoSource(e.Name()) {
				return root
			}
			if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !have[name] {
				return path.Join(root, name)
			}
		}
		return ""
	}})
}

// follow goes on to a package that is imported.
func (l *goLoad) follow(name string, because []Line) {
	if name == "C" || name == "unsafe" || strings.HasPrefix(name, ".") {
		return
	}
	for at, m := range l.lost {
		if under(name, at) {
			if deeper, _, ok := l.module(name); ok && len(deeper.path) > len(at) {
				continue
			}
			m.Because = append(slices.Clone(because), m.Because...)
			l.missing = append(l.missing, m)
			return
		}
	}
	m, rel, ok := l.module(name)
	if !ok {
		if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
			l.foreign(name, because)
		}
		return
	}
	dir := path.Join(m.dir, rel)
	if nested := upward(dir, func(d string) bool { return !l.r.absent(path.Join(d, gomod)) }); nested != "" && len(nested) > len(m.dir) {
		return // a module of its own
	}
	if l.r.absent(dir) {
		l.missing = append(l.missing, Missing{Kind: Source, Path: dir, Dir: true, What: "the package " + name, Because: because})
		return
	}
	l.visit(dir, name, because)
}

// foreign is what a package of another module needs here: its sums, or its copy in vendor.
func (l *goLoad) foreign(name string, because []Line) {
	if l.main.file == nil || !slices.ContainsFunc(l.main.file.Require, func(q *modfile.Require) bool { return under(name, q.Mod.Path) }) {
		return
	}
	if slices.ContainsFunc(l.main.file.Replace, func(x *modfile.Replace) bool { return under(name, x.Old.Path) && x.New.Version == "" }) {
		return
	}
	switch {
	case l.vendor:
		l.need(Missing{Kind: Source, Path: path.Join(l.main.dir, "vendor", name), Dir: true, What: "the vendored package " + name, Because: because})
	case l.sums:
		l.sums = false
		m := Missing{Path: path.Join(l.main.dir, "go.sum"), What: "the sums of the modules that are imported", Because: because}
		if l.r.files.Stat(m.Path) == shell.Unknown { // a download before may have made a part of it
			m.Doubt, m.Quiet = "It may have the sums.", true
			l.missing = append(l.missing, m)
		}
		l.need(m)
	}
}

// module gives the module of the tree that a package belongs to, with its path in it.
func (l *goSetup) module(name string) (m goModule, rel string, ok bool) {
	for _, have := range l.local {
		if under(name, have.path) && (!ok || len(have.path) > len(m.path)) {
			m, rel, ok = have, strings.TrimPrefix(strings.TrimPrefix(name, have.path), "/"), true
		}
	}
	if !ok || l.main.file == nil {
		return m, rel, ok
	}
	// A module that is required may have the package.
	for _, q := range l.main.file.Require {
		if under(name, q.Mod.Path) && len(q.Mod.Path) > len(m.path) {
			return goModule{}, "", false
		}
	}
	return m, rel, ok
}

// under reports whether a package is of a module, by their paths.
func under(name, module string) bool {
	return module != "" && (name == module || strings.HasPrefix(name, module+"/"))
}

// embed looks for what a pattern of go:embed means.
func (l *goLoad) embed(dir, pattern string, because []Line) {
	pattern = strings.TrimPrefix(pattern, "all:")
	if strings.ContainsAny(pattern, `\`) {
		return
	}
	m := Missing{Kind: Source, Path: path.Join(dir, pattern), What: "go:embed " + pattern, Because: because}
	if !strings.ContainsAny(pattern, "*?[") {
		l.need(m)
		return
	}
	if found, known := l.r.glob(dir, pattern); known && len(found) == 0 {
		l.missing = append(l.missing, m)
	}
}

// source gives the line at the first of some positions.
func (l *goLoad) source(at []token.Position) []Line {
	if len(at) == 0 {
		return nil
	}
	line := Line{File: at[0].Filename, Line: at[0].Line}
	if data, ok := l.r.text(line.File); ok {
		line.Text = textOf(data, line.Line)
	}
	return []Line{line}
}
