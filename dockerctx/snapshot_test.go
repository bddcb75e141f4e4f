package dockerctx

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A snapshot shows what lies below it, the second time from memory.
func TestSnapshot(t *testing.T) {
	edited(t, rand.New(rand.NewPCG(5, 9)), 600, func(m *memFS, before, _ []string, a, _ *Tree) {
		failing := 0
		for _, n := range m.nodes {
			if n.readErr != nil {
				failing++
			}
		}
		s := Snapshot(m)
		other := newTree(s, a.lists[includes], a.lists[excludes], a.wrap)
		want, wantErr := walkAll(a)
		for round := range 3 {
			got, err := walkAll(newTree(s, a.lists[includes], a.lists[excludes], a.wrap))
			require.Equal(t, wantErr == nil, err == nil, "%q %q", m.paths(), before)
			require.Equal(t, want, got, "%q %q", m.paths(), before)
			if reads := m.reads.Swap(0); round > 0 && wantErr == nil {
				require.LessOrEqual(t, int(reads), failing, "a directory is listed once, if it can be")
			}
		}
		assert.Equal(t, a.Flawless(nil, nil), other.Flawless(nil, nil))
	})
}
