package dockerctx

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
)

// rule is one pattern, as the matcher sees it.
type rule struct {
	line    *Line  // nil for an include pattern
	written string // the pattern that was handed in
	cleaned string // what patternmatcher made of it, without its "!"
	negated bool

	// literal patterns hold nothing that compile in patternmatcher.go would
	// make more than a comparison of; they are most of a list, and cheap.
	literal bool

	facts facts // what rules most paths out

	*compiled
}

// compiled is a pattern alone; who has the same one may share it.
type compiled struct {
	once   sync.Once // guards the first match, in which patternmatcher compiles
	single *patternmatcher.PatternMatcher
}

// newRule returns nil for a pattern that patternmatcher passes over. Its New
// trims again, so that the line "/<tab>/" ends there.
func newRule(pattern string, line *Line) (*rule, error) {
	single, err := patternmatcher.New([]string{pattern})
	if err != nil {
		return nil, err
	}
	if len(single.Patterns()) == 0 {
		return nil, nil
	}
	p := single.Patterns()[0]
	// On Windows patternmatcher separates by backslashes, in patterns as in paths.
	cleaned := filepath.ToSlash(p.String())
	return &rule{
		line:     line,
		written:  pattern,
		cleaned:  cleaned,
		negated:  p.Exclusion(),
		literal:  !strings.ContainsAny(cleaned, `*?[]\`),
		facts:    newFacts(cleaned),
		compiled: &compiled{single: single},
	}, nil
}

// of gives the same pattern on another line.
func (r *rule) of(line *Line) *rule {
	c := *r
	c.line = line
	return &c
}

// matches tells whether the pattern matches this very path, parents apart. The
// error is that of a pattern that New accepts and regexp does not.
//
// The deprecated method is wrong for a list with a history; for a list of one
// it is exactly the unexported match of its pattern, and allocates nothing.
func (r *rule) matches(path string) (bool, error) {
	if r.literal {
		return r.cleaned == path, nil
	}
	if !r.facts.mayMatch(path) {
		return false, nil
	}
	return r.judge(path)
}

// matchesAt is matches, for an entry whose path need not have been put together.
func (r *rule) matchesAt(at *place) (bool, error) {
	if r.literal {
		return at.is(r.cleaned), nil
	}
	return r.matches(at.full())
}

// judge asks patternmatcher.
func (r *rule) judge(path string) (bool, error) {
	// Compilation writes to the pattern once; a pattern that does not compile
	// is never written to.
	r.once.Do(func() { _, _ = r.ask("") })
	verdict, err := r.ask(path)
	return err == nil && verdict != r.negated, err
}

func (r *rule) ask(path string) (bool, error) {
	//lint:ignore SA1019 see matches
	return r.single.MatchesUsingParentResult(path, r.negated)
}

// subject is what the prunings of fsutil's filter.go compare with a directory.
func (r *rule) subject() string {
	s := strings.TrimSuffix(r.cleaned, "/**")
	return strings.TrimSuffix(s, "/*")
}

// matched holds the indices, ascending, of the rules that matched a path or
// that its parent handed down: patternmatcher.MatchInfo, kept sparse because a
// tree remembers it for every directory.
type matched []int32

// verdict is the answer of a list of rules for one path.
type verdict struct {
	matches bool
	decided int // the rule that had the last word; -1 when none had
	matched matched
}

// matcher is a list of rules. It is safe for concurrent use. The tree asks it
// through its index (decideIn), explanations ask every rule (decideAll).
type matcher struct {
	rules   []*rule
	negated bool // there is a negation
	mayFail bool // there is a rule that to ask about is an error

	// onlyPrefixes of fsutil: the rules that can bring something in (negations
	// of an exclude list, the others of an include list) have no wildcard but a
	// trailing one, so that a directory that is no prefix of any is not entered.
	prunes   bool
	prefixes []string // sorted, each with a trailing slash

	index *index
}

// verdictOf gives the verdict on a directory of which that was recorded.
func (m *matcher) verdictOf(recorded matched) bool {
	return len(recorded) > 0 && !m.rules[recorded[len(recorded)-1]].negated
}

// patternError tells which rule New or a match choked on.
type patternError struct {
	rule    *rule
	line    *Line
	pattern string
	err     error
}

func (e *patternError) Error() string { return fmt.Sprintf("pattern %q: %v", e.pattern, e.err) }
func (e *patternError) Unwrap() error { return e.err }

// newMatcher compiles patterns; lines, where there are any, has one for each.
// entering says which sign keeps a directory from being pruned: true for the
// negations of an exclude list. like is a matcher that may have some of the patterns already; nil for none.
func newMatcher(patterns []string, lines []*Line, entering bool, like *matcher) (*matcher, error) {
	known := map[string]*rule{}
	if like != nil {
		for _, r := range like.rules {
			known[r.written] = r
		}
	}
	m := &matcher{prunes: true, rules: make([]*rule, 0, len(patterns))}
	made := make([]*rule, len(patterns))
	errs := make([]error, len(patterns))
	inParts(len(patterns), 512, func(from, to int) {
		for i := from; i < to; i++ {
			var line *Line
			if lines != nil {
				line = lines[i]
			}
			if r := known[patterns[i]]; r != nil {
				made[i] = r.of(line)
			} else if made[i], errs[i] = newRule(patterns[i], line); errs[i] != nil {
				errs[i] = &patternError{line: line, pattern: patterns[i], err: errs[i]}
				return
			}
		}
	})
	for i, r := range made {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if r == nil {
			continue
		}
		m.rules = append(m.rules, r)
		m.negated = m.negated || r.negated
		m.mayFail = m.mayFail || r.facts.malformed
		if r.negated == entering {
			subject := r.subject()
			if strings.ContainsAny(subject, `*[]?^\`) {
				m.prunes = false
			}
			m.prefixes = append(m.prefixes, subject+"/")
		}
	}
	slices.Sort(m.prefixes)
	m.index = newIndex(m.rules, entering)
	return m, nil
}

// enters tells whether fsutil's walk goes into a directory that it leaves out
// itself: filter.go, onlyPrefixIncludes and onlyPrefixExcludeExceptions.
func (m *matcher) enters(dir string) bool {
	if !m.prunes {
		return true
	}
	prefix := dir + "/"
	i, found := slices.BinarySearch(m.prefixes, prefix)
	return found || i < len(m.prefixes) && strings.HasPrefix(m.prefixes[i], prefix)
}

// union merges two ascending lists.
func union(a, b matched) matched {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// onTheWire gives a pattern as it arrives after client/llb has put it into
// JSON, which has no other bytes than UTF-8.
func onTheWire(pattern string) string { return string([]rune(pattern)) }

// errBadPattern is what patternmatcher says of malformed patterns.
var errBadPattern = filepath.ErrBadPattern
