package dockerctx

import (
	"io/fs"
	"math"
	"sync"
)

// details are what lstat and readlink tell of the entries of a directory. They are kept small too: 6 bytes for most.
type details struct {
	modes []mode // of every entry; nil if only types were asked for
	sizes []uint32
	large map[int]int64 // the sizes that are none of sizes
	links map[int]string
	errs  map[int]error
}

// mode is type and permissions in 16 bits: the kind above the twelve bits of Unix.
type mode uint16

const (
	modeSetuid mode = 1 << (9 + iota)
	modeSetgid
	modeSticky
	modeKind = 12 // how far up the kind stands
)

var modeBits = [...]struct {
	mode mode
	fs   fs.FileMode
}{{modeSetuid, fs.ModeSetuid}, {modeSetgid, fs.ModeSetgid}, {modeSticky, fs.ModeSticky}}

func packMode(m fs.FileMode) mode {
	p := mode(m.Perm()) | mode(kindOf(m))<<modeKind
	for _, b := range modeBits {
		if m&b.fs != 0 {
			p |= b.mode
		}
	}
	return p
}

func (m mode) unpack() fs.FileMode {
	out := fs.FileMode(m&0o777) | kindModes[m>>modeKind]
	for _, b := range modeBits {
		if m&b.mode != 0 {
			out |= b.fs
		}
	}
	return out
}

func (k *details) size(i int) int64 {
	if size, ok := k.large[i]; ok {
		return size
	}
	return int64(k.sizes[i])
}

// known gives the details of all entries, nil if nobody asked for them yet.
func (d *dir) known() *details {
	if k := d.details.Load(); k != nil && k.modes != nil {
		return k
	}
	return nil
}

// ask fills in the details of the entries that were kept. index tells the reader which they are; nil if it did not list.
func (t *Tree) ask(d *dir, index []int32, r reader, want detail) {
	switch want {
	case namesOnly:
		return
	case typesOnly:
		if !d.searchable(index, r) {
			want = everything
		} else if !d.hasLinks() {
			return
		}
	}
	k := &details{}
	if want == everything {
		k.modes, k.sizes = make([]mode, len(d.entries)), make([]uint32, len(d.entries))
	}
	q := inquiry{dir: d, index: index, reader: r, want: want, found: k}
	inParts(len(d.entries), 4096, q.part)
	d.details.Store(k)
}

// searchable tells whether lstat works in a directory, by its first entry that is listed where the reader does not know. A
// directory may be readable and yet not searchable; then BuildKit's walk fails at that entry.
func (d *dir) searchable(index []int32, r reader) bool {
	if r.searchable() {
		return true
	}
	q := inquiry{index: index}
	for i := range d.entries {
		if !d.entries[i].skipped {
			_, err := r.lstat(d.name(i), q.indexOf(i))
			return err == nil
		}
	}
	return true
}

func (d *dir) hasLinks() bool {
	for i := range d.entries {
		if d.entries[i].kind == kindLink {
			return true
		}
	}
	return false
}

// inquiry is what is being asked about the entries of a directory.
type inquiry struct {
	dir    *dir
	index  []int32
	reader reader
	want   detail

	mu    sync.Mutex // guards the maps
	found *details
}

func (q *inquiry) indexOf(i int) int32 {
	if q.index == nil {
		return -1
	}
	return q.index[i]
}

// part asks about some of the entries.
func (q *inquiry) part(from, to int) {
	for i := from; i < to; i++ {
		k := q.dir.entries[i].kind
		if q.dir.entries[i].skipped {
			continue // if something in it is listed, its own reading tells
		}
		if q.want == everything {
			in, err := q.reader.lstat(q.dir.name(i), q.indexOf(i))
			if err != nil {
				q.failed(i, relative("lstat", join(q.dir.path, q.dir.name(i)), err))
				continue
			}
			k = kindOf(in.mode)
			q.found.modes[i] = packMode(in.mode)
			if in.size < math.MaxUint32 {
				q.found.sizes[i] = uint32(in.size)
			} else {
				q.large(i, in.size)
			}
		}
		if k != kindLink {
			continue
		}
		link, err := q.reader.readLink(q.dir.name(i))
		if err != nil {
			q.failed(i, relative("readlink", join(q.dir.path, q.dir.name(i)), err))
			continue
		}
		q.link(i, link)
	}
}

func (q *inquiry) failed(i int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.found.errs == nil {
		q.found.errs = map[int]error{}
	}
	q.found.errs[i] = err
}

func (q *inquiry) link(i int, text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.found.links == nil {
		q.found.links = map[int]string{}
	}
	q.found.links[i] = text
}

func (q *inquiry) large(i int, size int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.found.large == nil {
		q.found.large = map[int]int64{}
	}
	q.found.large[i] = size
}

// carried gives type and permissions of a directory that is listed only because something in it is.
func (t *Tree) carried(d *dir) (fs.FileMode, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mode == 0 {
		i, err := t.fsys.Lstat(d.path)
		if err != nil {
			return 0, relative("lstat", d.path, err)
		}
		d.mode = packMode(i.Mode())
	}
	return d.mode.unpack(), nil
}

// entry puts together what is known of an entry. k may be nil.
func (t *Tree) entry(p treePlace, k *details, full string) (Entry, error) {
	rec := &p.dir.entries[p.at]
	e := Entry{Path: full, Name: full[len(full)-int(rec.end-p.dir.start(p.at)):], Mode: rec.kind.mode()}
	if k != nil {
		if err := k.errs[p.at]; err != nil {
			return Entry{}, err
		}
		switch {
		case k.modes == nil:
		case rec.skipped:
			own, err := t.carried(p.dir.sub(p.at))
			if err != nil {
				return Entry{}, err
			}
			e.Mode = own
		default:
			e.Mode, e.Size = k.modes[p.at].unpack(), k.size(p.at)
		}
		if e.Mode&fs.ModeSymlink != 0 {
			e.Link = k.links[p.at]
		}
	}
	e.Truncated = rec.suspect && e.Mode.IsRegular() && t.refused(p.dir, p.at)
	return e, nil
}
