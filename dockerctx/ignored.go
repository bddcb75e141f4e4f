package dockerctx

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// IgnoredEntry is an entry that the ignore file keeps out.
type IgnoredEntry struct {
	Entry
	Line  *Line // the line that had the last word
	Whole bool  // a directory of which nothing at all is transferred; what lies in it is not told
}

// WalkIgnored hands over the entries that the ignore file keeps out, topmost
// only: of a directory that is ignored as a whole only the directory itself.
// They come sorted by the whole path. With sizes unset, of Mode there are the
// type bits only, and Size is 0. As with [Tree.List] everything is read first,
// and where there is an error, it comes alone.
func (c *Context) WalkIgnored(sizes bool, fn func(IgnoredEntry) error) error {
	if c.exclude == nil {
		return nil
	}
	w := ignoredWalk{c: c, tree: newTree(c.fsys, nil, c.exclude, c.blame), sizes: sizes, fn: fn, out: map[*dir]*outsides{}}
	w.tree.also = w.note
	defer w.tree.readAhead(namesOnly)()
	if err := w.tree.complete(w.tree.root, namesOnly); err != nil {
		return err
	}
	return w.dir(w.tree.root)
}

// ignoredWalk goes through a tree of its own, for a tree forgets what is kept out.
type ignoredWalk struct {
	c     *Context
	tree  *Tree
	sizes bool
	fn    func(IgnoredEntry) error

	mu  sync.Mutex
	out map[*dir]*outsides // of directories that were read and not gone through yet
}

// outsides is what is kept out of a directory, sorted by name. It is kept small, for all of it is remembered for a while.
type outsides struct {
	dir   string
	names string
	list  []outside
	info  []info // nil if nobody wants to know
	links map[int]string
}

type outside struct {
	end  uint32 // of its name in names, where the next one begins
	rule int32  // that had the last word; -1: none
	kind kind
}

func (o *outsides) name(i int) string {
	start := uint32(0)
	if i > 0 {
		start = o.list[i-1].end
	}
	return o.names[start:o.list[i].end]
}

// note takes what is kept out of a directory that is being read. Of most that are not listed themselves nobody will ask.
func (w *ignoredWalk) note(d *dir, l *loads, r reader) error {
	if d.skipped {
		return nil
	}
	out, err := w.outsides(d, l, r)
	if err == nil && out != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.out[d] = out
	}
	return err
}

// outsides gives what is kept out of a directory that is listed; nil if nothing is.
func (w *ignoredWalk) outsides(d *dir, l *loads, r reader) (*outsides, error) {
	o := &outsides{dir: d.path}
	from := &d.standing.of[excludes]
	var names []byte
	kept := 0
	for i := range l.items {
		it := &l.items[i]
		name := l.name(it)
		if kept < len(d.entries) && d.name(kept) == string(name) {
			kept++
			continue
		}
		v, err := w.c.exclude.decideIn(&l.judged[excludes], from.scope, &place{dir: d.path, name: name}, from.matched)
		if err != nil {
			return nil, w.c.blame(err)
		}
		if known, err := w.ask(o, string(name), it, r); absent(err) {
			continue
		} else if err != nil {
			return nil, err
		} else if w.sizes {
			o.info = append(o.info, known)
		}
		names = append(names, name...)
		o.list = append(o.list, outside{uint32(len(names)), int32(v.decided), it.kind})
	}
	if len(o.list) == 0 {
		return nil, nil
	}
	o.names = string(names)
	return o, nil
}

// ask asks about an entry as much as is wanted. BuildKit never looks at it, so that one of which nothing may be known is no
// error.
func (w *ignoredWalk) ask(o *outsides, name string, it *item, r reader) (info, error) {
	in := info{mode: it.kind.mode()}
	var err error
	if w.sizes {
		var known info
		if known, err = r.lstat(name, it.index); err == nil {
			in = known
		}
	}
	if err == nil && it.kind == kindLink {
		var link string
		if link, err = r.readLink(name); err == nil {
			if o.links == nil {
				o.links = map[int]string{}
			}
			o.links[len(o.list)] = link
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return in, err
}

// noted gives what is kept out of a directory that was read.
func (w *ignoredWalk) noted(d *dir) (*outsides, error) {
	if !d.skipped {
		w.mu.Lock()
		defer w.mu.Unlock()
		out := w.out[d]
		delete(w.out, d)
		return out, nil
	}
	l := loadsPool.Get().(*loads)
	defer loadsPool.Put(l)
	l.listing.reset(files{any: true})
	r := openDir(w.c.fsys, d.path)
	defer r.close()
	if err := r.list(&l.listing); absent(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading directory %q of the context: %w", d.path, underlying(err))
	}
	l.sort()
	return w.outsides(d, l, r)
}

// dir goes through a directory of which something is listed.
func (w *ignoredWalk) dir(d *dir) error {
	out, err := w.noted(d)
	if err != nil {
		return err
	}
	if out == nil {
		out = &outsides{}
	}
	defer d.forget()
	below := later{walk: w.dir}
	for i, k := 0, 0; i < len(d.entries) || k < len(out.list); {
		if i == len(d.entries) || k < len(out.list) && out.name(k) < d.name(i) {
			if err := below.before(out.name(k)); err != nil {
				return err
			}
			if err := w.hand(out, k); err != nil {
				return err
			}
			k++
			continue
		}
		if err := below.before(d.name(i)); err != nil {
			return err
		}
		if s := d.sub(i); s != nil {
			listed, err := w.tree.listedAt(d, i)
			if err == nil && listed {
				below.add(s)
			} else if err == nil {
				err = w.whole(d, s)
			}
			if err != nil {
				return err
			}
		}
		i++
	}
	return below.rest()
}

// whole hands over a directory that the walk enters for nothing.
func (w *ignoredWalk) whole(d, below *dir) error {
	name := below.path[len(below.path)-below.base():]
	l := &loads{}
	l.listing.add(name, kindDir, -1)
	alone := &dir{path: d.path, standing: d.standing}
	out, err := w.outsides(alone, l, &plainReader{fsys: w.c.fsys, dir: d.path})
	if err != nil || out == nil {
		return err
	}
	return w.hand(out, 0)
}

func (w *ignoredWalk) hand(o *outsides, i int) error {
	full := join(o.dir, o.name(i))
	e := IgnoredEntry{Whole: o.list[i].kind == kindDir}
	e.Path, e.Name, e.Mode, e.Link = full, full[len(full)-len(o.name(i)):], o.list[i].kind.mode(), o.links[i]
	if o.info != nil {
		e.Mode, e.Size = o.info[i].mode, o.info[i].size
	}
	if rule := o.list[i].rule; rule >= 0 {
		e.Line = w.c.exclude.rules[rule].line
	}
	return w.fn(e)
}
