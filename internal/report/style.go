// Package report turns records into bytes: text for people, JSON for programs. Every function here is pure: it takes
// records, a writer and a [Style], and asks neither the terminal nor the environment.
package report

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/internal/audit"
)

// Style is what a renderer must know of where its output goes.
type Style struct {
	Color bool
	// Verbose shows passed requirements with their evidence, and assumptions in full.
	Verbose bool
	// Quiet leaves out everything but findings.
	Quiet bool
	// Width is how many columns there are, 0 where nobody looks at a terminal.
	Width int
}

// wide gives how wide running text may be beside an indent: no wider than one reads well.
func (s Style) wide(indent int) int {
	if s.Width == 0 {
		return maxText
	}
	return max(20, min(maxText, s.Width-indent))
}

// maxText is the widest that running text gets.
const maxText = 110

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) bold(t string) string   { return s.paint("1", t) }
func (s Style) dim(t string) string    { return s.paint("2", t) }
func (s Style) red(t string) string    { return s.paint("31;1", t) }
func (s Style) yellow(t string) string { return s.paint("33;1", t) }
func (s Style) green(t string) string  { return s.paint("32;1", t) }
func (s Style) cyan(t string) string   { return s.paint("36", t) }

// mark paints what points at a fault.
func (s Style) mark(sev audit.Severity, t string) string {
	switch sev {
	case audit.Error:
		return s.red(t)
	case audit.Warning:
		return s.yellow(t)
	default:
		return s.cyan(t)
	}
}

func (s Style) severity(sev audit.Severity) string { return s.mark(sev, string(sev)) }

// Name makes a file name fit for one line of text: what could not be read back, or would move the cursor, is quoted.
func Name(name string) string {
	if !utf8.ValidString(name) {
		return strconv.QuoteToASCII(name)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) && r != ' ' {
			return strconv.Quote(name)
		}
	}
	return name
}
