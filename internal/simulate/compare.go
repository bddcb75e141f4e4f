package simulate

import (
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Compare hands over the files in which an image differs from another one of the same directories: was is nil for what only
// the other one has, now for what only this one has. Their order is that of a walk through both.
//
// A directory that both copied whole from the same place of the main context is not entered if the lines by which their
// ignore files differ cannot concern it. edited names files of that context that are not the same for both.
func Compare(before, after *Image, edited []string, fn func(p string, was, now *File)) error {
	c := comparer{before, after, edited, fn, map[[2]*dockerctx.Tree]*dockerctx.Comparison{}}
	return c.dirs("", before.Tree.Root(), after.Tree.Root())
}

type comparer struct {
	before, after *Image
	edited        []string
	fn            func(p string, was, now *File)
	rules         map[[2]*dockerctx.Tree]*dockerctx.Comparison
}

func (c *comparer) dirs(p string, x, y *rootfs.Node) error {
	if c.same(x, y) {
		return nil
	}
	was, err := x.Glance()
	if err != nil {
		return err
	}
	now, err := y.Glance()
	if err != nil {
		return err
	}
	for len(was)+len(now) > 0 {
		order := 0
		switch {
		case len(was) == 0:
			order = 1
		case len(now) == 0:
			order = -1
		default:
			order = strings.Compare(was[0].Name, now[0].Name)
		}
		var a, b *rootfs.Node
		var name string
		if order <= 0 {
			name, a, was = was[0].Name, was[0].Node, was[1:]
		}
		if order >= 0 {
			name, b, now = now[0].Name, now[0].Node, now[1:]
		}
		if err := c.entries(p+"/"+name, a, b); err != nil {
			return err
		}
	}
	return nil
}

// entries compares what two images have at a path; nil is nothing.
func (c *comparer) entries(p string, x, y *rootfs.Node) error {
	if x != nil && y != nil && x.IsDir() && y.IsDir() {
		return c.dirs(p, x, y)
	}
	was, now := c.before.file(x), c.after.file(y)
	if (was != nil || now != nil) && (was == nil || now == nil || *was != *now) {
		c.fn(p, was, now)
	}
	if x != nil && x.IsDir() {
		return rootfs.ScanNode(p, x, func(p string, n *rootfs.Node) error { return c.entries(p, leaf(n), nil) })
	}
	if y != nil && y.IsDir() {
		return rootfs.ScanNode(p, y, func(p string, n *rootfs.Node) error { return c.entries(p, nil, leaf(n)) })
	}
	return nil
}

// leaf gives nil for a directory, which a walk goes through by itself.
func leaf(n *rootfs.Node) *rootfs.Node {
	if n.IsDir() {
		return nil
	}
	return n
}

// same reports whether it is certain that two directories hold the same files.
func (c *comparer) same(x, y *rootfs.Node) bool {
	from, dir := c.before.whole(x)
	to, other := c.after.whole(y)
	if from == nil || to == nil || dir != other || from.Context.Name != MainContext || to.Context.Name != MainContext || from.Context.Dir != to.Context.Dir {
		return false
	}
	for _, name := range c.edited {
		if Within(name, dir) {
			return false
		}
	}
	key := [2]*dockerctx.Tree{from.Tree, to.Tree}
	if c.rules[key] == nil {
		c.rules[key] = dockerctx.Compare(from.Tree, to.Tree)
	}
	return c.rules[key].SameBelow(dir)
}

// whole gives the directory of a source that a directory holds exactly what of; nil if it is no such copy.
func (m *Image) whole(n *rootfs.Node) (*Source, string) {
	for n.Derived() && n.Source != nil && n.Member == "" {
		n = n.Source
	}
	if !n.Derived() || n.Source != nil || n.Member != "" || n.Op < 0 || n.Origin == "" {
		return nil, ""
	}
	return m.Sources[int(n.Op)], n.Origin
}
