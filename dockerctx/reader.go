package dockerctx

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// reader reads one directory: its entries with no more than their types, then what is asked about some of them. It need
// not be safe for concurrent use, but for lstat.
type reader interface {
	// list appends the entries, in any order.
	list(items []item) ([]item, error)
	// lstat and readLink ask about an entry, also without a list, by its name.
	lstat(it *item) (info, error)
	readLink(it *item) (string, error)
	close()
}

// item is an entry of a directory as its reader lists it.
type item struct {
	name  string
	kind  kind
	index int32 // for the reader
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

// openDir gives a reader of a directory of any FS. What is wrong with the directory shows when it is listed.
func openDir(fsys FS, name string) reader {
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

func (r *plainReader) list(items []item) ([]item, error) {
	var err error
	if r.entries, err = r.fsys.ReadDir(r.dir); err != nil {
		return nil, err
	}
	for i, e := range r.entries {
		items = append(items, item{e.Name(), kindOf(e.Type()), int32(i)})
	}
	return items, nil
}

func (r *plainReader) lstat(it *item) (info, error) {
	var i fs.FileInfo
	var err error
	if r.entries != nil {
		i, err = r.entries[it.index].Info()
	} else {
		i, err = r.fsys.Lstat(join(r.dir, it.name))
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

func (r *plainReader) readLink(it *item) (string, error) {
	return r.fsys.ReadLink(join(r.dir, it.name))
}

func (r *plainReader) close() {}

// lazyEntry is an entry of ReadDir that asks for its info when somebody wants it.
type lazyEntry struct {
	fsys FS
	dir  string
	item
}

func (e *lazyEntry) Name() string               { return e.name }
func (e *lazyEntry) IsDir() bool                { return e.kind == kindDir }
func (e *lazyEntry) Type() fs.FileMode          { return kindModes[e.kind] }
func (e *lazyEntry) Info() (fs.FileInfo, error) { return e.fsys.Lstat(join(e.dir, e.name)) }
func (e *lazyEntry) String() string             { return fmt.Sprint(e.Type(), " ", e.name) }

func sortItems(items []item) {
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
}

// readDir lists a directory with a reader, sorted by name.
func readDir(fsys FS, name string, r reader) ([]fs.DirEntry, error) {
	defer r.close()
	items, err := r.list(nil)
	if err != nil {
		return nil, err
	}
	sortItems(items)
	entries := make([]fs.DirEntry, len(items))
	all := make([]lazyEntry, len(items))
	for i := range items {
		// The name must not keep the names of the whole directory in memory.
		items[i].name = strings.Clone(items[i].name)
		all[i] = lazyEntry{fsys, name, items[i]}
		entries[i] = &all[i]
	}
	return entries, nil
}
