package dockerctx

import (
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// holdFacts fails if the facts of a pattern leave out a path that patternmatcher matches or fails on.
func holdFacts(t *testing.T, pattern, name string) {
	t.Helper()
	r, err := newRule(onTheWire(pattern), nil)
	if err != nil || r == nil {
		return
	}
	match, err := r.judge(name)
	if !match && err == nil {
		return
	}
	f := &r.facts
	if err != nil {
		require.Equal(t, facts{maxSlashes: noLimit, malformed: true}, *f, "a pattern that fails must always be asked: %q", pattern)
		return
	}
	what := "pattern %q matches %q, which its facts leave out: %+v"
	require.True(t, f.mayMatch(name), what, pattern, name, *f)
	n := strings.Count(name, "/")
	require.True(t, f.minSlashes <= n && n <= f.maxSlashes, what, pattern, name, *f)
	require.True(t, f.mayHold(path.Dir(name)), what, pattern, name, *f)
	base := path.Base(name)
	require.True(t, f.base == "" || f.base == base, what, pattern, name, *f)
	require.GreaterOrEqual(t, len(base), len(f.name), what, pattern, name, *f)
	for i := range f.name {
		require.True(t, f.name[i].has(base[i]), what, pattern, name, *f)
	}
}

func TestFactsLeaveNothingOut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	matches := 0
	for range 40_000 {
		parts := make([]string, 1+r.IntN(3))
		for i := range parts {
			parts[i] = pick(r, names)
		}
		pattern, name := randomPattern(r), strings.Join(parts, "/")
		if rule, err := newRule(onTheWire(pattern), nil); err == nil && rule != nil {
			if match, _ := rule.judge(name); match {
				matches++
			}
		}
		holdFacts(t, pattern, name)
	}
	assert.Greater(t, matches, 3_000, "the cases are worth something only if many match")
}

func FuzzFacts(f *testing.F) {
	for _, seed := range [][2]string{
		{"**/*.py[cod]", "a/b.pyc"}, {"**/*.{js,ts}x", "a/b.{js,ts}x"}, {"[a-c]|^", "c"}, {"b|c/*", "b/x"}, {"a**/b", "aab"},
		{"**a", "x/ba"}, {"a**", "ab/c"}, {`\x41*`, "Ab"}, {`\Qa.b\E*`, "a.bc"}, {"a{2}*", "aa"}, {"[^a]", "/"}, {"x[.-9]y", "x/y"},
		{"\uFEFF*.a", "b.a"}, {"*\uFFFD", "a\xff"}, {"**/é*", "x/éy"}, {"?", "é"}, {"**/a/**/***", "a/b"}, {`\pL*`, "éa"}, {"*^", "a"}, {"a/**/b*", "a/b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		name = strings.TrimPrefix(path.Clean("/"+name), "/")
		if name == "" || strings.Contains(name, "\x00") || strings.Contains(pattern, "\x00") || len(pattern) > 100 {
			t.Skip("no path, or no pattern")
		}
		holdFacts(t, pattern, name)
	})
}

func TestFacts(t *testing.T) {
	set := func(s string) (b byteSet) {
		for i := range len(s) {
			b.add(s[i])
		}
		return b
	}
	for _, tt := range []struct {
		pattern, prefix, suffix string
		inner                   []string
		tail, name              []byteSet
		minSlashes, maxSlashes  int
	}{
		{"docs/a.md", "docs/a.md", "ocs/a.md", []string{"docs/a.md"}, nil, []byteSet{set("a"), set("."), set("m"), set("d")}, 1, 1},
		{"**/*.log", "", ".log", []string{".log"}, nil, nil, 0, noLimit},
		{"**/*.py[cod]", "", "", []string{".py"}, []byteSet{set("cod"), set("y"), set("p"), set(".")}, nil, 0, noLimit},
		{"**/*.{js,ts}x", "", "{js,ts}x", []string{".{js,ts}x"}, nil, nil, 0, noLimit},
		{"src/*/test_*", "src/", "", []string{"/test_"}, nil, []byteSet{set("t"), set("e"), set("s"), set("t"), set("_")}, 2, 2},
		{"**/cache", "", "cache", []string{"cache"}, nil, []byteSet{set("c"), set("a"), set("c"), set("h"), set("e")}, 0, noLimit},
		{"a**/b", "a", "b", []string{"a"}, []byteSet{set("b")}, nil, 0, noLimit},
		{"a|b", "a|b", "a|b", []string{"a|b"}, nil, []byteSet{set("a"), set("|"), set("b")}, 0, 0},
		{"a*|b", "", "", []string{"a", "b"}, nil, nil, 0, noLimit},
		{"[b-a]", "", "", nil, nil, nil, 0, noLimit},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			f := newFacts(tt.pattern)
			assert.Equal(t, tt.prefix, f.prefix)
			assert.Equal(t, tt.suffix, f.suffix)
			assert.Equal(t, tt.inner, f.inner)
			if tt.tail != nil {
				assert.Equal(t, tt.tail, f.tail)
			}
			assert.Equal(t, tt.name, f.name)
			assert.Equal(t, [2]int{tt.minSlashes, tt.maxSlashes}, [2]int{f.minSlashes, f.maxSlashes})
		})
	}
}
