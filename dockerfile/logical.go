package dockerfile

import (
	"bytes"
	"sort"
	"unicode"
)

// logical is an instruction as the parser joins its lines (parser.Parse), with where each part of it stands.
type logical struct {
	text  []byte
	parts []part
}

// part is what an instruction takes of one line.
type part struct{ at, offset int } // in the joined text, in the file

// offset gives where a byte of the joined text stands in the file.
func (l *logical) offset(i int) int {
	n := sort.Search(len(l.parts), func(n int) bool { return l.parts[n].at > i }) - 1
	return l.parts[n].offset + i - l.parts[n].at
}

// gaps gives the parts of the file that are left out between two bytes of the joined text.
func (l *logical) gaps(start, end int) (out [][2]int) {
	for n, p := range l.parts {
		if start < p.at && p.at < end {
			before := l.parts[n-1]
			out = append(out, [2]int{before.offset + p.at - before.at, p.offset})
		}
	}
	return out
}

// joined gives the instruction that begins at a line.
func (s *source) joined(line int, escape rune) *logical {
	l := &logical{}
	for n := line; n <= len(s.starts); n++ {
		start, end := s.line(n)
		if n == 1 && bytes.HasPrefix(s.data, []byte(byteOrderMark)) {
			start = min(start+len(byteOrderMark), end)
		}
		text := s.data[start:end]
		trimmed := bytes.TrimLeftFunc(text, unicode.IsSpace)
		if n == line {
			start += len(text) - len(trimmed)
			text = trimmed
		} else if len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		text, continued := cutContinuation(text, byte(escape))
		if len(text) > 0 {
			l.parts = append(l.parts, part{len(l.text), start})
			l.text = append(l.text, text...)
		}
		if !continued {
			break
		}
	}
	return l
}

// cutContinuation takes the escape character off that ends a line (trimContinuationCharacter). One that is itself escaped
// does not.
func cutContinuation(line []byte, escape byte) (text []byte, continued bool) {
	head := bytes.TrimRight(line, " \t")
	n := len(head) - 1
	if n < 0 || head[n] != escape || n > 0 && head[n-1] == escape {
		return line, false
	}
	return head[:n], true
}
