// Package rootfs is a virtual file tree that remembers where every entry came from.
//
// A [Tree] is persistent: [Tree.Fork] is free, and a change copies only the directories on its way, so that the tree
// before every step of a build can be kept and asked. Directories are read when somebody asks: a directory that was
// copied whole shares the entries of its source until two sources meet in it.
//
// The package knows nothing of Docker. Paths are absolute and slash-separated; names may hold any bytes.
//
// Non-goals: timestamps, extended attributes, and the content of files beyond a way to open it.
package rootfs

import (
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Kind is the type of an entry.
type Kind uint8

// The kinds of entries. The zero value is invalid.
const (
	KindInvalid Kind = iota
	KindFile
	KindDir
	KindSymlink
	KindFIFO
	KindCharDevice
	KindBlockDevice
	// KindUnknown is an entry of which only the name is known: what a step that cannot be simulated left there.
	KindUnknown
)

// String gives the kind as machine formats spell it.
func (k Kind) String() string {
	switch k {
	case KindFile:
		return "file"
	case KindDir:
		return "dir"
	case KindSymlink:
		return "symlink"
	case KindFIFO:
		return "fifo"
	case KindCharDevice:
		return "char"
	case KindBlockDevice:
		return "block"
	case KindUnknown:
		return "unknown"
	default:
		return "invalid"
	}
}

// KindOf gives the kind that a mode's type bits stand for. Sockets have none here: they do not survive a transfer.
func KindOf(m fs.FileMode) Kind {
	switch {
	case m.IsRegular():
		return KindFile
	case m.IsDir():
		return KindDir
	case m&fs.ModeSymlink != 0:
		return KindSymlink
	case m&fs.ModeNamedPipe != 0:
		return KindFIFO
	case m&fs.ModeCharDevice != 0:
		return KindCharDevice
	case m&fs.ModeDevice != 0:
		return KindBlockDevice
	default:
		return KindUnknown
	}
}

// Bits of [Attr.Perm] beyond the nine permission bits, as Unix numbers them.
const (
	SetUID = 0o4000
	SetGID = 0o2000
	Sticky = 0o1000
)

// PermOf gives the twelve permission bits of a mode, set-id and sticky bits in their Unix places.
func PermOf(m fs.FileMode) uint16 {
	p := uint16(m.Perm())
	if m&fs.ModeSetuid != 0 {
		p |= SetUID
	}
	if m&fs.ModeSetgid != 0 {
		p |= SetGID
	}
	if m&fs.ModeSticky != 0 {
		p |= Sticky
	}
	return p
}

// FileMode is the inverse of [PermOf]: permission, set-id and sticky bits as package fs places them, without a type.
func FileMode(perm uint16) fs.FileMode {
	m := fs.FileMode(perm & 0o777)
	if perm&SetUID != 0 {
		m |= fs.ModeSetuid
	}
	if perm&SetGID != 0 {
		m |= fs.ModeSetgid
	}
	if perm&Sticky != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// Owner is a numeric owner, or one that is known by name only.
type Owner struct {
	UID, GID uint32
	// User and Group are set when only the name is known; the number beside it is then meaningless.
	User, Group string
}

// Known reports whether both numbers are known.
func (o Owner) Known() bool { return o.User == "" && o.Group == "" }

// Content opens the bytes of a regular file. It may be called any number of times.
type Content interface {
	Open() (io.ReadCloser, error)
}

// Attr is what is known of an entry apart from its name and, for a directory, its entries.
type Attr struct {
	Kind  Kind
	Perm  uint16 // permission, set-id and sticky bits
	Owner Owner
	Size  int64  // bytes; 0 for what is not a regular file
	Link  string // target of a symbolic link, as written
	Rdev  uint64 // device number of a device

	Content Content // nil: no bytes, or unknown ones

	// Op is the operation that put the entry here, in the numbering of whoever builds the tree; -1 for none.
	Op int32
	// Source is the entry it was copied from, nil if the operation made it.
	Source *Node
	// Origin is the path in the outermost source, such as a build context, for entries that stand in one.
	Origin string
	// Member is the name in the archive that Source is, for entries that were unpacked.
	Member string
	// Implied tells of a directory that was made only because something below it was wanted.
	Implied bool
	// Unsure tells that a step may have changed or removed it: it was there as it is.
	Unsure bool
	// May are the operations that may have put more into a directory than is known, or made an unknown entry; see [Tree.HeldBy].
	May *Mays
}

// Node is an entry. It is immutable for everybody but the [Tree] that owns it; share it freely.
type Node struct {
	Attr
	dir   *dir
	owner *edit
	// derived: see [Node.Derived].
	derived bool
}

// edit is the identity of one round of changes: nodes made in it may be changed in place.
type edit struct{ _ byte }

// Child is an entry with its name.
type Child struct {
	Name string
	Node *Node
}

// Loader gives the entries of a directory, in any order, when they are first asked for.
type Loader interface {
	Load() ([]Child, error)
}

// Keeper is a Loader that is asked before what it gave is remembered.
type Keeper interface {
	Keep(entries int) error
}

// dir holds the entries of a directory: loaded at first use, then fixed unless its node is owned by a running edit.
type dir struct {
	mu     sync.Mutex
	loader Loader // nil once loaded
	err    error
	entries
	names  []string // sorted; nil when out of date
	sorted []Child  // nil when out of date
	note   any      // see Node.Note; nil when out of date
}

// put places an entry, or takes one away if it is nil.
func (d *dir) put(name string, n *Node) {
	if d.set(name, n) {
		d.names = nil
	}
	d.sorted, d.note = nil, nil
}

func (d *dir) load() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loadLocked()
}

func (d *dir) loadLocked() error {
	if d.loader == nil {
		return d.err
	}
	children, err := d.loader.Load()
	if k, ok := d.loader.(Keeper); ok && err == nil {
		if err = k.Keep(len(children)); err != nil {
			children = nil
		}
	}
	d.loader, d.err = nil, err
	d.entries = newEntries(children)
	return err
}

// NewNode makes an entry that is not a directory with entries.
func NewNode(a Attr) *Node {
	n := &Node{Attr: a}
	if a.Kind == KindDir {
		n.dir = &dir{entries: newEntries(nil)}
	}
	return n
}

// NewDir makes a directory of entries, in any order, of which no two have one name.
func NewDir(a Attr, children []Child) *Node {
	a.Kind = KindDir
	return &Node{Attr: a, dir: &dir{entries: newEntries(children)}}
}

// NewLazyDir makes a directory whose entries are loaded when they are first asked for.
func NewLazyDir(a Attr, l Loader) *Node {
	a.Kind = KindDir
	return &Node{Attr: a, dir: &dir{loader: l}, derived: true}
}

// Derived reports whether a directory holds exactly what its source holds, under the same names: it was copied or read
// whole, and nothing was put into it or taken away since.
func (n *Node) Derived() bool { return n.derived }

// Outermost follows Source to the entry that was not copied from another: one of a build context, or one that an
// operation made. It stops at an archive's member, whose source is the archive.
func (n *Node) Outermost() *Node {
	for n.Source != nil && n.Member == "" {
		n = n.Source
	}
	return n
}

// IsDir reports whether the entry is a directory.
func (n *Node) IsDir() bool { return n.Kind == KindDir }

// Children gives the entries of a directory sorted by name; nil for anything else. The slice is the caller's.
func (n *Node) Children() ([]Child, error) {
	if n.dir == nil {
		return nil, nil
	}
	n.dir.mu.Lock()
	defer n.dir.mu.Unlock()
	if err := n.dir.loadLocked(); err != nil {
		return nil, err
	}
	if n.dir.names == nil {
		names := make([]string, 0, n.dir.count)
		n.dir.each(func(name string, _ *Node) { names = append(names, name) })
		slices.Sort(names)
		n.dir.names = names
	}
	if n.dir.sorted == nil {
		n.dir.sorted = make([]Child, len(n.dir.names))
		for i, name := range n.dir.names {
			n.dir.sorted[i] = Child{name, n.dir.get(name)}
		}
	}
	return slices.Clone(n.dir.sorted), nil
}

// Glance is Children of a directory that does not remember them, if nobody has asked for them yet.
func (n *Node) Glance() ([]Child, error) {
	if n.dir == nil {
		return nil, nil
	}
	n.dir.mu.Lock()
	loader := n.dir.loader
	n.dir.mu.Unlock()
	if loader == nil {
		return n.Children()
	}
	children, err := loader.Load()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(children, func(a, b Child) int { return strings.Compare(a.Name, b.Name) })
	return children, nil
}

// Child gives the entry of that name, nil if there is none.
func (n *Node) Child(name string) (*Node, error) {
	if n.dir == nil {
		return nil, nil
	}
	n.dir.mu.Lock()
	defer n.dir.mu.Unlock()
	if err := n.dir.loadLocked(); err != nil {
		return nil, err
	}
	return n.dir.get(name), nil
}

// Note gives what find makes of the entries of a directory, from what it made before if they are still the same: who shares the
// directory shares that, too. There is one such question for all.
func (n *Node) Note(find func([]Child) any) (any, error) {
	n.dir.mu.Lock()
	have := n.dir.note
	n.dir.mu.Unlock()
	if have != nil {
		return have, nil
	}
	children, err := n.Children()
	if err != nil {
		return nil, err
	}
	found := find(children)
	n.dir.mu.Lock()
	defer n.dir.mu.Unlock()
	n.dir.note = found
	return found, nil
}

// Open opens the bytes of a regular file; fs.ErrInvalid if they are not known.
func (n *Node) Open() (io.ReadCloser, error) {
	if n.Kind != KindFile || n.Content == nil {
		return nil, fs.ErrInvalid
	}
	return n.Content.Open()
}
