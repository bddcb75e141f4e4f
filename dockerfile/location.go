package dockerfile

import (
	"bytes"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// source is the text of the Dockerfile, for turning BuildKit's line numbers into ranges. BuildKit counts lines by "\n"
// alone (parser.scanLines) and gives no columns.
type source struct {
	name   string
	data   []byte
	starts []int // offset of each line
}

func newSource(name string, data []byte) *source {
	s := &source{name: name, data: data, starts: []int{0}}
	for i, b := range data {
		if b == '\n' && i+1 < len(data) {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// line gives the offsets of a line without its end, counted from 1.
func (s *source) line(n int) (start, end int) {
	start = s.starts[n-1]
	end = len(s.data)
	if n < len(s.starts) {
		end = s.starts[n]
	}
	end = start + len(bytes.TrimRight(s.data[start:end], "\r\n"))
	return start, end
}

// lineRange is the text from one line to another without the blanks around it. Lines that do not exist are brought
// inside the file; a first line below 1 means that the place is unknown.
func (s *source) lineRange(first, last int) dockerctx.Range {
	if first < 1 || len(s.data) == 0 {
		return dockerctx.Range{}
	}
	first = min(first, len(s.starts))
	last = min(max(first, last), len(s.starts))
	start, end := s.line(first)
	if first == 1 && bytes.HasPrefix(s.data, []byte(byteOrderMark)) {
		start = min(start+len(byteOrderMark), end)
	}
	if first != last {
		_, end = s.line(last)
	}
	text := s.data[start:end]
	start += len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	end = max(start, end-(len(text)-len(bytes.TrimRight(text, " \t\r\n"))))
	return dockerctx.Range{Start: s.position(start), End: s.position(end)}
}

const byteOrderMark = "\xef\xbb\xbf"

// position counts lines and columns for an offset.
func (s *source) position(offset int) dockerctx.Position {
	lo, hi := 0, len(s.starts)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.starts[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return dockerctx.Position{Offset: offset, Line: lo + 1, Column: offset - s.starts[lo] + 1}
}

func (s *source) span(start, end int) dockerctx.Range {
	return dockerctx.Range{Start: s.position(start), End: s.position(end)}
}

// folded gives a part of the text on one line.
func (s *source) folded(r dockerctx.Range) string {
	return fold(string(s.data[r.Start.Offset:r.End.Offset]))
}

// bounds gives the first and last line of BuildKit's ranges, which hold one entry a line; 0 when there is none.
func bounds(ranges []parser.Range) (first, last int) {
	for i, r := range ranges {
		if i == 0 || r.Start.Line < first {
			first = r.Start.Line
		}
		last = max(last, r.Start.Line, r.End.Line)
	}
	return first, last
}

func (s *source) rangeOf(ranges []parser.Range) dockerctx.Range {
	return s.lineRange(bounds(ranges))
}

// fold puts an instruction on one line.
func fold(text string) string { return strings.Join(strings.Fields(text), " ") }
