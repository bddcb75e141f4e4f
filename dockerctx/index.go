package dockerctx

import (
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"
)

// An index over a list of rules tells which of them can match an entry of a directory at all. It knows less than
// patternmatcher and only leaves out: a rule is a candidate unless one of its facts speaks against it.
//
// Sets of rules are bit vectors, so that the facts of all rules are looked up at once:
//
//	candidates = scope of the directory
//	           & rules that allow the last byte of the path & ... the byte before it
//	           & rules that allow the first byte of the name & ... the byte after it
//
// The scope of a directory shrinks on the way down. A rule whose matches begin with "src/app/" counts only on the way
// there and below it; one without "**" only at its own depth. Rules that may match anywhere cost a directory nothing.
type index struct {
	facts   []*facts
	negated []bool
	turning bool      // the sign of the rules that can turn the verdict on a directory that is left out
	cols    [4]column // last byte of the path, the one before, first byte of the name, the one after

	anywhere      bitset // rules without prefix and limit of depth
	turnsAnywhere bool   // a rule of the turning sign is among them
	turns         bitset // the rules of the turning sign
	root          *scope
}

// column gives, for a byte at a certain place, the rules that allow it there.
type column struct {
	rows [257]bitset // the last one: there is no byte at that place
}

const noByte = 256

// bitset is a set of rules.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }
func (b bitset) set(i int32) { b[i/64] |= 1 << (i % 64) }

func (b bitset) addAll(other bitset) {
	for i := range b {
		b[i] |= other[i]
	}
}

// scope is what the rules mean for one directory and what lies below it.
type scope struct {
	depth int     // slashes in the path of an entry
	here  bitset  // rules that may match an entry of the directory
	words []int32 // the words of here that are not zero

	// begun are rules with a limit of depth, or with a prefix that the directory's path already has; ahead are those
	// whose prefix goes on below it, sorted by prefix.
	begun, ahead []int32

	// turns tells that a rule of the turning sign may match something below, at any depth; turning are those that may match
	// an entry of the directory itself.
	turns   bool
	turning []int32

	common atomic.Pointer[scope] // of the directories in it that no prefix speaks of: most of them
}

// newIndex builds the index. turning is the sign of the rules that can bring something in: true, the negations, for an
// exclude list.
func newIndex(rules []*rule, turning bool) *index {
	x := &index{
		facts: make([]*facts, len(rules)), negated: make([]bool, len(rules)), turning: turning,
		anywhere: newBitset(len(rules)), turns: newBitset(len(rules)), root: &scope{},
	}
	for i, r := range rules {
		f := &r.facts
		x.facts[i], x.negated[i] = f, r.negated
		if r.negated == turning {
			x.turns.set(int32(i))
		}
		switch {
		case f.prefix != "":
			x.root.ahead = append(x.root.ahead, int32(i))
		case f.maxSlashes != noLimit:
			x.root.begun = append(x.root.begun, int32(i))
		default:
			x.anywhere.set(int32(i))
			x.turnsAnywhere = x.turnsAnywhere || r.negated == turning
		}
	}
	slices.SortStableFunc(x.root.ahead, func(a, b int32) int { return strings.Compare(x.facts[a].prefix, x.facts[b].prefix) })
	x.finish(x.root)
	for k := range x.cols {
		x.fill(&x.cols[k], func(f *facts) (byteSet, bool) {
			from, at := f.tail, k
			if k >= 2 {
				from, at = f.name, k-2
			}
			if at >= len(from) {
				return byteSet{}, false
			}
			return from[at], true
		})
	}
	return x
}

// fill makes a column; allowed gives the bytes that a rule allows, false if it allows all and none.
func (x *index) fill(c *column, allowed func(*facts) (byteSet, bool)) {
	free := newBitset(len(x.facts))
	for i, f := range x.facts {
		s, ok := allowed(f)
		if !ok {
			free.set(int32(i))
			continue
		}
		for w, word := range s {
			for ; word != 0; word &= word - 1 {
				b := w*64 + bits.TrailingZeros64(word)
				if c.rows[b] == nil {
					c.rows[b] = newBitset(len(x.facts))
				}
				c.rows[b].set(int32(i))
			}
		}
	}
	for b := range c.rows {
		if c.rows[b] == nil {
			c.rows[b] = free
			continue
		}
		c.rows[b].addAll(free)
	}
}

// finish computes what follows from begun and ahead.
func (x *index) finish(s *scope) {
	s.turns = x.turnsAnywhere
	s.here = slices.Clone(x.anywhere)
	for _, list := range [2][]int32{s.begun, s.ahead} {
		for _, i := range list {
			f := x.facts[i]
			if f.minSlashes <= s.depth && s.depth <= f.maxSlashes {
				s.here.set(i)
			}
			s.turns = s.turns || x.negated[i] == x.turning
		}
	}
	s.words, s.turning = nil, nil
	for i, w := range s.here {
		if w != 0 {
			s.words = append(s.words, int32(i))
		}
		if len(s.turning) <= maxTurning {
			s.turning = appendSet(s.turning, i, w&x.turns[i])
		}
	}
}

// maxTurning bounds what a directory is compared with: with more rules than that it is cheaper to list it.
const maxTurning = 32

// appendSet appends the members of a word of a bitset.
func appendSet(list []int32, at int, word uint64) []int32 {
	for ; word != 0; word &= word - 1 {
		list = append(list, int32(at*64+bits.TrailingZeros64(word)))
	}
	return list
}

// turnsFiles tells which files of a directory, of which s is the scope, a rule of the turning sign may match.
func (x *index) turnsFiles(s *scope, dir string) files {
	if len(s.turning) > maxTurning {
		return files{any: true}
	}
	var out files
	for _, i := range s.turning {
		f := x.facts[i]
		if !f.mayHold(dir) {
			continue
		}
		if f.base == "" {
			return files{any: true}
		}
		out.names = append(out.names, f.base)
	}
	return out
}

// enter gives the scope of a directory, of which parent is the scope of the directory above.
func (x *index) enter(parent *scope, at *place) *scope {
	var begun, ahead []int32
	if len(parent.ahead) > 0 {
		begun, ahead = x.advance(parent, at.full()+"/", len(at.name)+1)
	}
	if len(begun) == 0 && len(ahead) == 0 {
		if s := parent.common.Load(); s != nil {
			return s
		}
	}
	s := &scope{depth: parent.depth + 1, ahead: ahead}
	for _, list := range [2][]int32{parent.begun, begun} {
		for _, i := range list {
			if x.facts[i].maxSlashes >= s.depth {
				s.begun = append(s.begun, i)
			}
		}
	}
	x.finish(s)
	if len(begun) == 0 && len(ahead) == 0 {
		parent.common.Store(s)
	}
	return s
}

// advance takes those of the rules ahead whose prefix agrees with the path of a directory: begun are those whose prefix
// ends in its last part, ahead those whose prefix goes on below it. below is the path with a slash at its end, part the
// length of its last element with that slash.
func (x *index) advance(parent *scope, below string, part int) (begun, ahead []int32) {
	rest := parent.ahead
	from := func(p string) int {
		at, _ := slices.BinarySearchFunc(rest, p, func(i int32, p string) int { return strings.Compare(x.facts[i].prefix, p) })
		return at
	}
	for end := len(below) - part + 1; end <= len(below); end++ {
		// What follows begins at the first prefix that is not smaller.
		rest = rest[from(below[:end]):]
		for len(rest) > 0 && x.facts[rest[0]].prefix == below[:end] {
			begun = append(begun, rest[0])
			rest = rest[1:]
		}
		if len(rest) == 0 || !strings.HasPrefix(x.facts[rest[0]].prefix, below[:end]) {
			return begun, nil
		}
	}
	to := 0
	for to < len(rest) && strings.HasPrefix(x.facts[rest[to]].prefix, below) {
		to++
	}
	return begun, rest[:to:to]
}

// candidates appends the rules, ascending, that may match the entry of that name in a directory.
func (x *index) candidates(list []int32, s *scope, dir string, name []byte) []int32 {
	last, before, first, second := int(name[len(name)-1]), noByte, int(name[0]), noByte
	switch {
	case len(name) > 1:
		before, second = int(name[len(name)-2]), int(name[1])
	case dir != ".":
		before = '/'
	}
	a, b, c, d := x.cols[0].rows[last], x.cols[1].rows[before], x.cols[2].rows[first], x.cols[3].rows[second]
	for _, w := range s.words {
		list = appendSet(list, int(w), s.here[w]&a[w]&b[w]&c[w]&d[w])
	}
	return list
}
