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

func TestMayPatterns(t *testing.T) {
	tree := New()
	for _, p := range []string{"/app", "/app/web"} {
		require.NoError(t, tree.Put(p, NewNode(Attr{Kind: KindDir, Op: 1})))
	}
	require.NoError(t, tree.Mark("/app/**/node_modules", 2))
	require.NoError(t, tree.Mark("/srv/*.egg-info", 3))
	for p, want := range map[string]bool{
		"/app/node_modules": true, "/app/web/node_modules/x": true, "/app/other/node_modules": true, "/app/web/dist": false, "/app/server.js": false, "/app/other": false,
		"/srv": true, "/srv/shop.egg-info/PKG-INFO": true, "/srv/shop": false,
	} {
		assert.Equal(t, want, tree.MayHold(p), p)
	}
	assert.Nil(t, tree.HeldBy("/app/server.js").All())
	assert.Equal(t, []May{{2, "**/node_modules"}}, tree.HeldBy("/app/web").All())
	require.NoError(t, tree.Mark("/app", 2))
	assert.Equal(t, []May{{2, ""}}, tree.HeldBy("/app/web").All())
}

// What is removed may be made again by whom a pattern stands for.
func TestMadeAgain(t *testing.T) {
	for pattern, gone := range map[string]string{
		"/app/**/node_modules": "/app/node_modules", "/app/**/target": "/app/web/target/x", "/app/*.egg-info": "/app/shop.egg-info", "/app": "/app/dist",
	} {
		tree := New()
		require.NoError(t, tree.Put("/app", NewNode(Attr{Kind: KindDir})))
		require.NoError(t, tree.Erase(gone))
		require.NoError(t, tree.Mark(pattern, 1))
		assert.True(t, tree.MayHold(gone), pattern)
		require.NoError(t, tree.Erase(gone))
		require.NoError(t, tree.Mark("/other/**/x", 1))
		assert.False(t, tree.MayHold(gone), pattern)
	}
}

func TestUnlikely(t *testing.T) {
	tree := New()
	require.NoError(t, tree.Put("/src", NewNode(Attr{Kind: KindDir, Op: 1})))
	require.NoError(t, tree.MarkUnlikely(2))
	require.NoError(t, tree.Mark("/src", 3))
	assert.False(t, tree.MayHold("/out"))
	assert.True(t, tree.CouldHold("/out"))
	assert.True(t, tree.MayHold("/src/x"))
	assert.Nil(t, tree.HeldBy("/out").All())
	// What is copied from there takes it along.
	other := New()
	require.NoError(t, other.SetAttr("/", func(a *Attr) { a.May = a.May.Join(tree.HeldBy("/src")) }))
	assert.True(t, other.MayHold("/x"))
	require.NoError(t, tree.Erase("/out"))
	assert.False(t, tree.CouldHold("/out/x"))
}

func TestManyOperations(t *testing.T) {
	tree := New()
	for op := range int32(2 * maxEntries) {
		require.NoError(t, tree.Mark("/usr", op))
	}
	assert.Equal(t, []int{AnyOp}, tree.HeldBy("/usr/x").Ops())
	assert.True(t, tree.MayHold("/usr/x"))
}

func TestMaysAreBounded(t *testing.T) {
	tree := New()
	require.NoError(t, tree.Mark("/d/x", 2))
	for i := range 2 * maxMays {
		require.NoError(t, tree.Mark("/d/"+string(rune('a'+i)), 1))
	}
	assert.Equal(t, []May{{1, ""}}, tree.HeldBy("/elsewhere").All())
	assert.Equal(t, []May{{1, ""}, {2, "d/x"}}, tree.HeldBy("/").All())
}
