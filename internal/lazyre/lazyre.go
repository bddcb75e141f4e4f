// Package lazyre holds regular expressions that are compiled when they are first needed: a run needs few of them, and the
// start of the program is not to pay for all.
package lazyre

import (
	"regexp"
	"sync"
)

// New gives a function that gives the expression. It panics, as [regexp.MustCompile] does, when it is first called, so that
// each expression needs a test that uses it.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
