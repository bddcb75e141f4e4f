package source

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// reader is a function that reads a file.
type reader struct {
	from, to  int  // its arguments that are paths; to is -1 for all behind from
	dir, glob bool // see Read
	panics    bool // it does not return without it
	silent    bool // nothing fails when it is called
	scheme    bool // the path stands behind file://
}

// functions are readers by the path of their package and their name.
var functions = map[string]reader{
	"os.Open": {}, "os.ReadFile": {}, "os.ReadDir": {dir: true}, "io/ioutil.ReadFile": {}, "io/ioutil.ReadDir": {dir: true}, "os.DirFS": {dir: true, silent: true},
	"html/template.ParseFiles": {to: -1}, "html/template.ParseGlob": {glob: true}, "text/template.ParseFiles": {to: -1}, "text/template.ParseGlob": {glob: true},
	"net/http.Dir": {dir: true, silent: true}, "net/http.ServeFile": {from: 2, to: 2, silent: true},
	"crypto/tls.LoadX509KeyPair": {to: 1}, "net/http.ListenAndServeTLS": {from: 1, to: 2},
	"github.com/joho/godotenv.Load": {to: -1}, "github.com/joho/godotenv.Read": {to: -1}, "github.com/joho/godotenv.Overload": {to: -1},
	"github.com/BurntSushi/toml.DecodeFile": {}, "github.com/pelletier/go-toml.LoadFile": {}, "github.com/ilyakaznacheev/cleanenv.ReadConfig": {},
	"gopkg.in/ini.v1.Load": {to: -1}, "github.com/go-ini/ini.Load": {to: -1}, "gopkg.in/ini.v1.LooseLoad": {silent: true, to: -1},
	"github.com/golang-migrate/migrate/v4.New": {scheme: true, dir: true}, "github.com/golang-migrate/migrate.New": {scheme: true, dir: true},
	"github.com/golang-migrate/migrate/v4.NewWithDatabaseInstance": {scheme: true, dir: true}, "github.com/golang-migrate/migrate.NewWithDatabaseInstance": {scheme: true, dir: true},
	"github.com/casbin/casbin/v2.NewEnforcer": {to: -1}, "github.com/casbin/casbin.NewEnforcer": {to: -1}, "github.com/casbin/casbin/v2.NewSyncedEnforcer": {to: -1},
	"github.com/flosch/pongo2.FromFile": {}, "github.com/flosch/pongo2/v6.FromFile": {}, "github.com/gobuffalo/packr.NewBox": {dir: true, silent: true},
	"github.com/knadh/koanf/providers/file.Provider": {silent: true}, "github.com/gofiber/template/html/v2.New": {dir: true, silent: true}, "github.com/gofiber/template/html.New": {dir: true, silent: true},
}

// gooseUp are the functions of goose that read a directory of migrations, with the argument that names it.
var gooseUp = map[string]int{"Up": 1, "UpContext": 2, "UpTo": 1, "Status": 1, "Run": 2}

// methods are readers by the name of a method that nothing else is called by, and the package of which one must be imported.
var methods = map[string]struct {
	reader
	of string
}{
	"LoadHTMLGlob":  {reader{glob: true, panics: true}, "github.com/gin-gonic/gin"},
	"LoadHTMLFiles": {reader{to: -1, panics: true}, "github.com/gin-gonic/gin"},
	"ParseGlob":     {reader{glob: true}, "template"},
	"ParseFiles":    {reader{to: -1}, "template"},
	"Static":        {reader{from: 1, to: 1, dir: true, silent: true}, "github.com/gin-gonic/gin github.com/gofiber/fiber github.com/labstack/echo"},
	"StaticFile":    {reader{from: 1, to: 1, silent: true}, "github.com/gin-gonic/gin"},
	"File":          {reader{from: 1, to: 1, silent: true}, "github.com/labstack/echo"},
	"SendFile":      {reader{silent: true}, "github.com/gofiber/fiber"},

	"MustLoadMessageFile": {reader{panics: true}, "github.com/nicksnyder/go-i18n"},
	"LoadMessageFile":     {reader{}, "github.com/nicksnyder/go-i18n"},
}

// scope is where an expression stands.
type scope struct {
	in     *file
	body   ast.Node          // of the function
	values map[string]string // of its parameters
	named  bool              // its results have names
}

// outside gives the function of another module or of the standard library that is called, "" if it is none.
func (p *program) outside(f *file, fun ast.Expr) string {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	from, ok := s.X.(*ast.Ident)
	if !ok || f.imports[from.Name] == "" {
		return ""
	}
	return f.imports[from.Name] + "." + s.Sel.Name
}

// read tells what a call reads, with what becomes of the program if it is not there: a call that panics ends it, of others nothing is known
// but that they fail.
func (p *program) read(call *ast.CallExpr, s scope) (out []outcome) {
	name := p.outside(s.in, call.Fun)
	r, known := functions[name]
	method, isMethod := call.Fun.(*ast.SelectorExpr)
	if !known && isMethod {
		if i, goose := gooseUp[method.Sel.Name]; goose && strings.HasPrefix(name, "github.com/pressly/goose") {
			r, known = reader{from: i, to: i, dir: true}, true
		} else if m, is := methods[method.Sel.Name]; is && (name == "" || m.of == "template") && s.in.uses(m.of) {
			r, known = m.reader, true
		} else if method.Sel.Name == "ReadInConfig" && s.in.uses("github.com/spf13/viper") {
			return p.viper(call, s)
		}
	}
	if !known || call.Ellipsis != token.NoPos {
		return nil
	}
	to := r.to
	if to < 0 {
		to = len(call.Args) - 1
	}
	for i := r.from; i <= max(to, r.from) && i < len(call.Args); i++ {
		text, ok := p.text(call.Args[i], s, 0)
		if !ok || text == "" {
			continue
		}
		if r.scheme {
			rest, of := strings.CutPrefix(text, "file://")
			if !of {
				continue
			}
			text = rest
		}
		at := p.fset.Position(call.Pos())
		o := outcome{read: Read{Paths: []string{path.Clean(text)}, Dir: r.dir, Glob: r.glob, File: at.Filename, Line: at.Line, Column: at.Column}}
		switch {
		case r.panics:
			o.how = fatal
		case r.silent:
			o.how = ignored
		default:
			o.how = returned
		}
		out = append(out, o)
	}
	return out
}

// uses reports whether a file imports one of some packages, or one below it; "template" is either of the standard library.
func (f *file) uses(packages string) bool {
	for want := range strings.FieldsSeq(packages) {
		for _, have := range f.imports {
			if have == want || strings.HasPrefix(have, want+"/") || want == "template" && (have == "html/template" || have == "text/template") {
				return true
			}
		}
	}
	return false
}

// viperTypes are the endings that viper tries.
var viperTypes = strings.Fields("json toml yaml yml properties props prop hcl tfvars dotenv env ini")

// viper is ReadInConfig: the file that was set before in the same function, or one of a name in the directories that were.
func (p *program) viper(call *ast.CallExpr, s scope) []outcome {
	if s.body == nil {
		return nil
	}
	var dirs []string
	name, kind, file, known := "config", "", "", true
	ast.Inspect(s.body, func(n ast.Node) bool {
		set, isCall := n.(*ast.CallExpr)
		if !isCall || len(set.Args) != 1 {
			return true
		}
		method, isMethod := set.Fun.(*ast.SelectorExpr)
		if !isMethod {
			return true
		}
		text, ok := p.text(set.Args[0], s, 0)
		switch method.Sel.Name {
		case "AddConfigPath":
			if ok && !strings.Contains(text, "$") {
				dirs = append(dirs, text)
			} else {
				known = false
			}
		case "SetConfigName":
			name, known = text, known && ok
		case "SetConfigType":
			kind, known = text, known && ok
		case "SetConfigFile":
			file, known = text, known && ok
		}
		return true
	})
	if !known {
		return nil
	}
	at := p.fset.Position(call.Pos())
	o := outcome{read: Read{File: at.Filename, Line: at.Line, Column: at.Column}, how: returned}
	if file != "" {
		o.read.Paths = []string{path.Clean(file)}
		return []outcome{o}
	}
	for _, dir := range dirs {
		for _, ending := range viperTypes {
			o.read.Paths = append(o.read.Paths, path.Join(dir, name+"."+ending))
		}
		if kind != "" {
			o.read.Paths = append(o.read.Paths, path.Join(dir, name))
		}
	}
	if len(o.read.Paths) == 0 {
		return nil
	}
	return []outcome{o}
}

// text gives the text that an expression surely is.
func (p *program) text(e ast.Expr, s scope, depth int) (string, bool) {
	if depth > maxDepth {
		return "", false
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.ParenExpr:
		return p.text(e.X, s, depth+1)
	case *ast.Ident:
		if value, ok := s.values[e.Name]; ok {
			return value, !binds(s.body, e.Name)
		}
		if set := only(s.body, e.Name); set != nil {
			return p.text(set, s, depth+1)
		}
		if c, ok := s.in.of.constants[e.Name]; ok && !binds(s.body, e.Name) {
			return p.text(c, scope{in: s.in}, depth+1)
		}
	case *ast.SelectorExpr:
		if from, ok := e.X.(*ast.Ident); ok {
			if other := p.packages[s.in.imports[from.Name]]; other != nil && s.in.imports[from.Name] != "" {
				if c, ok := other.constants[e.Sel.Name]; ok {
					return p.text(c, scope{in: &file{of: other}}, depth+1)
				}
			}
		}
	case *ast.StarExpr:
		if value := p.standard(e, s); value != nil {
			return p.text(value, s, depth+1)
		}
	case *ast.BinaryExpr:
		left, ok := p.text(e.X, s, depth+1)
		right, also := p.text(e.Y, s, depth+1)
		return left + right, ok && also && e.Op == token.ADD
	case *ast.CallExpr:
		if f := p.outside(s.in, e.Fun); f != "path/filepath.Join" && f != "path.Join" || len(e.Args) == 0 {
			return "", false
		}
		var parts []string
		for _, a := range e.Args {
			part, ok := p.text(a, s, depth+1)
			if !ok {
				return "", false
			}
			parts = append(parts, part)
		}
		return path.Join(parts...), true
	}
	return "", false
}

// standard gives what *name is of flag.String("config", "config.yaml", "..."), which nobody gives; nil if it is something else.
func (p *program) standard(e *ast.StarExpr, s scope) ast.Expr {
	v, ok := e.X.(*ast.Ident)
	if !ok || !p.plain {
		return nil
	}
	set := only(s.body, v.Name)
	if set == nil && !binds(s.body, v.Name) {
		set = s.in.of.variables[v.Name]
	}
	if call, ok := set.(*ast.CallExpr); ok && len(call.Args) == 3 && p.outside(s.in, call.Fun) == "flag.String" {
		return call.Args[1]
	}
	return nil
}

// only gives what a variable of a function is set to, if that is done once and where it is declared; nil if not.
func only(body ast.Node, name string) (value ast.Expr) {
	times := 0
	if body == nil {
		return nil
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if id, ok := l.(*ast.Ident); ok && id.Name == name {
					if times++; n.Tok == token.DEFINE && len(n.Rhs) == len(n.Lhs) {
						value = n.Rhs[i]
					} else {
						times++
					}
				}
			}
		case *ast.UnaryExpr:
			if id, ok := n.X.(*ast.Ident); ok && id.Name == name && n.Op == token.AND {
				times += 2 // somebody else may set it
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				if id.Name == name {
					times += 2
				}
			}
		}
		return true
	})
	if times != 1 {
		return nil
	}
	return value
}

// binds reports whether a function has a variable of a name, or sets one.
func binds(body ast.Node, name string) (found bool) {
	if body == nil {
		return false
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			for _, l := range a.Lhs {
				id, ok := l.(*ast.Ident)
				found = found || ok && id.Name == name
			}
		}
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, id := range v.Names {
				found = found || id.Name == name
			}
		}
		return !found
	})
	return found
}
