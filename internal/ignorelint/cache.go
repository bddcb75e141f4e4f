package ignorelint

import (
	"io/fs"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// cache reads every directory once, as the same tree is walked for every line, and counts those that are asked for.
type cache struct {
	dockerctx.FS

	mu   sync.Mutex
	read map[string]bool
}

func newCache(fsys dockerctx.FS) *cache {
	return &cache{FS: dockerctx.Snapshot(fsys), read: map[string]bool{}}
}

// ReadDir implements dockerctx.FS.
func (c *cache) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	c.read[name] = true
	c.mu.Unlock()
	return c.FS.ReadDir(name)
}
