package dockerctx

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSameBelow edits ignore files and holds every directory of which the rules say that it is the same against what the
// trees hold.
func TestSameBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	same, asked := 0, 0
	for range 4000 {
		m := randomTree(r)
		dirs := []string{"."}
		for _, p := range m.paths() {
			if m.nodes[p].IsDir() {
				dirs = append(dirs, p)
			}
		}
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
		tree := func(lines []string) *Tree {
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
		a, b := tree(before), tree(after)
		if a == nil || b == nil {
			continue
		}
		c := Compare(a, b)
		for _, dir := range dirs {
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
	}
	assert.Greater(t, same, asked/20, "it must be of use: %d of %d", same, asked)
}
