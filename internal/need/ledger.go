package need

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Ledger are the files and directories of a build context that are needed: the image must hold them, or the build must find them.
// Of several who need one the first is named.
type Ledger struct {
	reasons map[string]func() Reason
	paths   []string // keys of reasons, in any order
}

// Expect makes room for n paths.
func (l *Ledger) Expect(n int) {
	if l.reasons == nil {
		l.reasons = make(map[string]func() Reason, n)
		l.paths = make([]string, 0, n)
	}
}

// Add notes that a path is needed. The reason is only worked out if somebody asks.
func (l *Ledger) Add(contextPath string, reason func() Reason) {
	if !fs.ValidPath(contextPath) || contextPath == "." {
		contextPath = strings.TrimPrefix(path.Clean("/"+contextPath), "/")
	}
	if _, ok := l.reasons[contextPath]; ok || contextPath == "" {
		return
	}
	l.Expect(0)
	l.reasons[contextPath] = reason
	l.paths = append(l.paths, contextPath)
}

// Paths gives what is needed, sorted. It must not be changed.
func (l *Ledger) Paths() []string {
	if !slices.IsSorted(l.paths) { // mostly it is, nearly
		slices.Sort(l.paths)
	}
	return l.paths
}

// Reason gives why a path is needed that is among Paths.
func (l *Ledger) Reason(contextPath string) Reason { return l.reasons[contextPath]() }
