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

func (c *Context) walkIgnored(dir *node, fn func(IgnoredEntry) error) error {
	// The tree forgets what is kept out, so the directory is read once more.
	if _, failure := c.tree.load(dir); failure != nil {
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
		child, err := c.tree.child(dir, name[len(name)-len(e.Name()):])
		if err != nil {
			return err
		}
		if child != nil {
			ok, err := c.tree.listed(child)
			if err != nil {
				return err
			}
			if ok {
				if child.isDir {
					if err := c.walkIgnored(child, fn); err != nil {
						return err
					}
				}
				continue
			}
		}
		v, err := c.exclude.decide(name, dir.excluded, nil)
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
