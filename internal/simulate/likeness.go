package simulate

import (
	"path"
	"reflect"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// A prediction may begin with an earlier one of a build that differs in a few lines. What was copied there whole from a
// directory in which nothing can differ is taken over as it is, node by node: who has looked at it need not look again. It
// is what BuildKit's cache does by digests; here the rules of the ignore files, and the files that are laid over a
// directory, tell where nothing can differ, and nothing is read for it.

// likeness tells what two images of the same directories have in common.
type likeness struct {
	before, after *Image

	mu    sync.Mutex
	rules map[[2]*dockerctx.Tree]*dockerctx.Comparison
}

// compare compares what two sources transfer.
func (l *likeness) compare(from, to *Source) *dockerctx.Comparison {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]*dockerctx.Tree{from.Tree, to.Tree}
	if l.rules[key] == nil {
		if l.rules == nil {
			l.rules = map[[2]*dockerctx.Tree]*dockerctx.Comparison{}
		}
		l.rules[key] = dockerctx.Compare(from.Tree, to.Tree)
	}
	return l.rules[key]
}

// same reports whether it is certain that a directory of the one image and one of the other hold the same files.
func (l *likeness) same(x, y *rootfs.Node) bool {
	from, dir := l.before.whole(x)
	to, other := l.after.whole(y)
	return from != nil && to != nil && dir == other && from.Context.Name == to.Context.Name && from.Context.Dir == to.Context.Dir &&
		l.compare(from, to).SameBelow(dir)
}

// whole gives the directory of a source that a directory holds exactly what of; nil if it is no such copy.
func (m *Image) whole(n *rootfs.Node) (*Source, string) {
	for n.Derived() && n.Source != nil && n.Member == "" {
		n = n.Source
	}
	if !n.Derived() || n.Source != nil || n.Member != "" || n.Op < 0 || n.Origin == "" {
		return nil, ""
	}
	return m.Sources[int(n.Op)], n.Origin
}

// twins gives what an operation of the earlier prediction made of the directories that the same one is about to copy.
type twins struct {
	likeness
	op int
}

// twinsOf gives the twins of an operation; nil if the earlier prediction has no such one.
func (m *Image) twinsOf(op *dockerfile.Op) *twins {
	if m.prior == nil || op.ID >= len(m.prior.Plan.Ops) || m.prior.After(op.ID) == nil {
		return nil
	}
	if was := m.prior.Plan.Ops[op.ID]; was.Kind != op.Kind || !reflect.DeepEqual(was.File, op.File) || !reflect.DeepEqual(was.Exec, op.Exec) {
		return nil
	}
	t := &twins{likeness{before: m.prior, after: m}, op.ID}
	for id, from := range m.prior.Sources {
		if to := m.Sources[id]; to != nil && !t.compare(from, to).Local() {
			return nil // no directory is certain to be the same, and to look for one would read all of both
		}
	}
	return t
}

// at gives what the earlier operation left at a path; nil if that is nothing.
func (t *twins) at(p string) *rootfs.Node {
	if t == nil {
		return nil
	}
	n, err := t.before.After(t.op).Tree.Lstat(p)
	if err != nil {
		return nil
	}
	return n
}

// below gives an entry of a twin; nil if that is nothing.
func (t *twins) below(twin *rootfs.Node, name string) *rootfs.Node {
	if t == nil || twin == nil || !twin.IsDir() {
		return nil
	}
	n, err := twin.Child(name)
	if err != nil {
		return nil
	}
	return n
}

// stands reports whether a twin is just what the copy of a directory would be.
func (t *twins) stands(twin, src *rootfs.Node, copied rootfs.Attr) bool {
	if t == nil || twin == nil || !twin.Derived() || twin.Source == nil {
		return false
	}
	had := twin.Attr
	same := had.May.Same(copied.May)
	had.Source, copied.Source, had.May, copied.May = nil, nil, nil, nil
	return same && had == copied && t.sameSource(twin.Source, src)
}

// sameSource reports whether what two directories were copied from is the same: one node, or one directory of a context that
// the same operation of both builds transfers.
func (t *twins) sameSource(was, now *rootfs.Node) bool {
	return was == now || was.Source == nil && now.Source == nil && was.Op == now.Op && t.same(was, now)
}

// instead gives what the earlier operation made of a directory whose content it copied to where nothing was, if that is just
// what would be made of it again; nil otherwise.
func (t *twins) instead(c *copier, src *rootfs.Node, srcAt, dst string) *rootfs.Node {
	if t == nil || !src.IsDir() || !c.action.ContentsOnly || c.include != nil || c.exclude != nil {
		return nil
	}
	if len(t.before.Plan.Ops[t.op].File) != 1 || c.action.Wildcard && hasWildcard(c.action.Src) {
		return nil // something else may have been copied to the same place
	}
	was, twin := t.before.Before(t.op), t.at(dst)
	if was == nil || twin == nil || !twin.IsDir() || twin.Op != c.attrs.op || twin.Source == nil || c.dst.Exists(dst) || was.Tree.Exists(dst) {
		return nil
	}
	if !t.sameSource(twin.Source, src) {
		return nil
	}
	if !twin.May.Same(c.src.HeldBy(srcAt)) || chown(twin.Owner, c.attrs.owner) != twin.Owner {
		return nil
	}
	// What is made takes after the directory around it.
	x, err := t.before.After(t.op).Tree.Lstat(path.Dir(dst))
	y, err2 := c.dst.Lstat(path.Dir(dst))
	if err != nil || err2 != nil || !x.IsDir() || !y.IsDir() || x.Perm != y.Perm || x.Owner != y.Owner {
		return nil
	}
	return twin
}
