package account

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

type text string

func (s text) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(s))), nil }

// system is a file system with users of which all is known, or nothing.
func system(t *testing.T, known bool) *rootfs.Tree {
	t.Helper()
	tree := rootfs.New()
	put := func(p string, a rootfs.Attr) { require.NoError(t, tree.Put(p, rootfs.NewNode(a))) }
	put("/etc", rootfs.Attr{Kind: rootfs.KindDir, Perm: 0o755})
	if !known {
		require.NoError(t, tree.Mark("/", 0))
		return tree
	}
	put("/etc/passwd", rootfs.Attr{Kind: rootfs.KindFile, Content: text("root:x:0:0\nadmin:x:0:0\napp:x:1000:100::/:\nshort:x:1001\n")})
	put("/etc/group", rootfs.Attr{Kind: rootfs.KindFile, Content: text("root:x:0:\nweb:x:33:www,app\nstaff:x:50:app\n")})
	return tree
}

func TestOf(t *testing.T) {
	known, unknown := system(t, true), system(t, false)
	for _, c := range []struct {
		spec  string
		tree  *rootfs.Tree
		owner rootfs.Owner
		err   string
	}{
		{spec: "", tree: unknown},
		{spec: "root", tree: unknown},
		{spec: "admin", tree: known},
		{spec: "app", tree: known, owner: rootfs.Owner{UID: 1000, GID: 100}},
		{spec: "1000", tree: known, owner: rootfs.Owner{UID: 1000, GID: 100}},
		{spec: "2000", tree: known, owner: rootfs.Owner{UID: 2000}},
		{spec: "short", tree: known, owner: rootfs.Owner{UID: 1001}},
		{spec: "app:web", tree: known, owner: rootfs.Owner{UID: 1000, GID: 33}},
		{spec: "app:7", tree: known, owner: rootfs.Owner{UID: 1000, GID: 7}},
		{spec: "app:root", tree: unknown, owner: rootfs.Owner{User: "app"}},
		{spec: "app", tree: unknown, owner: rootfs.Owner{User: "app", Group: "app"}},
		{spec: "1000:7", tree: unknown, owner: rootfs.Owner{UID: 1000, GID: 7}},
		{spec: "1000", tree: unknown, owner: rootfs.Owner{UID: 1000, Group: "1000"}},
		{spec: "nobody", tree: known, err: "unable to find user nobody: no matching entries in passwd file"},
		{spec: "app:none", tree: known, err: "unable to find group none: no matching entries in group file"},
	} {
		u, err := Of(c.spec, c.tree)
		if c.err != "" {
			assert.EqualError(t, err, c.err, c.spec)
			continue
		}
		require.NoError(t, err, c.spec)
		assert.Equal(t, c.owner, u.Owner(), c.spec)
		assert.Equal(t, c.owner == rootfs.Owner{}, u.Root(), c.spec)
	}
}

// Of a file that a step may have changed, what is missing in it is not known to be.
func TestOfChangedFile(t *testing.T) {
	tree := system(t, true)
	require.NoError(t, tree.SetAttr("/etc/passwd", func(a *rootfs.Attr) { a.Unsure = true }))
	u, err := Of("nobody", tree)
	require.NoError(t, err)
	assert.False(t, u.Root())
	assert.Equal(t, rootfs.Owner{User: "nobody", Group: "nobody"}, u.Owner())
}

// Of an entry that belongs to an owner and has a mode, it is asked whether a user may read it.
func TestMay(t *testing.T) {
	known, unknown := system(t, true), system(t, false)
	for _, c := range []struct {
		spec  string
		tree  *rootfs.Tree
		owner rootfs.Owner
		perm  uint16
		apart bool
		want  Answer
	}{
		{spec: "", tree: unknown, want: Yes},
		{spec: "app", tree: known, owner: rootfs.Owner{UID: 1000}, perm: 0o400, want: Yes},
		{spec: "app", tree: known, owner: rootfs.Owner{UID: 1000}, perm: 0o044, want: No},
		{spec: "app", tree: known, owner: rootfs.Owner{GID: 100}, perm: 0o404, want: No},
		{spec: "app", tree: known, owner: rootfs.Owner{GID: 50}, perm: 0o040, want: Yes},
		{spec: "app:web", tree: known, owner: rootfs.Owner{GID: 50}, perm: 0o040, want: No},
		{spec: "app", tree: known, perm: 0o004, want: Yes},
		{spec: "app", tree: unknown, owner: rootfs.Owner{User: "app"}, perm: 0o400, want: Yes},
		{spec: "app", tree: unknown, owner: rootfs.Owner{UID: 7}, perm: 0o400, want: Unknown},
		{spec: "app", tree: unknown, perm: 0o600, want: No},
		{spec: "app", tree: unknown, perm: 0o640, want: Unknown},
		{spec: "app", tree: unknown, perm: 0o640, apart: true, want: No},
		{spec: "app", tree: unknown, perm: 0o644, want: Yes},
		{spec: "1000", tree: unknown, owner: rootfs.Owner{GID: 9}, perm: 0o640, want: Unknown},
		{spec: "1000:9", tree: unknown, owner: rootfs.Owner{GID: 9}, perm: 0o640, want: Yes},
		{spec: "1000:9", tree: unknown, owner: rootfs.Owner{User: "app", GID: 9}, perm: 0o040, want: Unknown},
	} {
		u, err := Of(c.spec, c.tree)
		require.NoError(t, err)
		if c.apart {
			u = u.Apart()
		}
		n := rootfs.NewNode(rootfs.Attr{Kind: rootfs.KindFile, Perm: c.perm, Owner: c.owner})
		assert.Equal(t, c.want, u.May(n, Read), "%q, %+v with %04o", c.spec, c.owner, c.perm)
	}
}

func TestBar(t *testing.T) {
	tree := system(t, true)
	for _, e := range []struct {
		p    string
		kind rootfs.Kind
		perm uint16
	}{
		{"/open", rootfs.KindDir, 0o755}, {"/open/file", rootfs.KindFile, 0o644}, {"/open/secret", rootfs.KindFile, 0o600},
		{"/closed", rootfs.KindDir, 0o744}, {"/closed/d", rootfs.KindDir, 0o700}, {"/closed/d/file", rootfs.KindFile, 0o644},
	} {
		require.NoError(t, tree.Put(e.p, rootfs.NewNode(rootfs.Attr{Kind: e.kind, Perm: e.perm})))
	}
	u, err := Of("app", tree)
	require.NoError(t, err)
	for p, want := range map[string]string{"/open/file": "", "/open/secret": "/open/secret", "/closed/d/file": "/closed", "/open/none": ""} {
		at, n := u.Bar(tree, p, Read)
		assert.Equal(t, want, at, p)
		assert.Equal(t, want == "", n == nil, p)
	}
}

func TestMayChange(t *testing.T) {
	u, err := Of("1000:1000", system(t, true))
	require.NoError(t, err)
	for _, c := range []struct {
		kind rootfs.Kind
		perm uint16
		uid  uint32
		want Answer
	}{
		{rootfs.KindFile, 0o622, 0, Yes},
		{rootfs.KindFile, 0o644, 0, No},
		{rootfs.KindDir, 0o755, 1000, Yes},
		{rootfs.KindDir, 0o655, 1000, No},
		{rootfs.KindDir, 0o1777, 0, Unknown},
		{rootfs.KindDir, 0o1755, 1000, Yes},
	} {
		n := rootfs.NewNode(rootfs.Attr{Kind: c.kind, Perm: c.perm, Owner: rootfs.Owner{UID: c.uid}})
		assert.Equal(t, c.want, u.MayChange(n), "%v %04o %d", c.kind, c.perm, c.uid)
	}
}
