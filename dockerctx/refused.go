package dockerctx

import "slices"

// parents are, for either list, the rules that match a directory or one above it, asked or not: what filterFS.Open goes by.
type parents struct {
	of [2]matched
	// Where these are the very rules that the walk recorded, Open says what the walk said.
	same [2]bool
}

// refused tells whether filterFS.Open refuses a file that the walk listed.
func (t *Tree) refused(d *dir, at int) bool {
	if !d.entries[at].suspect {
		return false
	}
	p := t.parentsOf(d)
	file := place{dir: d.path, name: []byte(d.name(at))}
	var j judgement
	for side, m := range t.lists {
		if m == nil || p.same[side] {
			continue
		}
		if v, err := m.decideIn(&j, d.standing.of[side].scope, &file, p.of[side]); err != nil || keepsOut(side, v.matches) {
			return true
		}
	}
	return false
}

func (t *Tree) parentsOf(d *dir) *parents {
	if p := d.parents.Load(); p != nil {
		return p
	}
	p := &parents{}
	for side, m := range t.lists {
		if d.above != nil && m != nil {
			var j judgement
			at := place{dir: d.above.path, name: []byte(d.path[len(d.path)-d.base():])}
			p.of[side] = union(t.parentsOf(d.above).of[side], m.anyIn(&j, d.above.standing.of[side].scope, &at))
		}
		p.same[side] = slices.Equal(p.of[side], d.standing.of[side].matched)
	}
	d.parents.Store(p)
	return p
}
