// Package source finds what Go programs read by a path that is written out: configuration, templates, migrations, static files. It parses
// the files of the packages that a program is compiled from, and follows functions by their names.
package source

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// File is a source file.
type File struct {
	Name string
	Data []byte
}

// Package is a package that a program is compiled from.
type Package struct {
	// Path is that under which it is imported; "" for the main package.
	Path  string
	Files []File
}

// Read is something that a program reads.
type Read struct {
	// Paths are the places of which one will do, as they are written: as seen from the working directory, or absolute.
	Paths []string
	// Dir tells that it is a directory, Glob that its paths are patterns of which one must match.
	Dir, Glob bool
	// Fatal tells that the program surely reads it when it starts, and ends if it is not there.
	Fatal bool
	// File, Line and Column are the place of the call.
	File         string
	Line, Column int
}

// Found is what a program reads.
type Found struct {
	Reads []Read
	// ChangesDir tells that it may work in another directory than it is started in.
	ChangesDir bool
}

// maxFiles bounds how many files of a program are parsed, maxSize how large one may be, maxDepth how deep calls are followed.
const (
	maxFiles = 3000
	maxSize  = 1 << 20
	maxDepth = 12
)

// Find gives what a program reads. The main package comes first; plain tells that the program is started without arguments.
func Find(packages []Package, plain bool) Found {
	p := &program{plain: plain, fset: token.NewFileSet(), packages: map[string]*pkg{}, methods: map[string][]*function{}, reached: map[*function]bool{}}
	files := 0
	for i, x := range packages {
		of := &pkg{path: x.Path, constants: map[string]ast.Expr{}, variables: map[string]ast.Expr{}, functions: map[string]*function{}}
		for _, f := range x.Files {
			if files++; files > maxFiles || len(f.Data) > maxSize {
				return Found{}
			}
			parsed, err := parser.ParseFile(p.fset, f.Name, f.Data, parser.SkipObjectResolution)
			if err != nil || parsed == nil {
				continue
			}
			p.add(of, parsed)
		}
		p.all = append(p.all, of)
		if p.packages[x.Path] = of; i == 0 {
			p.main = of
		}
	}
	if p.main == nil {
		return Found{}
	}
	return p.find()
}

// program is a program that is parsed.
type program struct {
	plain    bool
	fset     *token.FileSet
	main     *pkg
	all      []*pkg
	packages map[string]*pkg        // by the path under which they are imported
	methods  map[string][]*function // by name alone
	reached  map[*function]bool
	found    Found
}

// pkg is a package of it.
type pkg struct {
	path      string
	files     []*file
	constants map[string]ast.Expr
	variables map[string]ast.Expr
	functions map[string]*function
	inits     []*function
}

// file is a source file, with what its imports are called.
type file struct {
	of      *pkg
	ast     *ast.File
	imports map[string]string
}

// function is a function or method, or what a variable is set to.
type function struct {
	in     *file
	params []string
	body   ast.Node
	named  bool // its results have names
}

func (p *program) add(of *pkg, parsed *ast.File) {
	f := &file{of: of, ast: parsed, imports: map[string]string{}}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		local := nameOf(name)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		f.imports[local] = name
	}
	of.files = append(of.files, f)
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			p.declare(f, d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, name := range v.Names {
					switch {
					case i < len(v.Values) && d.Tok == token.CONST:
						of.constants[name.Name] = v.Values[i]
					case i < len(v.Values) && d.Tok == token.VAR:
						of.variables[name.Name] = v.Values[i]
					}
				}
				for _, value := range v.Values {
					if d.Tok == token.VAR {
						of.inits = append(of.inits, &function{in: f, body: value})
					}
				}
			}
		}
	}
}

func (p *program) declare(f *file, d *ast.FuncDecl) {
	if d.Body == nil {
		return
	}
	x := &function{in: f, body: d.Body}
	if r := d.Type.Results; r != nil && len(r.List) > 0 {
		x.named = len(r.List[len(r.List)-1].Names) > 0
	}
	for _, field := range d.Type.Params.List {
		for _, name := range field.Names {
			x.params = append(x.params, name.Name)
		}
		if len(field.Names) == 0 {
			x.params = append(x.params, "_")
		}
	}
	switch {
	case d.Recv != nil:
		p.methods[d.Name.Name] = append(p.methods[d.Name.Name], x)
	case d.Name.Name == "init":
		f.of.inits = append(f.of.inits, x)
	default:
		f.of.functions[d.Name.Name] = x
	}
}

// nameOf is what a package is called by those who import it, as far as its path tells.
func nameOf(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" && strings.Contains(importPath, "/") {
		base = path.Base(path.Dir(importPath))
	}
	base, _, _ = strings.Cut(strings.TrimPrefix(base, "go-"), ".")
	return base
}

// find follows the program from where it starts.
func (p *program) find() Found {
	main := p.main.functions["main"]
	for _, of := range p.all {
		for _, x := range of.inits {
			p.reach(x)
			if e, ok := x.body.(ast.Expr); ok {
				p.record(p.within(e, scope{in: x.in}, true))
			} else {
				p.record(p.straight(x, scope{in: x.in}, 0))
			}
		}
	}
	if main != nil {
		p.reach(main)
		p.record(p.straight(main, scope{in: main.in}, 0))
	}
	p.lazy()
	return p.found
}

// record notes what is surely read, and ends the program where it is not there.
func (p *program) record(list []outcome) {
	for _, o := range list {
		if o.how == fatal {
			o.read.Fatal = true
			p.note(o.read)
		}
	}
}

// note adds something that is read, unless it is known already.
func (p *program) note(r Read) {
	if !slices.ContainsFunc(p.found.Reads, func(have Read) bool { return slices.Equal(have.Paths, r.Paths) }) {
		p.found.Reads = append(p.found.Reads, r)
	}
}

// reach follows a function to all that it names.
func (p *program) reach(x *function) {
	todo := []*function{x}
	for len(todo) > 0 {
		x := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p.reached[x] {
			continue
		}
		p.reached[x] = true
		ast.Inspect(x.body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if other := p.of(x.in, n); other != nil {
					todo = append(todo, other)
				} else {
					todo = append(todo, p.methods[n.Sel.Name]...)
				}
			case *ast.Ident:
				if other := x.in.of.functions[n.Name]; other != nil {
					todo = append(todo, other)
				}
			}
			return true
		})
	}
}

// of gives the function of the program that a selector means, nil if it is none.
func (p *program) of(f *file, s *ast.SelectorExpr) *function {
	if from, ok := s.X.(*ast.Ident); ok {
		if other := p.packages[f.imports[from.Name]]; other != nil && f.imports[from.Name] != "" {
			return other.functions[s.Sel.Name]
		}
	}
	return nil
}

// lazy notes what functions read that may be called.
func (p *program) lazy() {
	var list []*function
	for x := range p.reached {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *function) int { return int(a.body.Pos() - b.body.Pos()) })
	for _, x := range list {
		s := scope{in: x.in, body: x.body}
		spared := p.spared(x, s)
		ast.Inspect(x.body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if p.outside(x.in, call.Fun) == "os.Chdir" {
				p.found.ChangesDir = true
			}
			for _, o := range p.read(call, s) {
				if !spared[call] && !slices.ContainsFunc(o.read.Paths, func(path string) bool { return spared[path] }) {
					p.note(o.read)
				}
			}
			return true
		})
	}
}

// spared gives the calls of a function whose failure it does not speak of, and the paths of which it asks whether they are there.
func (p *program) spared(x *function, s scope) map[any]bool {
	out := map[any]bool{}
	ast.Inspect(x.body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			for i, stmt := range n.List {
				a, ok := stmt.(*ast.AssignStmt)
				if !ok || len(a.Rhs) != 1 {
					continue
				}
				name := lastName(a.Lhs)
				if name == "" { // _
					out[a.Rhs[0]] = true
				} else if i+1 < len(n.List) {
					if check, ok := n.List[i+1].(*ast.IfStmt); ok && check.Init == nil && isFailure(check.Cond, name) && !mentions(check.Body, name) && s.ends(check.Body) == ignored {
						out[a.Rhs[0]] = true
					}
				}
			}
		case *ast.IfStmt:
			if p.asksVariable(x.in, n.Cond) {
				ast.Inspect(n.Body, func(in ast.Node) bool {
					if call, ok := in.(*ast.CallExpr); ok {
						out[call] = true
					}
					return true
				})
			}
		case *ast.CallExpr:
			if f := p.outside(x.in, n.Fun); (f == "os.Stat" || f == "os.Lstat") && len(n.Args) == 1 {
				if text, ok := p.text(n.Args[0], s, 0); ok {
					out[path.Clean(text)] = true
				}
			}
		}
		return true
	})
	return out
}

// asksVariable reports whether a condition holds only where somebody sets a variable of the environment to a value.
func (p *program) asksVariable(f *file, cond ast.Expr) bool {
	b, ok := cond.(*ast.BinaryExpr)
	if !ok || b.Op != token.EQL {
		return false
	}
	call, isCall := b.X.(*ast.CallExpr)
	value, isText := b.Y.(*ast.BasicLit)
	return isCall && isText && value.Kind == token.STRING && len(value.Value) > 2 && p.outside(f, call.Fun) == "os.Getenv"
}

// mentions reports whether a block has a name in it.
func mentions(block *ast.BlockStmt, name string) (found bool) {
	ast.Inspect(block, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}
