package ignorelint

import (
	"io/fs"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// cache reads every directory once: the same tree is walked for every line.
type cache struct {
	dockerctx.FS

	mu   sync.Mutex
	dirs map[string]listing
	read map[string]bool // the directories that are asked for, while somebody counts them
}

type listing struct {
	entries []fs.DirEntry
	err     error
}

func newCache(fsys dockerctx.FS) *cache { return &cache{FS: fsys, dirs: map[string]listing{}} }

// ReadDir implements dockerctx.FS.
func (c *cache) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read != nil {
		c.read[name] = true
	}
	l, ok := c.dirs[name]
	if !ok {
		l.entries, l.err = c.FS.ReadDir(name)
		c.dirs[name] = l
	}
	return l.entries, l.err
}
