package dockerctx

import "slices"

// parents are the rules that match a directory or one above it, asked or not: what filterFS.Open goes by.
type parents struct {
	include, exclude matched
	// Where these are the very rules that the walk recorded, Open says what the walk said.
	includeSame, excludeSame bool
}

// refused tells whether filterFS.Open refuses a file that the walk listed.
func (t *Tree) refused(d *dir, at int) bool {
	if !d.entries[at].suspect {
		return false
	}
	p := t.parentsOf(d)
	file := place{dir: d.path, name: []byte(d.name(at))}
	var j judgement
	if t.include != nil && !p.includeSame {
		if v, err := t.include.decideIn(&j, d.standing.include.scope, &file, p.include); err != nil || !v.matches {
			return true
		}
	}
	if t.exclude != nil && !p.excludeSame {
		if v, err := t.exclude.decideIn(&j, d.standing.exclude.scope, &file, p.exclude); err != nil || v.matches {
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
	if d.above != nil {
		above := t.parentsOf(d.above)
		var j judgement
		at := place{dir: d.above.path, name: []byte(d.path[len(d.path)-d.base():])}
		if t.include != nil {
			p.include = union(above.include, t.include.anyIn(&j, d.above.standing.include.scope, &at))
		}
		if t.exclude != nil {
			p.exclude = union(above.exclude, t.exclude.anyIn(&j, d.above.standing.exclude.scope, &at))
		}
	}
	p.includeSame = slices.Equal(p.include, d.standing.include.matched)
	p.excludeSame = slices.Equal(p.exclude, d.standing.exclude.matched)
	d.parents.Store(p)
	return p
}
