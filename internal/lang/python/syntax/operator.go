package syntax

// operator reads a string, a number or an operator.
func (l *lexer) operator(c byte) {
	start := l.pos
	switch c {
	case '"', '\'':
		l.quoted(start, false, false)
		return
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		l.number()
		l.emit(tokNumber, start)
		return
	case '.':
		if l.pos+1 < len(l.src) && classes[l.src[l.pos+1]]&classDigit != 0 {
			l.number()
			l.emit(tokNumber, start)
			return
		}
		l.pos++
		l.emit(tokDot, start)
		return
	case '(', '[', '{':
		l.pos++
		l.open(frame{kind: c}, tokOpen, start)
		return
	case ')', ']', '}':
		l.closeBracket(c)
		return
	case '\\':
		l.continuation()
		return
	case ':':
		l.colon()
		return
	case ',', ';', '~':
		l.pos++
		l.emit(single[c], start)
		return
	}
	if single[c] == tokInvalid {
		l.invalid(c)
		return
	}
	l.pos++
	next := l.peek()
	k := single[c]
	switch {
	case next == c && (c == '*' || c == '/' || c == '<' || c == '>'):
		l.pos++
		k = tokOp
		if c == '*' {
			k = tokDoubleStar
		}
		if l.peek() == '=' {
			l.pos++
			k = tokAugAssign
		}
	case c == '-' && next == '>':
		l.pos++
		k = tokArrow
	case c == '<' && next == '>':
		l.pos++
		l.fail(start, "<> is of Python 2")
	case next == '=':
		switch c {
		case '=', '!', '<', '>':
			l.pos++
			k = tokCompare
		default:
			l.pos++
			k = tokAugAssign
		}
	case c == '!' && !l.in(frameField):
		l.fail(start, "invalid character")
	}
	l.emit(k, start)
}

// single gives the tokens of operators of one character.
var single = [256]kind{
	',': tokComma, ';': tokSemicolon, '~': tokOp, '=': tokAssign, '+': tokPlus, '-': tokMinus, '*': tokStar,
	'/': tokSlash, '%': tokOp, '&': tokOp, '|': tokOp, '^': tokOp, '@': tokAt, '<': tokCompare, '>': tokCompare,
	'!': tokOp,
}

func (l *lexer) peek() byte {
	if l.pos < len(l.src) {
		return l.src[l.pos]
	}
	return 0
}

// in reports whether the innermost frame is of this kind.
func (l *lexer) in(kind byte) bool { return len(l.stack) > 0 && l.stack[len(l.stack)-1].kind == kind }

// colon reads a colon. In a field of an f-string it begins the format specification, even before an equals sign.
func (l *lexer) colon() {
	start := l.pos
	l.pos++
	if l.in(frameField) {
		l.emit(tokOp, start)
		spec := l.stack[len(l.stack)-1]
		spec.kind = frameSpec
		l.stack = append(l.stack, spec)
		return
	}
	if l.peek() == '=' {
		l.pos++
		l.emit(tokNamed, start)
		return
	}
	l.emit(tokColon, start)
}

var opener = [256]byte{')': '(', ']': '[', '}': '{'}

func (l *lexer) closeBracket(c byte) {
	start := l.pos
	l.pos++
	if len(l.stack) == 0 {
		l.fail(start, "closing bracket without an opening one")
		l.emit(tokInvalid, start)
		return
	}
	top := l.stack[len(l.stack)-1].kind
	if top == opener[c] || top == frameField && c == '}' {
		l.close(tokClose, start)
		return
	}
	l.fail(start, "closing bracket does not match the opening one")
	if top == frameField {
		l.emit(tokInvalid, start)
		return
	}
	l.close(tokClose, start)
}

// continuation reads a backslash that joins two lines.
func (l *lexer) continuation() {
	start := l.pos
	l.pos++
	switch {
	case l.pos >= len(l.src):
		l.fail(start, "end of file after a backslash")
	case classes[l.src[l.pos]]&classNewline != 0:
		l.newline()
	default:
		l.fail(start, "backslash outside a string")
		l.emit(tokInvalid, start)
	}
}

func (l *lexer) invalid(c byte) {
	start := l.pos
	l.pos++
	switch c {
	case '`':
		l.fail(start, "backquotes are of Python 2")
	case 0:
		l.fail(start, "NUL byte")
	default:
		l.fail(start, "invalid character")
	}
	l.emit(tokInvalid, start)
}

// number reads a number. It ends where a keyword may follow without a blank, as in `1if x else 2`.
func (l *lexer) number() {
	if l.src[l.pos] == '0' && l.pos+1 < len(l.src) {
		switch l.src[l.pos+1] | 0x20 {
		case 'x':
			l.pos += 2
			for isHex(l.peek()) {
				l.pos++
			}
			return
		case 'o', 'b':
			l.pos += 2
			l.digits()
			return
		}
	}
	l.digits()
	if l.peek() == '.' {
		l.pos++
		l.digits()
	}
	if l.peek()|0x20 == 'e' {
		sign := 1
		if l.pos+1 < len(l.src) && (l.src[l.pos+1] == '+' || l.src[l.pos+1] == '-') {
			sign = 2
		}
		if l.pos+sign < len(l.src) && classes[l.src[l.pos+sign]]&classDigit != 0 {
			l.pos += sign
			l.digits()
		}
	}
	if c := l.peek() | 0x20; c == 'j' || c == 'l' {
		l.pos++
	}
}

func (l *lexer) digits() {
	for c := l.peek(); c == '_' || classes[c]&classDigit != 0; c = l.peek() {
		l.pos++
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == '_'
}
