// Command messages lists the texts that a user may read: each piece of text in the source of the program that has at least two words,
// with the place where it stands. Patterns, tags of fields and names of files are left out.
//
//	go run ./hack/messages [DIR ...]
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	dirs := os.Args[1:]
	if len(dirs) == 0 {
		dirs = []string{"cmd", "internal", "dockerctx", "dockerfile"}
	}
	for _, dir := range dirs {
		if err := list(os.Stdout, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// harness are directories of tests, whose texts no user reads.
var harness = map[string]bool{"testdata": true, "conformance": true, "offline": true, "gcstart": true, "countfs": true, "hostile": true}

// list writes the texts of the Go files below a directory.
func list(w io.Writer, dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && harness[d.Name()] {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Field:
				n.Tag = nil
			case *ast.CallExpr:
				return !pattern(n.Fun)
			case ast.Expr:
				if text, ok := literal(n); ok {
					if sentence(text) {
						fmt.Fprintf(w, "%s: %s\n", fset.Position(n.Pos()), strconv.Quote(text))
					}
					return false
				}
			}
			return true
		})
		return nil
	})
}

// literal gives the text of a literal, or of several that are joined.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		x, okX := literal(e.X)
		y, okY := literal(e.Y)
		return x + y, okX && okY && e.Op == token.ADD
	}
	return "", false
}

// pattern reports whether a function takes a regular expression.
func pattern(fun ast.Expr) bool {
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && (pkg.Name == "lazyre" || pkg.Name == "regexp")
}

var words = regexp.MustCompile(`[A-Za-z]{2,}[,;:]? +[A-Za-z]{2,}|%[a-z]:? [a-z]{2,}|[a-z]{2,} %[a-z]`)

// sentence reports whether a text is made of words.
func sentence(text string) bool { return words.MatchString(text) }
