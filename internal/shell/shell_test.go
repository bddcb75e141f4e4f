package shell

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// nested are the ways to write something in itself, each n times.
var nested = map[string]func(n int) string{
	"subshells":            around("(", "a", ")"),
	"blocks":               around("{ ", "a;", " }"),
	"substitutions":        around("$(", "a", ")"),
	"quoted substitutions": around(`"$(`, "a", `)"`),
	"backquotes":           around("`", "a", "`"),
	"parameters":           around("${a:-", "a", "}"),
	"quoted parameters":    around(`"${a:-`, "a", `}"`),
	"arithmetic":           around("$((", "1", "))"),
	"arithmetic commands":  around("((", "1", "))"),
	"parentheses":          func(n int) string { return "$((" + around("(", "1", ")")(n) + "))" },
	"signs":                func(n int) string { return "$((" + strings.Repeat("- ", n) + "1))" },
	"powers":               func(n int) string { return "$((1" + strings.Repeat("**1", n) + "))" },
	"sums":                 func(n int) string { return "$((1" + strings.Repeat("+1", n) + "))" },
	"choices":              func(n int) string { return "$((" + strings.Repeat("1?1:", n) + "1))" },
	"assignments":          func(n int) string { return "((" + strings.Repeat("a=", n) + "1))" },
	"indices":              func(n int) string { return "((" + around("a[", "1", "]")(n) + "))" },
	"tests":                func(n int) string { return "[[ " + strings.Repeat("! ", n) + "a ]]" },
	"tests in parentheses": func(n int) string { return "[[ " + around("( ", "a", " )")(n) + " ]]" },
	"tests and":            func(n int) string { return "[[ a" + strings.Repeat(" && a", n) + " ]]" },
	"negations":            func(n int) string { return strings.Repeat("! ", n) + "a" },
	"times":                func(n int) string { return strings.Repeat("time ", n) + "a" },
	"processes":            func(n int) string { return "a " + around("<(", "a", ")")(n) },
	"coprocesses":          func(n int) string { return strings.Repeat("coproc ", n) + "a" },
	"conditions":           around("if a; then ", "a", "; fi"),
	"conditions in if":     around("if ", "a", "; then a; fi"),
	"alternatives":         func(n int) string { return "if a; then a; " + strings.Repeat("elif a; then a; ", n) + "fi" },
	"loops":                around("while ", "a", "; do a; done"),
	"lists":                around("for a in b; do ", "a", "; done"),
	"cases":                around("case a in a) ", "a", ";; esac"),
	"functions":            func(n int) string { return strings.Repeat("f() ", n) + "{ a; }" },
	"globs":                func(n int) string { return "a " + around("@(", "a", ")")(n) },
	"arrays":               func(n int) string { return "a=(" + strings.Repeat("[$(", n) + "a" + strings.Repeat(")]=1", n) + ")" },
	"pipes":                func(n int) string { return "a" + strings.Repeat("|a", n) },
	"and":                  func(n int) string { return "a" + strings.Repeat("&&a", n) },
	"here":                 func(n int) string { return strings.Repeat("a <<E\n$(", n) + "a" + strings.Repeat(")\nE\n", n) },
	"unfinished":           func(n int) string { return strings.Repeat(`"$(`, n) },
	"unfinished if":        func(n int) string { return strings.Repeat("if ", n) },
}

func around(before, inside, after string) func(int) string {
	return func(n int) string { return strings.Repeat(before, n) + inside + strings.Repeat(after, n) }
}

// flat is what the parser takes for words or for pairs, one after the other.
var flat = []string{"backquotes", "globs"}

// What is nested as deep as a file may be large is an error, in each way that the grammar has, and nothing overflows.
func TestDeep(t *testing.T) {
	for name, text := range nested {
		t.Run(name, func(t *testing.T) {
			n := maxText / (len(text(1)) + 2)
			err := readAll(text(n), syntax.LangPOSIX) // where some of it is words
			if err == nil {
				assert.NotContains(t, []string{"subshells", "substitutions", "conditions"}, name)
			}
			err = readAll(text(n), syntax.LangBash)
			assert.Equal(t, !slices.Contains(flat, name), err != nil)
			var last error
			for st, err := range statements(text(n), syntax.LangBash) {
				require.NoError(t, last, "nothing comes after an error")
				require.Equal(t, err == nil, st != nil)
				last = err
			}
			assert.Equal(t, !slices.Contains(flat, name), last != nil)
		})
	}
}

// What somebody may write is parsed as before.
func TestHonest(t *testing.T) {
	for name, text := range nested {
		if strings.HasPrefix(name, "unfinished") {
			continue
		}
		_, plain := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text(20)), "")
		err := readAll(text(20), syntax.LangBash)
		assert.Equal(t, plain, err, name)
	}
	err := readAll(nested["and"](900), syntax.LangBash)
	require.NoError(t, err, "a chain of commands as machines write them")
	err = readAll(strings.Repeat("a\n", 100000), syntax.LangBash)
	require.NoError(t, err)
	err = readAll(strings.Repeat("a\n", maxText), syntax.LangBash)
	assert.True(t, budget.Is(err), err)
}

// readAll reads a script to its end, and gives the error that it ends with.
func readAll(text string, lang syntax.LangVariant) error {
	for _, err := range statements(text, lang) {
		if err != nil {
			return err
		}
	}
	return nil
}

// FuzzStatements holds what is let through against the parser alone: statements, and positions in the text.
func FuzzStatements(f *testing.F) {
	for _, text := range nested {
		f.Add(text(3), 1)
		f.Add(text(2), 3000)
	}
	f.Fuzz(func(t *testing.T, text string, times int) {
		if times = max(1, min(times, 5000)); len(text)*times < maxText {
			text = strings.Repeat(text, times)
		}
		depth := 0
		var list []*syntax.Stmt
		var failed error
		for st, err := range statements(text, syntax.LangBash) {
			if failed = err; err != nil {
				continue
			}
			list = append(list, st)
			syntax.Walk(st, func(n syntax.Node) bool {
				if n == nil {
					depth--
					return true
				}
				depth++
				require.LessOrEqual(t, depth, maxNested)
				require.LessOrEqual(t, int(n.Pos().Offset()), len(text))
				return true
			})
		}
		if failed != nil {
			return
		}
		file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
		require.NoError(t, err)
		require.Equal(t, len(file.Stmts), len(list))
		for i, st := range list {
			require.Equal(t, file.Stmts[i].Pos(), st.Pos())
		}
	})
}
