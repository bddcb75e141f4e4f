package imports

import (
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
)

// Binds reports whether a file binds a name at its top level, by an import too.
func Binds(src []byte, name string) bool {
	return slices.ContainsFunc(syntax.Scan(src, nil).Bindings, func(b syntax.Binding) bool { return b.Name == name })
}

// Defines reports whether a file defines a name at its top level: a function, a class or a value of its own.
func Defines(src []byte, name string) bool {
	return slices.ContainsFunc(syntax.Scan(src, nil).Bindings, func(b syntax.Binding) bool {
		return b.Name == name && (b.Kind == syntax.BindDef || b.Kind == syntax.BindClass || b.Kind == syntax.BindAssign)
	})
}

// BehindImports gives the line behind the last import at the top level of a file, 0 if there is none.
func BehindImports(src []byte) int {
	line := 0
	for _, i := range syntax.Scan(src, nil).Imports {
		if i.Context.Flags == 0 {
			line = max(line, i.Range.End.Line+1)
		}
	}
	return line
}
