package dockerctx

import (
	"io/fs"
	"slices"
	"sync"
)

// Snapshot remembers what the directories of a file system hold, so that each is listed once: for whoever looks a directory
// through several times, under several ignore files, or for several builds. What stat tells is asked anew. It is safe for
// concurrent use.
func Snapshot(fsys FS) FS { return &snapshot{FS: fsys, dirs: map[string]*listed{}} }

// maxListed bounds what a snapshot remembers, in bytes; what does not fit is read again.
const maxListed = 64 << 20

type snapshot struct {
	FS

	mu   sync.Mutex
	dirs map[string]*listed
	size int
}

// listed is a directory that was listed: names one after the other, with where each ends.
type listed struct {
	text       string
	items      []listedItem
	searchable bool
}

type listedItem struct {
	end  uint32
	kind kind
}

func (s *snapshot) known(dir string) *listed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirs[dir]
}

func (s *snapshot) keep(dir string, l *listing, searchable bool) {
	k := &listed{text: string(l.text), items: make([]listedItem, len(l.items)), searchable: searchable}
	for i, it := range l.items {
		k.items[i] = listedItem{it.end, it.kind}
	}
	size := len(dir) + len(k.text) + 8*len(k.items) + 100
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs[dir] == nil && s.size+size <= maxListed {
		s.dirs[dir] = k
		s.size += size
	}
}

func (s *snapshot) ReadDir(name string) ([]fs.DirEntry, error) {
	if clean, err := cleanPath(name); err == nil {
		name = clean
	}
	return readDir(s, name, s.openDir(name))
}

func (s *snapshot) openDir(name string) reader { return &snapshotReader{snapshot: s, dir: name} }

// isLeaf answers from what is known, or else as the file system below does.
func (s *snapshot) isLeaf(dir string, names []string) bool {
	k := s.known(dir)
	if k == nil {
		return isLeaf(s.FS, dir, names)
	}
	start := uint32(0)
	for _, it := range k.items {
		if it.kind == kindDir || slices.Contains(names, k.text[start:it.end]) {
			return false
		}
		start = it.end
	}
	return true
}

// snapshotReader lists from memory, and opens the directory for the rest.
type snapshotReader struct {
	snapshot *snapshot
	dir      string

	mu    sync.Mutex
	below reader // nil: not opened yet
}

func (r *snapshotReader) open() reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.below == nil {
		r.below = openDir(r.snapshot.FS, r.dir)
	}
	return r.below
}

func (r *snapshotReader) list(l *listing) error {
	k := r.snapshot.known(r.dir)
	if k == nil {
		all := listing{needed: files{any: true}}
		below := r.open()
		if err := below.list(&all); err != nil {
			return err
		}
		r.snapshot.keep(r.dir, &all, below.searchable())
		for i := range all.items {
			l.add(string(all.name(&all.items[i])), all.items[i].kind, all.items[i].index)
		}
		return nil
	}
	start := uint32(0)
	for _, it := range k.items {
		l.add(k.text[start:it.end], it.kind, -1)
		start = it.end
	}
	return nil
}

func (r *snapshotReader) lstat(name string, index int32) (info, error) {
	return r.open().lstat(name, index)
}

func (r *snapshotReader) readLink(name string) (string, error) { return r.open().readLink(name) }

func (r *snapshotReader) self() (info, error) { return r.open().self() }

func (r *snapshotReader) searchable() bool {
	if k := r.snapshot.known(r.dir); k != nil {
		return k.searchable
	}
	return r.open().searchable()
}

func (r *snapshotReader) close() {
	if r.below != nil {
		r.below.close()
	}
}
