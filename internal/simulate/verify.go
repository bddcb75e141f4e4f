package simulate

import (
	"context"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Verify reads all that the build transfers, as BuildKit does before it runs an instruction; [Run] reads
// only what it needs. What cannot be read or sent gives a [*BuildError]. It takes a look at every directory and keeps nothing
// in memory; only where a look finds fault the walk is done that says which fault comes first.
//
// Where an image of the same directories is known to be free of faults, only what may differ from it is read; nil is none.
func (m *Image) Verify(ctx context.Context, sound *Image) error {
	return m.VerifyAndSee(ctx, sound, nil)
}

// VerifyAndSee is [Image.Verify] that tells seen, unless it is nil, of every file that it comes across, in no order, by several
// goroutines at a time, and of some twice.
func (m *Image) VerifyAndSee(ctx context.Context, sound *Image, seen func(s *Source, dir, name string)) error {
	return m.verify(ctx, func(s *Source, fn func(dockerctx.Entry) error) error {
		known := sound.knows(s)
		ended := func(dir string) bool { return ctx.Err() != nil || known(dir) }
		var see func(dir, name string)
		if seen != nil {
			see = func(dir, name string) { seen(s, dir, name) }
		}
		if s.Tree.Flawless(ended, see) {
			return ctx.Err()
		}
		return s.Tree.WalkTypes(fn)
	})
}

// knows gives what tells which directories of a source an image transfers just so.
func (m *Image) knows(s *Source) func(dir string) bool {
	nothing := func(string) bool { return false }
	if m == nil {
		return nothing
	}
	var all []*dockerctx.Comparison
	for _, own := range m.Sources {
		if own.Context.Name == s.Context.Name && own.Context.Dir == s.Context.Dir {
			all = append(all, dockerctx.Compare(own.Tree, s.Tree))
		}
	}
	if len(all) == 0 {
		return nothing
	}
	return func(dir string) bool {
		for _, c := range all {
			if c.SameBelow(dir) {
				return true
			}
		}
		return false
	}
}

// Read is Verify for those who list the image afterwards: it finds out sizes and permissions too, many at a time.
func (m *Image) Read(ctx context.Context) error {
	return m.verify(ctx, func(s *Source, fn func(dockerctx.Entry) error) error { return s.Tree.Walk(fn) })
}

func (m *Image) verify(ctx context.Context, walk func(*Source, func(dockerctx.Entry) error) error) error {
	for _, op := range m.Plan.Ops {
		s := m.Sources[op.ID]
		if s == nil {
			continue
		}
		err := walk(s, func(e dockerctx.Entry) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return sendable(e)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return m.buildError(op, err)
		}
	}
	return nil
}
