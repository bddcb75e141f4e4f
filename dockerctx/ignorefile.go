package dockerctx

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// LineKind says what a line of an ignore file is.
type LineKind int

// The kinds of lines.
const (
	LineBlank   LineKind = iota // nothing but white space
	LineComment                 // a "#" in the first column
	LinePattern                 // everything else
)

// String gives "blank", "comment" or "pattern".
func (k LineKind) String() string {
	switch k {
	case LineBlank:
		return "blank"
	case LineComment:
		return "comment"
	case LinePattern:
		return "pattern"
	}
	return fmt.Sprintf("LineKind(%d)", int(k))
}

// Line is one line of an ignore file.
type Line struct {
	Number int    // from 1
	Text   string // the original bytes, without byte order mark and line end
	EOL    string // the line end: "\n", "\r\n", or nothing on an unfinished last line
	Range  Range  // of the text without surrounding white space; empty for a blank line
	Kind   LineKind

	// Pattern is the pattern as BuildKit's front end sends it, cleaned, and
	// with its "!": "!a/b" for "! /a//b/". Empty for blank lines and comments.
	Pattern string

	// Negated tells that the matcher takes the pattern as a negation. It looks
	// at the cleaned pattern, so that "./!a" is one too.
	Negated bool
}

// IgnoreFile is an ignore file, line by line. It is not to be changed once it
// is in use.
type IgnoreFile struct {
	Name  string // as shown to people
	BOM   bool   // the file begins with an UTF-8 byte order mark
	Lines []Line
}

// IgnoreError tells that BuildKit refuses an ignore file, and for which line.
type IgnoreError struct {
	File    string // name of the ignore file
	Line    int    // from 1; 0 when no line is to blame
	Text    string // the line as written
	Message string // what is wrong
	Err     error  // the cause, if there is one
}

// Error gives "file:line: message".
func (e *IgnoreError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return where + ": " + e.Message
}

// Unwrap gives the cause.
func (e *IgnoreError) Unwrap() error { return e.Err }

// maxLine is the length from which on a line is too long for the bufio.Scanner
// with which BuildKit reads an ignore file. A carriage return before the line
// end counts.
const maxLine = 64 * 1024

var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// ParseIgnoreFile splits an ignore file into lines by the rules of
// patternmatcher/ignorefile.ReadAll. It keeps every byte: [IgnoreFile.Bytes]
// gives data back.
//
// A line of 64 KiB or more is an [*IgnoreError], for BuildKit then fails the
// build; the file is returned complete all the same.
func ParseIgnoreFile(name string, data []byte) (*IgnoreFile, error) {
	f := &IgnoreFile{Name: name}
	offset := 0
	if bytes.HasPrefix(data, utf8BOM) {
		f.BOM = true
		offset = len(utf8BOM)
	}
	f.Lines = make([]Line, 0, bytes.Count(data, []byte{'\n'})+1)

	var tooLong error
	start := 0 // of the line as BuildKit's scanner sees it: the mark belongs to the first one
	for offset < len(data) || start < offset && f.BOM && len(f.Lines) == 0 {
		end, next := len(data), len(data)
		if i := bytes.IndexByte(data[offset:], '\n'); i >= 0 {
			end = offset + i
			next = end + 1
		}
		length := end - start
		if end > offset && data[end-1] == '\r' {
			end--
		}
		number := len(f.Lines) + 1
		line := parseLine(number, offset, string(data[offset:end]))
		line.EOL = string(data[end:next])
		f.Lines = append(f.Lines, line)
		if length >= maxLine && tooLong == nil {
			tooLong = &IgnoreError{
				File: name, Line: number, Text: line.Text,
				Message: fmt.Sprintf("line of %d bytes is too long (BuildKit reads less than %d)", length, maxLine),
			}
		}
		offset, start = next, next
	}
	return f, tooLong
}

func parseLine(number, offset int, text string) Line {
	trimmed := strings.TrimSpace(text)
	column := strings.Index(text, trimmed)
	if trimmed == "" {
		column = 0
	}
	line := Line{
		Number: number,
		Text:   text,
		Range: Range{
			Start: Position{Offset: offset + column, Line: number, Column: column + 1},
			End: Position{Offset: offset + column + len(trimmed), Line: number,
				Column: column + len(trimmed) + 1},
		},
	}
	switch {
	case strings.HasPrefix(text, "#"):
		// Only in the first column, before any trimming.
		line.Kind = LineComment
	case trimmed == "":
		line.Kind = LineBlank
	default:
		line.Kind = LinePattern
		line.Pattern = cleanPattern(trimmed)
		line.Negated = strings.HasPrefix(path.Clean(strings.TrimSpace(line.Pattern)), "!")
	}
	return line
}

// cleanPattern does what ignorefile.ReadAll does to a trimmed line.
func cleanPattern(pattern string) string {
	rest, negated := strings.CutPrefix(pattern, "!")
	if negated {
		rest = strings.TrimSpace(rest)
	}
	if rest != "" {
		rest = path.Clean(rest)
		if len(rest) > 1 {
			rest = strings.TrimPrefix(rest, "/")
		}
	}
	if negated {
		return "!" + rest
	}
	return rest
}

// Patterns gives the patterns in order, exactly those that ignorefile.ReadAll
// yields for the same bytes. It is nil when there are none.
func (f *IgnoreFile) Patterns() []string {
	var patterns []string
	for i := range f.Lines {
		if f.Lines[i].Kind == LinePattern {
			patterns = append(patterns, f.Lines[i].Pattern)
		}
	}
	return patterns
}

// Bytes gives the file as it was written.
func (f *IgnoreFile) Bytes() []byte {
	var b bytes.Buffer
	if f.BOM {
		b.Write(utf8BOM)
	}
	for i := range f.Lines {
		b.WriteString(f.Lines[i].Text)
		b.WriteString(f.Lines[i].EOL)
	}
	return b.Bytes()
}
