package report

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Sources are files as they were read, by the name that findings use.
type Sources map[string]Source

// Source is a file as it was read.
type Source struct {
	text string
	ends []int // of each line
}

// NewSource makes a source of a text.
func NewSource(text string) Source {
	s := Source{text: text}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			s.ends = append(s.ends, i)
		}
	}
	s.ends = append(s.ends, len(text))
	return s
}

// maxSourceLine is how much of a line a part may be shown of: each finding looks for its part in it.
const maxSourceLine = 16 << 10

// line gives a line of a file without its end; ok is false if there is none.
func (s Sources) line(file string, number int) (text string, ok bool) {
	f, ok := s[file]
	if !ok || number < 1 || number > len(f.ends) {
		return "", false
	}
	start := 0
	if number > 1 {
		start = f.ends[number-2] + 1
	}
	end := min(f.ends[number-1], start+maxSourceLine)
	for end > start && end < len(f.text) && !utf8.RuneStart(f.text[end]) {
		end--
	}
	text = f.text[start:end]
	if number == 1 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	return strings.TrimSuffix(text, "\r"), true
}

// span is the exact part of a line that a finding is about, in bytes from 0, End not included.
type span struct {
	Line       string
	Start, End int
	// GoesOn tells that what the finding is about goes on in the next line.
	GoesOn bool
}

// columns gives the span in characters from 1, as SARIF counts with columnKind unicodeCodePoints.
func (s span) columns() (start, end int) {
	start = utf8.RuneCountInString(s.Line[:s.Start]) + 1
	return start, start + utf8.RuneCountInString(s.Line[s.Start:s.End])
}

// span finds what a finding points at in its first line: the name in an import, else as much of the line as the finding says,
// without the blanks around it.
func (s Sources) span(p finding.Position, f finding.Finding, img finding.ImageReport) (span, bool) {
	line, ok := s.line(p.File, p.Line)
	if !ok || strings.TrimSpace(line) == "" {
		return span{}, false
	}
	first := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
	last := len(strings.TrimRightFunc(line, unicode.IsSpace))
	out := span{Line: line, Start: first, End: last, GoesOn: p.EndLine > p.Line}
	if end := p.EndColumn - 1; p.EndLine == p.Line && 0 < end && end < last && utf8.RuneStart(line[end]) {
		out.End = end
	}
	at := p.Column - 1
	if at < 0 || at >= out.End || !utf8.RuneStart(line[at]) {
		at = first
	}
	out.Start = max(at, first)
	switch {
	case path.Ext(p.File) == ".py":
		end := out.End
		out.Start, out.End = imported(line, out.Start, out.End, f.Module)
		out.GoesOn = out.GoesOn && out.End == end
	case p.File == img.Dockerfile && p.EndLine != p.Line:
		out.End = len(strings.TrimRight(line[:out.End], "\\` \t"))
	}
	if out.End <= out.Start {
		out.Start, out.End = first, last
	}
	return out, true
}

// region gives where a part of a file that begins in a span ends, in characters as [span.columns] counts them, and its text;
// "" for one that is too long to show.
func (s Sources) region(p finding.Position, sp span) (endLine, endColumn int, text string) {
	_, endColumn = sp.columns()
	last, ok := s.line(p.File, p.EndLine)
	if !sp.GoesOn || !ok || p.EndColumn < 1 || p.EndColumn-1 > len(last) {
		return p.Line, endColumn, sp.Line[sp.Start:sp.End]
	}
	last = last[:p.EndColumn-1]
	parts := []string{sp.Line[sp.Start:]}
	size := len(last) + len(parts[0])
	for n := p.Line + 1; n < p.EndLine && size <= maxSourceLine; n++ {
		line, _ := s.line(p.File, n)
		parts = append(parts, line)
		size += len(line) + 1
	}
	if size <= maxSourceLine {
		text = strings.Join(append(parts, last), "\n")
	}
	return p.EndLine, utf8.RuneCountInString(last) + 1, text
}

// imported finds the name of a module in an import statement: at the place if that is a name, else behind it.
func imported(line string, start, end int, module string) (int, int) {
	if i := strings.Index(line[start:end], " #"); i >= 0 {
		end = start + len(strings.TrimRight(line[start:start+i], " \t"))
	}
	switch name := line[start : start+dottedEnd(line[start:end])]; name {
	case "import", "from", "":
	default:
		return start, start + len(name)
	}
	for _, name := range []string{module, module[strings.LastIndexByte(module, '.')+1:]} {
		if name == "" {
			continue
		}
		for at := start; at < end; {
			i := strings.Index(line[at:end], name)
			if i < 0 {
				break
			}
			at += i
			if wordBoundary(line[:at], true) && wordBoundary(line[at+len(name):], false) {
				return at, at + len(name)
			}
			at += len(name)
		}
	}
	return start, end
}

// dottedEnd gives the length of the dotted name that a text begins with.
func dottedEnd(s string) int {
	for i, r := range s {
		if r != '.' && !isWord(r) {
			return i
		}
	}
	return len(s)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// wordBoundary reports whether no name goes on at the end (or the beginning) of a text.
func wordBoundary(s string, atEnd bool) bool {
	r, _ := utf8.DecodeRuneInString(s)
	if atEnd {
		r, _ = utf8.DecodeLastRuneInString(s)
	}
	return s == "" || !isWord(r)
}
