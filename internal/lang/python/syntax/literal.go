package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// stringAt reads the string at lo, adjacent ones joined, and gives the index behind it. Bytes, f-strings and what has a
// named escape are no literals.
func (s *scanner) stringAt(lo, hi int) (text string, next int, ok bool) {
	if lo >= hi || !s.is(lo, tokString) {
		return "", lo, false
	}
	text, ok = decode(s.str(lo))
	next = lo + 1
	if next >= hi || !s.is(next, tokString) && !s.is(next, tokFString) {
		return text, next, ok
	}
	var b strings.Builder
	b.WriteString(text)
	for ; next < hi && (s.is(next, tokString) || s.is(next, tokFString)); next++ {
		if s.is(next, tokFString) {
			ok = false
			next = s.skip(next)
			continue
		}
		part, fine := decode(s.str(next))
		b.WriteString(part)
		ok = ok && fine
	}
	return b.String(), next, ok
}

// decode gives the value of a string literal with its prefix and quotes.
func decode(literal string) (value string, ok bool) {
	raw := false
	for literal[0] != '"' && literal[0] != '\'' {
		switch literal[0] | 0x20 {
		case 'b':
			return "", false
		case 'r':
			raw = true
		}
		literal = literal[1:]
	}
	n := 1
	if len(literal) >= 6 && literal[1] == literal[0] && literal[2] == literal[0] {
		n = 3
	}
	body := literal[n : len(literal)-n]
	if n == 3 && strings.IndexByte(body, '\r') >= 0 {
		body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	}
	if raw || strings.IndexByte(body, '\\') < 0 {
		return body, true
	}
	return unescape(body)
}

// simpleEscapes are the escapes of one character.
var simpleEscapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11}

// unescape replaces the escapes of a string.
func unescape(body string) (value string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(body); {
		if body[i] != '\\' || i+1 >= len(body) {
			b.WriteByte(body[i])
			i++
			continue
		}
		c := body[i+1]
		i += 2
		digits, base := 0, 16
		switch {
		case simpleEscapes[c] != 0:
			b.WriteByte(simpleEscapes[c])
			continue
		case c == '\n':
			continue
		case c == '\r':
			if i < len(body) && body[i] == '\n' {
				i++
			}
			continue
		case c >= '0' && c <= '7':
			i--
			base = 8
			for digits < 3 && i+digits < len(body) && body[i+digits] >= '0' && body[i+digits] <= '7' {
				digits++
			}
		case c == 'x':
			digits = 2
		case c == 'u':
			digits = 4
		case c == 'U':
			digits = 8
		case c == 'N':
			return "", false
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
			continue
		}
		if i+digits > len(body) {
			return "", false
		}
		n, err := strconv.ParseUint(body[i:i+digits], base, 32)
		if err != nil || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		b.WriteRune(rune(n))
		i += digits
	}
	return b.String(), true
}

// collector gathers the strings of a literal.
type collector struct {
	elements []Element
	refs     []String
	complete bool
}

// literal reads the value of an assignment or an argument: a display, a string, or a sum of them.
func (s *scanner) literal(lo, hi int) collector {
	c := collector{complete: true}
	s.items(&c, lo, hi, "", 0)
	return c
}

// items reads what is separated by commas. In a dict, a string before a colon becomes the key of what follows it.
func (s *scanner) items(c *collector, lo, hi int, key string, depth int) {
	outer := key
	for i := lo; i < hi; {
		next := s.summands(c, i, hi, key, depth)
		switch {
		case next >= hi:
			return
		case s.is(next, tokComma):
			i, key = next+1, outer
			continue
		case s.is(next, tokColon) && depth > 0:
			key = s.keyOf(c, i, next, outer)
			i = next + 1
			continue
		}
		c.complete = false
		i = next
		for i < hi && !s.is(i, tokComma) {
			i = s.skip(i) + 1
		}
		i, key = i+1, outer
	}
}

// keyOf takes the string that was just gathered back: it is the key of a dict.
func (s *scanner) keyOf(c *collector, lo, hi int, outer string) string {
	if s.is(lo, tokName) && len(c.refs) > 0 && c.refs[len(c.refs)-1].Range.Start.Offset == int(s.toks[lo].off) {
		c.refs = c.refs[:len(c.refs)-1]
	}
	if text, next, ok := s.stringAt(lo, hi); ok && next == hi {
		if n := len(c.elements); n > 0 {
			c.elements = c.elements[:n-1]
		}
		return text
	}
	return outer
}

// summands reads operands joined by plus and gives the index behind them, at a token that it does not know if there
// is no comma.
func (s *scanner) summands(c *collector, lo, hi int, key string, depth int) int {
	for i := lo; i < hi; {
		next := s.summand(c, i, hi, key, depth, i > lo)
		if next == i || next >= hi || !s.is(next, tokPlus) {
			return next
		}
		i = next + 1
	}
	return hi
}

// summand reads one operand.
func (s *scanner) summand(c *collector, i, hi int, key string, depth int, inSum bool) int {
	switch s.toks[i].kind {
	case tokString:
		text, next, ok := s.stringAt(i, hi)
		if !ok || inSum || !s.ends(next, hi) {
			c.complete = false
			return next
		}
		c.elements = append(c.elements, Element{String{text, s.span(i, next)}, key})
		return next
	case tokNumber, kwTrue, kwFalse, kwNone:
		return i + 1
	case tokMinus:
		if s.is(i+1, tokNumber) {
			return i + 2
		}
	case tokStar, tokDoubleStar:
		if i+1 < hi && s.is(i+1, tokName) {
			return s.ref(c, i+1, hi)
		}
		if i+1 < hi && s.is(i+1, tokOpen) {
			return s.summand(c, i+1, hi, key, depth, inSum)
		}
	case tokName:
		if wrapsLiteral(s.str(i)) && s.isOpen(i+1, '(') && i+1 < hi {
			return s.group(c, i+1, hi, key, depth)
		}
		if depth > 0 && !inSum {
			name, next := s.dotted(i, hi)
			if name == Executable && s.ends(next, hi) {
				c.elements = append(c.elements, Element{String{name, s.span(i, next)}, key})
				return next
			}
			if !s.is(next, tokPlus) { // a variable as element: not a list of its own
				c.complete = false
				return next
			}
		}
		return s.ref(c, i, hi)
	case tokOpen:
		return s.group(c, i, hi, key, depth)
	}
	c.complete = false
	return i
}

// Executable is the path of the interpreter, which stands for itself in a list of strings.
const Executable = "sys.executable"

// wrapsLiteral reports whether calling this with a literal is as good as the literal.
func wrapsLiteral(name string) bool {
	switch name {
	case "list", "tuple", "set", "frozenset", "sorted":
		return true
	}
	return false
}

// group reads what is in a bracket.
func (s *scanner) group(c *collector, open, hi int, key string, depth int) int {
	end := s.skip(open)
	if end >= hi || depth >= maxNesting || s.toks[open].match < 0 {
		c.complete = false
		return hi
	}
	s.items(c, open+1, end, key, depth+1)
	if s.trailer(end+1, hi) {
		c.complete = false
		return s.skipTrailers(end+1, hi)
	}
	return end + 1
}

// ref reads a name that stands for a literal.
func (s *scanner) ref(c *collector, i, hi int) int {
	name, next := s.dotted(i, hi)
	if !s.ends(next, hi) && !s.is(next, tokPlus) {
		c.complete = false
		return s.skipTrailers(next, hi)
	}
	c.refs = append(c.refs, String{name, s.span(i, next)})
	return next
}

// ends reports whether an element ends at i.
func (s *scanner) ends(i, hi int) bool {
	if i >= hi {
		return true
	}
	k := s.toks[i].kind
	return k == tokComma || k == tokClose || k == tokColon
}

// arguments reads the arguments of a call.
func (s *scanner) arguments(open, block int) []Argument {
	var args []Argument
	s.eachArgument(open, func(keyword string, lo, hi int) {
		c := s.literal(lo, hi)
		complete := c.complete && len(c.refs) == 0
		args = append(args, Argument{Keyword: keyword, Elements: c.elements, Refs: c.refs, Complete: complete, Path: clean(s.pathOf(lo, hi, block))})
	})
	return args
}
