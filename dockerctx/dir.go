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
	mode    mode   // its own, if it is skipped and somebody asked; else 0
	carries carry
	names   string
	entries []record // sorted by name; up to the first that could not be decided
	subs    []dir    // the directories among them, in order
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
	of [2]inherited // of either list

	last atomic.Pointer[standing] // of a directory in it: most are judged alike
}

type inherited struct {
	matched matched
	scope   *scope
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
	lo, hi := 0, len(d.subs)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if s := &d.subs[mid]; s.path[len(s.path)-s.base():] < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return &d.subs[lo]
}

// base gives the length of the last element of the path.
func (d *dir) base() int {
	if d.above == nil || d.above.path == "." {
		return len(d.path)
	}
	return len(d.path) - len(d.above.path) - 1
}

// forget drops what was read, but for the directories.
func (d *dir) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names, d.entries = "", nil
	d.details.Store(nil)
}

// loads is a directory being read: the memory that the readings of a worker share.
type loads struct {
	listing
	names  []byte
	kept   []record
	index  []int32      // of the kept entries, for the reader
	subs   []newDir     // the directories among them
	judged [2]judgement // by either list
	at     place        // the entry that is decided
}

// newDir is a directory that is to be made.
type newDir struct {
	name     uint32 // which of the kept entries it is
	standing *standing
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
	var needed files
	if !d.loaded {
		needed = t.neededFiles(d)
		if !needed.any && isLeaf(t.fsys, d.path, needed.names) {
			d.found, d.loaded = want, true
			return nil
		}
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
	l.listing.reset(needed)
	err := r.list(&l.listing)
	t.take(d, l, err)
	if err == nil {
		t.ask(d, l.index, r, want)
		if own, err := d.ownMode(r, want); err == nil {
			d.mode = own
		}
		if t.also != nil && d.failure == nil {
			d.failure = t.also(d, l, r)
		}
	}
	return d.failure
}

// ownMode asks about a directory that may have to be listed although it is skipped; 0 if it need not be asked about.
func (d *dir) ownMode(r reader, want detail) (mode, error) {
	if !d.skipped || want != everything || len(d.entries) == 0 {
		return 0, nil
	}
	in, err := r.self()
	return packMode(in.mode), err
}

// take decides about a directory of which that was listed, or that could not be.
func (t *Tree) take(d *dir, l *loads, err error) {
	switch {
	case err == nil:
		l.sort()
		d.failure = t.decideAll(d, l)
	case d.above != nil && absent(err):
	case d.skipped && errors.Is(err, fs.ErrPermission):
		// Passed over only where the ignore file keeps the directory out.
	default:
		d.failure = fmt.Errorf("reading directory %q of the context: %w", d.path, underlying(err))
	}
}

// files are the files of a directory that may be listed: any, or those of a few names.
type files struct {
	any   bool
	names []string
}

// neededFiles tells which files of a directory may be listed. If it is not listed itself, what keeps it out keeps its files out
// too, but for those that a rule may match that turns the verdict.
func (t *Tree) neededFiles(d *dir) files {
	if !d.skipped || t.mayFail {
		return files{any: true}
	}
	for side, m := range slices.Backward(t.lists[:]) {
		from := &d.standing.of[side]
		if m == nil || !keepsOut(side, m.verdictOf(from.matched)) {
			continue
		}
		if needed := m.index.turnsFiles(from.scope, d.path); !needed.any {
			return needed
		}
	}
	return files{any: true}
}

// decideAll decides about the entries of a directory, in their order, and keeps those that the walk meets.
func (t *Tree) decideAll(d *dir, l *loads) error {
	l.names, l.kept, l.index, l.subs = l.names[:0], l.kept[:0], l.index[:0], l.subs[:0]
	l.judged[includes].asked, l.judged[excludes].asked = 0, 0
	var failure error
	for i := range l.items {
		it := &l.items[i]
		name := l.name(it)
		l.at = place{dir: d.path, name: name}
		rec, below, counts, err := t.decide(d, it.kind, l)
		if err != nil {
			failure = t.wrap(err)
			break
		}
		if !counts {
			continue
		}
		if below != nil {
			l.subs = append(l.subs, newDir{uint32(len(l.kept)), below})
		}
		l.names = append(l.names, name...)
		rec.end = uint32(len(l.names))
		l.kept, l.index = append(l.kept, rec), append(l.index, it.index)
	}
	t.asked.Add(l.judged[includes].asked + l.judged[excludes].asked)
	d.names = string(l.names)
	d.entries = slices.Clone(l.kept)
	d.makeSubs(l.subs)
	return failure
}

// makeSubs makes the directories of a directory, all in one block of memory, and their paths in one string.
func (d *dir) makeSubs(list []newDir) {
	if len(list) == 0 {
		return
	}
	d.subs = make([]dir, len(list))
	paths := d.names
	if d.above != nil {
		var b strings.Builder
		length := 0
		for _, n := range list {
			length += len(d.path) + 1 + len(d.name(int(n.name)))
		}
		b.Grow(length)
		for _, n := range list {
			b.WriteString(d.path)
			b.WriteByte('/')
			b.WriteString(d.name(int(n.name)))
		}
		paths = b.String()
	}
	for i, n := range list {
		s := &d.subs[i]
		if s.above = d; d.above == nil {
			s.path = d.name(int(n.name))
		} else {
			length := len(d.path) + 1 + len(d.name(int(n.name)))
			s.path, paths = paths[:length], paths[length:]
		}
		s.standing, s.skipped = n.standing, d.entries[n.name].skipped
	}
}

// decide tells of the entry at l.at whether it counts: one that is not listed and not entered does not. Of a directory that
// does it gives what lies below it.
func (t *Tree) decide(d *dir, k kind, l *loads) (rec record, below *standing, counts bool, err error) {
	at := &l.at
	rec = record{kind: k}
	isDir := k == kindDir
	var own [2]inherited
	for side, m := range t.lists {
		if m == nil {
			continue
		}
		from := &d.standing.of[side]
		v, err := m.decideIn(&l.judged[side], from.scope, at, from.matched)
		if err != nil {
			return rec, nil, false, err
		}
		out := keepsOut(side, v.matches)
		rec.skipped = rec.skipped || out
		// A file is listed and yet not opened only if some rule excluded it or a
		// parent on the way: if none did, every excluding rule was asked at every
		// level, and none matches.
		rec.suspect = rec.suspect || side == includes && m.negated || side == excludes && len(v.matched) > 0
		if isDir {
			own[side] = inherited{v.matched, m.index.enter(from.scope, at)}
			if out && !t.worthEntering(m, &own[side], at) {
				return rec, nil, false, nil
			}
		}
	}
	if !isDir {
		return rec, nil, !rec.skipped, nil
	}
	return rec, d.standing.below(&own), true, nil
}

// below gives the standing of a directory, shared with the one that was judged before it where that is alike. What is
// inherited may lie in the memory of a judgement.
func (s *standing) below(own *[2]inherited) *standing {
	if last := s.last.Load(); last != nil && last.of[includes].equal(&own[includes]) && last.of[excludes].equal(&own[excludes]) {
		return last
	}
	below := &standing{}
	for side, h := range own {
		below.of[side] = inherited{keep(h.matched, s.of[side].matched), h.scope}
	}
	s.last.Store(below)
	return below
}

func (h *inherited) equal(o *inherited) bool {
	return h.scope == o.scope && slices.Equal(h.matched, o.matched)
}

// worthEntering tells whether the walk goes into a directory that it leaves out itself. BuildKit's does so unless its
// prunings forbid it. Where, besides, no rule that could bring anything in can match below, nothing in the directory is
// ever listed, and it is left alone; but not if a rule could fail there.
func (t *Tree) worthEntering(m *matcher, h *inherited, at *place) bool {
	return (h.scope.turns || t.mayFail) && (!m.prunes || m.enters(at.full()))
}
