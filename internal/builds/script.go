package builds

import (
	"maps"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// scriptBuild is a build line of a script.
type scriptBuild struct {
	line    int // in the script, from 1
	command *command
	cwd     word
}

// scriptLimits are what reading one script may cost. A step is a command, or a variable that is copied for a branch; bytes are
// those of the words, which a script can double with every line.
var scriptLimits = budget.Limits{Steps: 100_000, Bytes: 16 << 20}

// scriptSteps is what a script costs, be it empty.
const scriptSteps = 30

// maxLoop bounds how often the body of a loop over literal words is read.
const maxLoop = 64

// script finds the build lines of a shell script that runs in a directory with some variables known; root is that of the
// repository, and both are absolute. Both branches of a condition count; what is only known when it runs stays unknown. Where the
// budget ends, the reading does, and gives what it found and why.
func script(text, root string, cwd word, vars map[string]string, b *budget.Budget) ([]scriptBuild, error) {
	s := &scriptState{root: root, cwd: cwd, vars: map[string]word{}, found: &[]scriptBuild{}, budget: b.Part(scriptLimits)}
	for k, v := range vars {
		s.vars[k] = word(v)
	}
	_ = s.budget.Steps(int64(scriptSteps + len(text)/16 + len(vars))) // it is parsed
	for st, err := range shell.Statements(text, syntax.LangBash) {
		if budget.Is(err) {
			return *s.found, err
		}
		if err != nil || s.budget.Err() != nil {
			break
		}
		s.statement(st)
	}
	return *s.found, s.budget.Err()
}

// scriptState is what is known at one point of a script.
type scriptState struct {
	root   string
	cwd    word
	stdin  word // a file that a command reads, "" if that is not one
	vars   map[string]word
	found  *[]scriptBuild
	budget *budget.Budget
}

// sub gives a state whose changes do not count outside.
func (s *scriptState) sub() *scriptState {
	if s.budget.Steps(int64(len(s.vars)/4)) != nil {
		return &scriptState{root: s.root, cwd: unknownPart, vars: map[string]word{}, found: s.found, budget: s.budget}
	}
	return &scriptState{s.root, s.cwd, s.stdin, maps.Clone(s.vars), s.found, s.budget}
}

func (s *scriptState) statements(list []*syntax.Stmt) {
	for _, st := range list {
		s.statement(st)
	}
}

func (s *scriptState) statement(st *syntax.Stmt) {
	if st == nil || st.Cmd == nil {
		return
	}
	if s.budget.Steps(1) != nil {
		return
	}
	if st.Background {
		s = s.sub()
	}
	for _, r := range st.Redirs {
		if r.Op == syntax.RdrIn && r.Word != nil {
			s.stdin = s.value(r.Word.Parts)
			defer func() { s.stdin = "" }()
		}
	}
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		s.call(c)
	case *syntax.BinaryCmd:
		left, right := s, s
		if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
			left, right = s.sub(), s.sub()
			right.stdin = left.catted(c.X)
		}
		left.statement(c.X)
		right.statement(c.Y)
	case *syntax.Subshell:
		s.sub().statements(c.Stmts)
	case *syntax.Block:
		s.statements(c.Stmts)
	case *syntax.IfClause:
		s.branches(func(branch func(fn func(*scriptState))) {
			for clause := c; clause != nil; clause = clause.Else {
				s.statements(clause.Cond)
				branch(func(b *scriptState) { b.statements(clause.Then) })
			}
		})
	case *syntax.CaseClause:
		s.branches(func(branch func(fn func(*scriptState))) {
			for _, item := range c.Items {
				branch(func(b *scriptState) { b.statements(item.Stmts) })
			}
		})
	case *syntax.WhileClause:
		s.branches(func(branch func(fn func(*scriptState))) {
			branch(func(b *scriptState) { b.statements(c.Cond); b.statements(c.Do) })
		})
	case *syntax.ForClause:
		s.loop(c)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			s.assign(a)
		}
	case *syntax.TimeClause:
		s.statement(c.Stmt)
	}
}

// branches runs parts of which one, or none, is taken: what they change is not known afterwards.
func (s *scriptState) branches(run func(branch func(fn func(*scriptState)))) {
	var ends []*scriptState
	run(func(fn func(*scriptState)) {
		b := s.sub()
		fn(b)
		ends = append(ends, b)
	})
	for _, e := range ends {
		if e.cwd != s.cwd {
			s.cwd = unknownPart
		}
		for k, v := range e.vars {
			if have, ok := s.vars[k]; !ok || have != v {
				s.vars[k] = unknownPart
			}
		}
	}
}

// loop reads the body once for each word of a list that is known, else once with an unknown variable.
func (s *scriptState) loop(c *syntax.ForClause) {
	words, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		s.branches(func(branch func(fn func(*scriptState))) {
			branch(func(b *scriptState) { b.statements(c.Do) })
		})
		return
	}
	var values []word
	for _, w := range words.Items {
		values = append(values, s.fields(w)...)
	}
	for i, v := range values {
		if i == maxLoop {
			break
		}
		if strings.ContainsAny(string(v), "*?[") {
			v = unknownPart
		}
		s.vars[words.Name.Value] = v
		s.statements(c.Do)
	}
}

func (s *scriptState) call(c *syntax.CallExpr) {
	if len(c.Args) == 0 {
		for _, a := range c.Assigns {
			s.assign(a)
		}
		return
	}
	var words []word
	for _, a := range c.Args {
		words = append(words, s.fields(a)...)
	}
	if len(words) == 0 {
		return
	}
	switch string(words[0]) {
	case "cd", "pushd":
		s.cd(words[1:])
	case "popd":
		s.cwd = unknownPart
	default:
		if b := parseCommand(words); b != nil {
			if b.file == "-" && s.stdin != "" {
				b.file = s.stdin
			}
			*s.found = append(*s.found, scriptBuild{int(c.Pos().Line()), b, s.cwd})
		}
	}
}

// catted gives the file that `cat FILE` writes, "" for another command.
func (s *scriptState) catted(st *syntax.Stmt) word {
	if c, ok := st.Cmd.(*syntax.CallExpr); ok && len(c.Args) == 2 && c.Args[0].Lit() == "cat" {
		return s.value(c.Args[1].Parts)
	}
	return ""
}

func (s *scriptState) cd(words []word) {
	for len(words) > 0 && strings.HasPrefix(string(words[0]), "-") && words[0] != "-" {
		words = words[1:]
	}
	switch {
	case len(words) != 1 || words[0] == "-" || words[0] == "" || !words[0].known():
		s.cwd = unknownPart
	case path.IsAbs(string(words[0])):
		s.cwd = word(path.Clean(string(words[0])))
	case s.cwd.known():
		s.cwd = word(path.Join(string(s.cwd), string(words[0])))
	}
}

func (s *scriptState) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	v := word(unknownPart)
	switch {
	case a.Append || a.Array != nil || a.Index != nil:
	case a.Value == nil:
		v = ""
	default:
		v = s.value(a.Value.Parts)
	}
	s.vars[a.Name.Value] = v
}

// fields expands a word to those that the command sees. A variable outside of quotes that is known is split.
func (s *scriptState) fields(w *syntax.Word) []word {
	if len(w.Parts) == 1 {
		if _, ok := w.Parts[0].(*syntax.ParamExp); ok {
			v := s.value(w.Parts)
			if !v.known() {
				return []word{unknownPart}
			}
			var out []word
			for f := range strings.FieldsSeq(string(v)) {
				if s.budget.Steps(1) != nil {
					return []word{unknownPart}
				}
				out = append(out, word(f))
			}
			return out
		}
	}
	return []word{s.value(w.Parts)}
}

// value gives the text of the parts of a word.
func (s *scriptState) value(parts []syntax.WordPart) word {
	var out strings.Builder
	for _, p := range parts {
		before := out.Len()
		switch p := p.(type) {
		case *syntax.Lit:
			out.WriteString(unescape(p.Value))
		case *syntax.SglQuoted:
			out.WriteString(p.Value)
		case *syntax.DblQuoted:
			out.WriteString(string(s.value(p.Parts)))
		case *syntax.ParamExp:
			out.WriteString(string(s.parameter(p)))
		case *syntax.CmdSubst:
			out.WriteString(string(s.substitution(p)))
		default:
			out.WriteString(unknownPart)
		}
		if s.budget.Bytes(int64(out.Len()-before)) != nil {
			return unknownPart
		}
	}
	return word(out.String())
}

// unescape removes the backslashes of a literal part.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if i++; s[i] == '\n' {
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// parameter gives the value of a variable. A default counts where the variable is not known: it is what somebody gets who
// runs the script as it is.
func (s *scriptState) parameter(p *syntax.ParamExp) word {
	if p.Param == nil {
		return unknownPart
	}
	name := p.Param.Value
	if name == "BASH_SOURCE" && (p.Index == nil || isZero(p.Index)) && p.Exp == nil {
		return s.parameter(&syntax.ParamExp{Param: &syntax.Lit{Value: "0"}})
	}
	v, ok := s.vars[name]
	if name == "PWD" && !ok {
		v, ok = s.cwd, s.cwd.known()
	}
	switch {
	case p.Excl || p.Length || p.Width || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Names != 0:
		return unknownPart
	case p.Exp == nil:
		if !ok {
			return unknownPart
		}
		return v
	case p.Exp.Op == syntax.DefaultUnset || p.Exp.Op == syntax.DefaultUnsetOrNull || p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull:
		if ok && v != "" && v.known() {
			return v
		}
		if p.Exp.Word == nil {
			return ""
		}
		return s.value(p.Exp.Word.Parts)
	}
	return unknownPart
}

// isZero reports whether an index is 0.
func isZero(x syntax.ArithmExpr) bool {
	w, ok := x.(*syntax.Word)
	return ok && w.Lit() == "0"
}

// substitution knows the few commands by which scripts find directories.
func (s *scriptState) substitution(c *syntax.CmdSubst) word {
	if len(c.Stmts) != 1 {
		return unknownPart
	}
	call, ok := c.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return unknownPart
	}
	var words []string
	for _, a := range call.Args {
		words = append(words, string(s.value(a.Parts)))
	}
	switch text := strings.Join(words, " "); {
	case text == "pwd":
		return s.cwd
	case text == "git rev-parse --show-toplevel":
		return word(s.root)
	case len(words) == 2 && words[0] == "dirname" && word(words[1]).known():
		return word(path.Dir(words[1]))
	}
	return unknownPart
}
