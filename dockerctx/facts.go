package dockerctx

import (
	"math"
	"math/bits"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(c byte)      { s[c/64] |= 1 << (c % 64) }
func (s *byteSet) has(c byte) bool { return s[c/64]&(1<<(c%64)) != 0 }

func (s *byteSet) addAll(o byteSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// addHigh adds all bytes of characters beyond ASCII, and those that are no UTF-8 at all: package regexp takes each of
// them for U+FFFD.
func (s *byteSet) addHigh() { s[2], s[3] = math.MaxUint64, math.MaxUint64 }

// single gives the only byte of the set.
func (s *byteSet) single() (byte, bool) {
	var found byte
	n := 0
	for i, word := range s {
		if word != 0 {
			n += bits.OnesCount64(word)
			found = byte(i*64 + bits.TrailingZeros64(word))
		}
	}
	return found, n == 1
}

// facts is what every path must have that a pattern matches. A path that lacks one of them is left out by a look at a
// few bytes; patternmatcher is asked about the rest. The zero value leaves nothing out.
type facts struct {
	prefix, suffix string   // what the path begins and ends with
	inner          []string // one of which it holds somewhere
	dirs           []string // one of which, each with a slash at its end, the path of its directory holds, with a slash at the end

	tail []byteSet // of the path, the last byte first
	name []byteSet // of the last element of the path, the first byte first
	base string    // that element, if it can be one only

	minSlashes int
	maxSlashes int // noLimit if any number may be in it

	malformed bool // to ask about it is an error
}

const (
	noLimit = math.MaxInt
	// reach is how many bytes at either end are looked at.
	reach = 8
)

// newFacts reads the facts from the syntax tree of the regular expression, so that classes, braces and alternatives
// count too: `*.py[cod]` has one of three bytes at its end, and ".py" before.
//
// A pattern that does not compile leaves nothing out, for its error must show where BuildKit meets it.
func newFacts(pattern string) facts {
	re := translate(pattern)
	if re == nil {
		return facts{maxSlashes: noLimit, malformed: true}
	}
	f := facts{maxSlashes: noLimit}
	begins, ends := anchored(re, syntax.OpBeginText), anchored(re, syntax.OpEndText)
	var most int
	f.minSlashes, most = slashes(re)
	if begins && ends {
		f.maxSlashes = most
		if last := lastElement(re); last != nil {
			f.name, _ = edge(last, false)
			f.base = spell(last)
		}
	}
	if ends {
		f.tail, _ = edge(re, true)
		f.suffix = singles(f.tail, true)
	}
	if begins {
		head, _ := edge(re, false)
		f.prefix = singles(head, false)
	}
	f.inner = literals(re, func(run string) string { return run })
	f.dirs = literals(re, func(run string) string { return run[:strings.LastIndexByte(run, '/')+1] })
	if f.prefix != "" && begins {
		f.prefix = extend(re, f.prefix)
	}
	return f
}

// extend lengthens a prefix beyond the reach, for a pattern that begins with a longer literal.
func extend(re *syntax.Regexp, prefix string) string {
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[1].Op != syntax.OpLiteral {
		return prefix
	}
	var b strings.Builder
	for _, r := range re.Sub[1].Rune {
		if r >= utf8.RuneSelf {
			break
		}
		b.WriteRune(r)
	}
	if literal := b.String(); re.Sub[1].Flags&syntax.FoldCase == 0 && strings.HasPrefix(literal, prefix) {
		return literal
	}
	return prefix
}

// anchored reports whether every match begins, or ends, where the text does.
func anchored(re *syntax.Regexp, at syntax.Op) bool {
	switch re.Op {
	case at:
		return true
	case syntax.OpCapture:
		return anchored(re.Sub[0], at)
	case syntax.OpConcat:
		if at == syntax.OpBeginText {
			return anchored(re.Sub[0], at)
		}
		return anchored(re.Sub[len(re.Sub)-1], at)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !anchored(sub, at) {
				return false
			}
		}
		return true
	}
	return false
}

// edge gives the sets of bytes at the end (or the beginning) of every match, outermost first: as many as every match
// must have. exact tells that no match has more bytes than that.
func edge(re *syntax.Regexp, end bool) (sets []byteSet, exact bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return nil, true
	case syntax.OpLiteral:
		return literalEdge(re, end)
	case syntax.OpCharClass:
		s, ascii := classSet(re)
		return []byteSet{s}, ascii
	case syntax.OpCapture:
		return edge(re.Sub[0], end)
	case syntax.OpPlus:
		sets, _ = edge(re.Sub[0], end)
		return sets, false
	case syntax.OpRepeat:
		if re.Min > 0 {
			sets, _ = edge(re.Sub[0], end)
		}
		return sets, false
	case syntax.OpConcat:
		for i := range re.Sub {
			sub := re.Sub[i]
			if end {
				sub = re.Sub[len(re.Sub)-1-i]
			}
			more, all := edge(sub, end)
			sets = append(sets, more...)
			if !all || len(sets) > reach {
				return sets[:min(len(sets), reach)], false
			}
		}
		return sets, true
	case syntax.OpAlternate:
		return alternateEdge(re, end)
	}
	return nil, false
}

func literalEdge(re *syntax.Regexp, end bool) (sets []byteSet, exact bool) {
	if re.Flags&syntax.FoldCase != 0 {
		return nil, false
	}
	for i := range re.Rune {
		c := re.Rune[i]
		if end {
			c = re.Rune[len(re.Rune)-1-i]
		}
		var s byteSet
		if c >= utf8.RuneSelf {
			s.addHigh()
			return append(sets, s), false
		}
		s.add(byte(c))
		if sets = append(sets, s); len(sets) > reach {
			return sets, false
		}
	}
	return sets, true
}

func alternateEdge(re *syntax.Regexp, end bool) (sets []byteSet, exact bool) {
	exact = true
	for i, sub := range re.Sub {
		more, all := edge(sub, end)
		if i == 0 {
			sets, exact = append(sets, more...), all
			continue
		}
		exact = exact && all && len(more) == len(sets)
		sets = sets[:min(len(sets), len(more))]
		for k := range sets {
			sets[k].addAll(more[k])
		}
	}
	return sets, exact
}

// classSet gives the bytes at either end of what a class matches; ascii tells that it matches single bytes only.
func classSet(re *syntax.Regexp) (s byteSet, ascii bool) {
	ascii = true
	for i := 0; i < len(re.Rune); i += 2 {
		lo, hi := re.Rune[i], re.Rune[i+1]
		if hi >= utf8.RuneSelf {
			s.addHigh()
			ascii = false
		}
		for c := lo; c <= min(hi, utf8.RuneSelf-1); c++ {
			s.add(byte(c))
		}
	}
	return s, ascii
}

// slashes gives how many slashes a match has at least and at most.
func slashes(re *syntax.Regexp) (least, most int) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if c == '/' {
				least++
			}
		}
		return least, least
	case syntax.OpCharClass:
		s, ascii := classSet(re)
		if !s.has('/') {
			return 0, 0
		}
		if c, ok := s.single(); ok && ascii && c == '/' {
			return 1, 1
		}
		return 0, 1
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 0, 1
	case syntax.OpCapture:
		return slashes(re.Sub[0])
	case syntax.OpQuest:
		_, most = slashes(re.Sub[0])
		return 0, most
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		least, most = slashes(re.Sub[0])
		switch {
		case re.Op == syntax.OpStar:
			least = 0
		case re.Op == syntax.OpRepeat:
			least *= re.Min
		}
		if most > 0 {
			most = noLimit
		}
		return least, most
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			l, m := slashes(sub)
			least += l
			most = sum(most, m)
		}
		return least, most
	case syntax.OpAlternate:
		least = noLimit
		for _, sub := range re.Sub {
			l, m := slashes(sub)
			least, most = min(least, l), max(most, m)
		}
		return least, most
	}
	return 0, 0
}

func sum(a, b int) int {
	if a == noLimit || b == noLimit {
		return noLimit
	}
	return a + b
}

// lastElement gives what matches the last element of the path. It goes back from the end to where that element must begin:
// behind the last literal slash, at an optional "(.*/)" that stands at the beginning of an element itself, or at the
// beginning of the path. In `a**/b` the element may begin with the "a": it gives nil, nothing is known.
func lastElement(re *syntax.Regexp) *syntax.Regexp {
	if re.Op != syntax.OpConcat {
		return nil
	}
	for i := len(re.Sub) - 1; i >= 0; i-- {
		sub := re.Sub[i]
		from := *re
		from.Sub = re.Sub[i+1:]
		switch {
		case sub.Op == syntax.OpBeginText:
			return &from
		case sub.Op == syntax.OpLiteral && lastSlash(sub) >= 0:
			rest := *sub
			rest.Rune = sub.Rune[lastSlash(sub)+1:]
			from.Sub = append([]*syntax.Regexp{&rest}, from.Sub...)
			return &from
		case sub.Op == syntax.OpQuest && i > 0 && endsElement(sub.Sub[0]):
			before := re.Sub[i-1]
			if before.Op == syntax.OpBeginText || before.Op == syntax.OpLiteral && lastSlash(before) == len(before.Rune)-1 {
				return &from
			}
			return nil
		}
		if _, most := slashes(sub); most > 0 {
			return nil
		}
	}
	return nil
}

// spell gives the only text that a part of an expression matches; empty if there are others, or if it is not ASCII.
func spell(re *syntax.Regexp) string {
	var b strings.Builder
	for _, sub := range re.Sub {
		switch {
		case sub.Op == syntax.OpEndText:
		case sub.Op == syntax.OpLiteral && sub.Flags&syntax.FoldCase == 0:
			b.WriteString(string(sub.Rune))
		default:
			return ""
		}
	}
	if strings.ContainsFunc(b.String(), func(c rune) bool { return c >= utf8.RuneSelf }) {
		return ""
	}
	return b.String()
}

func lastSlash(re *syntax.Regexp) int {
	for i := len(re.Rune) - 1; i >= 0; i-- {
		if re.Rune[i] == '/' {
			return i
		}
	}
	return -1
}

// endsElement reports whether every match ends with a slash.
func endsElement(re *syntax.Regexp) bool {
	sets, _ := edge(re, true)
	if len(sets) == 0 {
		return false
	}
	c, ok := sets[0].single()
	return ok && c == '/'
}

// singles spells the sets that hold one byte, up to the first that does not.
func singles(sets []byteSet, reverse bool) string {
	var b []byte
	for i := range sets {
		c, ok := sets[i].single()
		if !ok {
			break
		}
		b = append(b, c)
	}
	if reverse {
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
	return string(b)
}

// maxLiterals bounds what is looked for in every path.
const maxLiterals = 8

// literals gives runs of ASCII characters, the longest to be had, of which every match holds at least one. Of each only the
// part counts that cut gives.
func literals(re *syntax.Regexp, cut func(run string) string) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil
		}
		best := ""
		for run := range strings.FieldsFuncSeq(string(re.Rune), func(c rune) bool { return c >= utf8.RuneSelf }) {
			if part := cut(run); len(part) > len(best) {
				best = part
			}
		}
		if best == "" {
			return nil
		}
		return []string{best}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0], cut)
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if list := literals(sub, cut); shortest(list) > shortest(best) {
				best = list
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			list := literals(sub, cut)
			if all = append(all, list...); len(list) == 0 || len(all) > maxLiterals {
				return nil
			}
		}
		return all
	}
	return nil
}

func shortest(list []string) int {
	if len(list) == 0 {
		return 0
	}
	n := len(list[0])
	for _, s := range list {
		n = min(n, len(s))
	}
	return n
}

// mayMatch is false for a path that the pattern cannot match.
func (f *facts) mayMatch(path string) bool {
	if !strings.HasSuffix(path, f.suffix) || !strings.HasPrefix(path, f.prefix) || len(path) < len(f.tail) {
		return false
	}
	for i := len(f.suffix); i < len(f.tail); i++ {
		if !f.tail[i].has(path[len(path)-1-i]) {
			return false
		}
	}
	for _, s := range f.inner {
		if strings.Contains(path, s) {
			return true
		}
	}
	return len(f.inner) == 0
}

// mayHold is false for a directory of which the pattern can match no file: an entry without anything below it. A name has no
// slash, so a literal with one ends in the path of the directory, or at the slash behind it.
func (f *facts) mayHold(dir string) bool {
	for _, s := range f.dirs {
		if strings.HasSuffix(dir, s[:len(s)-1]) || strings.Contains(dir, s) {
			return true
		}
	}
	return len(f.dirs) == 0
}
