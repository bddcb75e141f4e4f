package dockerctx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Entry is a file, directory, link or other entry that reaches the builder.
type Entry struct {
	Name string      // the last element of Path
	Path string      // slash-separated, relative to the context
	Mode fs.FileMode // type, permissions, set-id and sticky bits; a socket is a regular file here
	Size int64       // 0 for what is not a regular file
	Link string      // the text of a symbolic link

	// Truncated tells of a regular file that the walk lists but that
	// BuildKit's sender then refuses to open, so that it arrives empty. The
	// walk decides with MatchesUsingParentResults, filterFS.Open with
	// MatchesOrParentMatches, and sendFile in fsutil's send.go drops the error.
	Truncated bool
}

// Tree is a part of a context: what reaches the builder. It reads a directory
// when somebody asks for it and remembers what it found. It is safe for
// concurrent use.
type Tree struct {
	fsys    FS
	include *matcher // nil: everything
	exclude *matcher // nil: nothing
	wrap    func(error) error
	root    *node
}

// node is an entry that the walk meets: one that is listed, or a directory
// that is not but that the walk enters.
type node struct {
	path     string
	dirEntry fs.DirEntry
	parent   *node
	isDir    bool
	skipped  bool    // not listed for its own sake
	included matched // what the children inherit; directories only
	excluded matched
	suspect  bool // rules match that could keep the sender from opening the file

	mu       sync.Mutex
	loaded   bool
	children []*node // sorted; up to the first that could not be decided
	failure  error   // of reading the directory, or of deciding after the last child
	carries  carry

	info    sync.Once
	entry   Entry
	infoErr error

	aboveOnce    sync.Once
	aboveInclude matched // rules that match the directory or a parent
	aboveExclude matched
}

// name gives the last element of the path.
func (n *node) name() string {
	if n.parent == nil || n.parent.path == "." {
		return n.path
	}
	return n.path[len(n.parent.path)+1:]
}

// carry is what is known of a directory's bringing a listed entry.
type carry int

const (
	carryUnknown carry = iota
	carryNone
	carrySome
)

func newTree(fsys FS, include, exclude *matcher, wrap func(error) error) *Tree {
	return &Tree{
		fsys: fsys, include: include, exclude: exclude, wrap: wrap,
		root: &node{path: ".", isDir: true},
	}
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// load reads a directory once. It is the body of filterFS.Walk in fsutil's
// filter.go, for one directory: what is decided of an entry, whether the walk
// goes into it, and which errors it swallows.
func (t *Tree) load(n *node) ([]*node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.loaded {
		return n.children, n.failure
	}
	n.loaded = true
	entries, err := t.fsys.ReadDir(n.path)
	switch {
	case err == nil:
	case n != t.root && absent(err):
		return nil, nil
	case n.skipped && errors.Is(err, fs.ErrPermission):
		// Passed over only where the ignore file keeps the directory out.
		return nil, nil
	default:
		n.failure = fmt.Errorf("reading directory %q of the context: %w", n.path, underlying(err))
		return nil, n.failure
	}
	for _, e := range entries {
		child, err := t.decide(n, e)
		if err != nil {
			n.failure = t.wrap(err)
			break
		}
		if child != nil {
			n.children = append(n.children, child)
		}
	}
	n.children = slices.Clip(n.children)
	return n.children, n.failure
}

// decide gives nil for an entry that is not listed and not entered either.
func (t *Tree) decide(dir *node, e fs.DirEntry) (*node, error) {
	child := &node{path: join(dir.path, e.Name()), dirEntry: e, parent: dir, isDir: e.IsDir()}
	if t.include != nil {
		v, err := t.include.decide(child.path, dir.included, nil)
		if err != nil {
			return nil, err
		}
		if !v.matches {
			if child.isDir && !t.include.enters(child.path) {
				return nil, nil
			}
			child.skipped = true
		}
		child.included = v.matched
		child.suspect = t.include.negated
	}
	if t.exclude != nil {
		v, err := t.exclude.decide(child.path, dir.excluded, nil)
		if err != nil {
			return nil, err
		}
		if v.matches {
			if child.isDir && !t.exclude.enters(child.path) {
				return nil, nil
			}
			child.skipped = true
		}
		child.excluded = v.matched
		// A file is listed and yet not opened only if some rule excluded it or a
		// parent on the way: if none did, every excluding rule was asked at every
		// level, and none matches.
		child.suspect = child.suspect || len(v.matched) > 0
	}
	if child.skipped && !child.isDir {
		return nil, nil
	}
	if !child.isDir {
		child.included, child.excluded = nil, nil
	}
	return child, nil
}

// listed tells whether an entry is in the tree: for its own sake, or because
// the walk finds something in it that is.
func (t *Tree) listed(n *node) (bool, error) {
	if !n.skipped {
		return true, nil
	}
	n.mu.Lock()
	known := n.carries
	n.mu.Unlock()
	if known != carryUnknown {
		return known == carrySome, nil
	}
	children, failure := t.load(n)
	found := false
	for _, child := range children {
		ok, err := t.listed(child)
		if err != nil {
			return false, err
		}
		if ok {
			found = true
			break
		}
	}
	if !found && failure != nil {
		return false, failure
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.carries = carryNone
	if found {
		n.carries = carrySome
	}
	return found, nil
}

// describe gives the entry of a node, read once.
func (t *Tree) describe(n *node) (Entry, error) {
	n.info.Do(func() {
		if n == t.root {
			info, err := t.fsys.Lstat(".")
			if err != nil {
				n.infoErr = err
				return
			}
			n.entry = Entry{Name: ".", Path: ".", Mode: info.Mode()}
			return
		}
		n.entry, n.infoErr = newEntry(t.fsys, n.path, n.dirEntry)
		if n.infoErr == nil {
			n.entry.Truncated = n.entry.Mode.IsRegular() && n.suspect && t.refused(n)
		}
	})
	return n.entry, n.infoErr
}

// newEntry is mkstat of fsutil's stat.go.
func newEntry(fsys FS, name string, e fs.DirEntry) (Entry, error) {
	info, err := e.Info()
	if err != nil {
		return Entry{}, relative("lstat", name, err)
	}
	entry := Entry{Name: path.Base(name), Path: name, Mode: info.Mode() &^ fs.ModeSocket}
	switch {
	case entry.Mode&fs.ModeSymlink != 0:
		entry.Link, err = fsys.ReadLink(name)
		if err != nil {
			return Entry{}, relative("readlink", name, err)
		}
	case info.Mode().IsRegular():
		entry.Size = info.Size()
	}
	return entry, nil
}

// refused tells whether filterFS.Open refuses a file that the walk listed.
func (t *Tree) refused(n *node) bool {
	include, exclude := t.above(n.parent)
	if t.include != nil {
		if ok, err := t.include.opens(n.path, include); err != nil || !ok {
			return true
		}
	}
	if t.exclude != nil {
		if ok, err := t.exclude.opens(n.path, exclude); err != nil || ok {
			return true
		}
	}
	return false
}

func (t *Tree) above(n *node) (include, exclude matched) {
	if n == t.root {
		return nil, nil
	}
	n.aboveOnce.Do(func() {
		include, exclude := t.above(n.parent)
		if t.include != nil {
			n.aboveInclude = union(include, t.include.any(n.path))
		}
		if t.exclude != nil {
			n.aboveExclude = union(exclude, t.exclude.any(n.path))
		}
	})
	return n.aboveInclude, n.aboveExclude
}

// find gives the node of a path that is listed.
func (t *Tree) find(op, name string) (*node, error) {
	clean, err := cleanPath(name)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	n := t.root
	if clean == "." {
		return n, nil
	}
	for element := range strings.SplitSeq(clean, "/") {
		if !n.isDir {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		next, err := t.child(n, element)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		n = next
	}
	ok, err := t.listed(n)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, nil
}

func (t *Tree) child(n *node, name string) (*node, error) {
	children, failure := t.load(n)
	i, ok := slices.BinarySearchFunc(children, name, func(c *node, name string) int {
		return strings.Compare(c.name(), name)
	})
	if ok {
		return children[i], nil
	}
	return nil, failure
}

var errOutside = errors.New("path leads out of the context")

// cleanPath makes a path relative to the context; a leading slash is its root.
func cleanPath(name string) (string, error) {
	clean := path.Clean(strings.TrimLeft(name, "/"))
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", errOutside
	}
	return clean, nil
}

// ReadDir lists a directory, sorted by name, with only what is transferred. "."
// is the root. The error is [io/fs.ErrNotExist] for a directory that is not in
// the tree and ENOTDIR for an entry that is none; an [*IgnoreError] if a
// pattern turns out to be malformed in the very place where BuildKit would
// evaluate it.
func (t *Tree) ReadDir(dir string) ([]Entry, error) {
	n, err := t.find("readdir", dir)
	if err != nil {
		return nil, err
	}
	if !n.isDir {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: syscall.ENOTDIR}
	}
	children, failure := t.load(n)
	if failure != nil {
		return nil, failure
	}
	entries := make([]Entry, 0, len(children))
	for _, child := range children {
		ok, err := t.listed(child)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		entry, err := t.describe(child)
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// Lstat describes one entry. The error is [io/fs.ErrNotExist] when it is not
// transferred. Links are not followed, not even in the middle of the path.
func (t *Tree) Lstat(name string) (Entry, error) {
	n, err := t.find("lstat", name)
	if err != nil {
		return Entry{}, err
	}
	return t.describe(n)
}

// Open reads a file as it arrives at the builder: a truncated one, or a socket,
// is empty. It is an error to open anything but a regular file.
func (t *Tree) Open(name string) (io.ReadCloser, error) {
	n, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	entry, err := t.describe(n)
	if err != nil {
		return nil, err
	}
	if !entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if entry.Truncated || n.dirEntry.Type()&fs.ModeSocket != 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return t.fsys.Open(n.path)
}

// Walk hands over every entry but the root, depth first, each directory sorted
// by name: the set and the order in which fsutil sends them. It stops at the
// first error of fn and returns it. Where BuildKit would break off, Walk does
// so at the same entry.
func (t *Tree) Walk(fn func(Entry) error) error {
	return t.walk(t.root, nil, fn)
}

// walk goes through a directory. waiting are the directories above, outermost
// first, that are listed only if something in them is.
func (t *Tree) walk(dir *node, waiting *[]*node, fn func(Entry) error) error {
	children, failure := t.load(dir)
	for _, child := range children {
		if child.skipped {
			if waiting == nil {
				waiting = new([]*node)
			}
			*waiting = append(*waiting, child)
			depth := len(*waiting)
			if err := t.walk(child, waiting, fn); err != nil {
				return err
			}
			if len(*waiting) >= depth {
				*waiting = (*waiting)[:depth-1]
			}
			continue
		}
		entry, err := t.describe(child)
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		if waiting != nil {
			for _, above := range *waiting {
				aboveEntry, err := t.describe(above)
				if absent(err) {
					continue
				}
				if err != nil {
					return err
				}
				if err := fn(aboveEntry); err != nil {
					return err
				}
			}
			*waiting = (*waiting)[:0]
		}
		if err := fn(entry); err != nil {
			return err
		}
		if child.isDir {
			if err := t.walk(child, waiting, fn); err != nil {
				return err
			}
		}
	}
	return failure
}
