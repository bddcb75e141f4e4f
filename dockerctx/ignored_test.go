package dockerctx

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWalkIgnored(t *testing.T) {
	m := newMemFS("a/keep", "a/out", "a-b/out", "a.out", "b/", "b/x/y", "link -> a/keep", "secret", "z")
	m.nodes["secret"].infoErr = fs.ErrPermission // BuildKit does not look at it, and we may not
	lines := []string{"**/out", "a.out", "b", "link", "secret", "!**/nowhere"}
	for _, sizes := range []bool{false, true} {
		c := mustContext(t, m, lines...)
		var got []IgnoredEntry
		require.NoError(t, c.WalkIgnored(sizes, func(e IgnoredEntry) error {
			got = append(got, e)
			return nil
		}))
		line := func(n int) *Line { return &c.Ignore().Lines[n-1] }
		size := func(p string) int64 {
			if !sizes {
				return 0
			}
			return int64(len("content of " + p))
		}
		mode := func(bits fs.FileMode) fs.FileMode {
			if !sizes {
				return bits.Type()
			}
			return bits
		}
		assert.Equal(t, []IgnoredEntry{
			{Entry{Name: "out", Path: "a-b/out", Mode: mode(0o644), Size: size("a-b/out")}, line(1), false},
			{Entry{Name: "a.out", Path: "a.out", Mode: mode(0o644), Size: size("a.out")}, line(2), false},
			{Entry{Name: "out", Path: "a/out", Mode: mode(0o644), Size: size("a/out")}, line(1), false},
			{Entry{Name: "b", Path: "b", Mode: mode(fs.ModeDir | 0o755)}, line(3), true},
			{Entry{Name: "link", Path: "link", Mode: mode(fs.ModeSymlink | 0o777), Link: "a/keep"}, line(4), false},
			{Entry{Name: "secret", Path: "secret"}, line(5), false},
		}, got)
	}
}

func TestWalkIgnoredErrors(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, spoil := range map[string]func(*memFS){
		"a directory that cannot be read":                 func(m *memFS) { m.nodes["b"].readErr = fs.ErrPermission },
		"an entry that is kept out and cannot be read of": func(m *memFS) { m.nodes["b/out"].infoErr = broken },
	} {
		m := newMemFS("a/out", "b/out", "c")
		spoil(m)
		err := mustContext(t, m, "**/out").WalkIgnored(true, func(IgnoredEntry) error {
			t.Errorf("%s: an error comes alone", name)
			return nil
		})
		assert.Error(t, err, name)
	}
	stop := errors.New("enough")
	n := 0
	err := mustContext(t, newMemFS("a/out", "b/out"), "**/out").WalkIgnored(true, func(IgnoredEntry) error {
		n++
		return stop
	})
	assert.Equal(t, stop, err)
	assert.Equal(t, 1, n)
}
