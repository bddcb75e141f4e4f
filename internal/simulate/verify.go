package simulate

import "github.com/ctxaudit/ctxaudit/dockerctx"

// Verify reads all that the build transfers, as BuildKit does before it runs an instruction; [Run] reads
// only what it needs. What cannot be read or sent gives a [*BuildError]. It takes a look at every directory and keeps nothing
// in memory; only where a look finds fault the walk is done that says which fault comes first.
//
// Where an image of the same directories is known to be free of faults, only what may differ from it is read; nil is none.
func (m *Image) Verify(sound *Image) error {
	return m.verify(func(s *Source, fn func(dockerctx.Entry) error) error {
		if s.Tree.Flawless(sound.knows(s)) {
			return nil
		}
		return s.Tree.WalkTypes(fn)
	})
}

// knows gives what tells which directories of a source an image transfers just so; nil if it has no such source.
func (m *Image) knows(s *Source) func(dir string) bool {
	if m == nil {
		return nil
	}
	var all []*dockerctx.Comparison
	for _, own := range m.Sources {
		if own.Context.Name == s.Context.Name && own.Context.Dir == s.Context.Dir {
			all = append(all, dockerctx.Compare(own.Tree, s.Tree))
		}
	}
	if len(all) == 0 {
		return nil
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
func (m *Image) Read() error {
	return m.verify(func(s *Source, fn func(dockerctx.Entry) error) error { return s.Tree.Walk(fn) })
}

func (m *Image) verify(walk func(*Source, func(dockerctx.Entry) error) error) error {
	for _, op := range m.Plan.Ops {
		s := m.Sources[op.ID]
		if s == nil {
			continue
		}
		if err := walk(s, sendable); err != nil {
			return m.buildError(op, err)
		}
	}
	return nil
}
