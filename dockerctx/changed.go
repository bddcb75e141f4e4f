package dockerctx

import (
	"cmp"
	"strings"
)

// Changed hands over what only one of the trees holds, directories apart: directory by directory, each sorted by name. What
// cannot differ is not read, and nothing is remembered. The error is the first of fn, or the first for which one of the
// trees could not be walked.
func (c *Comparison) Changed(fn func(name string) error) error {
	w := changes{Comparison: c, fn: fn}
	return w.dirs(&dir{path: ".", standing: c.a.root.standing}, &dir{path: ".", standing: c.b.root.standing})
}

// changes goes through two trees at once.
type changes struct {
	*Comparison
	fn func(name string) error
}

// dirs compares what two trees hold in a directory; nil is a directory that one of them does not enter.
func (w *changes) dirs(x, y *dir) error {
	if x != nil && y != nil && !w.concerned(x.path) && w.sameStanding(x, y) {
		return nil
	}
	if err := w.load(x, y); err != nil {
		return err
	}
	p, q := cursor{dir: x}, cursor{dir: y}
	defer p.leave()
	defer q.leave()
	for !p.end() || !q.end() {
		var name string
		var isDir bool
		var inX, inY *dir
		order := p.compare(&q)
		if order <= 0 {
			name, isDir, inX = p.next()
		}
		if order >= 0 {
			name, isDir, inY = q.next()
		}
		var err error
		switch {
		case isDir:
			err = w.dirs(inX, inY)
		case order != 0:
			err = w.fn(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cursor goes through the entries of a directory that was loaded; nil has none.
type cursor struct {
	dir     *dir
	at, sub int // of the next entry, and of the next directory
}

func (c *cursor) end() bool { return c.dir == nil || c.at == len(c.dir.entries) }

// compare compares the names of the next entries. What has come to its end is greater than all; one of both has not.
func (c *cursor) compare(other *cursor) int {
	switch {
	case c.end():
		return 1
	case other.end():
		return -1
	}
	return strings.Compare(c.dir.name(c.at), other.dir.name(other.at))
}

// next gives the path of the next entry, and the directory that it is.
func (c *cursor) next() (name string, isDir bool, d *dir) {
	name, isDir = join(c.dir.path, c.dir.name(c.at)), c.dir.entries[c.at].kind == kindDir
	if isDir {
		d = &c.dir.subs[c.sub]
		c.sub++
	}
	c.at++
	return name, isDir, d
}

// leave drops what was read of the directory.
func (c *cursor) leave() {
	if c.dir != nil {
		c.dir.forget()
		c.dir.subs = nil
	}
}

// load reads a directory, once for both trees.
func (w *changes) load(x, y *dir) error {
	switch {
	case x == nil:
		return w.b.load(y, namesOnly)
	case y == nil:
		return w.a.load(x, namesOnly)
	}
	l := loadsPool.Get().(*loads)
	defer loadsPool.Put(l)
	l.listing.reset(files{any: true})
	r := openDir(w.a.fsys, x.path)
	defer r.close()
	err := r.list(&l.listing)
	w.a.take(x, l, err)
	w.b.take(y, l, err)
	return cmp.Or(x.failure, y.failure)
}
