package shell

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

type variable struct {
	value    string
	exported bool
	// list tells that value holds the elements of an array, each with a separator behind it.
	list bool
	// given tells that the state began with it: the image sets it, or who describes how the image is started.
	given bool
}

// separator stands behind each element of an array: like Hole, a code point that no text holds.
const separator = "\uFDD1"

// elements gives the elements of an array.
func (v variable) elements() []string {
	if v.value == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(v.value, separator), separator)
}

// environ shows a state to package expand.
type environ struct{ s *State }

func (e environ) Get(name string) expand.Variable {
	str := func(v string) expand.Variable {
		return expand.Variable{Set: true, Kind: expand.String, Str: v}
	}
	switch {
	case (name == "@" || name == "*") && e.s.ArgsUnknown:
		return str(Hole)
	case name == "@" || name == "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: Texts(e.s.args)}
	case strings.HasPrefix(name, "HOME "):
		// Package expand would ask the machine's own user database.
		return str(Hole)
	}
	if v, ok := e.s.lookup(name); ok {
		return str(v.Text)
	}
	if name == "HOME" {
		return str(Hole)
	}
	return expand.Variable{}
}

func (e environ) Each(func(string, expand.Variable) bool) {}

// expansion rewrites a word so that package expand meets only what can be told: the rest becomes the mark for Hole text.
type expansion struct {
	sh *Interp
	s  *State
	// unsetEmpty takes a variable that nobody sets as empty, as the shell does. Otherwise it is Hole, because such
	// variables are what people set when they start the container.
	unsetEmpty bool
	unset      bool // such a variable was met
	// self is the variable that the value is for: PYTHONPATH=/app:$PYTHONPATH adds to nothing where nobody set it.
	self     string
	variable bool
	depth    int
	lists    Lister // who knows the names that patterns stand for, nil for nobody
}

// fields expands the words of a command.
func (sh *Interp) fields(s *State, words []*syntax.Word) []Word {
	var out []Word
	for _, w := range words {
		if list, ok := s.positional(w); ok {
			out = append(out, list...)
		} else if list, ok := s.array(w); ok {
			out = append(out, list...)
		} else {
			x := &expansion{sh: sh, s: s}
			out = append(out, x.fields(w)...)
		}
		if len(out) > maxArgs {
			return out[:maxArgs]
		}
	}
	return out
}

// parameter gives the parameter that a word is alone, without operators but for a slice or an index.
func parameter(w *syntax.Word) (p *syntax.ParamExp, quoted, ok bool) {
	if len(w.Parts) != 1 {
		return nil, false, false
	}
	part := w.Parts[0]
	if q, is := part.(*syntax.DblQuoted); is && len(q.Parts) == 1 {
		part, quoted = q.Parts[0], true
	}
	p, ok = part.(*syntax.ParamExp)
	return p, quoted, ok && p.Param != nil && !p.Length && !p.Excl && p.Repl == nil && p.Exp == nil
}

// array expands a word that is "${name[@]}" alone.
func (s *State) array(w *syntax.Word) ([]Word, bool) {
	p, _, ok := parameter(w)
	if !ok || p.Slice != nil || p.Index == nil || literalIndex(p.Index) != "@" {
		return nil, false
	}
	v := s.vars[p.Param.Value]
	if !v.list {
		return nil, false
	}
	var out []Word
	for _, e := range v.elements() {
		out = append(out, Word{Text: e, Variable: true, Origin: s.Here})
	}
	return out, true
}

// positional expands a word that is "$@" alone, so that its words keep where they came from.
func (s *State) positional(w *syntax.Word) ([]Word, bool) {
	p, quoted, ok := parameter(w)
	if !ok || p.Index != nil {
		return nil, false
	}
	if p.Param.Value != "@" && (p.Param.Value != "*" || quoted) {
		return nil, false
	}
	if s.ArgsUnknown {
		return []Word{{Text: Hole, Variable: true, Origin: s.Here}}, true
	}
	list := s.args
	if p.Slice != nil {
		w, ok := p.Slice.Offset.(*syntax.Word)
		if !ok || p.Slice.Length != nil {
			return nil, false
		}
		n, err := strconv.Atoi(strings.TrimSpace(w.Lit()))
		if err != nil || n < 1 {
			return nil, false
		}
		list = list[min(n-1, len(list)):]
	}
	out := slices.Clone(list)
	if !quoted {
		// Unquoted, each word is split again.
		out = out[:0]
		for _, w := range list {
			for _, f := range strings.Fields(w.Text) {
				out = append(out, Word{Text: f, Variable: w.Variable, Origin: w.Origin})
			}
		}
	}
	return out, true
}

func (x *expansion) fields(w *syntax.Word) []Word {
	x.lists = x.sh.lister(x.s)
	word := &syntax.Word{Parts: x.parts(w.Parts, false)}
	cfg := &expand.Config{Env: environ{x.s}}
	if x.lists == nil {
		return x.expanded(cfg, word, false)
	}
	unknown := false
	cfg.ReadDir2 = func(dir string) ([]fs.DirEntry, error) {
		list, err := x.lists.List(dir)
		unknown = unknown || len(list) > maxArgs || x.sh.Budget.Steps(int64(len(list)/16)) != nil || err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
		return list, err
	}
	if out := x.expanded(cfg, word, false); !unknown {
		return out
	}
	cfg.ReadDir2 = nil
	return x.expanded(cfg, word, true)
}

// expanded gives the fields of a word. globbed tells that names of files are among them that nobody knows.
func (x *expansion) expanded(cfg *expand.Config, word *syntax.Word, globbed bool) []Word {
	var out []Word
	for text, err := range expand.FieldsSeq(cfg, word) {
		if err != nil {
			return []Word{{Text: Hole, Variable: true, Origin: x.s.Here}}
		}
		if globbed {
			text = strings.NewReplacer("*", Hole, "?", Hole).Replace(text)
		}
		out = append(out, Word{Text: text, Variable: x.variable || strings.Contains(text, Hole), Origin: x.s.Here})
		if len(out) >= maxArgs {
			break
		}
	}
	return out
}

// lister gives who lists directories for patterns of names, nil if they stay unknown. Package expand looks for them as the machine
// does that it runs on, which is another one than that of the script where names are separated in another way.
func (sh *Interp) lister(s *State) Lister {
	l, _ := sh.Files.(Lister)
	if !sh.Fixed || s.noglob || filepath.Separator != '/' {
		return nil
	}
	return l
}

// literal expands a word that is not split: the value of an assignment, the subject of a test.
func (x *expansion) literal(w *syntax.Word) Word {
	if w == nil {
		return Word{Origin: x.s.Here}
	}
	word := &syntax.Word{Parts: x.parts(w.Parts, true)}
	text, err := expand.Literal(&expand.Config{Env: environ{x.s}}, word)
	if err != nil {
		text = Hole
	}
	return Word{Text: text, Variable: x.variable || strings.Contains(text, Hole), Origin: x.s.Here}
}

func (x *expansion) parts(in []syntax.WordPart, quoted bool) []syntax.WordPart {
	x.depth++
	defer func() { x.depth-- }()
	if x.depth > maxDepth {
		return lit(Hole)
	}
	var out []syntax.WordPart
	for _, part := range in {
		switch p := part.(type) {
		case *syntax.Lit:
			if !quoted {
				p = &syntax.Lit{Value: x.s.unglobbed(p.Value, x.lists != nil)}
			}
			out = append(out, p)
		case *syntax.SglQuoted:
			out = append(out, p)
		case *syntax.DblQuoted:
			out = append(out, &syntax.DblQuoted{Dollar: p.Dollar, Parts: x.parts(p.Parts, true)})
		case *syntax.ParamExp:
			out = append(out, x.param(p, quoted)...)
		case *syntax.CmdSubst:
			if w, ok := x.sh.substitute(x.s, p, x.depth); ok {
				x.variable = x.variable || w.Variable
				out = append(out, &syntax.DblQuoted{Parts: lit(escape(w.Text))})
				continue
			}
			out = append(out, lit(Hole)...)
		default: // arithmetic, process substitution, extended globs
			out = append(out, lit(Hole)...)
		}
	}
	return out
}

func lit(text string) []syntax.WordPart { return []syntax.WordPart{&syntax.Lit{Value: text}} }

// escape quotes text for the inside of double quotes.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(text)
}

// unglobbed puts a [Hole] in the place of what makes a shell look for file names, unless those are known, and of braces that it may or
// may not expand. Brackets stay: a pattern that no file matches is text, and who writes .[dev] means that.
func (s *State) unglobbed(text string, known bool) string {
	if !strings.ContainsAny(text, `*?{`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			out.WriteString(text[i : i+2])
			i++
		case (c == '*' || c == '?') && !known:
			out.WriteString(Hole)
		case c == '{' && s.Dash && strings.ContainsAny(text[i:], ",.") && strings.Contains(text[i:], "}"):
			out.WriteString(Hole)
			i += strings.IndexByte(text[i:], '}')
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// param rewrites one ${...}.
func (x *expansion) param(p *syntax.ParamExp, quoted bool) []syntax.WordPart {
	if p.Param == nil || p.NestedParam != nil || p.Flags != nil || p.Excl || p.Width || p.IsSet || p.Names != 0 || len(p.Modifiers) > 0 {
		return lit(Hole)
	}
	name := p.Param.Value
	if name == "BASH_SOURCE" && (p.Index == nil || literalIndex(p.Index) == "0") {
		return []syntax.WordPart{&syntax.DblQuoted{Parts: lit(escape(x.s.arg0))}}
	}
	if p.Index != nil || name == "LINENO" {
		return lit(Hole)
	}
	if name == "@" || name == "*" {
		if x.s.ArgsUnknown {
			return lit(Hole)
		}
		for _, w := range x.s.args {
			x.variable = x.variable || w.Variable
		}
		if p.Exp != nil || p.Repl != nil || p.Slice != nil || p.Length {
			return lit(Hole)
		}
		return []syntax.WordPart{p}
	}
	v, set := x.s.lookup(name)
	x.variable = x.variable || v.Variable || !set
	switch {
	case p.Exp != nil && unsetOps[p.Exp.Op] != nil:
		u := unsetOps[p.Exp.Op]
		return u.then(x, p, set && (v.Text != "" || !u.null), quoted)
	case p.Exp != nil && p.Exp.Op == syntax.OtherParamOps:
		return lit(Hole)
	case !set:
		return x.unsetParam(name)
	case p.Exp == nil && p.Repl == nil && p.Slice == nil && !p.Length:
		return plain(p)
	case !v.Known():
		return lit(Hole)
	}
	return []syntax.WordPart{p}
}

// plain is the same parameter without operators.
func plain(p *syntax.ParamExp) []syntax.WordPart {
	return []syntax.WordPart{&syntax.ParamExp{Short: true, Param: p.Param}}
}

func (x *expansion) inner(w *syntax.Word, quoted bool) []syntax.WordPart {
	if w == nil {
		return nil
	}
	return x.parts(w.Parts, quoted)
}

func literalIndex(e syntax.ArithmExpr) string {
	if w, ok := e.(*syntax.Word); ok {
		return w.Lit()
	}
	return ""
}

// substitute evaluates the command substitutions with which scripts find directories: pwd, dirname, mktemp and their like, also
// after a cd. All others stay unknown.
func (sh *Interp) substitute(s *State, c *syntax.CmdSubst, depth int) (Word, bool) {
	if depth > maxDepth || !sh.step(s.Here) {
		return Word{}, false
	}
	if len(c.Stmts) == 1 {
		if w, ok := sh.printed(s.Clone(), c.Stmts[0], depth+1); ok {
			return w, true
		}
	}
	if sh.Substitutions {
		inner := s.inner(false)
		sh.closes(inner.Clone(), sh.stmts([]*State{inner}, c.Stmts))
	}
	return Word{}, false
}

func (sh *Interp) printed(s *State, st *syntax.Stmt, depth int) (Word, bool) {
	if st.Negated || st.Background || depth > maxDepth {
		return Word{}, false
	}
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		call, ok := c.X.Cmd.(*syntax.CallExpr)
		if !ok || c.Op != syntax.AndStmt {
			return Word{}, false
		}
		words := sh.fields(s, call.Args)
		if len(words) < 2 || words[0].Text != "cd" {
			return Word{}, false
		}
		s.Chdir(cdTarget(words))
		return sh.printed(s, c.Y, depth+1)
	case *syntax.CallExpr:
		words := sh.fields(s, c.Args)
		if len(words) == 0 {
			return Word{}, false
		}
		if sh.Substitute != nil {
			if w, ok := sh.Substitute(s, words); ok {
				return w, true
			}
		}
		return s.prints(words)
	}
	return Word{}, false
}

// freshDir stands for what mktemp -d makes: a directory that holds nothing.
const freshDir = "/tmp/tmp.XXXXXXXXXX"

// prints gives what a utility prints that tells names of files.
func (s *State) prints(words []Word) (Word, bool) {
	variable := false
	for _, w := range words {
		if !w.Known() {
			return Word{}, false
		}
		variable = variable || w.Variable
	}
	says := func(text string) (Word, bool) { return Word{Text: text, Variable: variable}, text != "" }
	var operands []Word
	directory := false
	for _, w := range words[1:] {
		if strings.HasPrefix(w.Text, "-") {
			directory = directory || w.Text == "--directory" || !strings.HasPrefix(w.Text, "--") && strings.Contains(w.Text, "d")
			continue
		}
		operands = append(operands, w)
	}
	switch name := words[0].Text; {
	case name == "pwd":
		variable = s.DirVariable
		return says(s.Dir)
	case name == "mktemp" && directory:
		return Word{Text: freshDir, Variable: true}, true
	case len(operands) != 1:
		return Word{}, false
	case name == "dirname":
		return says(path.Dir(operands[0].Text))
	case name == "basename":
		return says(path.Base(operands[0].Text))
	case name == "echo":
		return says(operands[0].Text)
	case name == "readlink" || name == "realpath":
		return says(s.Abs(operands[0].Text))
	}
	return Word{}, false
}

// cdTarget is the directory that a cd command names.
func cdTarget(words []Word) Word {
	for _, w := range words[1:] {
		if w.Text == "--" || w.Text == "-P" || w.Text == "-L" {
			continue
		}
		if w.Text != "-" {
			return w
		}
		break
	}
	return Word{Text: Hole, Variable: true}
}

// Fields splits a command into words by quotes alone, as programs do that start commands without a shell; ok is false for what
// is more than one command.
func Fields(text string) (words []string, ok bool) {
	stmts, err := parse(text)
	if err != nil || len(stmts) != 1 {
		return nil, false
	}
	call, ok := stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) > 0 {
		return nil, false
	}
	sh := &Interp{}
	return Texts(sh.fields(NewState("", nil), call.Args)), true
}
