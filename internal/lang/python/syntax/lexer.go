package syntax

import (
	"sort"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// lexer cuts a source into logical lines of tokens.
//
// It goes over the source once and never back, but for the indentation of a line at which it recovers from a bracket
// that nobody closed. What is open is kept on a stack of frames; the top frame says how to read the next byte: inside
// an f-string as text, inside a field of it as an expression again, inside the format specification behind a field's
// colon as text again:
//
//	f"a {b:>{c}} d"
//	  t  e ss e    t     t: text   e: expression   s: specification
//
// So nesting costs no recursion, and an f-string that never ends costs no second try.
type lexer struct {
	src   []byte
	pos   int
	lines []int32 // offset of the beginning of each physical line
	toks  []token // of the current logical line
	stack []frame
	errs  []Error
	quiet bool // an error of this logical line has been reported
	fresh bool // only blanks were read on this physical line, inside brackets
}

// frame is an open bracket, f-string, field or format specification.
type frame struct {
	kind   byte // ( [ { themselves, or one of the frames below
	quote  byte // of the f-string, in all its frames
	triple bool
	raw    bool
	tok    int32 // index of the opening token
}

const (
	frameFString = 'f'
	frameField   = '}'
	frameSpec    = ':'
)

// Classes of bytes.
const (
	classBlank = 1 << iota
	classNewline
	classStart // of a name
	classDigit
	classText // ends a run of plain text in a string
)

var classes = func() (c [256]uint8) {
	for b := range c {
		switch {
		case b == ' ' || b == '\t' || b == '\f':
			c[b] = classBlank
		case b == '\n' || b == '\r':
			c[b] = classNewline | classText
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= 0x80:
			c[b] = classStart
		case b >= '0' && b <= '9':
			c[b] = classDigit
		case b == '\'' || b == '"' || b == '\\' || b == '{' || b == '}':
			c[b] = classText
		}
	}
	return c
}()

func newLexer(src []byte) *lexer {
	l := &lexer{src: src, lines: make([]int32, 1, len(src)/32+1)}
	if len(src) >= 3 && src[0] == 0xEF && src[1] == 0xBB && src[2] == 0xBF {
		l.pos, l.lines[0] = 3, 3
	}
	return l
}

// line reads the next logical line into l.toks and gives its indentation. Lines of blanks and comments are none.
func (l *lexer) line() (indent int, ok bool) {
	l.toks, l.stack, l.quiet, l.fresh = l.toks[:0], l.stack[:0], false, false
	for {
		indent = l.indentation()
		if l.pos >= len(l.src) {
			return 0, false
		}
		switch c := l.src[l.pos]; {
		case c == '#':
			l.comment()
		case classes[c]&classNewline != 0:
			l.newline()
		default:
			l.tokens()
			if len(l.toks) > 0 {
				return indent, true
			}
		}
	}
}

// indentation skips the blanks at the beginning of a line and gives their width as CPython counts it: tabs stop at
// multiples of eight, a form feed begins anew, and of lines joined by a backslash the first that is indented counts.
func (l *lexer) indentation() int {
	col, first := 0, 0
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case ' ':
			col++
		case '\t':
			col = (col/8 + 1) * 8
		case '\f':
			col = 0
		case '\\':
			if first == 0 {
				first = col
			}
			if l.pos+1 >= len(l.src) || classes[l.src[l.pos+1]]&classNewline == 0 {
				return first
			}
			l.pos++
			l.newline()
			continue
		default:
			if first != 0 {
				return first
			}
			return col
		}
		l.pos++
	}
	return 0
}

// newline skips the line end at the current place: LF, CR or both.
func (l *lexer) newline() {
	if l.src[l.pos] == '\r' && l.pos+1 < len(l.src) && l.src[l.pos+1] == '\n' {
		l.pos++
	}
	l.pos++
	l.lines = append(l.lines, int32(l.pos))
}

func (l *lexer) comment() {
	for l.pos < len(l.src) && classes[l.src[l.pos]]&classNewline == 0 {
		l.pos++
	}
}

// tokens reads until the logical line ends.
func (l *lexer) tokens() {
	for l.pos < len(l.src) {
		if n := len(l.stack); n > 0 {
			if top := l.stack[n-1].kind; top == frameFString || top == frameSpec {
				l.formatText()
				continue
			}
		}
		c := l.src[l.pos]
		switch class := classes[c]; {
		case class&classBlank != 0:
			l.pos++
		case class&classNewline != 0:
			l.newline()
			if len(l.stack) == 0 {
				return
			}
			l.fresh = true
		case c == '#':
			l.comment()
		case class&classStart != 0:
			if l.name() {
				return
			}
			l.fresh = false
		default:
			l.operator(c)
			l.fresh = false
		}
	}
	if n := len(l.stack); n > 0 {
		l.fail(int(l.toks[l.stack[n-1].tok].off), unclosed(l.stack[n-1]))
	}
}

func unclosed(f frame) string {
	switch f.kind {
	case '(', '[', '{':
		return "bracket is never closed"
	default:
		return "f-string is never closed"
	}
}

// name reads a name, a keyword, or a string with a prefix. It reports that the logical line has ended where a keyword
// shows that its brackets were never closed.
func (l *lexer) name() (ended bool) {
	start := l.pos
	for l.pos < len(l.src) && classes[l.src[l.pos]]&(classStart|classDigit) != 0 {
		l.pos++
	}
	if l.pos < len(l.src) && l.pos-start <= 3 && (l.src[l.pos] == '"' || l.src[l.pos] == '\'') {
		if format, raw, ok := stringPrefix(l.src[start:l.pos]); ok {
			l.quoted(start, format, raw)
			return false
		}
	}
	k := keyword(string(l.src[start:l.pos]))
	if l.fresh && k.cannotContinue() {
		top := l.stack[len(l.stack)-1]
		l.fail(int(l.toks[top.tok].off), unclosed(top))
		l.pos = int(l.lines[len(l.lines)-1])
		return true
	}
	l.emit(k, start)
	return false
}

// stringPrefix recognises what may stand before a string's quote.
func stringPrefix(prefix []byte) (format, raw, ok bool) {
	for _, c := range prefix {
		switch c | 0x20 {
		case 'f', 't':
			format = true
		case 'r':
			raw = true
		case 'b', 'u':
		default:
			return false, false, false
		}
	}
	return format, raw, true
}

// quoted reads a string whose quote is at the current place, or the beginning of an f-string.
func (l *lexer) quoted(start int, format, raw bool) {
	quote := l.src[l.pos]
	triple := l.tripled(quote)
	l.pos++
	if triple {
		l.pos += 2
	}
	if format {
		l.open(frame{kind: frameFString, quote: quote, triple: triple, raw: raw}, tokFString, start)
		return
	}
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case classes[c]&classText == 0:
			l.pos++
		case c == '\\':
			l.escape()
		case classes[c]&classNewline != 0:
			if !triple {
				l.fail(start, "string is never closed")
				l.emit(tokInvalid, start)
				return
			}
			l.newline()
		case c == quote && !triple:
			l.pos++
			l.emit(tokString, start)
			return
		case c == quote && l.tripled(quote):
			l.pos += 3
			l.emit(tokString, start)
			return
		default:
			l.pos++
		}
	}
	l.fail(start, "string is never closed")
	l.emit(tokInvalid, start)
}

// tripled reports whether three quotes follow.
func (l *lexer) tripled(quote byte) bool {
	return l.pos+2 < len(l.src) && l.src[l.pos] == quote && l.src[l.pos+1] == quote && l.src[l.pos+2] == quote
}

// escape skips a backslash and what it escapes.
func (l *lexer) escape() {
	l.pos++
	if l.pos >= len(l.src) {
		return
	}
	if classes[l.src[l.pos]]&classNewline != 0 {
		l.newline()
		return
	}
	l.pos++
}

// formatText reads in an f-string or a format specification up to where something opens or closes.
func (l *lexer) formatText() {
	top := l.stack[len(l.stack)-1]
	spec := top.kind == frameSpec
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case classes[c]&classText == 0:
			l.pos++
		case c == '\\':
			l.textEscape(top.raw)
		case classes[c]&classNewline != 0:
			if top.triple {
				l.newline()
				continue
			}
			if !spec {
				l.fail(int(l.toks[top.tok].off), unclosed(top))
			}
			// A specification ends with its line, the field goes on; a string is given up.
			l.stack = l.stack[:len(l.stack)-1]
			return
		case c == top.quote && (!top.triple || l.tripled(c)):
			start := l.pos
			l.pos++
			if top.triple {
				l.pos += 2
			}
			if spec {
				l.fail(start, "field of an f-string is never closed")
				l.stack = l.stack[:len(l.stack)-2]
			}
			l.close(tokFStringEnd, start)
			return
		case c == '{' && (spec || !l.doubled('{')):
			l.pos++
			l.open(frame{kind: frameField, quote: top.quote, triple: top.triple, raw: top.raw}, tokOpen, l.pos-1)
			return
		case c == '}' && spec:
			l.stack = l.stack[:len(l.stack)-1]
			l.pos++
			l.close(tokClose, l.pos-1)
			return
		case (c == '{' || c == '}') && l.doubled(c):
			l.pos += 2
		case c == '}':
			l.fail(l.pos, "single brace in an f-string")
			l.pos++
		default:
			l.pos++
		}
	}
}

func (l *lexer) doubled(c byte) bool { return l.pos+1 < len(l.src) && l.src[l.pos+1] == c }

// textEscape skips a backslash in an f-string. It does not escape braces, but the braces of \N{...} are no field.
func (l *lexer) textEscape(raw bool) {
	if l.pos+1 < len(l.src) {
		switch next := l.src[l.pos+1]; {
		case next == '{' || next == '}':
			l.pos++
			return
		case next == 'N' && !raw && l.pos+2 < len(l.src) && l.src[l.pos+2] == '{':
			l.pos += 3
			for l.pos < len(l.src) && classes[l.src[l.pos]]&classText == 0 {
				l.pos++
			}
			if l.pos < len(l.src) && l.src[l.pos] == '}' {
				l.pos++
			}
			return
		}
	}
	l.escape()
}

// open pushes a frame and emits its token, which ends at the current place.
func (l *lexer) open(f frame, k kind, start int) {
	f.tok = int32(len(l.toks))
	l.stack = append(l.stack, f)
	l.emit(k, start)
}

// close pops a frame and emits the token that closes it.
func (l *lexer) close(k kind, start int) {
	top := l.stack[len(l.stack)-1]
	l.stack = l.stack[:len(l.stack)-1]
	l.toks[top.tok].match = int32(len(l.toks))
	l.emit(k, start)
	l.toks[len(l.toks)-1].match = top.tok
}

func (l *lexer) emit(k kind, start int) {
	l.toks = append(l.toks, token{kind: k, off: int32(start), end: int32(l.pos), match: -1})
}

// fail reports an error, unless the logical line has one already.
func (l *lexer) fail(off int, message string) {
	if !l.quiet {
		l.errs = append(l.errs, Error{Pos: l.position(off), Message: message})
	}
	l.quiet = true
}

// position gives the place of an offset that has been read.
func (l *lexer) position(off int) Position {
	line := sort.Search(len(l.lines), func(i int) bool { return int(l.lines[i]) > off })
	if line == 0 {
		return dockerctx.Position{Offset: off, Line: 1, Column: 1}
	}
	return dockerctx.Position{Offset: off, Line: line, Column: off - int(l.lines[line-1]) + 1}
}

func (l *lexer) rangeOf(start, end int32) Range {
	return Range{Start: l.position(int(start)), End: l.position(int(end))}
}
