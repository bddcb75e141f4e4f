package syntax

import (
	"bytes"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// scope is a bracket that the scanner is in.
type scope struct {
	end   int   // the token that closes it
	flags Flags // of all that it holds
	// now are the flags of the statement, or of the element of a list, that is being read.
	now Flags
	// block tells that it holds statements.
	block bool
}

// scanner finds imports among tokens.
type scanner struct {
	*lexer
	file   *File
	scopes []scope
	// names are those that imports bind of which the compiler drops the ones that are not used as values, with their imports.
	names map[string][]int
	// places are the paths for which constants stand, and touched those that the file asks about.
	places  map[string]place
	touched map[place]bool
}

// Scan reads a source. name says what it is written in.
func Scan(data []byte, name string) *File {
	if len(data) > MaxSize {
		return &File{Broken: true, data: data, lines: []int32{0}}
	}
	if IsComponent(name) {
		source, like := component(data)
		f := Scan(source, like)
		f.components()
		f.data = data
		return f
	}
	typed := IsTyped(name)
	s := &scanner{lexer: lex(data, !typed || strings.HasSuffix(name, "x"), typed), file: &File{data: data, lines: lineStarts(data)}, names: map[string][]int{}, places: map[string]place{}, touched: map[place]bool{}}
	s.file.Broken = s.broken
	s.head()
	s.scopes = append(s.scopes, scope{end: -1, block: true})
	for i := range s.tokens {
		s.token(i)
	}
	s.unguarded()
	if typed {
		s.uses()
	}
	return s.file
}

var reference = lazyre.New(`(?m)^\s*///\s*<reference\s+path\s*=\s*["']([^"'\n]+)["']`)

// head reads the comments that a source begins with.
func (s *scanner) head() {
	head := s.data
	if len(s.tokens) > 0 {
		head = s.data[:s.tokens[0].start]
	}
	if len(head) == 0 || !s.typed {
		return
	}
	s.file.Unchecked = bytes.Contains(head, []byte("@ts-nocheck"))
	if !bytes.Contains(head, []byte("<reference")) {
		return
	}
	for _, m := range reference().FindAllSubmatchIndex(head, -1) {
		spec := string(head[m[2]:m[3]])
		if !strings.HasPrefix(spec, ".") && !strings.HasPrefix(spec, "/") {
			spec = "./" + spec
		}
		s.file.Imports = append(s.file.Imports, Import{Spec: spec, Kind: Type, Start: m[2], End: m[3]})
	}
}

func (s *scanner) tok(i int) *token {
	if i < 0 || i >= len(s.tokens) {
		return &token{match: -1}
	}
	return &s.tokens[i]
}

// op reports whether a token is an operator.
func (s *scanner) op(i int, op byte) bool { t := s.tok(i); return t.kind == punct && t.op == op }

// word reports whether a token is a word of a text.
func (s *scanner) word(i int, text string) bool { return s.is(s.tok(i), text) }

// member reports whether a token is the name of a member of what stands before it.
func (s *scanner) member(i int) bool { return s.op(i-1, '.') || s.op(i-1, opChain) }

func (s *scanner) scope() *scope { return &s.scopes[len(s.scopes)-1] }

// token looks at a token in its place.
func (s *scanner) token(i int) {
	for len(s.scopes) > 1 && s.scope().end <= i {
		s.scopes = s.scopes[:len(s.scopes)-1]
	}
	t, in := &s.tokens[i], s.scope()
	if in.block && i > 0 && s.begins(i) {
		in.now = 0
	}
	switch t.kind {
	case punct:
		s.operator(i, t, in)
	case word:
		if s.op(i+1, '(') {
			s.call(i)
		}
		if s.member(i) {
			return
		}
		switch string(s.data[t.start:t.end]) {
		case "import":
			s.imports(i)
		case "export":
			s.exports(i)
		case "require":
			s.requires(i)
		case "const":
			s.constant(i)
		case "else", "catch", "case", "default":
			in.now |= Conditional
		}
	}
}

// begins reports whether a token begins a statement.
func (s *scanner) begins(i int) bool {
	before, t := &s.tokens[i-1], &s.tokens[i]
	if before.kind == punct && before.op == ';' {
		return true
	}
	if s.is(t, "else") || s.is(t, "catch") || s.is(t, "finally") {
		return false
	}
	if before.kind == punct && before.op == '}' && before.block && before.match >= 0 {
		return t.kind == word || t.newline
	}
	if !t.newline || t.kind != word || s.is(t, "in") || s.is(t, "instanceof") || s.is(t, "as") || s.is(t, "satisfies") {
		return false
	}
	switch before.kind {
	case punct:
		return before.op == ')' && !before.control || before.op == ']' || before.op == '}' || before.op == opStep
	case word:
		return !s.operatorWord(before)
	case part:
		return before.op != '$'
	}
	return true
}

// operator follows what an operator or a bracket does to what comes behind it.
func (s *scanner) operator(i int, t *token, in *scope) {
	switch t.op {
	case opLogical:
		in.now |= Conditional
	case '?':
		if next := s.tok(i + 1); next.kind != punct || next.op != ':' && next.op != ')' && next.op != ',' {
			in.now |= Conditional
		}
	case opArrow:
		if !s.op(i+1, '{') {
			in.now |= Lazy
		}
	case ',':
		if !in.block {
			in.now = 0
		}
	case ')':
		if t.control {
			in.now |= Conditional
		}
	case '(', '[', '{':
		if int(t.match) <= i {
			return
		}
		inner := scope{end: int(t.match), flags: in.flags | in.now, block: t.op == '{' && t.block}
		switch {
		case t.op == '{':
			inner.flags |= s.body(i, t)
		case t.op == '(' && !t.control && (s.op(inner.end+1, '{') || s.op(inner.end+1, opArrow)) && !s.word(i-1, "catch"):
			inner.flags |= Lazy // what parameters are by default
		}
		s.scopes = append(s.scopes, inner)
	}
}

// body gives the flags of what a curly bracket holds: the body of a function, of a try.
func (s *scanner) body(i int, t *token) Flags {
	end := int(t.match)
	called := s.op(end+1, '(') || s.op(end+1, ')') && s.op(end+2, '(')
	switch {
	case s.word(i-1, "try") && !s.member(i-1):
		if s.word(end+1, "catch") {
			return Guarded
		}
	case s.op(i-1, opArrow):
		if !called {
			return Lazy
		}
	case s.op(i-1, ')') && !s.tok(i-1).control:
		if open := int(s.tok(i - 1).match); open > 0 && s.word(open-1, "catch") || called {
			return 0
		}
		return Lazy
	case t.block && s.typed && s.returns(i):
		return Lazy
	}
	return 0
}

// maxReturns is how far behind the parameters of a function its body may begin, in tokens.
const maxReturns = 40

// returns reports whether a block is the body of a function of which the type is told: `): Promise<void> {`.
func (s *scanner) returns(i int) bool {
	for n := i - 1; n > 0 && n > i-maxReturns; n-- {
		t := &s.tokens[n]
		if t.kind != punct {
			continue
		}
		switch t.op {
		case ':':
			if s.op(n-1, ')') && !s.tok(n-1).control {
				return true
			}
		case ';', '(', '{', '=', opArrow:
			return false
		case ')', ']', '}':
			if t.match < 0 || t.block {
				return false
			}
			n = int(t.match)
		}
	}
	return false
}

// text gives what a string says, ok is false if a token is none.
func (s *scanner) text(i int) (string, bool) {
	t := s.tok(i)
	if t.kind != str || t.end-t.start < 2 {
		return "", false
	}
	raw := s.data[t.start+1 : t.end-1]
	if bytes.IndexByte(raw, '\\') >= 0 || len(raw) == 0 {
		return "", false
	}
	return string(raw), true
}

// add notes an import from one token to another.
func (s *scanner) add(spec string, k Kind, flags Flags, from, to int) {
	start := int(s.tok(from).start)
	if s.hushed(start) {
		flags |= Ignored
	}
	s.file.Imports = append(s.file.Imports, Import{Spec: spec, Kind: k, Flags: flags, Start: start, End: int(s.tok(to).end)})
}

// hushed reports whether the line above a place tells the compiler not to look at it.
func (s *scanner) hushed(at int) bool {
	if !s.typed {
		return false
	}
	line := bytes.LastIndexByte(s.data[:at], '\n')
	if line < 0 || at-line > 200 {
		return false
	}
	above := s.data[max(bytes.LastIndexByte(s.data[max(0, line-300):line], '\n')+max(0, line-300), 0):line]
	return bytes.Contains(above, []byte("@ts-ignore")) || bytes.Contains(above, []byte("@ts-expect-error"))
}

// flags are those of the place at which the scanner is.
func (s *scanner) flags() Flags { in := s.scope(); return in.flags | in.now }

// imports is the word import.
func (s *scanner) imports(i int) {
	if s.op(i+1, '(') {
		s.dynamic(i)
		return
	}
	if spec, ok := s.text(i + 1); ok {
		s.add(spec, Effect, 0, i, i+1)
		return
	}
	if s.op(i+1, '.') || s.op(i+1, ':') {
		return
	}
	at, k := i+1, Static
	if s.word(at, "type") && !s.word(at+1, "from") && !s.op(at+1, ',') && !s.op(at+1, '=') || s.word(at, "type") && s.word(at+1, "from") && s.word(at+2, "from") {
		at, k = at+1, Type
	}
	if s.word(at, "defer") && s.op(at+1, '*') {
		at++
	}
	var names []string
	only := false // whether all of its names say that they are types
	for range maxClause {
		switch t := s.tok(at); {
		case t.kind == word && string(s.data[t.start:t.end]) == "from":
			if spec, ok := s.text(at + 1); ok {
				if only && len(names) == 0 {
					k = Type
				}
				s.bound(names, k)
				s.add(spec, k, 0, i, at+1)
				return
			}
			names = append(names, "from")
		case t.kind == word:
			if !s.word(at, "as") {
				names = append(names, string(s.data[t.start:t.end]))
			}
		case s.op(at, '{'):
			var inner []string
			inner, only = s.named(at)
			names = append(names, inner...)
			if t.match < 0 {
				return
			}
			at = int(t.match)
		case s.op(at, '*'), s.op(at, ','):
		case s.op(at, '='): // import x = require("y")
			if spec, ok := s.text(at + 3); ok && s.word(at+1, "require") && s.op(at+2, '(') {
				s.bound(names, k)
				s.add(spec, k, 0, i, at+4)
			}
			return
		default:
			return
		}
		at++
	}
}

// maxClause bounds what stands before the name of what is imported, in tokens, the names in curly brackets apart.
const maxClause = 16

// named gives the names that curly brackets bind. only tells that there are some, and all are types.
func (s *scanner) named(open int) (names []string, only bool) {
	end := int(s.tok(open).match)
	for i := open + 1; i < end; {
		from := i
		for i < end && !s.op(i, ',') {
			i++
		}
		if t := s.tok(i - 1); i > from && t.kind == word {
			if s.word(from, "type") && i-from > 1 && !s.word(from+1, "as") {
				only = true
			} else {
				names = append(names, string(s.data[t.start:t.end]))
			}
		}
		i++
	}
	return names, only
}

// bound remembers the names that the next import binds.
func (s *scanner) bound(names []string, k Kind) {
	if s.typed && k != Type {
		for _, n := range names {
			s.names[n] = append(s.names[n], len(s.file.Imports))
		}
	}
}

// dynamic is import("x"), or the type of something in another file.
func (s *scanner) dynamic(i int) {
	spec, ok := s.text(i + 2)
	if !ok || !s.op(i+3, ')') && !s.op(i+3, ',') {
		return
	}
	end := int(s.tok(i + 1).match)
	if end < 0 {
		return
	}
	flags := s.flags()
	if !s.word(i-1, "await") || flags&Lazy != 0 {
		flags |= Lazy
	}
	between := s.data[s.tok(i+1).start:s.tok(i+2).start]
	if bytes.Contains(between, []byte("webpackIgnore")) || bytes.Contains(between, []byte("@vite-ignore")) {
		flags |= Ignored
	}
	if s.op(end+1, '.') && s.word(end+2, "catch") {
		flags |= Guarded
	}
	k := Dynamic
	if s.typed && s.ofType(i-1) {
		if k = Type; s.op(i-1, '=') || s.op(i-1, ':') || s.op(i-1, ',') || s.op(i-1, '(') {
			k, flags = Dynamic, flags|Unsure
		}
	}
	s.add(spec, k, flags, i, end)
}

// ofType reports whether a token stands before a type, or may do so.
func (s *scanner) ofType(i int) bool {
	t := s.tok(i)
	if t.kind == word {
		switch string(s.data[t.start:t.end]) {
		case "typeof", "as", "keyof", "extends", "satisfies", "is", "infer":
			return true
		}
	}
	return t.kind == punct && (t.op == ':' || t.op == '<' || t.op == '|' || t.op == '&' || t.op == '=' || t.op == ',' || t.op == '(')
}

// exports is the word export.
func (s *scanner) exports(i int) {
	at, k := i+1, Static
	if s.word(at, "import") {
		return // export import x = require("y"): the next token tells
	}
	if s.word(at, "type") && (s.op(at+1, '{') || s.op(at+1, '*')) {
		at, k = at+1, Type
	}
	switch {
	case s.op(at, '{') && s.tok(at).match >= 0:
		if names, only := s.named(at); only && len(names) == 0 {
			k = Type
		}
		at = int(s.tok(at).match) + 1
	case s.op(at, '*') && s.word(at+1, "as"):
		at += 3
	case s.op(at, '*'):
		at++
	default:
		return
	}
	if spec, ok := s.text(at + 1); ok && s.word(at, "from") {
		s.add(spec, k, 0, i, at+1)
	}
}

// requires is require("x") and require.resolve("x").
func (s *scanner) requires(i int) {
	at := i + 1
	if s.op(at, '.') && s.word(at+1, "resolve") {
		at += 2
	}
	spec, ok := s.text(at + 1)
	if !ok || !s.op(at, '(') || !s.op(at+2, ')') && !s.op(at+2, ',') || s.word(i-1, "function") {
		return
	}
	if s.op(i-1, '=') && (s.word(i-3, "import") || s.word(i-4, "import")) { // import x = require("y") is noted
		return
	}
	end := int(s.tok(at).match)
	if end < 0 {
		return
	}
	s.add(spec, Require, s.flags(), i, end)
}
