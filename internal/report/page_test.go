package report

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rulePage = "# Name\n\nA `code span` that is long enough to be\nwrapped, twice.\n\n- an item whose text goes on\n  in another line;\n- the last.\n\n" +
	"Bad:\n\n```dockerfile\nCOPY a#b ./  # of a\n\n# all\n```\n"

func TestPages(t *testing.T) {
	render := func(s Style) string {
		var b strings.Builder
		require.NoError(t, Page(&b, rulePage, s))
		return b.String()
	}
	assert.Equal(t, rulePage, render(Style{}), "what is piped is Markdown")
	assert.Equal(t, rulePage, render(Style{Color: true}))
	assert.Equal(t, "Name\n\nA `code span` that is\nlong enough to be\nwrapped, twice.\n\n- an item whose text goes\n  on in another line;\n- the last.\n\n"+
		"Bad:\n\n    COPY a#b ./  # of a\n\n    # all\n", render(Style{Width: 25}))
	assert.Equal(t, bold+"Name"+reset+"\n\nA "+cyan+"code"+reset+" "+cyan+"span"+reset+" that is long\nenough to be wrapped,\ntwice.\n\n"+
		"- an item whose text goes\n  on in another line;\n- the last.\n\n"+
		bold+"Bad:"+reset+"\n\n    COPY a#b ./  "+dim+"# of a"+reset+"\n\n    "+dim+"# all"+reset+"\n", render(Style{Width: 25, Color: true}))
}

// Wrapping and colours lose no word.
func FuzzPage(f *testing.F) {
	f.Add(rulePage, 25)
	f.Add("a ` b\n- `c\n```\n  x `y`\n", 1)
	fence, color := regexp.MustCompile("(?m)^```.*$"), regexp.MustCompile(`\x1b\[\d+(;1)?m`)
	words := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '#' || r == '`' || unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	f.Fuzz(func(t *testing.T, text string, columns int) {
		if columns < 1 || columns > 1000 || strings.Contains(text, "\x1b") || !utf8.ValidString(text) {
			t.Skip()
		}
		for _, s := range []Style{{Width: columns}, {Width: columns, Color: true}} {
			var b strings.Builder
			require.NoError(t, Page(&b, text, s))
			assert.Equal(t, words(fence.ReplaceAllString(text, "")), words(color.ReplaceAllString(b.String(), "")))
		}
	})
}
