package simulate

import (
	"context"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Compare hands over the files in which an image differs from another one of the same directories: was is nil for what only
// the other one has, now for what only this one has. Their order is that of a walk through both.
//
// A directory that both copied whole from the same place of a context is not entered if nothing there can differ: see
// [dockerctx.Comparison.SameBelow].
func Compare(ctx context.Context, before, after *Image, fn func(p string, was, now *File)) error {
	c := comparer{likeness{before: before, after: after}, ctx, fn}
	return c.dirs("", before.Tree.Root(), after.Tree.Root())
}

type comparer struct {
	likeness
	ctx context.Context
	fn  func(p string, was, now *File)
}

func (c *comparer) dirs(p string, x, y *rootfs.Node) error {
	if err := c.ctx.Err(); err != nil || x == y || c.same(x, y) {
		return err
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
