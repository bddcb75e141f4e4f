package dockerctx

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
)

// makeTree makes files, and directories where a path ends with a slash.
func makeTree(t *testing.T, dir string, paths ...string) {
	t.Helper()
	for _, p := range paths {
		full := filepath.Join(dir, p)
		if strings.HasSuffix(p, "/") {
			require.NoError(t, os.MkdirAll(full, 0o755))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, nil, 0o644))
	}
}

func linksCounted(t *testing.T, dir string) *dirFS {
	t.Helper()
	fsys, err := DirFS(dir)
	require.NoError(t, err)
	f := fsys.(*dirFS)
	f.isLeaf("nowhere", nil)
	if f.device == 0 {
		t.Skipf("the file system of %s does not count directories", dir)
	}
	return f
}

func TestIsLeaf(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir, "empty/", "files/a", "files/b", "both/a", "both/sub/x", "unread/a", "unsearched/a")
	require.NoError(t, os.Symlink("files", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("../both", filepath.Join(dir, "files/link")))
	f := linksCounted(t, dir)
	for _, tt := range []struct {
		dir   string
		names []string
		want  bool
	}{
		{"empty", nil, true},
		{"files", nil, true},
		{"files", []string{"c", "d"}, true},
		{"files", []string{"c", "b"}, false},
		{"files", []string{"link"}, false},
		{"files", []string{"a1", "a2", "a3", "a4"}, false}, // too many
		{"both", nil, false},
		{"both/sub", nil, true},
		{"both/sub", []string{"y"}, true},
		{"both/a", nil, false},
		{"link", nil, false},
		{"nowhere", nil, false},
		{strings.Repeat("long/../", 520) + "empty", nil, false},
	} {
		assert.Equal(t, tt.want, f.isLeaf(tt.dir, tt.names), "%s %q", tt.dir, tt.names)
	}
}

// TestLeavesFew has directories of which hardly one is a leaf: nobody goes on asking.
func TestLeavesFew(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir, "out"+strings.Repeat("/d", 500)+"/file")
	f := linksCounted(t, dir)
	c := mustContext(t, f, "out", "!**/keep/x")
	require.NoError(t, c.Tree().WalkTypes(func(Entry) error { return nil }))
	assert.LessOrEqual(t, f.asked.Load(), int32(leavesTried+2))
}

// TestLeavesChangeNothing lists real directories with the help of their numbers of links and without.
func TestLeavesChangeNothing(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 {
		makeTree(t, dir, fmt.Sprintf("node_modules/m%d/package.json", i), fmt.Sprintf("node_modules/m%d/lib/a.js", i),
			fmt.Sprintf("node_modules/m%d/keep/b.js", i), fmt.Sprintf("src/s%d/node_modules/x/keep/README.md", i), fmt.Sprintf("src/s%d/e/", i))
	}
	found := int32(0)
	for _, lines := range [][]string{
		{"node_modules", "!**/keep/*.js"}, {"**/node_modules", "!**/README.md"}, {"**/node_modules", "!**/keep"}, {"*", "!**/keep/**"},
		{"*", "!**/e"}, {"*", "!src/*/e"}, {"**/node_modules", "!**/[k]eep/?.js", "**/m1?"}, {"*", "!**/m7", "**/lib"},
	} {
		f := linksCounted(t, dir)
		got, err := walkAll(mustContext(t, f, lines...).Tree())
		require.NoError(t, err)
		plain, err := DirFS(dir)
		require.NoError(t, err)
		plain.(*dirFS).plain = true
		want, err := walkAll(mustContext(t, plain, lines...).Tree())
		require.NoError(t, err)
		assert.Equal(t, pathsOf(want), pathsOf(got), "%q", lines)
		theirs, err := fsutil.NewFS(dir)
		require.NoError(t, err)
		file, err := ParseIgnoreFile("x", []byte(strings.Join(lines, "\n")))
		require.NoError(t, err)
		sent, _, err := oracle(theirs, file.Patterns(), nil)
		require.NoError(t, err)
		assert.Equal(t, pathsOf(sent), pathsOf(got), "%q", lines)
		found += f.found.Load()
	}
	assert.Greater(t, found, int32(100), "some directories were told by their links")
}
