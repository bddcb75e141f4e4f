package makefile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

const sample = `A = b # comment
include x.mk $(A).mk
all: one \
  two | dir ; echo inline
	@-rm $@ \
	  more
ifeq ($(X),y)
A = c
other: x
endif
$(A:.c=.o): z
t: V = w
define F
	echo
endef
`

func TestParse(t *testing.T) {
	f := Parse(sample)
	require.Len(t, f.Rules, 3)
	all := f.Rules[0]
	assert.Equal(t, []string{"one", "two"}, strings.Fields(all.Needs))
	assert.Equal(t, "dir", strings.TrimSpace(all.Before))
	assert.Equal(t, []Recipe{{Text: "echo inline", Line: 3}, {Text: "rm $@  more", Line: 5, Lenient: true}}, all.Recipes)
	assert.True(t, f.Rules[1].Conditional)
	assert.Equal(t, "$(A:.c=.o)", f.Rules[2].Targets)
	assert.Equal(t, []Include{{Files: "x.mk $(A).mk", Line: 2, Text: "include x.mk $(A).mk"}}, f.Includes)
	assert.True(t, f.Unsure["A"])
	assert.True(t, f.Unsure["V"])
	assert.Len(t, f.Recipes, 3, "the line of a definition, too")
}

func TestExpand(t *testing.T) {
	f := Parse("A = x$(B)\nB := y\n")
	assert.Equal(t, "xy $ "+shell.Hole+" z", Expand("$(A) $$ ${C} z", f.Value, budget.New(budget.Limits{Steps: 100, Bytes: 1000})))
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, text string) {
		m := Parse(text)
		lines := strings.Count(text, "\n") + 1
		inRules := 0
		for _, r := range m.Rules {
			inRules += len(r.Recipes)
			if r.Line < 1 || r.Line > lines {
				t.Fatalf("line %d of %d", r.Line, lines)
			}
		}
		if inRules > len(m.Recipes) {
			t.Fatal("a rule has a recipe that the file has not")
		}
		for _, r := range m.Recipes {
			if r.Line < 1 || r.Line > lines || !strings.Contains(strings.ReplaceAll(text, "\r", ""), strings.TrimSpace(strings.SplitN(r.Text, " ", 2)[0])) {
				t.Fatalf("%q at %d", r.Text, r.Line)
			}
		}
	})
}
