package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What a repository wrote is shown in terminals, in the logs of CI and in browsers, and must do nothing there. There is one
// rule for what may be shown as it is, [text.next]. A value is made fit by [Name] or [Text] where it is put into a report;
// whatever reaches a terminal or a file passes a [Screen] in the end, which lets pass what is fit and finds nothing else
// to do. So a renderer that forgets a value shows it escaped all the same.

// text is a text that is read from left to right; prev is the character before.
type text struct{ prev rune }

// commandPrefixes are what makes a line of a log a command of a CI system, wherever in the line it stands, less the first
// character: ##[add-mask] of GitHub Actions, ##vso[task.setvariable] of Azure Pipelines, ##teamcity[...].
var commandPrefixes = []string{"#[", "#vso[", "#teamcity["}

// next gives how many bytes of s belong together, and whether they may be shown as they are. What may not are bytes that are
// no UTF-8, control characters (C0, C1, DEL), what has no shape of its own (bidirectional marks, blanks of no width,
// separators of lines), and what would make a command of the line.
func (t *text) next(s string) (size int, fit bool) {
	c := s[0]
	switch {
	case c == '#' && t.prev == '#':
		for _, p := range commandPrefixes {
			if strings.HasPrefix(s, p) {
				t.prev = 0
				return 1, false
			}
		}
		return 1, true
	case c >= ' ' && c < 0x7f:
		t.prev = rune(c)
		return 1, true
	}
	r, size := utf8.DecodeRuneInString(s)
	fit = r != utf8.RuneError || size > 1
	switch {
	case r == 0xfe0e || r == 0xfe0f:
		// After a symbol it chooses how that is drawn: most emoji are written so.
		fit = unicode.IsSymbol(t.prev) || t.prev >= 0x2100 && t.prev <= 0x214f
	case !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		fit = false
	}
	t.prev = r
	return size, fit
}

// escape appends what stands for a character, or a byte, that is not fit.
func escape(b []byte, s string) []byte {
	r, size := utf8.DecodeRuneInString(s)
	if i := strings.IndexRune("\a\b\t\n\v\f\r", r); i >= 0 {
		return append(b, '\\', "abtnvfr"[i])
	}
	switch {
	case r == utf8.RuneError && size == 1, r < utf8.RuneSelf:
		return fmt.Appendf(b, `\x%02x`, s[0])
	case r < 0x10000:
		return fmt.Appendf(b, `\u%04x`, r)
	default:
		return fmt.Appendf(b, `\U%08x`, r)
	}
}

// escapeJSON does the same within a string of JSON, of which a reader gets the same value.
func escapeJSON(b []byte, s string) []byte {
	r, _ := utf8.DecodeRuneInString(s)
	if hi, lo := utf16.EncodeRune(r); hi != unicode.ReplacementChar {
		return fmt.Appendf(b, `\u%04x\u%04x`, hi, lo)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

// Text makes a piece of a sentence or of a line fit to be shown: what is not fit is escaped, as \x1b or \u202e or \n.
func Text(s string) string {
	if plain(s) {
		return s
	}
	var t text
	b := make([]byte, 0, len(s)+16)
	for len(s) > 0 {
		size, fit := t.next(s)
		switch {
		case fit:
			b = append(b, s[:size]...)
		case s[0] == '\t':
			b = append(b, "    "...)
		default:
			b = escape(b, s[:size])
		}
		s = s[size:]
	}
	return string(b)
}

// plain reports whether a text is of nothing but fit characters, as nearly all are; false says nothing.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// Name makes the name of a file, an image and so on fit for one line of text, of which it may be the beginning: what is not
// fit, or would make a command of the line, is quoted, and can be read back.
func Name(name string) string {
	if fitName(name) {
		return name
	}
	var t text
	b := []byte{'"'}
	for rest := name; len(rest) > 0; {
		size, fit := t.next(rest)
		switch {
		case rest[0] == '"' || rest[0] == '\\':
			b = append(b, '\\', rest[0])
		case fit:
			b = append(b, rest[:size]...)
		default:
			b = escape(b, rest[:size])
		}
		rest = rest[size:]
	}
	return string(append(b, '"'))
}

// quoted quotes a value, whatever it is.
func quoted(value string) string {
	if name := Name(value); name != value {
		return name
	}
	return strconv.Quote(value)
}

func fitName(name string) bool {
	if command(name) {
		return false
	}
	if plain(name) {
		return true
	}
	var t text
	for len(name) > 0 {
		size, fit := t.next(name)
		if !fit {
			return false
		}
		name = name[size:]
	}
	return true
}

// command reports whether a line that begins so is a command of GitHub Actions: blanks and two colons.
func command(s string) bool { return strings.HasPrefix(strings.TrimLeft(s, " \t"), "::") }

// noCommand makes of a line of running text one that is no command.
func noCommand(line string) string {
	if !command(line) {
		return line
	}
	return strings.Replace(line, ":", `\x3a`, 1)
}

// sentence makes running text fit that may stand at the beginning of a line.
func sentence(s string) string { return noCommand(Text(s)) }

// maxMessage is how much is shown of a message that others made.
const maxMessage = 4000

// Values makes the values of a message fit to be put into it.
func Values(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			out[i] = Text(clip(v, maxMessage))
		case error:
			out[i] = Text(clip(v.Error(), maxMessage))
		case fmt.Stringer:
			out[i] = Text(clip(v.String(), maxMessage))
		default:
			out[i] = v
		}
	}
	return out
}
