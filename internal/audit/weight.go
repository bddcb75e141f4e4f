package audit

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// maxWeighed bounds the entries that are counted to tell how much something is.
const maxWeighed = 5000

// mass is how much some entries are: regular files, and their bytes. more tells that there are others that were not counted.
type mass struct {
	files int
	bytes int64
	more  bool
}

// add counts an entry with all that lies below it.
func (m *mass) add(n *rootfs.Node) {
	if n.Kind == rootfs.KindFile {
		m.files, m.bytes = m.files+1, m.bytes+n.Size
	}
	seen := 0
	_ = rootfs.ScanNode("", n, func(_ string, n *rootfs.Node) error { // what cannot be read weighs nothing
		if seen++; seen > maxWeighed {
			m.more = true
			return fs.SkipAll
		}
		if n.Kind == rootfs.KindFile {
			m.files, m.bytes = m.files+1, m.bytes+n.Size
		}
		return nil
	})
}

func (m mass) String() string {
	least := ""
	if m.more {
		least = "more than "
	}
	return fmt.Sprintf("%s%s in %s", least, finding.Size(m.bytes), count(m.files, "file"))
}

// weighed is something with a name and a weight.
type weighed struct {
	name string
	mass mass
}

// heaviest tells which of some things weigh the most: the first few that weigh more than a tenth of all.
func heaviest(list []weighed, all int64) string {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(b.mass.bytes, a.mass.bytes), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, w := range list[:min(len(list), 3)] {
		if w.mass.bytes*10 > all {
			out = append(out, fmt.Sprintf("%s %s", w.name, finding.Size(w.mass.bytes)))
		}
	}
	return strings.Join(out, ", ")
}
