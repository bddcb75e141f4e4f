package shell

import (
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// ReplaceLimits bound the references of one text that are replaced, and what they stand for: each may stand for many others.
var ReplaceLimits = budget.Limits{Steps: 1000, Bytes: 256 << 10}

// maxReferences is how often values are looked through for other references.
const maxReferences = 5

// Replace replaces the references in a text by values, in which there may be others, and those without one by a [Hole]; $$ is a dollar sign.
func Replace(reference *regexp.Regexp, text string, value func(name string) (string, bool), b *budget.Budget) string {
	return replace(reference, text, value, 0, b)
}

func replace(reference *regexp.Regexp, text string, value func(name string) (string, bool), deep int, b *budget.Budget) string {
	return reference.ReplaceAllStringFunc(text, func(m string) string {
		if m == "$$" {
			return "$"
		}
		v, ok := value(strings.Trim(m, "${}()"))
		if b.Steps(1) != nil || b.Bytes(int64(len(v))) != nil || !ok || deep >= maxReferences {
			return Hole
		}
		return replace(reference, v, value, deep+1, b)
	})
}
