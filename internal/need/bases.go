package need

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// ForeignBase gives a base image that the image or a stage that it copies from is built on and of which nothing is known:
// it may hold modules of the project, and set variables that steer where modules are looked for. nil if there is none.
func ForeignBase(m *simulate.Image) *dockerfile.Op {
	seen := map[int]bool{}
	var visit func(ref dockerfile.OutputRef, tool bool) *dockerfile.Op
	visit = func(ref dockerfile.OutputRef, tool bool) *dockerfile.Op {
		if ref.Op < 0 || seen[ref.Op] {
			return nil
		}
		op := m.Plan.Ops[ref.Op]
		if op.Kind == dockerfile.OpImage {
			if _, known := m.KnownBase(op.ID); known || tool || bases.Plain(op.Image.Ref) {
				return nil
			}
			return op
		}
		seen[ref.Op] = true
		for i, in := range op.Inputs {
			if root, _ := op.Root(); op.Kind == dockerfile.OpExec && in != root {
				continue // a mount leaves nothing in the image
			}
			if found := visit(in, op.Kind == dockerfile.OpFile && onlyTools(op, i)); found != nil {
				return found
			}
		}
		return nil
	}
	return visit(m.Plan.Result, false)
}

// BaseHolds gives a base image of which nothing is known, of those that reach a place; nil if there is none.
func BaseHolds(b *view.Build, reaches func(*dockerfile.Op) bool) *dockerfile.Op {
	for i := range b.Image.Plan.Ops {
		op := b.Image.Plan.Ops[i]
		if op.Kind != dockerfile.OpImage || !reaches(op) || bases.Plain(op.Image.Ref) {
			continue
		}
		if _, known := b.Image.KnownBase(op.ID); !known {
			return op
		}
	}
	return nil
}

// ownBase gives the base image of the stage that becomes the image, nil for scratch.
func ownBase(m *simulate.Image) *dockerfile.Op { return BaseOf(m.Plan, m.Plan.Result) }

// BaseOf gives the base image that a file system was made on; nil if it was made on none.
func BaseOf(p *dockerfile.Plan, ref dockerfile.OutputRef) *dockerfile.Op {
	for ref.Op >= 0 {
		op := p.Ops[ref.Op]
		if op.Kind == dockerfile.OpImage {
			return op
		}
		ref, _ = op.Parent()
	}
	return nil
}

// BaseKnown reports whether the image starts from one whose files are known.
func BaseKnown(m *simulate.Image) bool {
	base := ownBase(m)
	if base == nil {
		return false
	}
	_, known := m.KnownBase(base.ID)
	return known
}

// settingsKnown reports whether it is known of a base image what it sets, or that this is neither a working directory nor a search path
// of a language.
func settingsKnown(base *dockerfile.Op) bool {
	if base.Image.Known {
		return true // the plan has them
	}
	dir, ok := bases.Workdir(base.Image.Ref)
	return ok && (dir == "/" || base.Image.Partly)
}

// onlyTools reports whether all that a file operation copies out of one of its inputs are programs.
func onlyTools(op *dockerfile.Op, input int) bool {
	found := false
	for _, a := range op.File {
		cp, ok := a.Change.(dockerfile.Copy)
		if !ok || a.Source != input {
			continue
		}
		found = true
		if !slices.Contains(strings.Split(cp.Src+"/"+cp.Dest, "/"), "bin") {
			return false
		}
	}
	return found
}

// BaseName is how people know an image.
func BaseName(op *dockerfile.Op) string {
	return strings.TrimPrefix(strings.TrimPrefix(op.Image.Ref, "docker.io/"), "library/")
}
