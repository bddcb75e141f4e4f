// Package countfs counts what is asked of directories, for tests that hold the cost of an answer without a clock.
package countfs

import (
	"io"
	"io/fs"
	"maps"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Counts is what was asked: directories listed, entries described, links and files read.
type Counts struct{ Reads, Stats, Links, Opens int }

// Counter counts for all the directories that it opens. The zero value is ready.
type Counter struct {
	mu     sync.Mutex
	counts Counts
	dirs   map[string]int
	opened map[string]dockerctx.FS
}

// Open opens a directory of this machine. It gives the same one for the same name.
func (c *Counter) Open(dir string) (dockerctx.FS, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.opened[dir]; have != nil {
		return have, nil
	}
	under, err := dockerctx.DirFS(dir)
	if err != nil {
		return nil, err
	}
	if c.opened == nil {
		c.opened = map[string]dockerctx.FS{}
	}
	c.opened[dir] = &counting{under, c}
	return c.opened[dir], nil
}

// Take gives what was asked since it was last called, and how often each directory was listed.
func (c *Counter) Take() (Counts, map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, dirs := c.counts, maps.Clone(c.dirs)
	c.counts, c.dirs = Counts{}, nil
	return counts, dirs
}

func (c *Counter) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

type counting struct {
	under dockerctx.FS
	c     *Counter
}

func (f *counting) ReadDir(name string) ([]fs.DirEntry, error) {
	f.c.count(&f.c.counts.Reads)
	f.c.mu.Lock()
	if f.c.dirs == nil {
		f.c.dirs = map[string]int{}
	}
	f.c.dirs[name]++
	f.c.mu.Unlock()
	entries, err := f.under.ReadDir(name)
	for i := range entries {
		entries[i] = entry{entries[i], f.c}
	}
	return entries, err
}

func (f *counting) Lstat(name string) (fs.FileInfo, error) {
	f.c.count(&f.c.counts.Stats)
	return f.under.Lstat(name)
}

func (f *counting) ReadLink(name string) (string, error) {
	f.c.count(&f.c.counts.Links)
	return f.under.ReadLink(name)
}

func (f *counting) Open(name string) (io.ReadCloser, error) {
	f.c.count(&f.c.counts.Opens)
	return f.under.Open(name)
}

type entry struct {
	fs.DirEntry
	c *Counter
}

func (e entry) Info() (fs.FileInfo, error) {
	e.c.count(&e.c.counts.Stats)
	return e.DirEntry.Info()
}
