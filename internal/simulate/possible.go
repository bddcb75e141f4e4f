package simulate

import (
	"cmp"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Possible is a path at or below which there may be more than is known.
type Possible struct {
	Path string // its names may be patterns, and `**` stands for any directories
	// By is the operation that may have put something there; nil where there are too many to be told apart.
	By *dockerfile.Op
}

// Possible gives where the image may hold more than is known, sorted by path and operation. What nobody would expect is left out.
func (m *Image) Possible() ([]Possible, error) {
	var out []Possible
	add := func(dir string, n *rootfs.Node) {
		for _, may := range n.May.All() {
			p := Possible{Path: path.Join("/", dir, may.Below)}
			if may.Op >= 0 {
				p.By = m.Plan.Ops[may.Op]
			}
			out = append(out, p)
		}
	}
	root, err := m.Tree.Lstat("/")
	if err != nil {
		return nil, err
	}
	add("/", root)
	err = m.Tree.Scan(func(p string, n *rootfs.Node) error {
		if n.Kind == rootfs.KindUnknown && len(n.May.All()) == 0 && n.Op >= 0 {
			out = append(out, Possible{p, m.Plan.Ops[n.Op]})
		}
		add(p, n)
		return nil
	})
	order := func(p Possible) int {
		if p.By == nil {
			return -1
		}
		return p.By.ID
	}
	slices.SortFunc(out, func(a, b Possible) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(order(a), order(b))) })
	return slices.Compact(out), err
}
