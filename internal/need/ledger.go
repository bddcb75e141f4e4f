package need

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Ledger are the files and directories of a build context that are needed: the image must hold them, or the build must find them.
// Of several who need one the first is named.
type Ledger struct{ reasons map[string]func() Reason }

// Add notes that a path is needed. The reason is only worked out if somebody asks.
func (l *Ledger) Add(contextPath string, reason func() Reason) {
	contextPath = strings.TrimPrefix(path.Clean("/"+contextPath), "/")
	if _, ok := l.reasons[contextPath]; ok || contextPath == "" {
		return
	}
	if l.reasons == nil {
		l.reasons = map[string]func() Reason{}
	}
	l.reasons[contextPath] = reason
}

// Paths gives what is needed, sorted.
func (l *Ledger) Paths() []string { return slices.Sorted(maps.Keys(l.reasons)) }

// Reason gives why a path is needed that is among Paths.
func (l *Ledger) Reason(contextPath string) Reason { return l.reasons[contextPath]() }
