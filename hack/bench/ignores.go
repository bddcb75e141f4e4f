package main

import (
	"fmt"
	"strings"
)

// ignore is an ignore file that the walk is timed with.
type ignore struct {
	name, text string
	lines      string
	slow       bool // BuildKit's walk takes so long that one round must do
}

func ignores() []ignore {
	common := commonLines()
	return []ignore{
		{"none", "an empty ignore file", "", false},
		{"pruned", "203 lines, one literal negation: excluded directories are not entered", common + "!docs0/README.md\n", false},
		{"203 lines", "203 lines, the last `!**/keep/*.spec.js`: nothing can be pruned", common + "!**/keep/*.spec.js\n", false},
		{"any name", "the same with `!**/*.keep.js` for the last: a file in any directory may be let in", common + "!**/*.keep.js\n", false},
		{"20 odd", "the same with 20 patterns of classes, braces and bars before the last", common + oddLines() + "!**/keep/*.spec.js\n", false},
		{"5,000 lines", "5,000 generated globs before the last", common + manyLines(5000) + "!**/keep/*.spec.js\n", true},
	}
}

// commonLines is an ignore file of a common size, of 202 lines.
func commonLines() string {
	var b strings.Builder
	b.WriteString("node_modules\n**/__pycache__\n")
	for i := range 40 {
		fmt.Fprintf(&b, "**/cache%d\n*.tmp%d\ndocs%d/\n**/*.log%d\nvendor/pkg%d/testdata\n", i, i, i, i, i)
	}
	return b.String()
}

func oddLines() string {
	var b strings.Builder
	for i := range 5 {
		fmt.Fprintf(&b, "**/*.{j%d,ts}x\n**/*.q[c-e%d]\n**/x%d|y*\n**/[^a-z]%d*.[ch]\n", i, i, i, i)
	}
	return b.String()
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, []string{"**/*.ext%d\n", "dir%d/**/*.o\n", "**/gen%d/*.go\n", "build%d\n", "**/tmp%d*\n"}[i%5], i)
	}
	return b.String()
}
