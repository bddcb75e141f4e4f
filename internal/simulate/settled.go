package simulate

import (
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// settled reports whether a file is surely what a COPY put there: whatever the base image had, or a step before may have made there, it has
// replaced, and no step after it may have written there, nor brought a COPY anything to there.
func (x *effector) settled(p string) bool {
	n, at, err := x.tree.Stat(p)
	if err != nil || n.Kind != rootfs.KindFile || n.Op < 0 || x.plan == nil || steps.Unsure(x.tree, p) {
		return false
	}
	after := map[int]bool{x.op.ID: true, rootfs.AnyOp: true}
	for op := x.op; ; {
		ref, ok := op.Parent()
		if !ok {
			return false
		}
		switch op = x.plan.Ops[ref.Op]; {
		case op.ID == int(n.Op):
			return op.Kind == dockerfile.OpFile && !slices.ContainsFunc(x.tree.HeldBy(at).All(), func(m rootfs.May) bool { return m.Below == "" && after[int(m.Op)] })
		case op.Kind == dockerfile.OpFile && !x.bringsOver(op, at) || op.Kind == dockerfile.OpExec:
			after[op.ID] = true
		default:
			return false
		}
	}
}

// bringsOver reports whether an operation copies to a path what is not known, or to a directory above it: it may have been put over a file.
func (x *effector) bringsOver(op *dockerfile.Op, at string) bool {
	return slices.ContainsFunc(op.File, func(a dockerfile.FileAction) bool {
		cp, is := a.Change.(dockerfile.Copy)
		if !is || !Within(at, path.Clean(cp.Dest)) {
			return false
		}
		from, given := op.Source(a)
		return !given || from.Op < 0 || x.plan.Ops[from.Op].Kind != dockerfile.OpLocal
	})
}
