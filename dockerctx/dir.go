package dockerctx

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// dir is a directory that the walk enters. It is kept small, because a listing keeps all of them: the names of its
// entries are one string, a file is a record of 8 bytes, and what BuildKit recorded of it is shared with the directories
// around that are judged alike.
type dir struct {
	path     string
	above    *dir // nil: the root
	standing *standing
	skipped  bool // not listed for its own sake

	mu      sync.Mutex
	loaded  bool
	found   detail // if it is loaded
	carries carry
	names   string
	entries []record // sorted by name; up to the first that could not be decided
	subs    []*dir   // the directories among them, in order
	failure error    // of reading the directory, or of deciding after the last entry

	details atomic.Pointer[details]
	parents atomic.Pointer[parents]
}

// record is an entry that the walk meets: one that is listed, or a directory that is not but that the walk enters.
type record struct {
	end     uint32 // of its name in names, where the next one begins
	kind    kind
	skipped bool // not listed for its own sake; directories only
	suspect bool // rules match that could keep the sender from opening the file
}

// standing is what the entries of a directory inherit from it.
type standing struct {
	include, exclude inherited
}

type inherited struct {
	matched matched
	scope   *scope
}

// details are what lstat and readlink tell of the entries.
type details struct {
	infos []info // of every entry; nil if only types were asked for
	links map[int]string
	errs  map[int]error
}

// carry is what is known of a directory's bringing a listed entry.
type carry uint8

const (
	carryUnknown carry = iota
	carryNone
	carrySome
)

// detail is how much a reading finds out.
type detail uint8

const (
	namesOnly  detail = iota // and the kinds: what a path needs
	typesOnly                // links too, and whether lstat works
	everything               // sizes and permissions too
)

func (d *dir) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return d.entries[i-1].end
}

func (d *dir) name(i int) string { return d.names[d.start(i):d.entries[i].end] }

func (d *dir) search(name string) (int, bool) {
	lo, hi := 0, len(d.entries)
	for lo < hi {
		mid := (lo + hi) / 2
		if d.name(mid) < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(d.entries) && d.name(lo) == name
}

// sub gives the directory that an entry is, nil for anything else.
func (d *dir) sub(i int) *dir {
	if d.entries[i].kind != kindDir {
		return nil
	}
	name := d.name(i)
	at, _ := slices.BinarySearchFunc(d.subs, name, func(s *dir, name string) int {
		return strings.Compare(s.path[len(s.path)-min(len(s.path), s.base()):], name)
	})
	return d.subs[at]
}

// base gives the length of the last element of the path.
func (d *dir) base() int {
	if d.above == nil || d.above.path == "." {
		return len(d.path)
	}
	return len(d.path) - len(d.above.path) - 1
}

// known gives the details of all entries, nil if nobody asked for them yet.
func (d *dir) known() *details {
	if k := d.details.Load(); k != nil && k.infos != nil {
		return k
	}
	return nil
}

// loads is a directory being read: the memory that the readings of a worker share.
type loads struct {
	items []item
	names []byte
	kept  []record
	judge judgement
	at    place    // the entry that is decided
	below standing // what its entries inherit, if it is a directory
}

var loadsPool = sync.Pool{New: func() any { return new(loads) }}

// load reads a directory once. It is the body of filterFS.Walk in fsutil's filter.go, for one directory: what is decided
// of an entry, whether the walk goes into it, and which errors it swallows. The error is the directory's failure, after
// the entries that were decided.
func (t *Tree) load(d *dir, want detail) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loaded && (want <= d.found || len(d.entries) == 0) {
		return d.failure
	}
	r := openDir(t.fsys, d.path)
	defer r.close()
	d.found = want
	if d.loaded {
		t.ask(d, nil, r, want)
		return d.failure
	}
	d.loaded = true
	l := loadsPool.Get().(*loads)
	defer loadsPool.Put(l)
	var err error
	l.items, err = r.list(l.items[:0])
	// The strings in it must not outlive the reading.
	defer func() { clear(l.items) }()
	switch {
	case err == nil:
		sortItems(l.items)
		d.failure = t.decideAll(d, l)
		t.ask(d, l.items, r, want)
	case d != t.root && absent(err):
	case d.skipped && errors.Is(err, fs.ErrPermission):
		// Passed over only where the ignore file keeps the directory out.
	default:
		d.failure = fmt.Errorf("reading directory %q of the context: %w", d.path, underlying(err))
	}
	return d.failure
}

// decideAll decides about the entries of a directory, in their order, and keeps those that the walk meets.
func (t *Tree) decideAll(d *dir, l *loads) error {
	l.names = l.names[:0]
	l.judge.asked = 0
	defer func() { t.asked.Add(l.judge.asked) }()
	kept := l.kept[:0]
	var failure error
	for i := range l.items {
		rec, sub, counts, err := t.decide(d, &l.items[i], l)
		if err != nil {
			failure = t.wrap(err)
			break
		}
		if !counts {
			continue
		}
		l.names = append(l.names, l.items[i].name...)
		rec.end = uint32(len(l.names))
		kept = append(kept, rec)
		if sub != nil {
			d.subs = append(d.subs, sub)
		}
	}
	d.names = string(l.names)
	d.entries = append(make([]record, 0, len(kept)), kept...)
	l.kept = kept
	d.subs = slices.Clip(d.subs)
	return failure
}

// decide tells of an entry that is not listed and not entered either that it does not count. Of a directory that does it
// gives what lies below it.
func (t *Tree) decide(d *dir, it *item, l *loads) (rec record, sub *dir, counts bool, err error) {
	at := &l.at
	*at = place{dir: d.path, name: it.name}
	rec = record{kind: it.kind}
	isDir := it.kind == kindDir
	l.below = standing{}
	if t.include != nil {
		from := &d.standing.include
		v, err := t.include.decideIn(&l.judge, from.scope, at, from.matched)
		if err != nil {
			return rec, nil, false, err
		}
		rec.suspect = t.include.negated
		rec.skipped = !v.matches
		if isDir {
			l.below.include = t.include.inherit(from, at, v.matched)
			if rec.skipped && !t.include.worthEntering(&l.below.include, at.full()) {
				return rec, nil, false, nil
			}
		}
	}
	if t.exclude != nil {
		from := &d.standing.exclude
		v, err := t.exclude.decideIn(&l.judge, from.scope, at, from.matched)
		if err != nil {
			return rec, nil, false, err
		}
		// A file is listed and yet not opened only if some rule excluded it or a
		// parent on the way: if none did, every excluding rule was asked at every
		// level, and none matches.
		rec.suspect = rec.suspect || len(v.matched) > 0
		rec.skipped = rec.skipped || v.matches
		if isDir {
			l.below.exclude = t.exclude.inherit(from, at, v.matched)
			if v.matches && !t.exclude.worthEntering(&l.below.exclude, at.full()) {
				return rec, nil, false, nil
			}
		}
	}
	if !isDir {
		return rec, nil, !rec.skipped, nil
	}
	full := at.full()
	if d == t.root {
		// Here the path is the name, a part of what the reader read.
		full = strings.Clone(full)
	}
	sub = &dir{path: full, above: d, skipped: rec.skipped}
	if n := len(d.subs); n > 0 && d.subs[n-1].standing.equal(&l.below) {
		sub.standing = d.subs[n-1].standing
	} else {
		own := l.below
		sub.standing = &own
	}
	return rec, sub, true, nil
}

func (s *standing) equal(o *standing) bool {
	return s.include.equal(&o.include) && s.exclude.equal(&o.exclude)
}

func (h *inherited) equal(o *inherited) bool {
	return h.scope == o.scope && slices.Equal(h.matched, o.matched)
}

// inherit gives what the entries of a directory inherit from it.
func (m *matcher) inherit(from *inherited, at *place, list matched) inherited {
	return inherited{keep(list, from.matched), m.index.enter(from.scope, at.full(), at.name)}
}

// worthEntering tells whether the walk goes into a directory that it leaves out itself. BuildKit's does so unless its
// prunings forbid it. Where, besides, no rule that could bring anything in can match below, nothing in the directory is
// ever listed, and it is left alone.
func (m *matcher) worthEntering(h *inherited, dir string) bool {
	return h.scope.turns && m.enters(dir)
}

// ask fills in the details of the entries that were kept. items are those of the reader, sorted; nil if it did not list.
func (t *Tree) ask(d *dir, items []item, r reader, want detail) {
	if want == namesOnly {
		return
	}
	k := &details{}
	if want == everything {
		k.infos = make([]info, len(d.entries))
	}
	var mu sync.Mutex // guards the maps
	failed := func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if k.errs == nil {
			k.errs = map[int]error{}
		}
		k.errs[i] = err
	}
	each := func(i int, it *item) {
		kind := it.kind
		if want == everything {
			in, err := r.lstat(it)
			if err != nil {
				failed(i, relative("lstat", join(d.path, it.name), err))
				return
			}
			k.infos[i], kind = in, kindOf(in.mode)
		}
		if kind != kindLink {
			return
		}
		link, err := r.readLink(it)
		if err != nil {
			failed(i, relative("readlink", join(d.path, it.name), err))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if k.links == nil {
			k.links = map[int]string{}
		}
		k.links[i] = link
	}
	ask := func(from, to int) {
		listed := itemsOf{dir: d, items: items}
		for i := from; i < to; i++ {
			if want == everything || d.entries[i].kind == kindLink {
				each(i, listed.of(i))
			}
		}
	}
	if want == typesOnly && !t.searchable(d, items, r) {
		t.ask(d, items, r, everything)
		return
	}
	inParts(len(d.entries), 4096, ask)
	if k.infos != nil || k.links != nil || k.errs != nil {
		d.details.Store(k)
	}
}

// searchable tells whether lstat works in a directory, by its first entry that is listed. A directory may be readable
// and yet not searchable; then BuildKit's walk fails at that entry.
func (t *Tree) searchable(d *dir, items []item, r reader) bool {
	listed := itemsOf{dir: d, items: items}
	for i := range d.entries {
		if !d.entries[i].skipped {
			_, err := r.lstat(listed.of(i))
			return err == nil
		}
	}
	return true
}

// itemsOf finds the items of the entries that were kept, asked for in their order.
type itemsOf struct {
	dir   *dir
	items []item
	next  int
	own   item
}

func (l *itemsOf) of(i int) *item {
	name := l.dir.name(i)
	if l.items == nil {
		l.own = item{name: name, kind: l.dir.entries[i].kind}
		return &l.own
	}
	if l.next == 0 {
		l.next, _ = slices.BinarySearchFunc(l.items, name, func(it item, name string) int { return strings.Compare(it.name, name) })
	}
	for l.items[l.next].name != name {
		l.next++
	}
	return &l.items[l.next]
}

// entry puts together what is known of an entry. k may be nil.
func (t *Tree) entry(p treePlace, k *details, full string) (Entry, error) {
	rec := &p.dir.entries[p.at]
	e := Entry{Path: full, Name: full[len(full)-int(rec.end-p.dir.start(p.at)):], Mode: rec.kind.mode()}
	if k != nil {
		if err := k.errs[p.at]; err != nil {
			return Entry{}, err
		}
		if k.infos != nil {
			e.Mode, e.Size = k.infos[p.at].mode, k.infos[p.at].size
		}
		if e.Mode&fs.ModeSymlink != 0 {
			e.Link = k.links[p.at]
		}
	}
	e.Truncated = rec.suspect && e.Mode.IsRegular() && t.refused(p.dir, p.at)
	return e, nil
}
