package dockerctx

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// edited makes random trees, each under an ignore file and under an edited one.
func edited(t *testing.T, r *rand.Rand, n int, fn func(m *memFS, before, after []string, a, b *Tree)) {
	for range n {
		m := randomTree(r)
		before := randomPatterns(r)
		after := slices.Clone(before)
		for range 1 + r.IntN(2) {
			line := pick(r, m.paths())
			switch r.IntN(4) {
			case 0:
				line = "!" + line
			case 1:
				line = randomPattern(r)
			}
			at := r.IntN(len(after) + 1)
			if at < len(after) && r.IntN(3) == 0 {
				after = slices.Delete(after, at, at+1)
			} else {
				after = slices.Insert(after, at, line)
			}
		}
		follow := randomFollow(r, m)
		if r.IntN(2) == 0 {
			follow = nil
		}
		other := follow
		if follow != nil && r.IntN(3) == 0 {
			other = append(slices.Clone(follow), pick(r, m.paths()))
		}
		tree := func(lines, follow []string) *Tree {
			file, err := ParseIgnoreFile("x", []byte(strings.Join(lines, "\n")))
			require.NoError(t, err)
			c, err := New(m, file)
			if err != nil {
				return nil
			}
			tree, err := c.Transfer(follow)
			if err != nil {
				return nil
			}
			return tree
		}
		if a, b := tree(before, follow), tree(after, other); a != nil && b != nil {
			fn(m, before, after, a, b)
		}
	}
}

// TestSameBelow edits ignore files and holds every directory of which the rules say that it is the same against what the
// trees hold.
func TestSameBelow(t *testing.T) {
	same, asked := 0, 0
	edited(t, rand.New(rand.NewPCG(3, 9)), 4000, func(m *memFS, before, after []string, a, b *Tree) {
		c := Compare(a, b)
		for _, dir := range append([]string{"."}, m.paths()...) {
			if dir != "." && !m.nodes[dir].IsDir() {
				continue
			}
			asked++
			if !c.SameBelow(dir) {
				continue
			}
			same++
			x, errX := readAll(a, dir)
			y, errY := readAll(b, dir)
			require.Equal(t, errX == nil, errY == nil, "%q\n%q\n%q\ndirectory %q: %v, %v", m.paths(), before, after, dir, errX, errY)
			require.Equal(t, x, y, "%q\n%q\n%q\ndirectory %q", m.paths(), before, after, dir)
		}
	})
	assert.Greater(t, same, asked/20, "it must be of use: %d of %d", same, asked)
}

// TestChanged holds what only one of two trees has against their listings.
func TestChanged(t *testing.T) {
	some := 0
	edited(t, rand.New(rand.NewPCG(4, 9)), 4000, func(m *memFS, before, after []string, a, b *Tree) {
		what := fmt.Sprintf("%q\n%q\n%q", m.paths(), before, after)
		x, errX := walkAll(a)
		y, errY := walkAll(b)
		var got []string
		err := Compare(a, b).Changed(func(name string) error {
			got = append(got, name)
			return nil
		})
		if errX != nil || errY != nil {
			return // where both fail alike, it need not notice
		}
		require.NoError(t, err, what)
		count := map[string]int{}
		for _, e := range append(x, y...) {
			if !e.Mode.IsDir() {
				count[e.Path]++
			}
		}
		want := []string{}
		for name, n := range count {
			if n == 1 {
				want = append(want, name)
			}
		}
		require.ElementsMatch(t, want, got, what)
		some += len(want)
	})
	assert.Greater(t, some, 1000, "something must change")
}
