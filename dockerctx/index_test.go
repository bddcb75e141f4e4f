package dockerctx

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainDecide is decide without index and facts: every rule that BuildKit would evaluate is asked of patternmatcher.
func plainDecide(m *matcher, name string, parent matched) (verdict, error) {
	v := verdict{decided: -1}
	for i, r := range m.rules {
		match := slices.Contains(parent, int32(i))
		if !match {
			if r.negated != v.matches {
				continue
			}
			var err error
			if match, err = r.judge(name); err != nil {
				return v, err
			}
		}
		if !match {
			continue
		}
		v.matched = append(v.matched, int32(i))
		if v.matches == r.negated {
			v.matches, v.decided = !r.negated, i
		}
	}
	return v, nil
}

// holdIndex goes down a path with the index and without it: the verdict, the rule that had the last word and all that is
// recorded must agree at every level. It also holds what the index says of directories: where it says that nothing below
// can turn, nothing that lies below may.
func holdIndex(t *testing.T, m *matcher, turning bool, name string) (asked int) {
	t.Helper()
	var parent, recorded matched
	var j judgement
	s := m.index.root
	dir := "."
	turnedOff := ""     // a directory that the index would not enter
	filesOff := false   // the index says that a file here needs one of these names to turn the verdict on its directory
	var needed []string // them
	for element := range strings.SplitSeq(name, "/") {
		at := place{dir: dir, name: []byte(element)}
		level := join(dir, element)
		what := fmt.Sprintf("rules %q, path %q", patternsOf(m), level)
		want, wantErr := plainDecide(m, level, parent)
		got, err := m.decideIn(&j, s, &at, recorded)
		require.Equal(t, wantErr != nil, err != nil, "%s: %v, %v", what, wantErr, err)
		if err != nil {
			return asked
		}
		asked += len(j.candidates)
		require.Equal(t, want.matches, got.matches, what)
		require.Equal(t, want.decided, got.decided, what)
		require.Equal(t, want.matched, matched(slices.Clone([]int32(got.matched))), what)
		plain, err := m.decideAll(level, recorded)
		require.NoError(t, err, what)
		require.Equal(t, want, plain, what)
		if turnedOff != "" {
			require.Equal(t, turning, want.matches, "%s: the index says that nothing in %q can turn", what, turnedOff)
		}

		if filesOff && !slices.Contains(needed, element) {
			require.Equal(t, turning, want.matches, "%s: the index says that no file of %q can turn but %q", what, dir, needed)
		}
		parent, recorded = want.matched, keep(got.matched, recorded)
		s = m.index.enter(s, &at)
		if want.matches == turning && !s.turns && turnedOff == "" {
			turnedOff = level
		}
		dir = level
		filesOff = want.matches == turning
		if filesOff {
			require.Equal(t, want.matches, m.verdictOf(want.matched), what)
			may := m.index.turnsFiles(s, dir)
			needed, filesOff = may.names, !may.any
		}
	}
	return asked
}

func patternsOf(m *matcher) []string {
	list := make([]string, len(m.rules))
	for i, r := range m.rules {
		list[i] = r.written
	}
	return list
}

// TestIndex takes exclude lists, in which negations turn, and include lists, in which the others do.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	cases := 0
	for range 8_000 {
		patterns := randomPatterns(r)
		for range r.IntN(3) {
			patterns = append(patterns, randomPatterns(r)...)
		}
		for i := range patterns {
			patterns[i] = onTheWire(patterns[i])
		}
		turning := r.IntN(2) == 0
		m, err := newMatcher(patterns, nil, turning, nil)
		if err != nil {
			continue
		}
		cases++
		for range 4 {
			parts := make([]string, 1+r.IntN(4))
			for i := range parts {
				parts[i] = pick(r, names)
			}
			holdIndex(t, m, turning, strings.Join(parts, "/"))
		}
	}
	assert.Greater(t, cases, 5_000)
}

func FuzzIndex(f *testing.F) {
	for _, seed := range [][2]string{
		{"**/monitoring/\n!pkg/", "pkg/app/monitoring/x"}, {"src/app\n!src/app/*/keep", "src/app/x/keep"}, {"a**\n!a/b**/c", "a/bx/y/c"},
		{"*\n!src/**/*.py\n**/*.py[cod]", "src/a/b.pyc"}, {"**/*.{js,ts}x\n!a|b", "x/b"}, {"[a-c]|^\n!?", "c/d"}, {"ab\n!abc/d\na", "abc/d/e"},
		{"**/*/**\n!0/*/**", "0/aa"}, {"[b-a]\n!x", "x/y"}, {`\Make` + "\n!x/y", "x/y"}, {"é*\n!é/**", "é/a"},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	f.Fuzz(func(t *testing.T, patterns, name string, turning bool) {
		name = strings.TrimPrefix(path.Clean("/"+name), "/")
		if name == "" || strings.Contains(name, "\x00") || strings.Contains(patterns, "\x00") || len(patterns) > 200 || len(name) > 100 {
			t.Skip("no path, or no pattern")
		}
		m, err := newMatcher(strings.Split(onTheWire(patterns), "\n"), nil, turning, nil)
		if err != nil {
			t.Skip("BuildKit refuses the list")
		}
		holdIndex(t, m, turning, name)
	})
}

// TestIndexLeavesOut tells how many of many rules are asked about a path, at any level of it.
func TestIndexLeavesOut(t *testing.T) {
	var patterns []string
	for i := range 1000 {
		patterns = append(patterns, fmt.Sprintf("**/*.ext%d", i), fmt.Sprintf("dir%d/**/*.o", i), fmt.Sprintf("build%d", i), fmt.Sprintf("**/*.x[a-c]%d", i), fmt.Sprintf("*.tmp%d", i))
	}
	m, err := newMatcher(patterns, nil, true, nil)
	require.NoError(t, err)
	for name, most := range map[string]int{
		"src/app/main.go":    0,
		"src/app/file.ext7":  1, // of 5,000; **/*.ext7 itself
		"dir5/sub/main.o":    2,
		"other/sub/main.o":   0,
		"build12":            40, // build12 and what ends in "12" after a wildcard; a look at the literals is left
		"deep/a/b/c/d/x.xb9": 1,
	} {
		assert.LessOrEqual(t, holdIndex(t, m, true, name), most, name)
	}
}
