package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// cut gives the byte where a line and a column of a text are, as a reader of SARIF finds it.
func cut(text string, line, column int) int {
	at := 0
	for ; line > 1; line-- {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	for range column - 1 {
		for i := range text[at:] {
			if i > 0 {
				at += i
				break
			}
			if len([]rune(text[at:])) == 1 {
				at = len(text)
				break
			}
		}
	}
	return at
}

// Whoever applies a replacement to the old text has the new one.
func FuzzReplacement(f *testing.F) {
	f.Add("a\nb\n", "a\nx\nb\n")
	f.Add("a\nb", "a\nb\nx")
	f.Add("", "é\n")
	f.Add("a\r\nö", "a\r\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		if !utf8.ValidString(before) || !utf8.ValidString(after) {
			t.Skip()
		}
		r := replacement(before, after)
		from := cut(before, r.DeletedRegion.StartLine, r.DeletedRegion.StartColumn)
		to := cut(before, r.DeletedRegion.EndLine, r.DeletedRegion.EndColumn)
		if got := before[:from] + r.InsertedContent.Text + before[to:]; got != after {
			t.Fatalf("%q with %+v gives %q, not %q", before, r, got, after)
		}
	})
}
