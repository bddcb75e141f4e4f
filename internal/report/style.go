// Package report turns records into bytes: text for people, JSON for programs. Every function here is pure: it takes
// records, a writer and a [Style], and asks neither the terminal nor the environment.
package report

import (
	"github.com/ctxaudit/ctxaudit/internal/finding"
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
func (s Style) wide(indent int) int { return max(20, min(maxText, s.columns()-indent)) }

// columns gives how wide a line may be.
func (s Style) columns() int {
	if s.Width == 0 {
		return pipedWidth
	}
	return s.Width
}

// pipedWidth is how wide lines get where no terminal says it: logs of CI and files.
const pipedWidth = 118

// maxText is the widest that running text gets.
const maxText = 110

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return code + text + reset
}

// The colours.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31;1m"
	yellow = "\x1b[33;1m"
	green  = "\x1b[32;1m"
	cyan   = "\x1b[36m"
)

// colors are what a [Screen] lets pass.
var colors = []string{reset, bold, dim, red, yellow, green, cyan}

func (s Style) bold(t string) string   { return s.paint(bold, t) }
func (s Style) dim(t string) string    { return s.paint(dim, t) }
func (s Style) red(t string) string    { return s.paint(red, t) }
func (s Style) yellow(t string) string { return s.paint(yellow, t) }
func (s Style) green(t string) string  { return s.paint(green, t) }
func (s Style) cyan(t string) string   { return s.paint(cyan, t) }

// mark paints what points at a fault.
func (s Style) mark(sev finding.Severity, t string) string {
	switch sev {
	case finding.Error:
		return s.red(t)
	case finding.Warning:
		return s.yellow(t)
	default:
		return s.cyan(t)
	}
}

func (s Style) severity(sev finding.Severity) string { return s.mark(sev, Name(string(sev))) }
