package dockerctx

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"
	"syscall"
)

// Entry is a file, directory, link or other entry that reaches the builder.
type Entry struct {
	Name string      // the last element of Path
	Path string      // slash-separated, relative to the context
	Mode fs.FileMode // type, permissions, set-id and sticky bits; a socket is a regular file here
	Size int64       // in bytes; 0 for what is not a regular file
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
	lists   [2]*matcher // nil: includes everything, excludes nothing
	wrap    func(error) error
	mayFail bool // there is a rule that to ask about is an error
	root    *dir

	like *Comparison // with another tree that is mostly the same; nil for none

	also func(*dir, *loads, reader) error // called with each directory that was read; may be nil

	asked atomic.Int64 // rules that were held against a path, for tests
}

func newTree(fsys FS, include, exclude *matcher, wrap func(error) error) *Tree {
	s := &standing{}
	t := &Tree{fsys: fsys, lists: [2]*matcher{include, exclude}, wrap: wrap, root: &dir{path: ".", standing: s}}
	for side, m := range t.lists {
		if m != nil {
			s.of[side].scope = m.index.root
			t.mayFail = t.mayFail || m.mayFail
		}
	}
	return t
}

// The lists of rules that decide about an entry.
const (
	includes = iota // follow paths
	excludes        // an ignore file
)

// keepsOut tells whether a list keeps an entry out that it matches, or does not match.
func keepsOut(side int, matches bool) bool { return matches == (side == excludes) }

// After tells that another tree of the same directory was looked at before: where both hold the same, what it knows is not found
// out again.
func (t *Tree) After(other *Tree) { t.like = Compare(other, t) }

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// treePlace is where an entry stands in a tree: its number in its directory. The
// root stands in none.
type treePlace struct {
	dir *dir
	at  int
}

// find gives the place of a path that is listed; a nil directory for the root.
func (t *Tree) find(op, name string) (treePlace, error) {
	clean, err := cleanPath(name)
	if err != nil {
		return treePlace{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if clean == "." {
		return treePlace{}, nil
	}
	missing := &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	d := t.root
	for {
		element, rest, more := strings.Cut(clean, "/")
		clean = rest
		failure := t.load(d, namesOnly)
		i, ok := d.search(element)
		if !ok {
			if failure != nil {
				return treePlace{}, failure
			}
			return treePlace{}, missing
		}
		if !more {
			listed, err := t.listedAt(d, i)
			if err == nil && !listed {
				err = missing
			}
			return treePlace{d, i}, err
		}
		if d = d.sub(i); d == nil {
			return treePlace{}, missing
		}
	}
}

// dirOf gives the directory at a place, nil if there is none.
func (t *Tree) dirOf(p treePlace) *dir {
	if p.dir == nil {
		return t.root
	}
	return p.dir.sub(p.at)
}

// describe gives the entry at a place.
func (t *Tree) describe(p treePlace) (Entry, error) {
	if p.dir == nil {
		i, err := t.fsys.Lstat(".")
		if err != nil {
			return Entry{}, err
		}
		return Entry{Name: ".", Path: ".", Mode: i.Mode()}, nil
	}
	name := p.dir.name(p.at)
	full := join(p.dir.path, name)
	if d := p.dir.known(); d != nil {
		return t.entry(p, d, full)
	}
	// One answer needs one stat, not those of the whole directory.
	i, err := t.fsys.Lstat(full)
	if err != nil {
		return Entry{}, relative("lstat", full, err)
	}
	in := infoOf(i) // mkstat of fsutil's stat.go
	e := Entry{Path: full, Name: full[len(full)-len(name):], Mode: in.mode, Size: in.size}
	if in.mode&fs.ModeSymlink != 0 {
		if e.Link, err = t.fsys.ReadLink(full); err != nil {
			return Entry{}, relative("readlink", full, err)
		}
	}
	e.Truncated = e.Mode.IsRegular() && t.refused(p.dir, p.at)
	return e, nil
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
func (t *Tree) ReadDir(name string) ([]Entry, error) {
	p, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	d := t.dirOf(p)
	if d == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	if err := t.load(d, everything); err != nil {
		return nil, err
	}
	details, paths := d.known(), d.paths()
	entries := make([]Entry, 0, len(d.entries))
	for i := range d.entries {
		ok, err := t.listedAt(d, i)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		entry, err := t.entry(treePlace{d, i}, details, paths.of(i))
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

// Probe reads the root directory and nothing below it. Its error is an [*IgnoreError] if a pattern is malformed in a place
// where BuildKit evaluates it for a name of the root, or what kept the directory from being read.
func (t *Tree) Probe() error {
	p, err := t.find("readdir", ".")
	if err != nil {
		return err
	}
	return t.load(t.dirOf(p), namesOnly)
}

// Lstat describes one entry. The error is [io/fs.ErrNotExist] when it is not
// transferred. Links are not followed, not even in the middle of the path.
func (t *Tree) Lstat(name string) (Entry, error) {
	p, err := t.find("lstat", name)
	if err != nil {
		return Entry{}, err
	}
	return t.describe(p)
}

// Open reads a file as it arrives at the builder: a truncated one, or a socket,
// is empty. It is an error to open anything but a regular file.
func (t *Tree) Open(name string) (io.ReadCloser, error) {
	p, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	entry, err := t.describe(p)
	if err != nil {
		return nil, err
	}
	if !entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if entry.Truncated || p.dir.entries[p.at].kind == kindSocket {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return t.fsys.Open(entry.Path)
}
