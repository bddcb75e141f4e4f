package dockerctx

import (
	"reflect"
	"slices"
	"strings"
)

// Comparison holds two trees of the same directory against each other: under ignore files that differ in a few lines, with
// other follow paths, or with files laid over it.
type Comparison struct {
	a, b  *Tree
	lists [2]difference
}

// difference is what is not the same in two lists of rules.
type difference struct {
	a, b         *matcher // nil: there is no list
	mine, theirs []*rule
	before       int // how many rules are equal before those that differ
}

// Compare compares the rules of two trees.
func Compare(a, b *Tree) *Comparison {
	return &Comparison{a: a, b: b, lists: [2]difference{apart(a.lists[includes], b.lists[includes]), apart(a.lists[excludes], b.lists[excludes])}}
}

// SameBelow reports whether it is certain, without reading it, that both trees hold the same below a directory, and that it
// arrives the same: no rule that only one of them has can have a say there, and no file there is laid over by one of them.
// False says nothing.
func (c *Comparison) SameBelow(dir string) bool {
	clean, err := cleanPath(dir)
	if err != nil || c.concerned(clean) || !sameFiles(c.a.fsys, c.b.fsys, clean) {
		return false
	}
	x, errX := c.a.enteredDir(clean)
	y, errY := c.b.enteredDir(clean)
	return errX == nil && errY == nil && x != nil && y != nil && c.sameStanding(x, y)
}

// Local reports whether the rules that only one of the trees has concern a few directories: each begins with a name.
func (c *Comparison) Local() bool {
	return !c.differing(func(r *rule) bool { return r.facts.prefix == "" })
}

// sameFiles reports whether two file systems have the very same files at and below a directory.
func sameFiles(a, b FS, dir string) bool {
	a, b = beneath(a, dir), beneath(b, dir)
	if x, ok := a.(*dirFS); ok {
		y, ok := b.(*dirFS)
		return ok && x.dir == y.dir
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

// differing reports whether one of the rules that only one of the trees has is such a rule.
func (c *Comparison) differing(is func(*rule) bool) bool {
	for _, d := range c.lists {
		if slices.ContainsFunc(d.mine, is) || slices.ContainsFunc(d.theirs, is) {
			return true
		}
	}
	return false
}

// concerned reports whether a rule that only one of the trees has may have to do with anything in a directory.
func (c *Comparison) concerned(dir string) bool {
	return c.differing(func(r *rule) bool { return r.concerns(dir) })
}

// sameStanding reports whether what is in a directory is judged alike in both trees, as no rule that differs concerns it.
func (c *Comparison) sameStanding(x, y *dir) bool {
	i := &c.lists[includes]
	if x.skipped != y.skipped || (i.a == nil) != (i.b == nil) || i.a != nil && i.a.negated != i.b.negated {
		return false
	}
	// Where one side has nothing to exclude, all the rules that there are differ, and none concerns the directory.
	for side := range c.lists {
		if !c.lists[side].sameMatched(x.standing.of[side].matched, y.standing.of[side].matched) {
			return false
		}
	}
	return true
}

// sameMatched compares what two directories inherit. None of the rules that differ is in it.
func (d *difference) sameMatched(x, y matched) bool {
	if d.a == nil || d.b == nil {
		return true
	}
	if d.a.prunes != d.b.prunes || len(x) != len(y) {
		return false
	}
	common := func(i int32, own []*rule) int {
		if int(i) < d.before {
			return int(i)
		}
		return int(i) - len(own)
	}
	for i := range x {
		if common(x[i], d.mine) != common(y[i], d.theirs) {
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

// apart gives the rules by which two lists differ, between as many equal ones at the beginning and at the end as there are.
func apart(a, b *matcher) difference {
	d := difference{a: a, b: b}
	if a != nil {
		d.mine = a.rules
	}
	if b != nil {
		d.theirs = b.rules
	}
	same := func(x, y *rule) bool { return x.cleaned == y.cleaned && x.negated == y.negated }
	for len(d.mine) > 0 && len(d.theirs) > 0 && same(d.mine[0], d.theirs[0]) {
		d.mine, d.theirs, d.before = d.mine[1:], d.theirs[1:], d.before+1
	}
	for len(d.mine) > 0 && len(d.theirs) > 0 && same(d.mine[len(d.mine)-1], d.theirs[len(d.theirs)-1]) {
		d.mine, d.theirs = d.mine[:len(d.mine)-1], d.theirs[:len(d.theirs)-1]
	}
	return d
}

// concerns reports whether a rule may have to do with anything in a directory: match it, one above it or something below
// it, or keep it from being pruned.
func (r *rule) concerns(dir string) bool {
	if dir == "." {
		return true
	}
	below := dir + "/"
	if strings.HasPrefix(r.subject()+"/", below) {
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
