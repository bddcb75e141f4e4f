package manifest

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed stdlib.txt
var stdlibNames string

var stdlib = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(stdlibNames) {
		set[name] = true
	}
	return set
})

// IsStdlib reports whether a top-level module belongs to the standard library of any version from 3.8 to 3.14, on any
// platform. `test` does not count: nobody imports CPython's, and many projects have one.
func IsStdlib(name string) bool {
	top, _, _ := strings.Cut(name, ".")
	return stdlib()[top]
}
