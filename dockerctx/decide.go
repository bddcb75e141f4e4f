package dockerctx

import "slices"

// place is an entry that a matcher is asked about in the course of a walk.
type place struct {
	dir  string
	name []byte
	path string // made by need
}

func (p *place) full() string {
	if p.path == "" {
		p.path = join(p.dir, string(p.name))
	}
	return p.path
}

// is reports whether a path is that of the place.
func (p *place) is(path string) bool {
	if p.dir == "." {
		return path == string(p.name)
	}
	at := len(p.dir)
	return len(path) == at+1+len(p.name) && path[at] == '/' && path[at+1:] == string(p.name) && path[:at] == p.dir
}

// judgement is the memory that decisions about many entries share.
type judgement struct {
	candidates []int32
	matched    matched
	asked      int64 // rules that were held against a path
}

// decideIn decides with an index: it asks only the candidates among the rules. s is the scope of the directory, parent
// what was recorded of it. What it records lies in the judgement, until the next decision.
func (m *matcher) decideIn(j *judgement, s *scope, at *place, parent matched) (verdict, error) {
	j.candidates = m.index.candidates(j.candidates[:0], s, at.dir, at.name)
	if len(j.candidates) == 0 && len(parent) == 0 {
		return verdict{decided: -1}, nil
	}
	return m.decide(j, at, parent)
}

// decideAll decides about a path without an index: it asks all rules.
func (m *matcher) decideAll(path string, parent matched) (verdict, error) {
	j := judgement{candidates: make([]int32, len(m.rules))}
	for i := range j.candidates {
		j.candidates[i] = int32(i)
	}
	return m.decide(&j, &place{dir: ".", name: []byte(path)}, parent)
}

// decide is MatchesUsingParentResults: the rules in order, each one that the parent recorded counting as matched, the other
// candidates asked only if they could turn the verdict.
//
// What is asked is what is recorded, and the children inherit only that. A negation that was not asked because nothing had
// excluded the directory yet is therefore of no use to what lies in it.
func (m *matcher) decide(j *judgement, at *place, parent matched) (verdict, error) {
	v := verdict{decided: -1}
	candidates := j.candidates
	j.matched = j.matched[:0]
	for len(parent) > 0 || len(candidates) > 0 {
		var i int32
		inherited := len(parent) > 0 && (len(candidates) == 0 || parent[0] <= candidates[0])
		if inherited {
			i = parent[0]
			parent = parent[1:]
			if len(candidates) > 0 && candidates[0] == i {
				candidates = candidates[1:]
			}
		} else {
			i = candidates[0]
			candidates = candidates[1:]
		}
		r := m.rules[i]
		if !inherited {
			if r.negated != v.matches {
				continue
			}
			j.asked++
			match, err := r.matchesAt(at)
			if err != nil {
				return v, &patternError{rule: r, line: r.line, pattern: r.written, err: err}
			}
			if !match {
				continue
			}
		}
		j.matched = append(j.matched, i)
		if v.matches == r.negated {
			v.matches = !r.negated
			v.decided = int(i)
		}
	}
	v.matched = j.matched
	return v, nil
}

// anyIn gives the rules that match a path, asked or not. Rules that fail are passed over, as patternmatcher does where
// it asks about parents.
func (m *matcher) anyIn(j *judgement, s *scope, at *place) matched {
	var all matched
	j.candidates = m.index.candidates(j.candidates[:0], s, at.dir, at.name)
	for _, i := range j.candidates {
		if ok, err := m.rules[i].matchesAt(at); ok && err == nil {
			all = append(all, i)
		}
	}
	return all
}

// keep gives a list of rules that outlives the judgement: shared, if it is the parent's.
func keep(list, parent matched) matched {
	if len(list) == 0 {
		return nil
	}
	if slices.Equal(list, parent) {
		return parent
	}
	return slices.Clone(list)
}
