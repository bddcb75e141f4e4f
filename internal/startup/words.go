package startup

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// unknown stands inside a word for text that only the running container knows: a code point that Unicode reserves for such
// use inside programs. A word that holds it by itself is then not understood, and no harm is done. (A zero byte would be
// nicer, but package expand drops it from quoted text, as shells do.)
const unknown = "\uFDD0"

// arg is a word of a command after expansion.
type arg struct {
	text     string
	variable bool // a variable that somebody may set differently took part in it
	origin   Origin
}

func (w arg) known() bool { return !strings.Contains(w.text, unknown) }

// args takes over the words of an instruction.
func args(c Command) []arg {
	var out []arg
	for _, text := range c.Args {
		out = append(out, arg{text: text, origin: c.Origin})
	}
	return out
}

func texts(list []arg) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = w.text
	}
	return out
}

// shown is a word as a note quotes it.
func shown(text string) string {
	text = strings.ReplaceAll(text, unknown, "...")
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "..."
	}
	return strconv.Quote(text)
}

type variable struct {
	value    string
	exported bool
	// list tells that value holds the elements of an array, each with a separator behind it.
	list bool
}

// separator stands behind each element of an array: like unknown, a code point that no text holds.
const separator = "\uFDD1"

// elements gives the elements of an array.
func (v variable) elements() []string {
	if v.value == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(v.value, separator), separator)
}

// environ shows a state to package expand.
type environ struct{ s *state }

func (e environ) Get(name string) expand.Variable {
	str := func(v string) expand.Variable {
		return expand.Variable{Set: true, Kind: expand.String, Str: v}
	}
	switch {
	case name == "@" || name == "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: texts(e.s.args)}
	case strings.HasPrefix(name, "HOME "):
		// Package expand would ask the machine's own user database.
		return str(unknown)
	}
	if v, ok := e.s.lookup(name); ok {
		return str(v.text)
	}
	if name == "HOME" {
		return str(unknown)
	}
	return expand.Variable{}
}

func (e environ) Each(func(string, expand.Variable) bool) {}

// lookup gives a variable or a parameter of the shell.
func (s *state) lookup(name string) (arg, bool) {
	switch name {
	case "#":
		return arg{text: strconv.Itoa(len(s.args))}, true
	case "0":
		return arg{text: s.arg0}, s.arg0 != ""
	case "PWD":
		if s.cwd != "" {
			return arg{text: s.cwd}, true
		}
		return arg{}, false
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n >= 1 && n <= len(s.args) {
			return s.args[n-1], true
		}
		return arg{}, false
	}
	v, ok := s.vars[name]
	if v.list {
		// An array by its name alone is its first element.
		v.value, _, _ = strings.Cut(v.value, separator)
	}
	return arg{text: v.value, variable: true}, ok
}

// expansion rewrites a word so that package expand meets only what can be told: the rest becomes the mark for unknown text.
type expansion struct {
	a *analysis
	s *state
	// unsetEmpty takes a variable that nobody sets as empty, as the shell does. Otherwise it is unknown, because such
	// variables are what people set when they start the container.
	unsetEmpty bool
	unset      bool // such a variable was met
	// self is the variable that the value is for: PYTHONPATH=/app:$PYTHONPATH adds to nothing where nobody set it.
	self     string
	variable bool
	depth    int
}

// fields expands the words of a command.
func (a *analysis) fields(s *state, words []*syntax.Word) []arg {
	var out []arg
	for _, w := range words {
		if list, ok := s.positional(w); ok {
			out = append(out, list...)
		} else if list, ok := s.array(w); ok {
			out = append(out, list...)
		} else {
			x := &expansion{a: a, s: s}
			out = append(out, x.fields(w)...)
		}
		if len(out) > maxArgs {
			return out[:maxArgs]
		}
	}
	return out
}

// array expands a word that is "${name[@]}" alone.
func (s *state) array(w *syntax.Word) ([]arg, bool) {
	if len(w.Parts) != 1 {
		return nil, false
	}
	part := w.Parts[0]
	if q, ok := part.(*syntax.DblQuoted); ok && len(q.Parts) == 1 {
		part = q.Parts[0]
	}
	p, ok := part.(*syntax.ParamExp)
	if !ok || p.Param == nil || p.Length || p.Excl || p.Repl != nil || p.Exp != nil || p.Slice != nil || p.Index == nil || literalIndex(p.Index) != "@" {
		return nil, false
	}
	v := s.vars[p.Param.Value]
	if !v.list {
		return nil, false
	}
	var out []arg
	for _, e := range v.elements() {
		out = append(out, arg{text: e, variable: true, origin: s.here})
	}
	return out, true
}

// positional expands a word that is "$@" alone, so that its words keep where they came from.
func (s *state) positional(w *syntax.Word) ([]arg, bool) {
	if len(w.Parts) != 1 {
		return nil, false
	}
	part := w.Parts[0]
	quoted := false
	if q, ok := part.(*syntax.DblQuoted); ok && len(q.Parts) == 1 {
		part, quoted = q.Parts[0], true
	}
	p, ok := part.(*syntax.ParamExp)
	if !ok || p.Param == nil || p.Length || p.Excl || p.Repl != nil || p.Exp != nil || p.Index != nil {
		return nil, false
	}
	if p.Param.Value != "@" && (p.Param.Value != "*" || quoted) {
		return nil, false
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
			for _, f := range strings.Fields(w.text) {
				out = append(out, arg{text: f, variable: w.variable, origin: w.origin})
			}
		}
	}
	return out, true
}

func (x *expansion) fields(w *syntax.Word) []arg {
	word := &syntax.Word{Parts: x.parts(w.Parts, false)}
	cfg := &expand.Config{Env: environ{x.s}}
	var out []arg
	for text, err := range expand.FieldsSeq(cfg, word) {
		if err != nil {
			return []arg{{text: unknown, variable: true, origin: x.s.here}}
		}
		out = append(out, arg{text: text, variable: x.variable || strings.Contains(text, unknown), origin: x.s.here})
		if len(out) >= maxArgs {
			break
		}
	}
	return out
}

// literal expands a word that is not split: the value of an assignment, the subject of a test.
func (x *expansion) literal(w *syntax.Word) arg {
	if w == nil {
		return arg{origin: x.s.here}
	}
	word := &syntax.Word{Parts: x.parts(w.Parts, true)}
	text, err := expand.Literal(&expand.Config{Env: environ{x.s}}, word)
	if err != nil {
		text = unknown
	}
	return arg{text: text, variable: x.variable || strings.Contains(text, unknown), origin: x.s.here}
}

func (x *expansion) parts(in []syntax.WordPart, quoted bool) []syntax.WordPart {
	x.depth++
	defer func() { x.depth-- }()
	if x.depth > maxDepth {
		return lit(unknown)
	}
	var out []syntax.WordPart
	for _, part := range in {
		switch p := part.(type) {
		case *syntax.Lit:
			if !quoted && globs(p.Value) {
				out = append(out, lit(unknown)...)
				continue
			}
			out = append(out, p)
		case *syntax.SglQuoted:
			out = append(out, p)
		case *syntax.DblQuoted:
			out = append(out, &syntax.DblQuoted{Dollar: p.Dollar, Parts: x.parts(p.Parts, true)})
		case *syntax.ParamExp:
			out = append(out, x.param(p, quoted)...)
		case *syntax.CmdSubst:
			if w, ok := x.a.substitute(x.s, p, x.depth); ok {
				x.variable = x.variable || w.variable
				out = append(out, &syntax.DblQuoted{Parts: lit(escape(w.text))})
				continue
			}
			out = append(out, lit(unknown)...)
		default: // arithmetic, process substitution, extended globs
			out = append(out, lit(unknown)...)
		}
	}
	return out
}

func lit(text string) []syntax.WordPart { return []syntax.WordPart{&syntax.Lit{Value: text}} }

// escape quotes text for the inside of double quotes.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(text)
}

// globs tells whether the shell would look for file names.
func globs(text string) bool {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		case '[':
			if strings.Contains(text[i:], "]") {
				return true
			}
		}
	}
	return false
}

// param rewrites one ${...}.
func (x *expansion) param(p *syntax.ParamExp, quoted bool) []syntax.WordPart {
	if p.Param == nil || p.NestedParam != nil || p.Flags != nil || p.Excl || p.Width || p.IsSet || p.Names != 0 || len(p.Modifiers) > 0 {
		return lit(unknown)
	}
	name := p.Param.Value
	if name == "BASH_SOURCE" && (p.Index == nil || literalIndex(p.Index) == "0") {
		return []syntax.WordPart{&syntax.DblQuoted{Parts: lit(escape(x.s.arg0))}}
	}
	if p.Index != nil || name == "LINENO" {
		return lit(unknown)
	}
	if name == "@" || name == "*" {
		for _, w := range x.s.args {
			x.variable = x.variable || w.variable
		}
		if p.Exp != nil || p.Repl != nil || p.Slice != nil || p.Length {
			return lit(unknown)
		}
		return []syntax.WordPart{p}
	}
	v, set := x.s.lookup(name)
	x.variable = x.variable || v.variable || !set
	if p.Exp != nil {
		empty := !set || v.text == ""
		use := set
		switch p.Exp.Op {
		case syntax.DefaultUnsetOrNull, syntax.AssignUnsetOrNull, syntax.AlternateUnsetOrNull, syntax.ErrorUnsetOrNull:
			use = !empty
		}
		switch p.Exp.Op {
		case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
			if use {
				return plain(p)
			}
			if p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull {
				y := &expansion{a: x.a, s: x.s, depth: x.depth}
				x.s.assign(name, y.literal(p.Exp.Word).text)
			}
			return x.inner(p.Exp.Word, quoted)
		case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
			if use {
				return x.inner(p.Exp.Word, quoted)
			}
			return nil
		case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
			if use {
				return plain(p)
			}
			return lit(unknown)
		case syntax.OtherParamOps:
			return lit(unknown)
		}
	}
	if !set {
		if _, err := strconv.Atoi(name); x.unsetEmpty || err == nil || name == x.self {
			x.unset = x.unset || err != nil
			return nil
		}
		return lit(unknown)
	}
	if p.Exp == nil && p.Repl == nil && p.Slice == nil && !p.Length {
		return plain(p)
	}
	if !v.known() {
		return lit(unknown)
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

// substitute evaluates the command substitutions with which scripts find their own directory: dirname, pwd, and the two
// together. All others stay unknown.
func (a *analysis) substitute(s *state, c *syntax.CmdSubst, depth int) (arg, bool) {
	if len(c.Stmts) != 1 || depth > maxDepth || !a.step(s.here) {
		return arg{}, false
	}
	return a.printed(s.clone(), c.Stmts[0], depth+1)
}

func (a *analysis) printed(s *state, st *syntax.Stmt, depth int) (arg, bool) {
	if st.Negated || st.Background || depth > maxDepth {
		return arg{}, false
	}
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		call, ok := c.X.Cmd.(*syntax.CallExpr)
		if !ok || c.Op != syntax.AndStmt {
			return arg{}, false
		}
		words := a.fields(s, call.Args)
		if len(words) < 2 || words[0].text != "cd" {
			return arg{}, false
		}
		s.chdir(cdTarget(words))
		return a.printed(s, c.Y, depth+1)
	case *syntax.CallExpr:
		words := a.fields(s, c.Args)
		variable := false
		for _, w := range words {
			if !w.known() {
				return arg{}, false
			}
			variable = variable || w.variable
		}
		says := func(text string) (arg, bool) { return arg{text: text, variable: variable}, text != "" }
		var operands []arg
		for i, w := range words {
			if i > 0 && !strings.HasPrefix(w.text, "-") {
				operands = append(operands, w)
			}
		}
		switch {
		case len(words) == 0:
			return arg{}, false
		case words[0].text == "pwd":
			variable = s.cwdVariable
			return says(s.cwd)
		case len(operands) != 1:
			return arg{}, false
		case words[0].text == "dirname":
			return says(path.Dir(operands[0].text))
		case words[0].text == "basename":
			return says(path.Base(operands[0].text))
		case words[0].text == "echo":
			return says(operands[0].text)
		case words[0].text == "readlink" || words[0].text == "realpath":
			return says(s.abs(operands[0].text))
		}
	}
	return arg{}, false
}

// abs gives the image path that a name means in the working directory, "" if that cannot be told.
func (s *state) abs(name string) string {
	switch {
	case name == "" || strings.Contains(name, unknown):
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	case s.cwd == "":
		return ""
	default:
		return path.Join(s.cwd, name)
	}
}

// chdir changes the working directory, and remembers whether a variable took part.
func (s *state) chdir(dir arg) {
	s.cwdVariable = dir.variable || s.cwdVariable && !path.IsAbs(dir.text)
	s.cwd = s.abs(dir.text)
}

// cdTarget is the directory that a cd command names.
func cdTarget(words []arg) arg {
	for _, w := range words[1:] {
		if w.text == "--" || w.text == "-P" || w.text == "-L" {
			continue
		}
		if w.text != "-" {
			return w
		}
		break
	}
	return arg{text: unknown, variable: true}
}

// assign sets a variable and keeps whether it is exported.
func (s *state) assign(name, value string) {
	s.vars[name] = variable{value: value, exported: s.vars[name].exported}
}

func (s *state) export(name, value string) { s.vars[name] = variable{value: value, exported: true} }

// env gives an exported variable with a known value, "" otherwise.
func (s *state) env(name string) string {
	if v := s.vars[name]; v.exported && !strings.Contains(v.value, unknown) {
		return v.value
	}
	return ""
}
