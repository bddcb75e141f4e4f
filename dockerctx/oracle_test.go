package dockerctx

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
)

var (
	names = []string{"a", "a", "a", "b", "b", "c", "ab", "aa", ".a", "a.b", "é", "a\nb", "*", "[a]", `\`, "!a", "{", "a|b", "^", "\xff", "a-b", " a"}

	// pieces are joined with slashes to patterns.
	pieces = []string{
		"a", "a", "a", "b", "b", "c", "ab", ".a", "é", "*", "*", "**", "**", "**a", "a**b", "a**", "?", "[ab]", "[!a]", "[^a]", "[a-c]|^",
		"{", "|", "a|b", "^", "$", ".", "..", "(a)", "a+", `\a`, `\*`, `\[a]`, `\d`, "*.b", "a*", "***", "*a*", "[.-9]", "a-b", " ", "",
	}
	// rare ones make New or a match fail.
	rare = []string{"[b-a]", `\Make`, "[", "!", "!!a", "a\xffb", "**/*/**", "**/"}

	links = []string{"a", "b", "../a", "/a/b", "../../..", ".", "/", "c/../a", "nowhere", "a/b", "*", "[a]", "!a"}
)

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func randomTree(r *rand.Rand) *memFS {
	m := newMemFS()
	for range 1 + r.IntN(14) {
		parts := make([]string, 1+r.IntN(4))
		for i := range parts {
			parts[i] = pick(r, names)
		}
		p := strings.Join(parts, "/")
		switch r.IntN(8) {
		case 0:
			m.add(p, newMemFS("x/").nodes["x"])
		case 1:
			m.add(p, newMemFS("x -> " + pick(r, links)).nodes["x"])
		default:
			m.add(p, newMemFS(p).nodes[p])
		}
	}
	return m
}

func randomPattern(r *rand.Rand) string {
	if r.IntN(60) == 0 {
		return pick(r, rare)
	}
	parts := make([]string, 1+r.IntN(3))
	for i := range parts {
		parts[i] = pick(r, pieces)
	}
	p := strings.Join(parts, "/")
	switch r.IntN(8) {
	case 0:
		p = "/" + p
	case 1:
		p += "/"
	case 2:
		p += "/**"
	case 3:
		p += "/*"
	}
	return p
}

func randomPatterns(r *rand.Rand) []string {
	list := make([]string, 1+r.IntN(6))
	for i := range list {
		list[i] = randomPattern(r)
		if r.IntN(5) < 2 {
			list[i] = "!" + list[i]
		}
		if i > 0 && r.IntN(8) == 0 {
			list[i] = list[r.IntN(i)]
		}
	}
	return list
}

func randomFollow(r *rand.Rand, m *memFS) []string {
	paths := m.paths()
	list := make([]string, 1+r.IntN(3))
	for i := range list {
		switch r.IntN(4) {
		case 0:
			list[i] = randomPattern(r)
		case 1:
			list[i] = pick(r, paths) + "/" + pick(r, names)
		default:
			list[i] = pick(r, paths)
		}
		list[i] = path.Join(".", "/"+list[i])
	}
	return list
}

// checkAgainstOracle holds everything that the package says of one case against
// fsutil and against itself.
func checkAgainstOracle(t *testing.T, m *memFS, lines, follow []string) (listed, total int) {
	t.Helper()
	data := strings.Join(lines, "\n")
	what := fmt.Sprintf("entries %q\nignore file %q\nfollow %q", m.paths(), data, follow)

	file, err := ParseIgnoreFile("x.dockerignore", []byte(data))
	require.NoError(t, err, what)
	sent := file.Patterns()
	if unsendable(sent) >= 0 || unsendable(follow) >= 0 {
		return 0, 0
	}
	for i := range sent {
		sent[i] = onTheWire(sent[i])
	}
	sentFollow := []string(nil)
	for _, p := range follow {
		sentFollow = append(sentFollow, onTheWire(p))
	}
	want, wantNew, wantWalk := oracle(oracleFS{m}, sent, sentFollow)

	c, err := New(m, file)
	var tree *Tree
	if err == nil {
		tree, err = c.Transfer(follow)
	}
	require.Equal(t, wantNew != nil, err != nil, "%s\noracle: %v\nwe: %v", what, wantNew, err)
	if err != nil {
		return 0, 0
	}
	got, err := walkAll(tree)
	require.Equal(t, wantWalk != nil, err != nil, "%s\noracle: %v\nwe: %v", what, wantWalk, err)
	require.Equal(t, want, got, what)
	if tree.Flawless(nil, nil) {
		require.NoError(t, err, what)
		require.True(t, utf8.ValidString(strings.Join(pathsOf(got), "")), what)
	} else if err == nil {
		require.False(t, utf8.ValidString(strings.Join(m.paths(), "")), what)
	}
	if err != nil {
		if wantWalk.Error() == "failed to match excludepatterns: syntax error in pattern" {
			var ie *IgnoreError
			require.ErrorAs(t, err, &ie, what)
			require.NotZero(t, ie.Line, what)
		}
		return 0, 0
	}

	// The same tree, asked in other ways, by a context that has read nothing yet.
	c, err = New(m, file)
	require.NoError(t, err)
	tree, err = c.Transfer(follow)
	require.NoError(t, err)
	in := map[string]Entry{}
	for _, e := range got {
		in[e.Path] = e
	}
	for _, p := range m.paths() {
		e, err := tree.Lstat(p)
		if want, ok := in[p]; ok {
			require.NoError(t, err, "%s\npath %q", what, p)
			require.Equal(t, want, e, what)
		} else {
			require.ErrorIs(t, err, os.ErrNotExist, "%s\npath %q", what, p)
		}
	}
	byDir, err := readAll(tree, ".")
	require.NoError(t, err, what)
	require.Equal(t, got, byDir, what)
	if len(follow) == 0 {
		checkExplain(t, c, m, in, what)
		checkIgnored(t, c, m, in, what)
	}
	return len(got), len(m.paths())
}

func checkExplain(t *testing.T, c *Context, m *memFS, in map[string]Entry, what string) {
	t.Helper()
	for _, p := range m.paths() {
		trail, err := c.Explain(p)
		require.NoError(t, err, what)
		_, ok := in[p]
		require.Equal(t, ok, trail.Included, "%s\n%s", what, trail)
		checkTrail(t, trail, what)
	}
}

// checkTrail tells whether a trail makes sense in itself.
func checkTrail(t *testing.T, trail *Trail, what string) {
	t.Helper()
	what = fmt.Sprintf("%s\n%s", what, trail)
	for _, s := range trail.Steps {
		require.True(t, s.Path == trail.Path || strings.HasPrefix(trail.Path, s.Path+"/"), what)
		switch s.Effect {
		case EffectExcludes, EffectReincludes:
			require.Equal(t, s.Effect == EffectReincludes, s.Line.Negated, what)
			require.Contains(t, []Reason{Matches, Inherited}, s.Reason, what)
		case EffectNone:
			require.NotContains(t, []Reason{Matches, Inherited}, s.Reason, what)
		}
		require.Equal(t, s.Origin != "", s.Origin != "" && s.Origin != s.Path, what)
		if s.Same != nil {
			require.Less(t, s.Same.Number, s.Line.Number, what)
		}
	}
	if trail.Decisive == nil {
		require.Equal(t, NoLineMatches, trail.Reason, what)
		return
	}
	decided := false
	for _, s := range trail.Steps {
		decided = decided || s.Line == trail.Decisive && s.Effect != EffectNone
	}
	require.True(t, decided, what)
	require.Equal(t, trail.Reason == Reincluded, trail.Decisive.Negated, what)
	require.Equal(t, trail.Included, trail.Reason == Reincluded || trail.Reason == Carried, what)
	require.Equal(t, trail.PrunedAt != "", trail.Reason == DirectoryNotRead, what)
	require.Equal(t, trail.CarriedBy != "", trail.Reason == Carried, what)
}

func checkIgnored(t *testing.T, c *Context, m *memFS, in map[string]Entry, what string) {
	t.Helper()
	covered := map[string]bool{}
	last := ""
	require.NoError(t, c.WalkIgnored(true, func(e IgnoredEntry) error {
		require.Less(t, last, e.Path, what)
		last = e.Path
		require.NotContains(t, in, e.Path, what)
		require.NotContains(t, covered, e.Path, what)
		require.NotNil(t, e.Line, what)
		trail, err := c.Explain(e.Path)
		require.NoError(t, err)
		require.Same(t, trail.Decisive, e.Line, "%s\n%s", what, trail)
		covered[e.Path] = true
		if e.Whole {
			for _, p := range m.paths() {
				if strings.HasPrefix(p, e.Path+"/") {
					covered[p] = true
				}
			}
		}
		return nil
	}), what)
	for _, p := range m.paths() {
		_, ok := in[p]
		require.NotEqual(t, ok, covered[p], "%s\npath %q", what, p)
	}
}

// TestOracle compares random trees under random ignore files with fsutil.
func TestOracle(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 1000
	}
	for _, mode := range []string{"ignore", "transfer", "both"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(1, uint64(len(mode))))
			listed, total := 0, 0
			for range n {
				m := randomTree(r)
				var lines, follow []string
				if mode != "transfer" {
					lines = randomPatterns(r)
				}
				if mode != "ignore" {
					follow = randomFollow(r, m)
				}
				l, n := checkAgainstOracle(t, m, lines, follow)
				listed += l
				total += n
			}
			// The cases are worth something only if they go both ways.
			require.Greater(t, listed, total/8)
			require.Less(t, listed, total*9/10)
		})
	}
}

// TestOracleOnDisk compares with fsutil's own reading of a directory.
func TestOracleOnDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		dir := t.TempDir()
		m := randomTree(r)
		for _, p := range m.paths() {
			full, n := filepath.Join(dir, p), m.nodes[p]
			switch {
			case n.IsDir():
				require.NoError(t, os.Mkdir(full, 0o755))
			case n.link != "":
				require.NoError(t, os.Symlink(n.link, full))
			default:
				require.NoError(t, os.WriteFile(full, []byte(n.data), 0o644))
			}
		}
		real, err := fsutil.NewFS(dir)
		require.NoError(t, err)
		ours, err := DirFS(dir)
		require.NoError(t, err)
		for range 8 {
			lines, follow := randomPatterns(r), randomFollow(r, m)
			if r.IntN(2) == 0 {
				follow = nil
			}
			file, err := ParseIgnoreFile("x", []byte(strings.Join(lines, "\n")))
			require.NoError(t, err)
			sent := file.Patterns()
			for i := range sent {
				sent[i] = onTheWire(sent[i])
			}
			for i := range follow {
				follow[i] = onTheWire(follow[i])
			}
			want, wantNew, wantWalk := oracle(real, sent, follow)
			var got []Entry
			c, err := New(ours, file)
			var tree *Tree
			if err == nil {
				tree, err = c.Transfer(follow)
			}
			if unsendable(sent) >= 0 || unsendable(follow) >= 0 {
				require.Error(t, err)
				continue
			}
			require.Equal(t, wantNew != nil, err != nil, "%v %v", wantNew, err)
			if err != nil {
				continue
			}
			got, err = walkAll(tree)
			require.Equal(t, wantWalk != nil, err != nil, "%v %v", wantWalk, err)
			require.Equal(t, want, got, "%q %q %q", m.paths(), lines, follow)
		}
	}
}
