package audit

import (
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Foreign says of a Python module that is not the project's own whose it is: the standard library's, or a declared
// dependency's, with the place that declares it. It gives "" for a name that nobody is known to provide.
func Foreign(m *simulate.Image, main *simulate.Context, name string) (sentence string, place *finding.Place, err error) {
	top, _, _ := strings.Cut(name, ".")
	if manifest.IsStdlib(top) {
		return top + " is part of Python's standard library", nil, nil
	}
	c := newImportCheck(Subject{}.lookingOnly(m, main))
	dep, ok := c.declared().ImportDeclared(name)
	if !ok {
		return "", nil, c.unread
	}
	if dep.File != "" {
		place = &finding.Place{Role: finding.RoleRequires, File: dep.File, Line: dep.Line, Text: dep.Written}
	}
	return top + " is provided by the dependency " + dep.Name + ", which a step of the build must install", place, nil
}
