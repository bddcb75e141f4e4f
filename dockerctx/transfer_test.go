package dockerctx

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
)

func TestFollowLinks(t *testing.T) {
	m := newMemFS("a/b", "a/c", "l -> a", "deep/l2 -> ../l", "abs -> /a/b", "out -> ../../a", "self -> self",
		"x -> y", "y -> x", "grow -> grow/grow", "w/1 -> ../a", "w/2 -> ../a/c", "w/3", "dangling -> nowhere", "root -> .",
		"p[q] -> a", "!n -> a", `b\s -> a`)
	for _, tt := range []struct {
		name   string
		follow []string
		want   []string
	}{
		{"nothing", []string{}, []string{}},
		{"a file", []string{"a/b"}, []string{"a/b"}},
		{"absolute", []string{"/a/b"}, []string{"a/b"}},
		{"absent", []string{"no/where"}, []string{"no/where"}},
		{"nested", []string{"a", "a/b"}, []string{"a"}},
		{"nested, with a name between", []string{"a", "a-b", "a/b"}, []string{"a", "a-b", "a/b"}},
		{"a link", []string{"l"}, []string{"a", "l"}},
		{"a link on the way", []string{"l/b"}, []string{"a/b", "l"}},
		{"a second path through a link is lost", []string{"l/b", "l/c"}, []string{"a/b", "l"}},
		{"links of links", []string{"deep/l2/b"}, []string{"a/b", "deep/l2", "l"}},
		{"absolute target", []string{"abs"}, []string{"a/b", "abs"}},
		{"clamped target", []string{"out/b"}, []string{"a/b", "out"}},
		{"loops", []string{"self", "x", "grow", "grow/a", "self/a/b"}, []string{"grow", "self", "x", "y"}},
		{"wildcard", []string{"w/*"}, []string{"a", "w/*"}},
		{"wildcard, then more", []string{"w/*/b"}, []string{"a/b", "a/c/b", "w/*"}},
		{"wildcard without links", []string{"*b*/f"}, []string{"*b*", "a/b/f", "a/f"}},
		{"links below a wildcard directory are not found", []string{"d*p/l2"}, []string{"d*p/l2"}},
		{"dangling", []string{"dangling"}, []string{"dangling", "nowhere"}},
		{"the root", []string{"a", "."}, nil},
		{"a link to the root", []string{"root"}, nil},
		{"above the root", []string{"../a"}, []string{"../a"}},
		{"a bracket", []string{"p[q]"}, []string{"p[q]"}},
		{"an escaped bracket", []string{`p\[q]`}, []string{`p\[q]`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			oracle, err := fsutil.FollowLinks(oracleFS{m}, tt.follow)
			require.NoError(t, err)
			assert.Equal(t, tt.want, oracle, "this is what fsutil says")
			got, err := followLinks(m, tt.follow)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestTransfer(t *testing.T) {
	m := newMemFS("a/b", "a/c/d", "a*b", "l -> a", "!n", "x/y", `w\z`, "p[q]", "pq")
	for _, tt := range []struct {
		name   string
		lines  []string
		follow []string
		want   []string
	}{
		{"everything", []string{"x"}, nil, []string{"!n", "a", "a/b", "a/c", "a/c/d", "a*b", "l", "p[q]", "pq", `w\z`}},
		{"one file", nil, []string{"a/c/d"}, []string{"a", "a/c", "a/c/d"}},
		{"a link and its target", nil, []string{"l/b"}, []string{"a", "a/b", "l"}},
		{"the ignore file has the last word", []string{"a/b"}, []string{"l/b"}, []string{"l"}},
		{"brackets are syntax", nil, []string{"p[q]"}, []string{"pq"}},
		{"escaped brackets", nil, []string{`p\[q]`}, []string{"p[q]"}},
		{"a backslash is syntax", nil, []string{`w\z`}, []string{}},
		{"an exclamation mark is syntax", nil, []string{"!n"}, []string{}},
		{"wildcards", nil, []string{"a*"}, []string{"a", "a/b", "a/c", "a/c/d", "a*b"}},
		{"absent", nil, []string{"nowhere"}, []string{}},
		{"blank", nil, []string{" "}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkAgainstOracle(t, m, tt.lines, tt.follow)
			tree, err := mustContext(t, m, tt.lines...).Transfer(tt.follow)
			require.NoError(t, err)
			got, err := walkAll(tree)
			require.NoError(t, err)
			assert.Equal(t, tt.want, pathsOf(got))
		})
	}
}

func TestTransferErrors(t *testing.T) {
	c := mustContext(t, newMemFS("a"), "b")
	_, err := c.Transfer([]string{"["})
	assert.ErrorContains(t, err, `followed path "[" is no valid pattern`)
	_, err = c.Transfer([]string{"a\nb"})
	assert.ErrorContains(t, err, "control characters")
	tree, err := c.Transfer([]string{"[b-a]"})
	require.NoError(t, err)
	_, err = walkAll(tree)
	assert.ErrorContains(t, err, `matching followed path "[b-a]"`)
	var ie *IgnoreError
	assert.False(t, errors.As(err, &ie), "no line of the ignore file is to blame")

	m := newMemFS("a/b")
	m.nodes["a"].infoErr = fs.ErrPermission
	_, err = mustContext(t, m, "x").Transfer([]string{"a/b"})
	assert.ErrorIs(t, err, fs.ErrPermission)
}

func TestHostileLinks(t *testing.T) {
	m := newMemFS()
	var follow []string
	for i := range 2000 {
		name := fmt.Sprintf("l%d", i)
		m.add(name, &memNode{mode: fs.ModeSymlink, link: fmt.Sprintf("l%d/l%d/x", (i+1)%2000, (i*7)%2000)})
		follow = append(follow, name+"/y")
	}
	want, err := fsutil.FollowLinks(oracleFS{m}, follow)
	require.NoError(t, err)
	got, err := followLinks(m, follow)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
