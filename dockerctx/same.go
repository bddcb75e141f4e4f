package dockerctx

import (
	"slices"
	"strings"
)

// Comparison holds two trees of the same files against each other: one directory under ignore files that differ in a few
// lines.
type Comparison struct {
	a, b         *Tree
	sameIncludes bool
	mine, theirs []*rule // by which their ignore files differ
	before       int     // how many rules are equal before them
}

// Compare compares the rules of two trees.
func Compare(a, b *Tree) *Comparison {
	c := &Comparison{a: a, b: b}
	mine, theirs, _ := apart(a.include, b.include)
	c.sameIncludes = len(mine)+len(theirs) == 0 && (a.include == nil) == (b.include == nil)
	c.mine, c.theirs, c.before = apart(a.exclude, b.exclude)
	return c
}

// SameBelow reports whether it is certain, from the rules alone, that both trees hold the same below a directory, and that it
// arrives the same: no rule that only one of them has can have a say there. False says nothing.
func (c *Comparison) SameBelow(dir string) bool {
	clean, err := cleanPath(dir)
	if err != nil || !c.sameIncludes {
		return false
	}
	if c.concerned(clean) {
		return false
	}
	x, errX := c.a.enteredDir(clean)
	y, errY := c.b.enteredDir(clean)
	return errX == nil && errY == nil && x != nil && y != nil && c.sameStanding(x, y)
}

// concerned reports whether a rule that only one of the trees has may have to do with anything in a directory.
func (c *Comparison) concerned(dir string) bool {
	for _, own := range [2][]*rule{c.mine, c.theirs} {
		for _, r := range own {
			if r.concerns(dir) {
				return true
			}
		}
	}
	return false
}

// sameStanding reports whether what is in a directory is judged alike in both trees, as no rule that differs concerns it.
func (c *Comparison) sameStanding(x, y *dir) bool {
	if x.skipped != y.skipped {
		return false
	}
	if c.a.include != nil && !slices.Equal(x.standing.include.matched, y.standing.include.matched) {
		return false
	}
	if c.a.exclude == nil || c.b.exclude == nil {
		// All the rules that there are differ, and none concerns the directory.
		return true
	}
	return c.a.exclude.prunes == c.b.exclude.prunes && c.sameMatched(x.standing.exclude.matched, y.standing.exclude.matched)
}

// sameMatched compares what two directories inherit. None of the rules that differ is in it.
func (c *Comparison) sameMatched(x, y matched) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		common := func(i int32, own []*rule) int {
			if int(i) < c.before {
				return int(i)
			}
			return int(i) - len(own)
		}
		if common(x[i], c.mine) != common(y[i], c.theirs) {
			return false
		}
	}
	return true
}

// enteredDir gives a directory that the walk enters, nil if there is none.
func (t *Tree) enteredDir(clean string) (*dir, error) {
	d := t.root
	for clean != "." && clean != "" {
		var element string
		element, clean, _ = strings.Cut(clean, "/")
		if err := t.load(d, namesOnly); err != nil {
			return nil, err
		}
		i, ok := d.search(element)
		if !ok {
			return nil, nil
		}
		if d = d.sub(i); d == nil {
			return nil, nil
		}
	}
	return d, nil
}

// apart gives the rules by which two lists differ, between as many equal ones at the beginning and at the end as there
// are. before is how many are equal at the beginning.
func apart(a, b *matcher) (mine, theirs []*rule, before int) {
	if a != nil {
		mine = a.rules
	}
	if b != nil {
		theirs = b.rules
	}
	same := func(x, y *rule) bool { return x.cleaned == y.cleaned && x.negated == y.negated }
	for len(mine) > 0 && len(theirs) > 0 && same(mine[0], theirs[0]) {
		mine, theirs, before = mine[1:], theirs[1:], before+1
	}
	for len(mine) > 0 && len(theirs) > 0 && same(mine[len(mine)-1], theirs[len(theirs)-1]) {
		mine, theirs = mine[:len(mine)-1], theirs[:len(theirs)-1]
	}
	return mine, theirs, before
}

// concerns reports whether a rule may have to do with anything in a directory: match it, one above it or something below
// it, or keep it from being pruned.
func (r *rule) concerns(dir string) bool {
	if dir == "." {
		return true
	}
	below := dir + "/"
	if r.negated && strings.HasPrefix(r.subject()+"/", below) {
		return true
	}
	f := &r.facts
	if f.prefix == "" || strings.HasPrefix(f.prefix, below) || strings.HasPrefix(below, f.prefix) {
		return true
	}
	for end, c := range below {
		if c != '/' {
			continue
		}
		if ok, err := r.matches(below[:end]); ok || err != nil {
			return true
		}
	}
	return false
}
