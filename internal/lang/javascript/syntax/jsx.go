package syntax

import "bytes"

// opensElement reports whether `<` opens an element of JSX, and is no type: an element ends somewhere, in its own tag or behind it.
func (l *lexer) opensElement() bool {
	c := l.byteAt(l.at + 1)
	if c == '>' {
		return true
	}
	if isDigit(c) || !isWord(c) {
		return false
	}
	name := l.name(l.at + 1)
	if !l.typed {
		return true
	}
	rest := bytes.TrimLeft(l.data[l.at+1+len(name):min(len(l.data), l.at+len(name)+32)], " \t\r\n")
	if bytes.HasPrefix(rest, []byte(",")) || bytes.HasPrefix(rest, []byte("extends ")) || bytes.HasPrefix(rest, []byte("=")) {
		return false // the parameters of a generic function
	}
	if bytes.HasPrefix(rest, []byte(">")) {
		return l.ends(string(name)) > l.at
	}
	return true
}

// name gives the name of an element.
func (l *lexer) name(from int) []byte {
	to := from
	for to < len(l.data) && (isWord(l.data[to]) || l.data[to] == '.' || l.data[to] == '-' || l.data[to] == ':') {
		to++
	}
	return l.data[from:to]
}

// ends gives the last place at which an element of a name ends, -1 if none does.
func (l *lexer) ends(name string) int {
	if l.closing == nil {
		l.closing = map[string]int{}
		for at := 0; ; {
			i := bytes.Index(l.data[at:], []byte("</"))
			if i < 0 {
				break
			}
			at += i + 2
			l.closing[string(l.name(at))] = at
		}
	}
	if at, ok := l.closing[name]; ok {
		return at
	}
	return -1
}

// tag reads the next piece of a tag, of which the lexer stands behind `<` or behind an attribute.
func (l *lexer) tag() {
	l.space()
	if l.at >= len(l.data) {
		return
	}
	start := l.at
	switch c := l.data[l.at]; {
	case c == '>':
		l.at++
		name := ""
		if f := l.frames[len(l.frames)-1]; int(f.open)+1 < len(l.tokens) && l.tokens[f.open+1].kind == element {
			name = string(l.data[l.tokens[f.open+1].start:l.tokens[f.open+1].end])
		}
		l.frames = l.frames[:len(l.frames)-1]
		if l.ends(name) < l.at {
			l.add(elements, 0, start, l.at) // it was a type
			return
		}
		l.open('>')
	case c == '/' && l.byteAt(l.at+1) == '>':
		l.at += 2
		l.frames = l.frames[:len(l.frames)-1]
		l.add(elements, 0, start, l.at)
	case c == '{':
		l.at++
		l.add(punct, '{', start, l.at)
		l.open('{')
	case c == '"' || c == '\'':
		i := bytes.IndexByte(l.data[l.at+1:], c)
		if i < 0 {
			l.broken, l.at = true, len(l.data)
			return
		}
		l.at += i + 2
	case isWord(c):
		name := l.name(l.at)
		l.at += len(name)
		if int(l.frames[len(l.frames)-1].open) == len(l.tokens)-1 {
			l.add(element, 0, start, l.at)
		}
	case c == '<': // of a generic component
		l.at++
		if i := bytes.IndexByte(l.data[l.at:min(len(l.data), l.at+200)], '>'); i >= 0 {
			l.at += i + 1
		}
	default:
		l.at++
	}
}

// between reads what stands between the tags of an element.
func (l *lexer) between() {
	i := bytes.IndexAny(l.data[l.at:], "<{")
	if i < 0 {
		l.broken, l.at = true, len(l.data)
		return
	}
	l.at += i
	start := l.at
	switch {
	case l.data[l.at] == '{':
		l.at++
		l.add(punct, '{', start, l.at)
		l.open('{')
	case l.byteAt(l.at+1) == '/':
		if end := bytes.IndexByte(l.data[l.at:], '>'); end >= 0 {
			l.at += end + 1
		} else {
			l.at = len(l.data)
		}
		l.frames = l.frames[:len(l.frames)-1]
		l.add(elements, 0, start, l.at)
	default:
		l.at++
		l.open('<')
	}
}
