package simulate

import (
	"context"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// Failures gives the failure of every operation that would fail: one that does is passed over, so that what builds on it
// starts from what it would have started from. Where several fail, it is chance which one BuildKit names, because it looks
// for the sources of all instructions side by side.
func Failures(ctx context.Context, plan *dockerfile.Plan, contexts Contexts) []error {
	m := newImage(plan, nil, newCost(ctx))
	var out []error
	for _, op := range plan.Ops {
		if ctx.Err() != nil {
			return append(out, ctx.Err())
		}
		err := m.execute(op, contexts)
		if err == nil {
			continue
		}
		out = append(out, m.buildError(op, err))
		for i := range max(1, len(op.File)) {
			ref := dockerfile.OutputRef{Op: op.ID, Index: i}
			if m.states[ref] != nil {
				continue
			}
			if before := m.Before(op.ID); before != nil {
				m.states[ref] = before.fork()
			}
		}
	}
	return out
}
