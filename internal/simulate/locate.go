package simulate

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Located is an entry of a tree that comes from a build context.
type Located struct {
	// ContextPath is where it stands in the context, Path where it is in the tree.
	ContextPath, Path string
	Node              *rootfs.Node
}

// Locate calls fn for every entry of a tree that was copied from a path of a context or from below it. It reads only
// the directories that can hold one: what was copied whole from elsewhere is passed over unread.
func (m *Image) Locate(t *rootfs.Tree, contextName, contextPath string, fn func(Located) error) error {
	l := locator{image: m, context: contextName, want: path.Clean(contextPath), fn: fn}
	return l.visit("/", t.Root())
}

type locator struct {
	image   *Image
	context string
	want    string
	fn      func(Located) error
}

// origin gives the context path that an entry was copied from.
func (l *locator) origin(n *rootfs.Node) (string, bool) {
	o := n.Outermost()
	if o.Op < 0 || o.Origin == "" || o.Member != "" {
		return "", false
	}
	op := l.image.Plan.Ops[o.Op]
	if op.Kind != dockerfile.OpLocal || op.Local.Name != l.context {
		return "", false
	}
	return o.Origin, true
}

// Within reports whether a slash-separated path is dir or lies below it; "." holds everything.
func Within(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

func (l *locator) visit(at string, n *rootfs.Node) error {
	origin, ok := l.origin(n)
	if ok && Within(origin, l.want) && origin != "." {
		if err := l.fn(Located{origin, at, n}); err != nil {
			return err
		}
	}
	if !n.IsDir() {
		return nil
	}
	if n.Derived() {
		switch {
		case !ok:
			// A whole tree of something else.
			return nil
		case Within(origin, l.want):
			// All of it is wanted.
		case Within(l.want, origin):
			return l.descend(at, n, origin)
		default:
			return nil
		}
	}
	children, err := n.Children()
	if err != nil {
		return err
	}
	for _, c := range children {
		if l.passes(c.Node) {
			continue
		}
		if err := l.visit(path.Join(at, c.Name), c.Node); err != nil {
			return err
		}
	}
	return nil
}

// passes reports whether an entry, and what lies below it, need not be visited: a directory may hold thousands of them.
func (l *locator) passes(n *rootfs.Node) bool {
	origin, ok := l.origin(n)
	switch {
	case ok && Within(origin, l.want):
		return false
	case !n.IsDir():
		return true
	}
	return n.Derived() && !(ok && Within(l.want, origin))
}

// descend goes on in a directory that has what is wanted somewhere below: only one of its entries can lead there.
func (l *locator) descend(at string, n *rootfs.Node, origin string) error {
	rest := l.want
	if origin != "." {
		rest = strings.TrimPrefix(l.want, origin+"/")
	}
	name, _, _ := strings.Cut(rest, "/")
	c, err := n.Child(name)
	if err != nil || c == nil {
		return err
	}
	return l.visit(path.Join(at, name), c)
}

// Step is one stage on the way of an entry from its source into the image.
type Step struct {
	// Op is the operation, Node the entry as it left it.
	Op   *dockerfile.Op
	Node *rootfs.Node
}

// Provenance gives the way of an entry, the operation that put it where it is first, its outermost source last.
func (m *Image) Provenance(n *rootfs.Node) []Step {
	var out []Step
	for ; n != nil; n = n.Source {
		if n.Op < 0 || int(n.Op) >= len(m.Plan.Ops) {
			continue
		}
		op := m.Plan.Ops[n.Op]
		if len(out) > 0 && op.Kind == dockerfile.OpFile && out[len(out)-1].Op.Location == op.Location {
			// A heredoc is a file operation of its own, at the instruction that copies it.
			continue
		}
		if len(out) > 0 && op.Kind == dockerfile.OpExec && out[len(out)-1].Op == op && n.Member == "" {
			continue // the step made it in one place and put it into another
		}
		out = append(out, Step{op, n})
	}
	return out
}

// Origin gives the path in the main context that an entry was copied from.
func (m *Image) Origin(n *rootfs.Node) (string, bool) { return m.OriginIn(MainContext, n) }

// OriginIn gives the path in a context, by its name, that an entry was copied from.
func (m *Image) OriginIn(context string, n *rootfs.Node) (string, bool) {
	return (&locator{image: m, context: context}).origin(n)
}

// EmptyWildcards reports whether an instruction copies what a pattern matches in the main context, and it matches nothing.
func (m *Image) EmptyWildcards() bool {
	for _, op := range m.Plan.Ops {
		for _, a := range op.File {
			cp, _ := a.Change.(dockerfile.Copy)
			in, ok := op.Source(a)
			if !ok || !cp.Wildcard || !hasWildcard(cp.Src) {
				continue
			}
			if s := m.state(in); s != nil && m.Sources[in.Op] != nil && m.Sources[in.Op].Context.Name == MainContext {
				if matches, err := resolveWildcards(s.Tree, cleanPath(cp.Src), cp.FollowSymlinks); err == nil && len(matches) == 0 {
					return true
				}
			}
		}
	}
	return false
}
