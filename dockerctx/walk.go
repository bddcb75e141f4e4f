package dockerctx

import (
	"io/fs"
	"runtime"
	"strings"
	"sync"
)

// Walk hands over every entry but the root, depth first, each directory sorted
// by name: the set and the order in which fsutil sends them. It stops at the
// first error of fn and returns it. Where BuildKit would break off, Walk does
// so at the same entry.
//
// Directories are read in parallel, ahead of fn; fn itself is called by one
// goroutine only.
func (t *Tree) Walk(fn func(Entry) error) error { return t.walkAll(everything, fn) }

// WalkTypes is Walk without what takes a stat for every entry: of Mode there
// are the type bits only, and Size is 0.
func (t *Tree) WalkTypes(fn func(Entry) error) error { return t.walkAll(typesOnly, fn) }

func (t *Tree) walkAll(want detail, fn func(Entry) error) error {
	defer t.readAhead(want)()
	w := walker{tree: t, want: want, fn: fn}
	return w.walk(t.root)
}

// walker hands over the entries of a tree in the order of fsutil.
type walker struct {
	tree *Tree
	want detail
	fn   func(Entry) error

	// waiting are the directories above, outermost first, that are listed only
	// if something in them is.
	waiting []treePlace
}

func (w *walker) walk(d *dir) error {
	failure := w.tree.load(d, w.want)
	known, paths, sub := d.details.Load(), d.paths(), 0
	for i := range d.entries {
		rec := &d.entries[i]
		full := paths.of(i)
		var below *dir
		if rec.kind == kindDir {
			below = &d.subs[sub]
			sub++
		}
		if rec.skipped {
			w.waiting = append(w.waiting, treePlace{d, i})
			depth := len(w.waiting)
			if err := w.walk(below); err != nil {
				return err
			}
			if len(w.waiting) >= depth {
				w.waiting = w.waiting[:depth-1]
			}
			continue
		}
		entry, err := w.tree.entry(treePlace{d, i}, known, full)
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := w.carried(); err != nil {
			return err
		}
		if err := w.fn(entry); err != nil {
			return err
		}
		if below != nil {
			if err := w.walk(below); err != nil {
				return err
			}
		}
	}
	return failure
}

// carried hands over the directories that wait for an entry in them.
func (w *walker) carried() error {
	for _, p := range w.waiting {
		entry, err := w.tree.entry(p, p.dir.details.Load(), join(p.dir.path, p.dir.name(p.at)))
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := w.fn(entry); err != nil {
			return err
		}
	}
	w.waiting = w.waiting[:0]
	return nil
}

// List hands over what Walk does, sorted by the whole path, so that "a-b" comes
// before "a/b". With sizes unset it asks for as little as WalkTypes. Everything
// is read first: where there is an error, it comes alone.
func (t *Tree) List(sizes bool, fn func(Entry) error) error {
	want := typesOnly
	if sizes {
		want = everything
	}
	defer t.readAhead(want)()
	if err := t.complete(t.root, want); err != nil {
		return err
	}
	return t.list(t.root, fn)
}

// complete gives the error that Walk would give, if any.
func (t *Tree) complete(d *dir, want detail) error {
	failure := t.load(d, want)
	known, sub := d.details.Load(), 0
	for i := range d.entries {
		gone := false
		if rec := &d.entries[i]; !rec.skipped && known != nil {
			if err := known.errs[i]; err != nil && !absent(err) {
				return err
			}
			gone = known.errs[i] != nil
		}
		if d.entries[i].kind != kindDir {
			continue
		}
		below := &d.subs[sub]
		sub++
		if gone {
			continue
		}
		if err := t.complete(below, want); err != nil {
			return err
		}
	}
	return failure
}

// list goes through a directory by whole paths.
func (t *Tree) list(d *dir, fn func(Entry) error) error {
	known, paths := d.details.Load(), d.paths()
	below := later{walk: func(d *dir) error { return t.list(d, fn) }}
	for i := range d.entries {
		if err := below.before(d.name(i)); err != nil {
			return err
		}
		if ok, err := t.listedAt(d, i); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		entry, err := t.entry(treePlace{d, i}, known, paths.of(i))
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := fn(entry); err != nil {
			return err
		}
		if s := d.sub(i); s != nil {
			below.add(s)
		}
	}
	return below.rest()
}

// later are directories of a directory that a walk by whole paths has met and not gone into yet, each a prefix of the next
// one's name: what lies in "a" comes where "a/" would stand among the names, behind "a-b".
type later struct {
	walk func(*dir) error
	dirs []*dir
}

func (l *later) add(d *dir) { l.dirs = append(l.dirs, d) }

// before walks the directories whose contents come before a name.
func (l *later) before(name string) error {
	for len(l.dirs) > 0 {
		last := l.dirs[len(l.dirs)-1]
		own := last.path[len(last.path)-last.base():]
		if len(name) > len(own) && name[:len(own)] == own && name[len(own)] < '/' {
			return nil
		}
		l.dirs = l.dirs[:len(l.dirs)-1]
		if err := l.walk(last); err != nil {
			return err
		}
	}
	return nil
}

// rest walks all that are left.
func (l *later) rest() error {
	for len(l.dirs) > 0 {
		last := l.dirs[len(l.dirs)-1]
		l.dirs = l.dirs[:len(l.dirs)-1]
		if err := l.walk(last); err != nil {
			return err
		}
	}
	return nil
}

// listedAt tells whether an entry is in the tree: for its own sake, or because the walk finds something in it that is.
func (t *Tree) listedAt(d *dir, i int) (bool, error) {
	if !d.entries[i].skipped {
		return true, nil
	}
	return t.carriesAny(d.sub(i))
}

// carriesAny tells whether the walk lists anything in a directory.
func (t *Tree) carriesAny(d *dir) (bool, error) {
	d.mu.Lock()
	known := d.carries
	d.mu.Unlock()
	if known != carryUnknown {
		return known == carrySome, nil
	}
	if t.like != nil && t.like.SameBelow(d.path) {
		if other, err := t.like.a.enteredDir(d.path); err == nil && other != nil {
			return t.like.a.carriesAny(other)
		}
	}
	failure := t.load(d, namesOnly)
	found := false
	for i := range d.entries {
		ok, err := t.listedAt(d, i)
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
	d.mu.Lock()
	defer d.mu.Unlock()
	d.carries = carryNone
	if found {
		d.carries = carrySome
	}
	return found, nil
}

// paths are the paths of the entries of a directory, parts of one string.
type paths struct {
	dir    *dir
	prefix int // length of what stands before each name
	all    string
}

func (d *dir) paths() paths {
	if d.path == "." {
		return paths{d, 0, d.names}
	}
	p := paths{dir: d, prefix: len(d.path) + 1}
	var b strings.Builder
	b.Grow(len(d.names) + p.prefix*len(d.entries))
	for i := range d.entries {
		b.WriteString(d.path)
		b.WriteByte('/')
		b.WriteString(d.name(i))
	}
	p.all = b.String()
	return p
}

func (p *paths) of(i int) string {
	return p.all[p.prefix*i+int(p.dir.start(i)) : p.prefix*(i+1)+int(p.dir.entries[i].end)]
}

// inParts calls fn for parts of 0..n, several at a time if there are more than one.
func inParts(n, part int, fn func(from, to int)) {
	if n <= part {
		if n > 0 {
			fn(0, n)
		}
		return
	}
	var group sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), maxReaders) {
		group.Go(func() {
			for from := range next {
				fn(from, min(from+part, n))
			}
		})
	}
	for from := 0; from < n; from += part {
		next <- from
	}
	close(next)
	group.Wait()
}

// firstListed gives the first entry of a directory that is in the tree.
func (t *Tree) firstListed(d *dir) (treePlace, error) {
	failure := t.load(d, namesOnly)
	for i := range d.entries {
		ok, err := t.listedAt(d, i)
		if err != nil {
			return treePlace{}, err
		}
		if ok {
			return treePlace{d, i}, nil
		}
	}
	if failure == nil {
		failure = &fs.PathError{Op: "explain", Path: d.path, Err: fs.ErrNotExist}
	}
	return treePlace{}, failure
}
