package rootfs

import (
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Tree is a file tree under change. The zero value is not usable: see [New]. A Tree must not be changed by two
// goroutines at once; a tree that nobody changes any more may be read by many.
type Tree struct {
	root *Node
	edit *edit
	// gone are paths at which surely nothing is, whatever a directory above may hold; it is shared, and replaced to change it.
	gone []string
}

// New gives an empty tree.
func New() *Tree {
	return NewFrom(NewNode(Attr{Kind: KindDir, Perm: 0o755, Op: -1}))
}

// NewFrom gives a tree with that root directory.
func NewFrom(root *Node) *Tree { return &Tree{root: root, edit: new(edit)} }

// Root gives the root directory.
func (t *Tree) Root() *Node { return t.root }

// Fork gives a tree with the same content that changes independently of t, in constant time.
func (t *Tree) Fork() *Tree {
	t.Freeze() // both must leave alone what they share from now on
	return &Tree{root: t.root, edit: new(edit), gone: t.gone}
}

// Freeze leaves alone from now on what the tree holds, as [Tree.Fork] does: who reads an entry later finds it as it is.
func (t *Tree) Freeze() { t.edit = new(edit) }

// maxGone bounds the paths that are remembered to be absent: what is not remembered may be there.
const maxGone = 1000

// Erase removes what is at a path, and remembers that nothing is there, though a directory above may hold more than is known.
func (t *Tree) Erase(p string) error {
	if t.Exists(p) {
		if err := t.Remove(p); err != nil {
			return err
		}
	}
	if len(t.gone) < maxGone {
		t.gone = append(slices.Clip(t.gone), path.Join("/", p))
	}
	return nil
}

// erased reports whether a path is, or lies below, one at which surely nothing is.
func (t *Tree) erased(p string) bool {
	return len(t.gone) > 0 && slices.ContainsFunc(t.gone, func(g string) bool { return p == g || strings.HasPrefix(p, g+"/") })
}

// made forgets that nothing is at a path, or at one above or below it.
func (t *Tree) made(p string) {
	if len(t.gone) > 0 {
		t.gone = slices.DeleteFunc(slices.Clone(t.gone), func(g string) bool {
			return p == g || strings.HasPrefix(p, g+"/") || strings.HasPrefix(g, strings.TrimSuffix(p, "/")+"/")
		})
	}
}

// mayMake forgets that nothing is at a path, or at one above or below it, that a pattern means.
func (t *Tree) mayMake(pattern string) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		t.made(pattern)
		return
	}
	t.gone = slices.DeleteFunc(slices.Clone(t.gone), func(g string) bool { return len(after(g[1:], pattern[1:])) > 0 })
}

// PathError is a path with what is wrong with it: fs.ErrNotExist, syscall.ENOTDIR, or [ErrTooManyLinks].
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string {
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return e.Path + ": no such file or directory"
	case errors.Is(e.Err, syscall.ENOTDIR):
		return e.Path + ": not a directory"
	default:
		return e.Path + ": " + e.Err.Error()
	}
}

func (e *PathError) Unwrap() error { return e.Err }

// ErrTooManyLinks says that resolving a path ran through more than 255 symbolic links, most likely in a loop.
var ErrTooManyLinks = errors.New("too many links")

// components gives the names of a path, one after the other.
func components(p string) iter.Seq[string] {
	p = absolute(p)
	if p == "/" {
		return func(func(string) bool) {}
	}
	return strings.SplitSeq(p[1:], "/")
}

// absolute makes a path absolute and clean. Most are: every entry of a tree is looked up by one.
func absolute(p string) string {
	if p == "" || p[0] != '/' || len(p) > 1 && p[len(p)-1] == '/' {
		return path.Join("/", p)
	}
	for i := 0; i+1 < len(p); i++ {
		if p[i] == '/' && (p[i+1] == '/' || p[i+1] == '.') {
			return path.Join("/", p)
		}
	}
	return p
}

// belowUnknown stands for everything below an unknown entry.
var belowUnknown = NewNode(Attr{Kind: KindUnknown, Op: -1})

// Lstat gives the entry at a path. No symbolic link is followed, also on the way: a link there is not a directory.
// Below an unknown entry everything is unknown, and of no operation.
func (t *Tree) Lstat(p string) (*Node, error) {
	n := t.root
	for name := range components(p) {
		if n.Kind == KindUnknown {
			return belowUnknown, nil
		}
		if !n.IsDir() {
			return nil, &PathError{p, syscall.ENOTDIR}
		}
		c, err := n.Child(name)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return nil, &PathError{p, fs.ErrNotExist}
		}
		n = c
	}
	return n, nil
}

// Exists reports whether Lstat finds something.
func (t *Tree) Exists(p string) bool {
	n, err := t.Lstat(p)
	return err == nil && n != nil
}

// MayHold reports whether something may exist at a path, or below it, although Lstat finds nothing there: an operation may have put
// it into a directory on the way, or an entry on the way is unknown. Links are not followed.
func (t *Tree) MayHold(p string) bool {
	p = absolute(p)
	if t.erased(p) {
		return false
	}
	n, rest := t.root, p[1:]
	for name := range components(p) {
		if n.Kind == KindUnknown || n.May.has(rest) {
			return true
		}
		c, err := n.Child(name)
		if err != nil || c == nil {
			return err != nil
		}
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, name), "/")
		n = c
	}
	return n.Kind == KindUnknown || n.May.has("")
}

// own gives the directory at p, made changeable; every directory on the way must exist.
func (t *Tree) own(p string) (*Node, error) {
	root, err := t.ownNode(t.root)
	if err != nil {
		return nil, err
	}
	t.root = root
	n := t.root
	for name := range components(p) {
		c, err := n.Child(name)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return nil, &PathError{p, fs.ErrNotExist}
		}
		if !c.IsDir() {
			return nil, &PathError{p, syscall.ENOTDIR}
		}
		o, err := t.ownNode(c)
		if err != nil {
			return nil, err
		}
		if o != c {
			n.dir.put(name, o)
		}
		n = o
	}
	return n, nil
}

func (t *Tree) ownNode(n *Node) (*Node, error) {
	if n.owner == t.edit {
		return n, nil
	}
	if err := n.dir.load(); err != nil {
		return nil, err
	}
	n.dir.mu.Lock()
	defer n.dir.mu.Unlock()
	return &Node{
		Attr:  n.Attr,
		owner: t.edit,
		dir:   &dir{entries: n.dir.copy(), names: n.dir.names},
	}, nil
}

// Put places an entry, replacing what is there. The parent must be a directory of the tree.
func (t *Tree) Put(p string, n *Node) error {
	dirPath, name := path.Split(path.Join("/", p))
	t.made(path.Join("/", p))
	if name == "" {
		if !n.IsDir() {
			return &PathError{p, syscall.ENOTDIR}
		}
		t.root = n
		return nil
	}
	d, err := t.own(dirPath)
	if err != nil {
		return err
	}
	d.dir.put(name, n)
	return nil
}

// SetAttr changes what is known of an existing entry; its entries stay. The kind must stay too.
func (t *Tree) SetAttr(p string, change func(*Attr)) error {
	n, err := t.Lstat(p)
	if err != nil {
		return err
	}
	if n.IsDir() {
		o, err := t.own(p)
		if err != nil {
			return err
		}
		change(&o.Attr)
		return nil
	}
	c := &Node{Attr: n.Attr, owner: t.edit}
	change(&c.Attr)
	return t.Put(p, c)
}

// Remove takes an entry away with all below it. A path that does not exist is no error.
func (t *Tree) Remove(p string) error {
	dirPath, name := path.Split(path.Join("/", p))
	if name == "" {
		return &PathError{p, fs.ErrInvalid}
	}
	if !t.Exists(p) {
		return nil
	}
	d, err := t.own(dirPath)
	if err != nil {
		return err
	}
	d.dir.put(name, nil)
	return nil
}

// Walk calls fn for every entry below the root, depth first, sorted by name within each directory, with absolute
// paths. fn may return fs.SkipDir for a directory, or fs.SkipAll.
func (t *Tree) Walk(fn func(p string, n *Node) error) error {
	err := WalkNode("", t.root, fn)
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

// WalkNode calls fn for every entry below n, whose own path is prefix, as [Tree.Walk] does.
func WalkNode(prefix string, n *Node, fn func(p string, n *Node) error) error {
	return walkNode(prefix, n, (*Node).Children, fn)
}

// ScanNode is WalkNode for those who go through all of it: directories that nobody has asked for yet are read and forgotten
// again, so that the nodes live no longer than fn wants them, and those of another walk are others.
func ScanNode(prefix string, n *Node, fn func(p string, n *Node) error) error {
	return walkNode(prefix, n, (*Node).Glance, fn)
}

// Scan is [Tree.Walk] as ScanNode goes.
func (t *Tree) Scan(fn func(p string, n *Node) error) error {
	err := ScanNode("", t.root, fn)
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

func walkNode(prefix string, n *Node, entries func(*Node) ([]Child, error), fn func(p string, n *Node) error) error {
	children, err := entries(n)
	if err != nil {
		return err
	}
	for _, c := range children {
		p := prefix + "/" + c.Name
		err := fn(p, c.Node)
		if err == nil && c.Node.IsDir() {
			err = walkNode(p, c.Node, entries, fn)
		}
		if errors.Is(err, fs.SkipDir) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
