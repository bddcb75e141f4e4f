package dockerctx

import (
	"regexp/syntax"
	"strings"
	"text/scanner"
	"unicode/utf8"
)

// translate gives a regular expression that matches every path that patternmatcher's compile makes a pattern match, and
// at times more; nil where there is none, because the pattern does not compile or is not understood.
//
// It is never run. [newFacts] reads from it what a path must look like, and what is left is asked of patternmatcher.
func translate(pattern string) *syntax.Regexp {
	if strings.HasPrefix(pattern, "\uFEFF") {
		// The scanner that compile uses drops a byte order mark, but only from the expression.
		return nil
	}
	expr, literal := expression(pattern)
	if literal {
		expr = literalExpression(pattern)
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return re
}

// literalExpression is for the patterns that patternmatcher compares as strings: equal, or, with "**" at one end,
// beginning or ending alike.
func literalExpression(pattern string) string {
	if rest, ok := strings.CutPrefix(pattern, "**"); ok {
		if name, ok := strings.CutPrefix(rest, "/"); ok {
			return "^(.*/)?" + quote(name) + "$"
		}
		return quote(rest) + "$"
	}
	if rest, ok := strings.CutSuffix(pattern, "**"); ok {
		return "^" + quote(rest)
	}
	return "^" + quote(pattern) + "$"
}

// quote takes the meaning of every ASCII character that may have one.
func quote(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c < utf8.RuneSelf && strings.ContainsRune(`\.+*?()|[]{}^$`, c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// unescaped are the characters that compile hands to the regular expression as they are, on purpose or (the braces, the
// bar and the circumflex) because of the table in shouldEscape.
const unescaped = `[]{}|^`

// expression is what compile hands to package regexp. literal tells that compile makes no expression at all of it.
func expression(pattern string) (expr string, literal bool) {
	var b strings.Builder
	b.WriteByte('^')
	literal = true
	rest := pattern
	next := func() (c rune, ok bool) {
		if rest == "" {
			return scanner.EOF, false
		}
		c, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		return c, true
	}
	for {
		first := rest == pattern
		c, ok := next()
		if !ok {
			b.WriteByte('$')
			return b.String(), literal
		}
		switch {
		case c == '*' && strings.HasPrefix(rest, "*"):
			rest = strings.TrimPrefix(rest[1:], "/")
			switch {
			case first:
				// "**x" stays a comparison as long as nothing else asks for an expression.
				if rest != "" {
					b.WriteString("(.*/)?")
				}
			case rest == "" && literal && !strings.HasPrefix(pattern, "**"):
			case rest == "":
				b.WriteString(".*")
				literal = false
			default:
				b.WriteString("(.*/)?")
				literal = false
			}
		case c == '*':
			b.WriteString("[^/]*")
			literal = false
		case c == '?':
			b.WriteString("[^/]")
			literal = false
		case c == '\\':
			b.WriteByte('\\')
			if escaped, ok := next(); ok {
				b.WriteRune(escaped)
				literal = false
			}
		case c == '[' || c == ']':
			b.WriteRune(c)
			literal = false
		case c < utf8.RuneSelf && !strings.ContainsRune(unescaped, c):
			b.WriteString(quote(string(c)))
		default:
			b.WriteRune(c)
		}
	}
}
