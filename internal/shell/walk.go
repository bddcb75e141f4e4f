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
	var left []*State // by return, break or continue
	if len(in) == 0 {
		return nil
	}
	several, tail := in[0].OneOfSeveral, in[0].tail
	for i, st := range list {
		var out []*State
		for _, s := range in {
			s.OneOfSeveral = several || len(in)+len(left) > 1
			s.tail = tail && i == len(list)-1
			out = append(out, sh.stmt(s, st)...)
		}
		in = in[:0:0]
		for _, s := range out {
			if s.tail = tail; s.leaves.to != stays {
				left = append(left, s)
			} else {
				in = append(in, s)
			}
		}
		in = sh.distinct(in)
		if len(in) == 0 {
			break
		}
	}
	return sh.distinct(append(in, left...))
}

// join gives the states after a condition.
func (sh *Interp) join(in []*State) []*State {
	in = sh.distinct(in)
	if !sh.Merge || len(in) < 2 || slices.ContainsFunc(in, func(s *State) bool { return s.leaves.to != stays }) {
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
	if o.exit != s.exit {
		s.exit = notKnown
	}
	s.Masked, s.Unlikely, s.noglob = s.Masked || o.Masked, s.Unlikely && o.Unlikely, s.noglob || o.noglob
	s.errexit, s.pipefail = s.errexit && o.errexit, s.pipefail && o.pipefail
	if !slices.Equal(s.dirs, o.dirs) {
		s.dirs = nil
	}
	if s.old != o.old {
		s.old = ""
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

// distinct drops states that know the same. Where there are too many, the last ones become one or, if nobody asks for what is not
// sure, are dropped: what is lost then is a combination of branches, not a branch.
func (sh *Interp) distinct(in []*State) []*State {
	var out []*State
	for _, s := range in {
		i := slices.IndexFunc(out, func(o *State) bool { return o.same(s) && (sh.Fixed || o.exit == s.exit) })
		switch {
		case i >= 0:
			if out[i].exit != s.exit {
				out[i].exit = notKnown
			}
			out[i].Unlikely = out[i].Unlikely && s.Unlikely
		case len(out) < maxStates:
			out = append(out, s)
		case sh.Fixed && s.leaves == out[len(out)-1].leaves:
			out[len(out)-1].merge(s)
		case sh.Fixed:
			sh.missed(s.Here, "there are more ways through a script than are followed")
		}
	}
	return out
}

// same reports whether two states know the same, but for how the command before ended.
func (s *State) same(o *State) bool {
	return o.Dir == s.Dir && o.leaves == s.leaves && o.Conditional == s.Conditional && o.errexit == s.errexit && o.pipefail == s.pipefail &&
		o.Masked == s.Masked && o.noglob == s.noglob && maps.Equal(o.vars, s.vars) && slices.Equal(Texts(o.args), Texts(s.args)) &&
		slices.Equal(o.dirs, s.dirs) && o.old == s.old && len(o.funcs) == len(s.funcs)
}

func (sh *Interp) stmt(s *State, st *syntax.Stmt) []*State {
	s.Here = s.place(st.Pos())
	in, out, tail, tested := s.in, s.out, s.tail, s.tested
	s.prior, s.exit = s.exit, notKnown
	call, _ := st.Cmd.(*syntax.CallExpr)
	var argv []Word
	if call != nil {
		argv = sh.fields(s, call.Args) // before a file is opened that a pattern could mean
	}
	show := s.hide(call, st.Redirs)
	to, opened := sh.redirections(s, st)
	if opened != failed {
		show()
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
	after, before, several := []*State{s}, s.Clone(), s.OneOfSeveral
	skips := opened == notKnown && !s.needed() // a shell that cannot open a file does not run the command
	s.OneOfSeveral = several || skips
	s.tail, s.tested = tail && !st.Negated, tested || st.Negated
	switch {
	case opened == failed:
		if s.exit = failed; special(argv) {
			s.level.end(failed)
		}
	case st.Cmd == nil:
		s.exit = opened
	case st.Background:
		beside := s.inner(false)
		beside.OneOfSeveral = beside.OneOfSeveral || sh.Fixed // nobody waits for it
		sh.cmd(beside, st.Cmd)
		sh.status(s, succeeded)
	case call != nil:
		after = sh.call(s, call, argv)
	default:
		after = sh.cmd(s, st.Cmd)
	}
	sh.wrote(before, to)
	if skips && sh.Fixed {
		skipped := before.Clone()
		if skipped.exit = failed; special(argv) {
			skipped.level.end(failed)
		}
		after = sh.distinct(append(after, skipped))
	}
	on := after[:0:0]
	for _, o := range after {
		o.in, o.out, o.tail, o.tested = in, out, tail, tested
		if len(after) == 1 {
			o.OneOfSeveral = several
		}
		if o.exit == succeeded && opened == notKnown {
			o.exit = notKnown
		}
		if st.Negated && o.leaves.to != stays {
			o.exit = notKnown // shells differ
		} else if st.Negated {
			o.exit = o.exit.not()
		}
		if !sh.Fixed || st.Negated || o.leaves.to != stays || o.settle(leaf(st.Cmd)) {
			on = append(on, o)
		}
	}
	return on
}

// hide makes unknown what a statement assigns that starts no program, until show is called: bash assigns first and then opens the files of
// redirections, other shells the other way round.
func (s *State) hide(call *syntax.CallExpr, redirs []*syntax.Redirect) (show func()) {
	if call == nil || len(call.Args) > 0 || len(redirs) == 0 {
		return func() {}
	}
	before := maps.Clone(s.vars)
	for _, as := range call.Assigns {
		s.vars[as.Name.Value] = variable{value: Hole}
	}
	return func() {
		for _, as := range call.Assigns {
			delete(s.vars, as.Name.Value)
			if v, ok := before[as.Name.Value]; ok {
				s.vars[as.Name.Value] = v
			}
		}
	}
}

// special reports whether a command is one of the builtins of which POSIX has that the shell ends if they fail; not all shells do.
func special(argv []Word) bool {
	return len(argv) > 0 && slices.Contains([]string{"break", ":", ".", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "trap", "unset"}, argv[0].Text)
}

// leaf reports whether a command holds no others of the same shell.
func leaf(cmd syntax.Command) bool {
	switch c := cmd.(type) {
	case *syntax.BinaryCmd:
		return c.Op != syntax.AndStmt && c.Op != syntax.OrStmt
	case *syntax.Block, *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause, *syntax.CaseClause:
		return false
	}
	return true
}

func (sh *Interp) cmd(s *State, cmd syntax.Command) []*State {
	switch c := cmd.(type) {
	case *syntax.CallExpr: // beside the script
		return sh.call(s, c, sh.fields(s, c.Args))
	case *syntax.DeclClause:
		for _, as := range c.Args {
			sh.declare(s, as, c.Variant.Value)
		}
		sh.status(s, succeeded)
	case *syntax.BinaryCmd:
		return sh.binary(s, c)
	case *syntax.Block:
		return sh.stmts([]*State{s}, c.Stmts)
	case *syntax.Subshell:
		inner := s.inner(s.needed())
		s.exit = sh.closes(inner.Clone(), sh.stmts([]*State{inner}, c.Stmts))
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
		sh.status(s, succeeded)
	case *syntax.TestClause:
		sh.status(s, sh.testExpr(s, c.X).exit())
	case *syntax.ArithmCmd, *syntax.LetClause:
		s.forget(c)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			return sh.stmt(s, c.Stmt)
		}
	case *syntax.CoprocClause:
		beside := s.inner(false)
		beside.OneOfSeveral = beside.OneOfSeveral || sh.Fixed
		sh.stmt(beside, c.Stmt)
	}
	return []*State{s}
}

// call runs a simple command: a builtin, a function of the script, or a program.
func (sh *Interp) call(s *State, c *syntax.CallExpr, argv []Word) []*State {
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
		if !substitutes(c) {
			sh.status(s, succeeded)
		}
		return []*State{s}
	}
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
	if ok && len(out) == 1 && out[0].exit == notKnown {
		sh.status(out[0], sh.testCall(s, c).exit())
	}
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
	loops, around := s.loops, s.around // of those of the caller, busybox leaves one, and others none
	s.loops, s.around = 0, around || loops > 0
	s.calls++
	out := sh.stmt(s, f.body)
	for _, o := range out {
		o.args, o.source, o.Here, o.ArgsUnknown = outer, src, here, unknown
		o.loops, o.around = loops, around
		o.calls--
		if o.leaves.to == returns {
			o.leaves = leaves{}
		}
	}
	return sh.distinct(out)
}

// substitutes reports whether a command runs others for their output.
func substitutes(n syntax.Node) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		_, is := n.(*syntax.CmdSubst)
		found = found || is
		return !found
	})
	return found
}

// forget makes unknown what arithmetic may set.
func (s *State) forget(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		if w, ok := n.(*syntax.Word); ok && syntax.ValidName(w.Lit()) {
			s.Assign(w.Lit(), Hole)
		}
		return true
	})
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
