package source

import (
	"go/ast"
	"go/token"
	"strings"
)

// how is what becomes of a program if what it reads is not there.
type how uint8

const (
	ignored  how = iota // it goes on, or may do so
	returned            // the call fails: its caller decides
	fatal               // the program ends
)

// outcome is something that is surely read when a function is called.
type outcome struct {
	read Read
	how  how
}

// straight gives what a function surely reads when it is called.
func (p *program) straight(x *function, s scope, depth int) []outcome {
	block, ok := x.body.(*ast.BlockStmt)
	if !ok || depth > maxDepth {
		return nil
	}
	s.body, s.named = x.body, x.named
	return p.statements(block.List, s, depth)
}

// statements gives what the statements of a block surely read, up to the first that may leave it.
func (p *program) statements(list []ast.Stmt, s scope, depth int) (out []outcome) {
	for i, stmt := range list {
		switch stmt := stmt.(type) {
		case *ast.ExprStmt:
			out = append(out, settled(p.called(stmt.X, s, depth), ignored)...)
			if ends(stmt) == fatal {
				return out
			}
		case *ast.AssignStmt:
			then := ignored
			if name := lastName(stmt.Lhs); name != "" && i+1 < len(list) {
				if check, ok := list[i+1].(*ast.IfStmt); ok && check.Init == nil && isFailure(check.Cond, name) {
					then = s.ends(check.Body)
				} else if r, ok := list[i+1].(*ast.ReturnStmt); ok && returns(r, name) {
					then = returned
				}
			}
			for _, e := range stmt.Rhs {
				out = append(out, settled(p.called(e, s, depth), then)...)
			}
		case *ast.DeclStmt:
			if d, ok := stmt.Decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, e := range v.Values {
							out = append(out, settled(p.called(e, s, depth), ignored)...)
						}
					}
				}
			}
		case *ast.IfStmt:
			out = append(out, p.checked(stmt, s, depth)...)
			if leaves(stmt.Body) && !aboutError(stmt) {
				return out // it may go no further
			}
		case *ast.ReturnStmt:
			for _, e := range stmt.Results {
				out = append(out, p.called(e, s, depth)...)
			}
			return out
		case *ast.BlockStmt:
			out = append(out, p.statements(stmt.List, s, depth)...)
		case *ast.DeferStmt, *ast.GoStmt, *ast.EmptyStmt, *ast.IncDecStmt:
		default: // a loop, a switch: what is in it may not be done, and it may not end
			return out
		}
	}
	return out
}

// checked is `if err := read(); err != nil { ... }`.
func (p *program) checked(stmt *ast.IfStmt, s scope, depth int) (out []outcome) {
	a, ok := stmt.Init.(*ast.AssignStmt)
	if !ok {
		return nil
	}
	then := ignored
	if name := lastName(a.Lhs); isFailure(stmt.Cond, name) {
		then = s.ends(stmt.Body)
	}
	for _, e := range a.Rhs {
		out = append(out, settled(p.called(e, s, depth), then)...)
	}
	return out
}

// settled gives outcomes as their caller makes them.
func settled(list []outcome, then how) []outcome {
	for i := range list {
		if list[i].how == returned {
			list[i].how = then
		}
	}
	return list
}

// called gives what an expression surely reads when it is evaluated: the calls in it, functions of the program among them.
func (p *program) called(e ast.Expr, s scope, depth int) []outcome {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		if e, ok := e.(*ast.UnaryExpr); ok {
			return p.called(e.X, s, depth)
		}
		return nil
	}
	out := p.within(call, s, false)
	if x := p.own(call, s.in); x != nil {
		inner := scope{in: x.in, values: map[string]string{}}
		for i, name := range x.params {
			if i < len(call.Args) && len(call.Args) == len(x.params) {
				if text, ok := p.text(call.Args[i], s, 0); ok {
					inner.values[name] = text
				}
			}
		}
		out = append(out, p.straight(x, inner, depth+1)...)
	}
	return out
}

// own gives the function of the program that is called; nil if it is none.
func (p *program) own(call *ast.CallExpr, f *file) *function {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return f.of.functions[fun.Name]
	case *ast.SelectorExpr:
		return p.of(f, fun)
	}
	return nil
}

// within gives what the calls of an expression read: template.Must does not return without what is read in it. Functions that are written
// out in it are not called by it.
func (p *program) within(e ast.Expr, s scope, variable bool) (out []outcome) {
	must := 0
	var walk func(n ast.Node) bool
	walk = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BinaryExpr:
			return n.Op != token.LAND && n.Op != token.LOR
		case *ast.CallExpr:
			for _, o := range p.read(n, s) {
				if must > 0 && o.how == returned {
					o.how = fatal
				} else if n != e && o.how == returned {
					o.how = ignored
				}
				out = append(out, o)
			}
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Must" {
				must++
				for _, a := range n.Args {
					ast.Inspect(a, walk)
				}
				must--
				return false
			}
		}
		return true
	}
	ast.Inspect(e, walk)
	if variable {
		out = settled(out, ignored)
	}
	return out
}

// lastName is the name of the last of what is assigned, where errors are; "" if it is none.
func lastName(list []ast.Expr) string {
	if len(list) == 0 {
		return ""
	}
	id, ok := list[len(list)-1].(*ast.Ident)
	if !ok || id.Name == "_" {
		return ""
	}
	return id.Name
}

// isFailure reports whether a condition is `err != nil`.
func isFailure(cond ast.Expr, name string) bool {
	b, ok := cond.(*ast.BinaryExpr)
	if !ok || b.Op != token.NEQ || name == "" {
		return false
	}
	left, ok := b.X.(*ast.Ident)
	right, also := b.Y.(*ast.Ident)
	return ok && also && left.Name == name && right.Name == "nil"
}

// aboutError reports whether an if asks whether something failed.
func aboutError(stmt *ast.IfStmt) bool {
	b, ok := stmt.Cond.(*ast.BinaryExpr)
	if !ok || b.Op != token.NEQ {
		return false
	}
	id, ok := b.Y.(*ast.Ident)
	return ok && id.Name == "nil"
}

// leaves reports whether a block may leave its function.
func leaves(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt, *ast.BranchStmt:
			found = true
		case *ast.ExprStmt:
			found = found || ends(n) == fatal
		}
		return !found
	})
	return found
}

// returns reports whether a return hands an error on.
func returns(r *ast.ReturnStmt, name string) bool {
	if len(r.Results) == 0 {
		return false
	}
	found := false
	ast.Inspect(r.Results[len(r.Results)-1], func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return true
	})
	return found
}

// ends tells how the last statement of a block ends the function.
func (s scope) ends(block *ast.BlockStmt) how {
	if len(block.List) > 0 && s.named {
		if r, ok := block.List[len(block.List)-1].(*ast.ReturnStmt); ok && len(r.Results) == 0 {
			return returned
		}
	}
	return ends(block)
}

// ends tells how a statement, or the last one of a block, ends the function: it ends the program, or hands an error on.
func ends(stmt ast.Stmt) how {
	switch stmt := stmt.(type) {
	case *ast.BlockStmt:
		if len(stmt.List) == 0 {
			return ignored
		}
		return ends(stmt.List[len(stmt.List)-1])
	case *ast.ReturnStmt:
		if len(stmt.Results) == 0 {
			return ignored
		}
		switch last := stmt.Results[len(stmt.Results)-1].(type) {
		case *ast.Ident:
			if last.Name == "nil" || last.Name == "true" || last.Name == "false" {
				return ignored
			}
			return returned
		case *ast.CallExpr:
			return returned
		}
	case *ast.ExprStmt:
		if call, ok := stmt.X.(*ast.CallExpr); ok && kills(call) {
			return fatal
		}
	}
	return ignored
}

// kills reports whether a call ends the program with a failure.
func kills(call *ast.CallExpr) bool {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return fun.Name == "panic"
	case *ast.SelectorExpr:
		if from, ok := fun.X.(*ast.Ident); ok && from.Name == "os" && fun.Sel.Name == "Exit" {
			if len(call.Args) != 1 {
				return false
			}
			code, ok := call.Args[0].(*ast.BasicLit)
			return !ok || code.Value != "0"
		}
		if strings.HasPrefix(fun.Sel.Name, "Fatal") || strings.HasPrefix(fun.Sel.Name, "Panic") {
			return true
		}
		for inner, ok := fun.X.(*ast.CallExpr); ok; { // log.Fatal().Err(err).Msg("x")
			s, isMethod := inner.Fun.(*ast.SelectorExpr)
			if !isMethod {
				return false
			}
			if s.Sel.Name == "Fatal" || s.Sel.Name == "Panic" {
				return true
			}
			inner, ok = s.X.(*ast.CallExpr)
		}
	}
	return false
}
