package report

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"
)

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// wrap breaks a text at blanks into lines of at most so many columns, where it can.
func wrap(text string, most int) []string {
	var lines []string
	line := ""
	defer func() {
		for i := range lines {
			lines[i] = noCommand(lines[i])
		}
	}()
	for _, word := range strings.Fields(text) {
		if line != "" && width(line)+1+width(word) > most {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// width is how many columns of a terminal a text takes. What is ambiguous is narrow, whatever the locale: the same
// input gives the same bytes everywhere.
func width(s string) int { return terminal.StringWidth(s) }

var terminal = &runewidth.Condition{}

func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-width(s)))
}

// cutRight shortens a text to so many columns at its end.
func cutRight(s string, columns int) string {
	if columns <= 0 {
		return ""
	}
	return terminal.Truncate(s, columns, "…")
}

// cutLeft shortens a text to so many columns at its beginning.
func cutLeft(s string, columns int) string {
	if columns <= 0 {
		return ""
	}
	return terminal.TruncateLeft(s, width(s)-columns+1, "…")
}
