package rootfs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMay(t *testing.T) {
	tree := New()
	for _, p := range []string{"/app", "/usr", "/usr/lib"} {
		require.NoError(t, tree.Put(p, NewNode(Attr{Kind: KindDir, Op: 1})))
	}
	require.NoError(t, tree.Mark("/usr", 2))
	require.NoError(t, tree.Mark("/app/node_modules/.bin", 3))
	require.NoError(t, tree.Mark("/app/node_modules", 4))
	require.NoError(t, tree.Mark("/app/node_modules/x", 4))
	for p, want := range map[string][]May{
		"/app":                     {{3, "node_modules/.bin"}, {4, "node_modules"}},
		"/app/node_modules":        {{3, ".bin"}, {4, ""}},
		"/app/node_modules/x/y":    {{4, ""}},
		"/app/node_modules/.bin/z": {{3, ""}, {4, ""}},
		"/app/main.js":             nil,
		"/usr/lib/x":               {{2, ""}},
		"/usr":                     {{2, ""}},
		"/etc":                     nil,
	} {
		assert.Equal(t, want, tree.HeldBy(p).All(), p)
		assert.Equal(t, want != nil, tree.MayHold(p), p)
	}
	assert.Equal(t, []int{3, 4}, tree.HeldBy("/app").Ops())

	// What is removed is gone until somebody may make it again, there or around it.
	require.NoError(t, tree.Erase("/app/node_modules"))
	assert.False(t, tree.MayHold("/app/node_modules/x"))
	before := tree.Fork()
	require.NoError(t, tree.Mark("/app/dist", 5))
	assert.False(t, tree.MayHold("/app/node_modules/x"))
	require.NoError(t, tree.Mark("/app/node_modules/x", 5))
	assert.True(t, tree.MayHold("/app/node_modules/x"))
	assert.False(t, before.MayHold("/app/node_modules/x"))
	assert.False(t, before.MayHold("/app/dist"))
}

func TestMaysAreBounded(t *testing.T) {
	tree := New()
	for i := range 2 * maxMays {
		require.NoError(t, tree.Mark("/d/"+string(rune('a'+i)), 1))
	}
	assert.Equal(t, []May{{1, ""}}, tree.HeldBy("/elsewhere").All())
}
