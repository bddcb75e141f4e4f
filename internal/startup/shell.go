package startup

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// state is what a shell knows at one point of a script.
type state struct {
	cwd string // absolute; "" if it cannot be told
	// cwdVariable tells that somebody may set the working directory differently.
	cwdVariable bool

	vars  map[string]variable
	funcs map[string]function
	args  []arg  // "$@"
	arg0  string // "$0"

	here   Origin   // the command being looked at
	via    []Origin // what led here
	source source   // the file that it stands in

	conditional bool // inside a branch that need not be taken
	tolerated   bool // before ||: a failure ends nothing
	returned    bool // by `return`, up to the end of the function or of the sourced file
}

// source is the file that a script stands in; without a path, it is the text of an instruction.
type source struct {
	path  string
	lines []string
}

type function struct {
	body   *syntax.Stmt
	source source
}

// place gives the origin of a node. Text after `sh -c` has no lines of its own: it keeps the instruction's.
func (s *state) place(pos syntax.Pos) Origin {
	if s.source.path == "" {
		return s.here
	}
	o := Origin{File: s.source.path, Line: int(pos.Line()), InImage: true}
	if o.Line >= 1 && o.Line <= len(s.source.lines) {
		o.Text = strings.Join(strings.Fields(s.source.lines[o.Line-1]), " ")
	}
	return o
}

// parse gives the statements of a script up to the first error, which it returns too. Bash's grammar takes nearly all that
// the smaller shells' do.
func parse(text string) ([]*syntax.Stmt, error) {
	var list []*syntax.Stmt
	var first error
	for _, lang := range []syntax.LangVariant{syntax.LangBash, syntax.LangPOSIX} {
		var stmts []*syntax.Stmt
		var err error
		for st, e := range shell.Statements(text, lang) {
			if err = e; err == nil {
				stmts = append(stmts, st)
			}
		}
		if err == nil {
			return stmts, nil
		}
		if first == nil || len(stmts) > len(list) {
			list, first = stmts, err
		}
	}
	return list, first
}

// script walks shell text in a state of its own making.
func (a *analysis) script(s *state, text string) []*state {
	if len(text) > maxScript {
		a.note(s.here, "a shell script is too long to be followed")
		return []*state{s}
	}
	stmts, err := parse(text)
	if err != nil {
		name := s.source.path
		if name == "" {
			name = "the command line"
		}
		a.note(s.here, name+" cannot be parsed as shell to its end: "+strings.ReplaceAll(err.Error(), unknown, "?"))
	}
	return a.stmts([]*state{s}, stmts)
}

// stmts walks a list in every state; the states that are left are those in which the shell goes on.
func (a *analysis) stmts(in []*state, list []*syntax.Stmt) []*state {
	var returned []*state
	for _, st := range list {
		var out []*state
		for _, s := range in {
			out = append(out, a.stmt(s, st)...)
		}
		in = in[:0:0]
		for _, s := range out {
			if s.returned {
				returned = append(returned, s)
			} else {
				in = append(in, s)
			}
		}
		in = distinct(in)
		if len(in) == 0 {
			break
		}
	}
	return distinct(append(in, returned...))
}

// distinct drops states that know the same, and the last ones where there are too many: what is lost then is a
// combination of branches, not a branch.
func distinct(in []*state) []*state {
	var out []*state
	for _, s := range in {
		same := func(o *state) bool {
			return o.cwd == s.cwd && o.returned == s.returned && o.conditional == s.conditional &&
				maps.Equal(o.vars, s.vars) && slices.Equal(texts(o.args), texts(s.args)) && len(o.funcs) == len(s.funcs)
		}
		if len(out) < maxStates && !slices.ContainsFunc(out, same) {
			out = append(out, s)
		}
	}
	return out
}

func (a *analysis) stmt(s *state, st *syntax.Stmt) []*state {
	s.here = s.place(st.Pos())
	a.redirections(s, st)
	if st.Cmd == nil {
		return []*state{s}
	}
	if a.depth >= maxDepth {
		a.note(s.here, "the commands that the image starts are nested too deeply to be followed")
		return []*state{s}
	}
	if !a.step(s.here) {
		return nil
	}
	a.depth++
	defer func() { a.depth-- }()
	if st.Background {
		a.cmd(s.clone(), st.Cmd)
		return []*state{s}
	}
	return a.cmd(s, st.Cmd)
}

func (a *analysis) cmd(s *state, cmd syntax.Command) []*state {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		return a.call(s, c)
	case *syntax.DeclClause:
		for _, as := range c.Args {
			a.declare(s, as, c.Variant.Value)
		}
	case *syntax.BinaryCmd:
		return a.binary(s, c)
	case *syntax.Block:
		return a.stmts([]*state{s}, c.Stmts)
	case *syntax.Subshell:
		a.stmts([]*state{s.clone()}, c.Stmts)
	case *syntax.IfClause:
		return a.ifClause(s, c)
	case *syntax.CaseClause:
		return a.caseClause(s, c)
	case *syntax.WhileClause:
		in := a.stmts([]*state{s}, c.Cond)
		if len(in) == 0 {
			return nil
		}
		t := a.truths(in[0], c.Cond)
		body := in[0].clone()
		body.conditional = body.conditional || !t.known || t.yes == c.Until
		out := a.stmts([]*state{body}, c.Do)
		if t.known && t.yes != c.Until {
			return out // an endless loop: what follows it is only reached by break
		}
		return in
	case *syntax.ForClause:
		return a.forClause(s, c)
	case *syntax.FuncDecl:
		if c.Name != nil {
			s.funcs = maps.Clone(s.funcs)
			s.funcs[c.Name.Value] = function{body: c.Body, source: s.source}
		}
	case *syntax.TimeClause:
		if c.Stmt != nil {
			return a.stmt(s, c.Stmt)
		}
	case *syntax.CoprocClause:
		a.stmt(s.clone(), c.Stmt)
	}
	return []*state{s}
}

func (a *analysis) binary(s *state, c *syntax.BinaryCmd) []*state {
	if c.Op != syntax.AndStmt && c.Op != syntax.OrStmt {
		a.stmt(s.clone(), c.X)
		a.stmt(s.clone(), c.Y)
		return []*state{s}
	}
	var out []*state
	was := s.tolerated
	s.tolerated = was || c.Op == syntax.OrStmt && !givesUp(c.Y)
	for _, x := range a.stmt(s, c.X) {
		x.tolerated = was
		if x.returned {
			out = append(out, x)
			continue
		}
		t := a.truth(x, c.X)
		if !t.known && c.Op == syntax.AndStmt && !checks(c.X) {
			t = truth{known: true, yes: true, fixed: true} // what is run is taken to succeed
		}
		out = append(out, a.branch(x, t, c.Op == syntax.AndStmt, func(y *state) []*state { return a.stmt(y, c.Y) })...)
	}
	return out
}

// branch walks what runs if a condition comes out as `when`, and gives the states after it in both cases.
func (a *analysis) branch(s *state, t truth, when bool, walk func(*state) []*state) []*state {
	was := s.conditional
	inside := s.clone()
	switch {
	case t.known && t.yes == when:
		return walk(inside)
	case t.known && t.fixed:
		return []*state{s}
	}
	inside.conditional = true
	out := walk(inside)
	if t.known {
		return []*state{s}
	}
	for _, o := range out {
		o.conditional = was
	}
	return append([]*state{s}, out...)
}

func (a *analysis) ifClause(s *state, c *syntax.IfClause) []*state {
	if a.depth >= maxDepth {
		return []*state{s}
	}
	a.depth++
	defer func() { a.depth-- }()
	if len(c.Cond) == 0 { // else
		return a.stmts([]*state{s}, c.Then)
	}
	// A command that is asked for its status may fail, unless that ends the script.
	was := s.tolerated
	s.tolerated = was || !c.Cond[len(c.Cond)-1].Negated || len(c.Then) == 0 || !givesUp(c.Then[len(c.Then)-1])
	in := a.stmts([]*state{s}, c.Cond)
	var out []*state
	for _, x := range in {
		x.tolerated = was
		t := a.truths(x, c.Cond)
		was := x.conditional
		then, other := x.clone(), x
		run := func(st *state, yes bool, walk func(*state) []*state) {
			switch {
			case t.known && t.yes == yes:
				out = append(out, walk(st)...)
			case t.known && t.fixed:
			default:
				st.conditional = true
				for _, o := range walk(st) {
					if !t.known {
						o.conditional = was
						out = append(out, o)
					}
				}
			}
		}
		run(then, true, func(st *state) []*state { return a.stmts([]*state{st}, c.Then) })
		run(other, false, func(st *state) []*state {
			if c.Else == nil {
				return []*state{st}
			}
			return a.ifClause(st, c.Else)
		})
	}
	return distinct(out)
}

func (a *analysis) caseClause(s *state, c *syntax.CaseClause) []*state {
	x := &expansion{a: a, s: s, unsetEmpty: true}
	word := x.literal(c.Word)
	was, taken := s.conditional, !word.known()
	var out []*state
	if !word.known() {
		out = append(out, s.clone())
	}
	for _, item := range c.Items {
		inside := s.clone()
		chosen := !taken && a.matchesAny(s, word.text, item.Patterns)
		taken = taken || chosen
		inside.conditional = was || !chosen
		for _, o := range a.stmts([]*state{inside}, item.Stmts) {
			if chosen || !word.known() {
				o.conditional = was
				out = append(out, o)
			}
		}
	}
	if !taken {
		out = append(out, s)
	}
	return distinct(out)
}

func (a *analysis) forClause(s *state, c *syntax.ForClause) []*state {
	iter, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		body := s.clone()
		body.conditional = true
		a.stmts([]*state{body}, c.Do)
		return []*state{s}
	}
	items := a.fields(s, iter.Items)
	if !iter.InPos.IsValid() {
		items = s.args
	}
	in := []*state{s}
	for _, item := range items[:min(len(items), 16)] {
		for _, st := range in {
			st.assign(iter.Name.Value, item.text)
		}
		if in = a.stmts(in, c.Do); len(in) == 0 {
			return nil
		}
	}
	return in
}

// call runs a simple command: a builtin, a function of the script, or a program.
func (a *analysis) call(s *state, c *syntax.CallExpr) []*state {
	if len(c.Args) == 0 {
		for _, as := range c.Assigns {
			switch {
			case as.Name == nil:
			case as.Array != nil:
				a.assignArray(s, as)
			default:
				s.assign(as.Name.Value, a.assigned(s, as))
			}
		}
		return []*state{s}
	}
	argv := a.fields(s, c.Args)
	if len(argv) == 0 {
		return []*state{s}
	}
	child := s
	if len(c.Assigns) > 0 {
		child = s.clone()
		for _, as := range c.Assigns {
			if as.Name != nil {
				child.export(as.Name.Value, a.assigned(s, as))
			}
		}
	}
	if out, ok := a.builtin(s, child, argv); ok {
		return out
	}
	if f, ok := s.funcs[argv[0].text]; ok {
		return a.function(s, f, argv)
	}
	a.command(child.clone(), argv, s.source.path == "")
	return []*state{s}
}

func (a *analysis) function(s *state, f function, argv []arg) []*state {
	outer, src, here := s.args, s.source, s.here
	s.args, s.source = argv[1:], f.source
	out := a.stmt(s, f.body)
	for _, o := range out {
		o.args, o.source, o.here, o.returned = outer, src, here, false
	}
	return out
}

func newSource(file, text string) source {
	return source{path: file, lines: strings.Split(text, "\n")}
}

// read gives the text of a file of the image that is known, short and no binary.
func (a *analysis) read(file string) (string, bool) {
	if file == "" || a.files.Stat(file) != Regular {
		return "", false
	}
	data, err := a.files.Read(file)
	if err != nil || len(data) > maxScript || bytes.IndexByte(data, 0) >= 0 {
		return "", false
	}
	return string(data), true
}
