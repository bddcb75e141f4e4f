package dockerctx

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
)

// reader reads one directory: its entries with no more than their types, then what is asked about some of them. It need
// not be safe for concurrent use, but for lstat and readLink.
type reader interface {
	// list appends the entries to an empty listing, in any order.
	list(l *listing) error
	// lstat asks about an entry: index is the one that it had in the list, -1 where the directory was not listed.
	lstat(name string, index int32) (info, error)
	readLink(name string) (string, error)
	// self asks about the directory.
	self() (info, error)
	// searchable reports whether it is known that lstat may look into the directory.
	searchable() bool
	close()
}

// listing is what a directory holds: records without memory of their own, for most directories are forgotten at once.
type listing struct {
	text  []byte // the names, one after the other
	items []item

	needed files // what is no directory and not among them may be left out
}

// leavesOut reports whether nobody needs an entry.
func (l *listing) leavesOut(name []byte, k kind) bool {
	if l.needed.any || k == kindDir {
		return false
	}
	for _, n := range l.needed.names {
		if n == string(name) {
			return false
		}
	}
	return true
}

// item is an entry of a directory as its reader lists it.
type item struct {
	start, end uint32 // of the name
	index      int32  // for the reader
	kind       kind
}

func (l *listing) add(name string, k kind, index int32) {
	if l.leavesOut([]byte(name), k) {
		return
	}
	start := len(l.text)
	l.text = append(l.text, name...)
	l.items = append(l.items, item{uint32(start), uint32(len(l.text)), index, k})
}

func (l *listing) name(it *item) []byte { return l.text[it.start:it.end] }

func (l *listing) reset(needed files) {
	l.text, l.items, l.needed = l.text[:0], l.items[:0], needed
}

func (l *listing) sort() {
	text := l.text
	slices.SortFunc(l.items, func(a, b item) int { return bytes.Compare(text[a.start:a.end], text[b.start:b.end]) })
}

// info is what lstat tells.
type info struct {
	size int64 // 0 for what is not a regular file
	mode fs.FileMode
}

// kind is the type of an entry, in a byte.
type kind uint8

const (
	kindFile kind = iota
	kindDir
	kindLink
	kindPipe
	kindSocket
	kindCharDevice
	kindDevice
	kindIrregular
)

var kindModes = [...]fs.FileMode{
	kindFile: 0, kindDir: fs.ModeDir, kindLink: fs.ModeSymlink, kindPipe: fs.ModeNamedPipe, kindSocket: fs.ModeSocket,
	kindCharDevice: fs.ModeDevice | fs.ModeCharDevice, kindDevice: fs.ModeDevice, kindIrregular: fs.ModeIrregular,
}

func kindOf(m fs.FileMode) kind {
	for k, mode := range kindModes {
		if m.Type() == mode {
			return kind(k)
		}
	}
	return kindIrregular
}

// mode gives the type bits as they arrive at the builder, where a socket is an empty file.
func (k kind) mode() fs.FileMode { return kindModes[k] &^ fs.ModeSocket }

// readerFS is an FS with readers of its own, which ask the system for less than ReadDir must tell.
type readerFS interface {
	// openDir may return nil: then ReadDir gives the entries, or the error.
	openDir(name string) reader
}

// layer is an FS that lies over another one and differs from it in a few directories only.
type layer interface {
	// Under gives the other one where a directory of it holds the very same entries, else nil; Beneath gives it where all that
	// lies below the directory is the same, too, and Behind where a file is.
	Under(dir string) FS
	Beneath(dir string) FS
	Behind(file string) FS
}

// leafFS is an FS that may know of a directory, without listing it, that neither a directory nor one of the given names is
// in it.
type leafFS interface {
	isLeaf(dir string, names []string) bool
}

func isLeaf(fsys FS, dir string, names []string) bool {
	f, ok := Under(fsys, dir).(leafFS)
	return ok && f.isLeaf(dir, names)
}

// Under gives the lowest FS that holds the very same entries of a directory: where files are laid over others, what lies under
// them.
func Under(fsys FS, dir string) FS {
	return lowest(fsys, func(l layer) FS { return l.Under(dir) })
}

// Behind gives the lowest FS that holds the very same file.
func Behind(fsys FS, file string) FS {
	return lowest(fsys, func(l layer) FS { return l.Behind(file) })
}

// beneath gives the lowest FS that holds the same files at and below a directory.
func beneath(fsys FS, dir string) FS {
	return lowest(fsys, func(l layer) FS { return l.Beneath(dir) })
}

func lowest(fsys FS, next func(layer) FS) FS {
	for {
		l, ok := fsys.(layer)
		if !ok {
			return fsys
		}
		below := next(l)
		if below == nil {
			return fsys
		}
		fsys = below
	}
}

// openDir gives a reader of a directory of any FS. What is wrong with the directory shows when it is listed.
func openDir(fsys FS, name string) reader {
	fsys = Under(fsys, name)
	if f, ok := fsys.(readerFS); ok {
		if r := f.openDir(name); r != nil {
			return r
		}
	}
	return &plainReader{fsys: fsys, dir: name}
}

// plainReader reads a directory through the methods of FS.
type plainReader struct {
	fsys    FS
	dir     string
	entries []fs.DirEntry
}

func (r *plainReader) list(l *listing) error {
	var err error
	if r.entries, err = r.fsys.ReadDir(r.dir); err != nil {
		return err
	}
	for i, e := range r.entries {
		l.add(e.Name(), kindOf(e.Type()), int32(i))
	}
	return nil
}

func (r *plainReader) lstat(name string, index int32) (info, error) {
	var i fs.FileInfo
	var err error
	if index >= 0 {
		i, err = r.entries[index].Info()
	} else {
		i, err = r.fsys.Lstat(join(r.dir, name))
	}
	if err != nil {
		return info{}, err
	}
	return infoOf(i), nil
}

func infoOf(i fs.FileInfo) info {
	in := info{mode: i.Mode() &^ fs.ModeSocket}
	if i.Mode().IsRegular() {
		in.size = i.Size()
	}
	return in
}

func (r *plainReader) self() (info, error) {
	i, err := r.fsys.Lstat(r.dir)
	if err != nil {
		return info{}, err
	}
	return infoOf(i), nil
}

func (r *plainReader) readLink(name string) (string, error) {
	return r.fsys.ReadLink(join(r.dir, name))
}

func (r *plainReader) searchable() bool { return false }

func (r *plainReader) close() {}

// lazyEntry is an entry of ReadDir that asks for its info when somebody wants it.
type lazyEntry struct {
	fsys      FS
	dir, name string
	kind      kind
}

func (e *lazyEntry) Name() string               { return e.name }
func (e *lazyEntry) IsDir() bool                { return e.kind == kindDir }
func (e *lazyEntry) Type() fs.FileMode          { return kindModes[e.kind] }
func (e *lazyEntry) Info() (fs.FileInfo, error) { return e.fsys.Lstat(join(e.dir, e.name)) }
func (e *lazyEntry) String() string             { return fmt.Sprint(e.Type(), " ", e.name) }

// readDir lists a directory with a reader, sorted by name.
func readDir(fsys FS, name string, r reader) ([]fs.DirEntry, error) {
	defer r.close()
	l := loadsPool.Get().(*loads)
	defer loadsPool.Put(l)
	l.listing.reset(files{any: true})
	if err := r.list(&l.listing); err != nil {
		return nil, err
	}
	l.sort()
	entries := make([]fs.DirEntry, len(l.items))
	all := make([]lazyEntry, len(l.items))
	for i := range l.items {
		// The name must not keep the names of the whole directory in memory.
		all[i] = lazyEntry{fsys, name, string(l.name(&l.items[i])), l.items[i].kind}
		entries[i] = &all[i]
	}
	return entries, nil
}
