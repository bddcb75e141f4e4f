package simulate

import (
	"context"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Compare hands over the files in which an image differs from another one of the same directories: was is nil for what only
// the other one has, now for what only this one has. Their order is that of a walk through both.
//
// A directory that both copied whole from the same place of a context is not entered if nothing there can differ: see
// [dockerctx.Comparison.SameBelow].
func Compare(ctx context.Context, before, after *Image, fn func(p string, was, now *File)) error {
	l := likeness{before: before, after: after}
	if before.Tree.Root() == after.Tree.Root() || l.same(before.Tree.Root(), after.Tree.Root()) {
		return ctx.Err()
	}
	return rootfs.Compare("", before.Tree.Root(), after.Tree.Root(), func(p string, x, y *rootfs.Node) (enter bool, err error) {
		if x != nil && y != nil && x.IsDir() && y.IsDir() {
			return x != y && !l.same(x, y), ctx.Err()
		}
		was, now := before.file(x), after.file(y)
		if (was != nil || now != nil) && (was == nil || now == nil || *was != *now) {
			fn(p, was, now)
		}
		return true, ctx.Err()
	})
}
