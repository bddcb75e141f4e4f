package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// lookup answers BuildKit's lexer, which asks for each variable that stands in a word, once for each time.
type lookup func(name string) (value string, set bool)

// Get implements shell.EnvGetter.
func (l lookup) Get(name string) (string, bool) { return l(name) }

// Keys implements shell.EnvGetter. The lexer does not ask for it.
func (l lookup) Keys() []string { return nil }

// words are those of an instruction in which BuildKit expands variables.
func words(ins any) (out []string) {
	switch c := ins.(type) {
	case *instructions.Stage:
		return []string{c.BaseName, c.Platform}
	case *instructions.ExposeCommand:
		return c.Ports
	case instructions.SupportsSingleWordExpansion:
		// One that it refuses is refused with what the words become, too.
		_ = c.Expand(func(word string) (string, error) {
			out = append(out, word)
			return word, nil
		})
	}
	return out
}

// uses gives the variables for which a word has their value, or nothing if they have none: not those for which it has a default.
func uses(lex *shell.Lex, word string) []string {
	var names []string
	expand := func(name, value string, set bool) (string, error) {
		text, _, err := lex.ProcessWord(word, lookup(func(asked string) (string, bool) {
			if asked == name {
				return value, set
			}
			if special := strings.ContainsAny(asked[:1], "0123456789@*#?-$!"); !special && !slices.Contains(names, asked) {
				names = append(names, asked)
			}
			return "\ufdd1", true
		}))
		return text, err
	}
	_, _ = expand("", "", false)
	const mark = "\ufdd0" // no text has it
	return slices.DeleteFunc(names, func(name string) bool {
		without, err := expand(name, "", false)
		with, _ := expand(name, mark, true)
		return err == nil && without != strings.ReplaceAll(with, mark, "")
	})
}
