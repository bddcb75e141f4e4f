package dockerctx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// IgnoredEntry is an entry that the ignore file keeps out.
type IgnoredEntry struct {
	Entry
	Line  *Line // the line that had the last word
	Whole bool  // a directory of which nothing at all is transferred; what lies in it is not told
}

// WalkIgnored hands over the entries that the ignore file keeps out, in the
// order of [Tree.Walk], topmost only: of a directory that is ignored as a whole
// only the directory itself.
func (c *Context) WalkIgnored(fn func(IgnoredEntry) error) error {
	if c.exclude == nil {
		return nil
	}
	return c.walkIgnored(c.tree.root, fn)
}

func (c *Context) walkIgnored(dir *dir, fn func(IgnoredEntry) error) error {
	// The tree forgets what is kept out, so the directory is read once more.
	if failure := c.tree.load(dir, namesOnly); failure != nil {
		return failure
	}
	entries, err := c.fsys.ReadDir(dir.path)
	if err != nil {
		if absent(err) {
			return nil
		}
		return fmt.Errorf("reading directory %q of the context: %w", dir.path, underlying(err))
	}
	for _, e := range entries {
		name := join(dir.path, e.Name())
		if at, known := dir.search(e.Name()); known {
			ok, err := c.tree.listedAt(dir, at)
			if err != nil {
				return err
			}
			if ok {
				if below := dir.sub(at); below != nil {
					if err := c.walkIgnored(below, fn); err != nil {
						return err
					}
				}
				continue
			}
		}
		v, err := c.exclude.decide(name, dir.standing.exclude.matched, nil)
		if err != nil {
			return c.blame(err)
		}
		ignored := IgnoredEntry{Whole: e.IsDir()}
		if v.decided >= 0 {
			ignored.Line = c.exclude.rules[v.decided].line
		}
		ignored.Entry, err = newEntry(c.fsys, name, e)
		switch {
		case absent(err):
			continue
		case errors.Is(err, fs.ErrPermission):
			// BuildKit never looks at it, so neither must we.
			ignored.Entry = Entry{Name: path.Base(name), Path: name, Mode: e.Type() &^ fs.ModeSocket}
		case err != nil:
			return err
		}
		if err := fn(ignored); err != nil {
			return err
		}
	}
	return nil
}

// newEntry is mkstat of fsutil's stat.go.
func newEntry(fsys FS, name string, e fs.DirEntry) (Entry, error) {
	i, err := e.Info()
	if err != nil {
		return Entry{}, relative("lstat", name, err)
	}
	in := infoOf(i)
	entry := Entry{Name: path.Base(name), Path: name, Mode: in.mode, Size: in.size}
	if in.mode&fs.ModeSymlink != 0 {
		if entry.Link, err = fsys.ReadLink(name); err != nil {
			return Entry{}, relative("readlink", name, err)
		}
	}
	return entry, nil
}
