package safeyaml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// bomb doubles what an anchor stands for n times.
func bomb(n int) string {
	text := "a0: &a0 [x, x]\n"
	for i := range n {
		text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	return text
}

// deep nests n blocks by indentation.
func deep(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return out.String()
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
		kind string
	}{
		"aliases":         {bomb(30), 16, "steps"},
		"merged mappings": {strings.NewReplacer("[*", "{<<: [*", "]\n", "]}\n", "[x, x]\n", "{x: x}\n").Replace(bomb(30)), 16, "steps"},
		"aliases deep":    {"a: &a " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\nb: " + strings.Repeat("[", 60) + "*a" + strings.Repeat("]", 60), 2, "depth"},
		"flow":            {"\n" + strings.Repeat("[", 101) + strings.Repeat("]", 101), 2, "depth"},
		"flow mappings":   {strings.Repeat("{a: ", 101) + strings.Repeat("}", 101), 1, "depth"},
		"block":           {deep(101), 100, "depth"},
		"sequences":       {strings.Repeat("- ", 101) + "a", 1, "depth"},
		"keys":            {strings.Repeat("? ", 101) + "a", 1, "depth"},
		"many":            {strings.Repeat("- a\n", MaxNodes), 200000, "steps"},
		"documents":       {strings.Repeat("--- [a]\n", MaxNodes/2+1), 100001, "steps"},
		"large":           {strings.Repeat("#\n", MaxSize/2+1), 0, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text), nil)
			var at *Error
			require.ErrorAs(t, err, &at)
			assert.Equal(t, c.line, at.Line)
			var over *budget.Exceeded
			require.ErrorAs(t, err, &over)
			assert.Equal(t, c.kind, over.Kind)
		})
	}
	docs, err := Parse([]byte("a: &a [*a]\n"), nil)
	require.NoError(t, err)
	assert.Equal(t, "!!null", docs[0].Content[1].Content[0].Tag, "a circle is cut")
	for _, text := range []string{strings.Repeat("[", MaxSize), strings.Repeat("- ", MaxSize/2), strings.Repeat("? ", MaxSize/2), strings.Repeat("{", MaxSize), strings.Repeat("{a: ", MaxSize/4), strings.Repeat("!a ", MaxSize/3), strings.Repeat("&a ", MaxSize/3), deep(1400)} {
		assert.Error(t, check([]byte(text), nil), "%.10q", text)
	}
}

func TestWithinLimits(t *testing.T) {
	docs, err := Parse([]byte("a: &a {b: c}\n---\n---\nd: [1]\n"), nil)
	require.NoError(t, err)
	assert.Len(t, docs, 3)
	for _, text := range []string{"", "# nothing", bomb(10), deep(99), "{\"a\": [" + strings.Repeat("1,", 90000) + "1]}"} {
		assert.NoError(t, check([]byte(text), nil), "%.20q", text)
	}
	b := budget.New(budget.Limits{Steps: 10})
	require.NoError(t, check([]byte("[a, b, c]"), b))
	assert.EqualError(t, check([]byte("[a, b,\n c, d, e, f, g]"), b), "line 2: it takes more than 10 steps")
}

// FuzzParse follows all aliases of what was let through: that ends within the limits, and agrees with the library.
func FuzzParse(f *testing.F) {
	for _, text := range []string{bomb(3), bomb(20), deep(5), "[[{a: b}]]", "a: &a {b: c}\nd: {<<: *a}", "a: &a [*a]", "- - - ? - a", "a\r\nb: !!x |2-\n  c\n"} {
		f.Add([]byte(text), 1)
		f.Add([]byte(text), 200)
	}
	f.Fuzz(func(t *testing.T, data []byte, times int) {
		if times = max(1, min(times, 1000)); len(data)*times < MaxSize {
			data = bytes.Repeat(data, times)
		}
		docs, err := Parse(data, nil)
		if err != nil {
			var at *Error
			lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + bytes.Count(data, []byte("\u2028")) + bytes.Count(data, []byte("\u2029")) + bytes.Count(data, []byte("\u0085")) + 1
			assert.True(t, !errors.As(err, &at) || at.Line <= lines)
			return
		}
		nodes := 0
		var visit func(n *yaml.Node, deep int)
		visit = func(n *yaml.Node, deep int) {
			if n.Kind == yaml.AliasNode {
				n = n.Alias
			}
			nodes++
			require.LessOrEqual(t, deep, MaxDepth)
			require.LessOrEqual(t, nodes, MaxNodes)
			for _, c := range n.Content {
				visit(c, deep+1)
			}
		}
		for _, d := range docs {
			visit(d, 1)
		}
	})
}

func check(data []byte, b *budget.Budget) error {
	_, err := Parse(data, b)
	return err
}
