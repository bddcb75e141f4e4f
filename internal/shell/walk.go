package shell

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

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
func (s *State) place(pos syntax.Pos) Origin {
	if s.source.path == "" {
		return s.Here
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
		for st, e := range statements(text, lang) {
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

// Walk walks shell text in a state, and gives the states in which the shell goes on after it: none if it ends.
func (sh *Interp) Walk(s *State, text string) []*State {
	stmts, err := parse(text)
	if budget.Is(err) && sh.exceeded == nil {
		sh.exceeded = err
	}
	if err != nil {
		name := s.source.path
		if name == "" {
			name = "the command line"
		}
		sh.missed(s.Here, name+" cannot be parsed as shell to its end: "+strings.ReplaceAll(err.Error(), Hole, "?"))
	}
	return sh.stmts([]*State{s}, stmts)
}

// stmts walks a list in every state; the states that are left are those in which the shell goes on.
func (sh *Interp) stmts(in []*State, list []*syntax.Stmt) []*State {
	var returned []*State
	several := len(in) > 0 && in[0].OneOfSeveral
	for _, st := range list {
		var out []*State
		for _, s := range in {
			s.OneOfSeveral = several || len(in) > 1
			out = append(out, sh.stmt(s, st)...)
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

// join gives the states after a condition.
func (sh *Interp) join(in []*State) []*State {
	in = distinct(in)
	if !sh.Merge || len(in) < 2 || slices.ContainsFunc(in, func(s *State) bool { return s.returned }) {
		return in
	}
	for _, o := range in[1:] {
		in[0].merge(o)
	}
	return in[:1]
}

// merge makes of a state what is known if it may be another one, too.
func (s *State) merge(o *State) {
	if o.Dir != s.Dir {
		s.Dir = ""
	}
	s.DirVariable = s.DirVariable || o.DirVariable
	s.ArgsUnknown = s.ArgsUnknown || o.ArgsUnknown || !slices.Equal(Texts(o.args), Texts(s.args))
	for name, v := range o.vars {
		if have := s.vars[name]; have != v {
			s.vars[name] = variable{value: Hole, exported: have.exported || v.exported}
		}
	}
	for name := range s.vars {
		if _, ok := o.vars[name]; !ok {
			s.vars[name] = variable{value: Hole, exported: s.vars[name].exported}
		}
	}
	for name, f := range o.funcs {
		if _, ok := s.funcs[name]; !ok {
			s.funcs[name] = f
		}
	}
}

// distinct drops states that know the same, and the last ones where there are too many: what is lost then is a
// combination of branches, not a branch.
func distinct(in []*State) []*State {
	var out []*State
	for _, s := range in {
		same := func(o *State) bool {
			return o.Dir == s.Dir && o.returned == s.returned && o.Conditional == s.Conditional && o.exit == s.exit &&
				maps.Equal(o.vars, s.vars) && slices.Equal(Texts(o.args), Texts(s.args)) && len(o.funcs) == len(s.funcs)
		}
		if len(out) < maxStates && !slices.ContainsFunc(out, same) {
			out = append(out, s)
		}
	}
	return out
}

func (sh *Interp) stmt(s *State, st *syntax.Stmt) []*State {
	s.Here = s.place(st.Pos())
	in, out := s.in, s.out
	s.exit = notKnown
	sh.redirections(s, st)
	to := s.out
	if to == out {
		to = nil
	}
	if st.Cmd == nil {
		sh.wrote(s, to)
		s.in, s.out = in, out
		return []*State{s}
	}
	if sh.depth >= maxDepth {
		sh.missed(s.Here, "the commands are nested too deeply to be followed")
		return []*State{s}
	}
	leave, ok := sh.Enter(s.Here)
	defer leave()
	if !ok {
		return nil
	}
	after, before := []*State{s}, s.Clone()
	if st.Background {
		sh.cmd(s.Clone(), st.Cmd)
	} else {
		after = sh.cmd(s, st.Cmd)
	}
	fails := sh.wrote(before, to)
	for _, o := range after {
		o.in, o.out = in, out
		switch {
		case fails:
			o.exit = failed
		case st.Negated && o.exit != notKnown:
			o.exit = succeeded + failed - o.exit
		}
	}
	return after
}

func (sh *Interp) cmd(s *State, cmd syntax.Command) []*State {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		return sh.call(s, c)
	case *syntax.DeclClause:
		for _, as := range c.Args {
			sh.declare(s, as, c.Variant.Value)
		}
	case *syntax.BinaryCmd:
		return sh.binary(s, c)
	case *syntax.Block:
		return sh.stmts([]*State{s}, c.Stmts)
	case *syntax.Subshell:
		if inner := sh.stmts([]*State{s.Clone()}, c.Stmts); len(inner) == 1 {
			s.exit = inner[0].exit
		}
	case *syntax.IfClause:
		return sh.ifClause(s, c)
	case *syntax.CaseClause:
		return sh.caseClause(s, c)
	case *syntax.WhileClause:
		return sh.whileClause(s, c)
	case *syntax.ForClause:
		return sh.forClause(s, c)
	case *syntax.FuncDecl:
		if c.Name != nil {
			s.funcs = maps.Clone(s.funcs)
			s.funcs[c.Name.Value] = function{body: c.Body, source: s.source}
		}
	case *syntax.TimeClause:
		if c.Stmt != nil {
			return sh.stmt(s, c.Stmt)
		}
	case *syntax.CoprocClause:
		sh.stmt(s.Clone(), c.Stmt)
	}
	return []*State{s}
}

// call runs a simple command: a builtin, a function of the script, or a program.
func (sh *Interp) call(s *State, c *syntax.CallExpr) []*State {
	if len(c.Args) == 0 {
		for _, as := range c.Assigns {
			switch {
			case as.Name == nil:
			case as.Array != nil:
				sh.assignArray(s, as)
			default:
				s.Assign(as.Name.Value, sh.assigned(s, as))
			}
		}
		return []*State{s}
	}
	argv := sh.fields(s, c.Args)
	if len(argv) == 0 {
		return []*State{s}
	}
	child := s
	if len(c.Assigns) > 0 {
		child = s.Clone()
		for _, as := range c.Assigns {
			if as.Name != nil {
				child.Export(as.Name.Value, sh.assigned(s, as))
			}
		}
	}
	if sh.Builtin != nil && IsBuiltin(argv[0].Text) {
		sh.Builtin(child.Clone(), Call{Argv: argv, Input: s.in})
	}
	out, ok := sh.builtin(s, child, argv)
	if !ok {
		if f, is := s.funcs[argv[0].Text]; is {
			out = sh.function(s, f, argv)
		} else {
			sh.program(child, argv, false)
			s.exit = child.exit
			out = []*State{s}
		}
	}
	for _, o := range out {
		o.last = argv[len(argv)-1]
	}
	return out
}

// program hands a program over.
func (sh *Interp) program(s *State, argv []Word, replaces bool) {
	c := Call{Argv: argv, Replaces: replaces, Input: s.in}
	sh.prints(s, c)
	if sh.exit = notKnown; sh.Run != nil {
		sh.Run(s.Clone(), c)
	}
	s.exit = sh.exit
}

func (sh *Interp) function(s *State, f function, argv []Word) []*State {
	outer, src, here, unknown := s.args, s.source, s.Here, s.ArgsUnknown
	s.args, s.source, s.ArgsUnknown = argv[1:], f.source, false
	out := sh.stmt(s, f.body)
	for _, o := range out {
		o.args, o.source, o.Here, o.ArgsUnknown, o.returned = outer, src, here, unknown, false
	}
	return out
}

// Read gives the text of a file that is known, short and no binary.
func (sh *Interp) Read(file string) (string, bool) {
	if sh.Files == nil || file == "" || sh.Files.Stat(file) != Regular {
		return "", false
	}
	data, err := sh.Files.Read(file)
	if err != nil || len(data) > maxScript || bytes.IndexByte(data, 0) >= 0 {
		return "", false
	}
	return string(data), true
}

// Walking reports how often a file is being walked already, so that to walk it again might not end, and counts it until leave is
// called.
func (sh *Interp) Walking(file string) (leave func(), times int) {
	if sh.active == nil {
		sh.active = map[string]int{}
	}
	times = sh.active[file]
	sh.active[file]++
	return func() { sh.active[file]-- }, times
}
