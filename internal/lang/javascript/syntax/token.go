package syntax

// kind is what a token is.
type kind uint8

const (
	word     kind = iota + 1 // a name or a keyword
	punct                    // an operator or a bracket
	str                      // a string, or a template without a substitution
	part                     // a piece of a template with substitutions
	number                   // a number
	regex                    // a regular expression
	element                  // the name of an element of JSX
	elements                 // the end of an element of JSX
)

// Operators of several characters that matter, as one byte each; single characters stand for themselves.
const (
	opArrow   = 'A' // =>
	opChain   = 'Q' // ?.
	opSpread  = 'S' // ...
	opLogical = 'L' // && || ??
	opStep    = 'P' // ++ --
	opOther   = 'o' // compares, or assigns and computes
)

// token is a piece of a source. Comments, the text of JSX and its attributes are none.
type token struct {
	start, end int32
	// match is the place of the other bracket among the tokens, -1 if it has none.
	match   int32
	kind    kind
	op      byte
	newline bool // a line break stands before it
	// control tells of a round bracket that it belongs to if, for, while and their like; block of a curly one that it holds statements, or
	// the members of a class.
	control, block bool
}

// frame is something that was opened and not closed yet.
type frame struct {
	kind byte // ( [ { $ for a substitution, < for a tag of JSX, > for what stands between tags
	open int32
}

// lexer cuts a source into tokens.
type lexer struct {
	data   []byte
	at     int
	tokens []token
	frames []frame
	jsx    bool // the source may hold JSX, typed tells that it is TypeScript
	typed  bool
	// closing are the last places at which elements of a name end; nil until somebody asks.
	closing map[string]int
	newline bool
	// divided is the end of a line in which no regular expression ends any more.
	divided int
	// broken tells that a string, a template or a bracket did not end.
	broken bool
}

func lex(data []byte, jsx, typed bool) *lexer {
	l := &lexer{data: data, jsx: jsx, typed: typed, tokens: make([]token, 0, len(data)/5+8)}
	if len(data) > 1 && data[0] == '#' && data[1] == '!' {
		l.line()
	}
	for l.at < len(data) {
		switch l.top() {
		case '<':
			l.tag()
		case '>':
			l.between()
		default:
			l.next()
		}
	}
	l.broken = l.broken || len(l.frames) > 0
	return l
}

func (l *lexer) top() byte {
	if len(l.frames) == 0 {
		return 0
	}
	return l.frames[len(l.frames)-1].kind
}

func (l *lexer) add(k kind, op byte, start, end int) *token {
	l.tokens = append(l.tokens, token{start: int32(start), end: int32(end), match: -1, kind: k, op: op, newline: l.newline})
	l.newline = false
	return &l.tokens[len(l.tokens)-1]
}

func (l *lexer) last() *token {
	if len(l.tokens) == 0 {
		return nil
	}
	return &l.tokens[len(l.tokens)-1]
}

// is reports whether a token is a word of a text.
func (l *lexer) is(t *token, text string) bool {
	return t != nil && t.kind == word && string(l.data[t.start:t.end]) == text
}

// byteAt gives a byte of the source, 0 behind its end.
func (l *lexer) byteAt(i int) byte {
	if i < len(l.data) {
		return l.data[i]
	}
	return 0
}

// line goes to the end of the line.
func (l *lexer) line() {
	for l.at < len(l.data) && l.data[l.at] != '\n' && l.data[l.at] != '\r' {
		l.at++
	}
}

// comment passes a comment, and reports whether there was one.
func (l *lexer) comment() bool {
	switch {
	case l.byteAt(l.at) != '/':
		return false
	case l.byteAt(l.at+1) == '/':
		l.line()
	case l.byteAt(l.at+1) == '*':
		for l.at += 2; l.at < len(l.data) && (l.data[l.at] != '*' || l.byteAt(l.at+1) != '/'); l.at++ {
			l.newline = l.newline || l.data[l.at] == '\n'
		}
		l.at = min(l.at+2, len(l.data))
	default:
		return false
	}
	return true
}

// space passes white space and comments.
func (l *lexer) space() {
	for l.at < len(l.data) {
		switch c := l.data[l.at]; {
		case c == '\n':
			l.newline = true
			l.at++
		case c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f':
			l.at++
		case c == 0xc2 && l.byteAt(l.at+1) == 0xa0: // no-break space
			l.at += 2
		case c == 0xef && l.byteAt(l.at+1) == 0xbb && l.byteAt(l.at+2) == 0xbf: // byte order mark
			l.at += 3
		case !l.comment():
			return
		}
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 0x80 || c == '\\'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// next reads a token of the language.
func (l *lexer) next() {
	l.space()
	if l.at >= len(l.data) {
		return
	}
	start, c := l.at, l.data[l.at]
	switch {
	case isDigit(c) || c == '.' && isDigit(l.byteAt(l.at+1)):
		for l.at++; isWord(l.byteAt(l.at)) || l.byteAt(l.at) == '.' || (l.data[l.at-1]|0x20) == 'e' && (l.byteAt(l.at) == '+' || l.byteAt(l.at) == '-'); {
			l.at++
		}
		l.add(number, 0, start, l.at)
	case isWord(c) || c == '#' && isWord(l.byteAt(l.at+1)):
		for l.at++; isWord(l.byteAt(l.at)); {
			l.at++
		}
		l.add(word, 0, start, l.at)
	case c == '"' || c == '\'':
		l.quoted(c)
	case c == '`':
		l.at++
		l.template(start, true)
	case c == '/' && l.operandNext():
		l.regex()
	case c == '<' && l.jsx && l.operandNext() && l.opensElement():
		l.at++
		l.open('<')
	default:
		l.operator(c)
	}
}

// quoted reads a string. One that does not end on its line ends there.
func (l *lexer) quoted(quote byte) {
	start := l.at
	for l.at++; l.at < len(l.data); l.at++ {
		switch c := l.data[l.at]; {
		case c == quote:
			l.at++
			l.add(str, 0, start, l.at)
			return
		case c == '\\':
			l.at++
			if l.byteAt(l.at) == '\r' && l.byteAt(l.at+1) == '\n' {
				l.at++
			}
		case c == '\n':
			l.broken = true
			l.add(part, 0, start, l.at)
			return
		}
	}
	l.broken, l.at = true, min(l.at, len(l.data))
	l.add(part, 0, start, l.at)
}

// template reads a piece of a template, up to a substitution or its end. whole tells that it is the first piece.
func (l *lexer) template(start int, whole bool) {
	for ; l.at < len(l.data); l.at++ {
		switch c := l.data[l.at]; {
		case c == '\\':
			l.at++
		case c == '`':
			l.at++
			if whole {
				l.add(str, 0, start, l.at)
			} else {
				l.add(part, 0, start, l.at)
			}
			return
		case c == '$' && l.byteAt(l.at+1) == '{':
			l.at += 2
			l.add(part, '$', start, l.at)
			l.open('$')
			return
		}
	}
	l.broken, l.at = true, min(l.at, len(l.data))
	l.add(part, 0, start, l.at)
}

func (l *lexer) open(k byte) { l.frames = append(l.frames, frame{k, int32(len(l.tokens) - 1)}) }

// regex reads a regular expression, or what turns out to be a division.
func (l *lexer) regex() {
	start, class, i := l.at, false, l.at+1
	for ; i < len(l.data) && l.at >= l.divided && l.data[i] != '\n'; i++ {
		switch c := l.data[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			for i++; isWord(l.byteAt(i)); {
				i++
			}
			l.at = i
			l.add(regex, 0, start, i)
			return
		}
	}
	l.divided = max(l.divided, i)
	l.operator('/')
}

// operators of several characters, the longest first; the others stand for themselves.
func operatorAt(a, b, c byte) (op byte, n int) {
	switch {
	case a == '=' && b == '>':
		return opArrow, 2
	case a == '?' && b == '.' && !isDigit(c):
		return opChain, 2
	case a == '.' && b == '.' && c == '.':
		return opSpread, 3
	case (a == '&' || a == '|' || a == '?') && a == b:
		if c == '=' {
			return opOther, 3
		}
		return opLogical, 2
	case (a == '+' || a == '-') && a == b:
		return opStep, 2
	case (a == '=' || a == '!') && b == '=':
		if c == '=' {
			return opOther, 3
		}
		return opOther, 2
	case b == '=' && (a == '+' || a == '-' || a == '*' || a == '/' || a == '%' || a == '&' || a == '|' || a == '^' || a == '<'):
		return opOther, 2
	}
	return a, 1
}

// operator reads an operator or a bracket.
func (l *lexer) operator(c byte) {
	start := l.at
	op, n := operatorAt(c, l.byteAt(l.at+1), l.byteAt(l.at+2))
	l.at += n
	switch op {
	case '(':
		control := l.controls(l.last())
		l.add(punct, op, start, l.at).control = control
		l.open(op)
	case '[':
		l.add(punct, op, start, l.at)
		l.open(op)
	case '{':
		block := l.opensBlock()
		l.add(punct, op, start, l.at).block = block
		l.open(op)
	case ')', ']', '}':
		l.close(op, start)
	default:
		l.add(punct, op, start, l.at)
	}
}

// close closes a bracket. What was opened inside of it and not closed ends, too, if there is such a bracket.
func (l *lexer) close(op byte, start int) {
	want := map[byte]byte{')': '(', ']': '[', '}': '{'}[op]
	for n := len(l.frames) - 1; n >= 0 && n >= len(l.frames)-8; n-- {
		f := l.frames[n]
		if f.kind == '$' && op == '}' {
			l.frames = l.frames[:n]
			l.template(start, false)
			return
		}
		if f.kind != want {
			l.broken = true
			continue
		}
		l.frames = l.frames[:n]
		t := l.add(punct, op, start, l.at)
		open := &l.tokens[f.open]
		t.match, open.match = f.open, int32(len(l.tokens)-1)
		t.control, t.block = open.control, open.block
		return
	}
	l.broken = true
	l.add(punct, op, start, l.at)
}

// controls reports whether a round bracket behind a token belongs to a statement.
func (l *lexer) controls(before *token) bool {
	var above *token
	if n := len(l.tokens); n > 1 {
		above = &l.tokens[n-2]
	}
	if before == nil || before.kind != word || above != nil && above.kind == punct && (above.op == '.' || above.op == opChain) {
		return false
	}
	switch string(l.data[before.start:before.end]) {
	case "if", "for", "while", "with", "switch":
		return true
	case "await":
		return l.is(above, "for")
	}
	return false
}

// operators that are words: an operand follows.
func (l *lexer) operatorWord(t *token) bool {
	switch string(l.data[t.start:t.end]) {
	case "return", "typeof", "case", "in", "of", "new", "await", "yield", "void", "delete", "instanceof", "throw", "default", "extends", "else", "do":
		return true
	}
	return false
}

// operandNext reports whether an operand may come next, and no operator.
func (l *lexer) operandNext() bool {
	t := l.last()
	if t == nil {
		return true
	}
	switch t.kind {
	case word:
		if n := len(l.tokens); n > 1 && l.tokens[n-2].kind == punct && (l.tokens[n-2].op == '.' || l.tokens[n-2].op == opChain) {
			return false // a property of that name
		}
		return l.operatorWord(t)
	case punct:
		switch t.op {
		case ')':
			return t.control
		case ']', opStep:
			return false
		case '}':
			return t.block
		}
		return true
	case part:
		return t.op == '$'
	}
	return false
}

// opensBlock reports whether a curly bracket that comes next holds statements or members, and is no value.
func (l *lexer) opensBlock() bool {
	t := l.last()
	switch {
	case t == nil:
		return true
	case t.kind == word:
		return !l.operatorWord(t) || l.is(t, "else") || l.is(t, "do")
	case t.kind == punct:
		return t.op == ')' || t.op == opArrow || t.op == ';' || t.op == '{' || t.op == '}' || t.op == '>' || t.op == ']'
	}
	return false
}
