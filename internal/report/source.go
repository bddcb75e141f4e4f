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
}

// columns gives the span in characters from 1, as SARIF counts with columnKind unicodeCodePoints.
func (s span) columns() (start, end int) {
	start = utf8.RuneCountInString(s.Line[:s.Start]) + 1
	return start, start + utf8.RuneCountInString(s.Line[s.Start:s.End])
}

// span finds what a finding points at: the name in an import, the word in an instruction, else the line without the
// blanks around it. Findings know where that begins; where it ends is in the text.
func (s Sources) span(p finding.Position, f finding.Finding, img finding.ImageReport) (span, bool) {
	line, ok := s.line(p.File, p.Line)
	if !ok || strings.TrimSpace(line) == "" {
		return span{}, false
	}
	first := len(line) - len(strings.TrimLeftFunc(line, unicode.IsSpace))
	out := span{Line: line, Start: first, End: len(strings.TrimRightFunc(line, unicode.IsSpace))}
	at := p.Column - 1
	if at < 0 || at >= out.End || !utf8.RuneStart(line[at]) {
		at = first
	}
	out.Start = max(at, first)
	switch {
	case path.Ext(p.File) == ".py":
		out.Start, out.End = imported(line, out.Start, out.End, f.Module)
	case p.File == img.Dockerfile:
		out.End = len(strings.TrimRight(line[:out.End], "\\` \t"))
		// A setting of an ENV stands for itself, on whatever line of it.
		if word := wordEnd(line[out.Start:out.End]); out.Start > first || strings.Contains(line[out.Start:out.Start+word], "=") {
			out.End = out.Start + word
		}
	}
	if out.End <= out.Start {
		out.Start, out.End = first, len(strings.TrimRightFunc(line, unicode.IsSpace))
	}
	return out, true
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

// wordEnd gives the length of the first word of an instruction's text: blanks in quotes belong to it.
func wordEnd(s string) int {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ' ' || c == '\t':
			return i
		}
	}
	return len(s)
}
