package rust

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	end tokenKind = iota
	ident
	text  // a string, without its quotes
	other // a number, a character, a lifetime, a string with escapes that are not followed
	punct // one character
)

type token struct {
	kind tokenKind
	text string
	line int
}

// lexer parts a source into tokens; comments are left out.
type lexer struct {
	data []byte
	at   int
	line int
}

func isIdent(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= utf8.RuneSelf
}

// skip goes on by some bytes and counts lines.
func (l *lexer) skip(n int) {
	n = min(n, len(l.data)-l.at)
	l.line += bytes.Count(l.data[l.at:l.at+n], []byte("\n"))
	l.at += n
}

func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.data) {
		return l.data[l.at+n]
	}
	return 0
}

// comments skips white space and comments, which may be nested.
func (l *lexer) comments() {
	for l.at < len(l.data) {
		switch c := l.data[l.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.skip(1)
		case c == '/' && l.peek(1) == '/':
			n := bytes.IndexByte(l.data[l.at:], '\n')
			if n < 0 {
				n = len(l.data) - l.at
			}
			l.skip(n)
		case c == '/' && l.peek(1) == '*':
			depth, i := 1, l.at+2
			for i < len(l.data) && depth > 0 {
				switch {
				case bytes.HasPrefix(l.data[i:], []byte("/*")):
					depth++
					i += 2
				case bytes.HasPrefix(l.data[i:], []byte("*/")):
					depth--
					i += 2
				default:
					i++
				}
			}
			l.skip(i - l.at)
		default:
			return
		}
	}
}

func (l *lexer) next() token {
	l.comments()
	line := l.line
	if l.at >= len(l.data) {
		return token{end, "", line}
	}
	c := l.data[l.at]
	switch {
	case c == '"':
		return l.quoted(line)
	case c == '\'':
		return l.character(line)
	case isIdent(c):
		if t, ok := l.prefixed(line); ok {
			return t
		}
		n := 1
		for l.at+n < len(l.data) && isIdent(l.data[l.at+n]) {
			n++
		}
		t := token{ident, string(l.data[l.at : l.at+n]), line}
		if c >= '0' && c <= '9' {
			t.kind = other
		}
		l.at += n
		return t
	}
	l.skip(1)
	return token{punct, string(c), line}
}

// prefixed reads r"...", r#"..."#, b"...", c"...", br"...", b'.' and r#name.
func (l *lexer) prefixed(line int) (token, bool) {
	n := 0
	for n < 2 && strings.IndexByte("rbc", l.peek(n)) >= 0 && l.peek(n) != 0 {
		n++
	}
	if n == 0 {
		return token{}, false
	}
	prefix := string(l.data[l.at : l.at+n])
	raw := strings.HasSuffix(prefix, "r")
	switch c := l.peek(n); {
	case c == '\'' && prefix == "b":
		l.at++
		return l.character(line), true
	case c == '"' && !raw:
		l.at += n
		t := l.quoted(line)
		if prefix != "c" && prefix != "b" {
			t.kind = other
		}
		return t, true
	case raw && (c == '"' || c == '#'):
		hashes := 0
		for l.peek(n+hashes) == '#' {
			hashes++
		}
		if l.peek(n+hashes) != '"' {
			if prefix == "r" && hashes == 1 && isIdent(l.peek(2)) { // r#name
				l.at += 2
				t := l.next()
				t.text = "r#" + t.text
				return t, true
			}
			return token{}, false
		}
		start := l.at + n + hashes + 1
		closing := append([]byte{'"'}, bytes.Repeat([]byte{'#'}, hashes)...)
		i := bytes.Index(l.data[start:], closing)
		if i < 0 {
			l.skip(len(l.data) - l.at)
			return token{other, "", line}, true
		}
		t := token{text, string(l.data[start : start+i]), line}
		l.skip(start + i + len(closing) - l.at)
		return t, true
	}
	return token{}, false
}

// quoted reads a string. One with escapes other than of quotes and backslashes is not told.
func (l *lexer) quoted(line int) token {
	var b strings.Builder
	kind := text
	i := l.at + 1
	for ; i < len(l.data) && l.data[i] != '"'; i++ {
		if l.data[i] == '\\' {
			if i++; i < len(l.data) && l.data[i] != '"' && l.data[i] != '\\' {
				kind = other
			}
		}
		if i < len(l.data) {
			b.WriteByte(l.data[i])
		}
	}
	l.skip(i + 1 - l.at)
	return token{kind, b.String(), line}
}

// character reads a character or a lifetime.
func (l *lexer) character(line int) token {
	switch {
	case l.peek(1) == '\\':
		i := l.at + 3
		for i < len(l.data) && l.data[i] != '\'' && l.data[i] != '\n' {
			i++
		}
		l.skip(i + 1 - l.at)
	default:
		_, size := utf8.DecodeRune(l.data[min(l.at+1, len(l.data)):])
		if l.peek(1+size) == '\'' && size > 0 {
			l.skip(2 + size)
		} else {
			l.skip(1)
		}
	}
	return token{other, "", line}
}
