package dockerctx

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTruncated asks fsutil itself (oracle calls its Open) and then the tree.
func TestTruncated(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lines  []string
		follow []string
		paths  map[string]bool // path → truncated
	}{
		{"repeated exclusion of the parent", []string{"a", "!a/b", "a"}, nil, map[string]bool{"a/b": true}},
		{"once", []string{"a", "!a/b"}, nil, map[string]bool{"a/b": false}},
		{"two levels up", []string{"x", "!x/y/b", "**/y/b", "!x/y/b", "x/y"}, nil, map[string]bool{"x/y/b": true}},
		{"negated include pattern", nil, []string{"a", "!a", "x", "!x"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemFS("a/b", "a/c", "x/y/b")
			checkAgainstOracle(t, m, tt.lines, tt.follow)
			tree, err := mustContext(t, m, tt.lines...).Transfer(tt.follow)
			require.NoError(t, err)
			for p, truncated := range tt.paths {
				e, err := tree.Lstat(p)
				require.NoError(t, err)
				assert.Equal(t, truncated, e.Truncated)
				assert.NotZero(t, e.Size, "the size is what the walk announces")
				r, err := tree.Open(p)
				require.NoError(t, err)
				data, err := io.ReadAll(r)
				require.NoError(t, err)
				assert.Equal(t, truncated, len(data) == 0)
			}
		})
	}
}

func TestTreeIsLazy(t *testing.T) {
	m := newMemFS("a/b/c/d", "e/f/g", "h/i/j")
	c := mustContext(t, m, "e", "h", "!h/i/j")
	require.Zero(t, m.reads.Load())
	_, err := c.Tree().Lstat("a/b")
	require.NoError(t, err)
	assert.EqualValues(t, 2, m.reads.Load(), "the root and a")
	_, err = c.Tree().Lstat("a/b")
	require.NoError(t, err)
	assert.EqualValues(t, 2, m.reads.Load(), "remembered")
	_, err = c.Tree().Lstat("e/f/g")
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.EqualValues(t, 2, m.reads.Load(), "BuildKit does not enter e")
	entries, err := c.Tree().ReadDir(".")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "h"}, pathsOf(entries))
	assert.EqualValues(t, 4, m.reads.Load(), "h and h/i, to see whether h is carried")
}

func TestTreeErrors(t *testing.T) {
	tree := mustContext(t, newMemFS("a/b", "l -> a"), "c").Tree()
	_, err := tree.ReadDir("a/b")
	assert.ErrorIs(t, err, syscall.ENOTDIR)
	_, err = tree.ReadDir("l")
	assert.ErrorIs(t, err, syscall.ENOTDIR)
	for _, p := range []string{"c", "a/b/c", "l/b", "nowhere"} {
		_, err = tree.Lstat(p)
		assert.ErrorIs(t, err, fs.ErrNotExist, p)
		_, err = tree.ReadDir(p)
		assert.ErrorIs(t, err, fs.ErrNotExist, p)
		_, err = tree.Open(p)
		assert.ErrorIs(t, err, fs.ErrNotExist, p)
	}
	_, err = tree.Lstat("../a")
	assert.ErrorContains(t, err, "out of the context")
	for _, p := range []string{"a", "l", "."} {
		_, err = tree.Open(p)
		assert.ErrorContains(t, err, "not a regular file", p)
	}
	root, err := tree.Lstat(".")
	require.NoError(t, err)
	assert.True(t, root.Mode.IsDir())
	stop := fmt.Errorf("stop")
	assert.Equal(t, stop, tree.Walk(func(Entry) error { return stop }))
}

// TestTreeReadErrors has directories that cannot be read: fsutil is the oracle
// for which of them break the walk off, and where.
func TestTreeReadErrors(t *testing.T) {
	for _, failure := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.ENOTDIR, syscall.EIO} {
		for _, lines := range [][]string{{"z"}, {"b"}, {"b", "!b/c"}, {"*", "!a"}, {"b", "!**/c"}} {
			t.Run(fmt.Sprint(failure, lines), func(t *testing.T) {
				m := newMemFS("a/b", "b/c", "c")
				m.nodes["b"].readErr = failure
				want, newErr, wantErr := oracle(oracleFS{m}, lines, nil)
				require.NoError(t, newErr)
				got, err := walkAll(mustContext(t, m, lines...).Tree())
				assert.Equal(t, wantErr != nil, err != nil, "oracle: %v, we: %v", wantErr, err)
				assert.Equal(t, want, got)
				if wantErr != nil {
					assert.ErrorIs(t, err, failure)
				}
			})
		}
	}
	m := newMemFS("a")
	m.nodes["."].readErr = fs.ErrPermission
	_, err := walkAll(mustContext(t, m, "a").Tree())
	assert.ErrorIs(t, err, fs.ErrPermission, "an unreadable root is no empty context")
}

func TestTreeLstatErrors(t *testing.T) {
	for _, lines := range [][]string{{"z"}, {"b"}, {"b", "!b/c"}} {
		m := newMemFS("a", "b/c", "c")
		m.nodes["b"].infoErr = fs.ErrPermission
		want, _, wantErr := oracle(oracleFS{m}, lines, nil)
		got, err := walkAll(mustContext(t, m, lines...).Tree())
		assert.Equal(t, wantErr != nil, err != nil, "%v: oracle: %v, we: %v", lines, wantErr, err)
		assert.Equal(t, want, got, "%v", lines)
	}
	m := newMemFS("a", "b", "c")
	m.nodes["b"].infoErr = fs.ErrNotExist
	got, err := walkAll(mustContext(t, m, "z").Tree())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "c"}, pathsOf(got), "only what vanished is missing")
}

// TestTreeConcurrency is for the race detector; and all must see the same.
func TestTreeConcurrency(t *testing.T) {
	var entries []string
	for i := range 300 {
		entries = append(entries, fmt.Sprintf("d%d/e%d/f%d", i%7, i%11, i))
	}
	c := mustContext(t, newMemFS(entries...), "d1", "**/e3", "!d1/e*/f1*", "**/e[5-7]", "!**/f2*", "d1")
	want, err := walkAll(mustContext(t, newMemFS(entries...), c.Ignore().Patterns()...).Tree())
	require.NoError(t, err)
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			var got []Entry
			var err error
			switch i % 3 {
			case 0:
				got, err = walkAll(c.Tree())
			case 1:
				got, err = readAll(c.Tree(), ".")
			case 2:
				for _, e := range want {
					if e, err = c.Tree().Lstat(e.Path); err == nil {
						got = append(got, e)
					}
					trail, err := c.Explain(e.Path)
					assert.NoError(t, err)
					assert.True(t, trail.Included)
				}
			}
			assert.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	group.Wait()
}

func TestHostileIgnoreFile(t *testing.T) {
	var lines strings.Builder
	for i := range 100_000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&lines, "dir%d/file%d\n", i, i)
		case 1:
			fmt.Fprintf(&lines, "# %d\n", i)
		case 2:
			fmt.Fprintf(&lines, "!dir%d/keep\n", i)
		case 3:
			fmt.Fprintf(&lines, "*.tmp%d\n", i)
		}
	}
	m := newMemFS("dir4/file4", "dir4/file5", "a/b/c", "x.tmp7")
	c := mustContext(t, m, lines.String())
	got, err := walkAll(c.Tree())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "a/b", "a/b/c", "dir4", "dir4/file5"}, pathsOf(got))
	trail, err := c.Explain("x.tmp7")
	require.NoError(t, err)
	assert.Equal(t, 8, trail.Decisive.Number)
}

func TestHostileDepth(t *testing.T) {
	deep := strings.TrimSuffix(strings.Repeat("d/", 3000), "/")
	m := newMemFS(deep + "/f")
	for _, lines := range [][]string{{"x"}, {"**/f"}, {"d", "!**/f"}, {"d", "!" + deep}} {
		c := mustContext(t, m, lines...)
		got, err := walkAll(c.Tree())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, len(got), 3000)
		_, err = c.Tree().Lstat(deep + "/f")
		trail, explainErr := c.Explain(deep + "/f")
		require.NoError(t, explainErr)
		assert.Equal(t, trail.Included, err == nil)
	}
}
