package dockerctx

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// readAhead starts to load the whole tree, by as many goroutines as can run. The function that it returns ends them.
//
// The directories wait in a stack, so that they are read about in the order in which a walk needs them, and a walk reads
// itself what it needs and nobody has begun.
func (t *Tree) readAhead(want detail) (stop func()) {
	a := newAhead(t.root, func(d *dir) bool {
		_ = t.load(d, want) // the walk meets the failure in its turn
		return true
	})
	return func() {
		a.stop()
		a.group.Wait()
	}
}

// Flawless reads all that a walk would read, and remembers nothing of it. It tells whether [Tree.WalkTypes] is certain to
// hand over every entry without an error, and names and links that are UTF-8 only. Where it is not, walk and see. Directories
// for which known holds are passed over: nil for none. It calls seen, unless that is nil, for every entry that is no directory, from
// several goroutines at a time.
func (t *Tree) Flawless(known func(dir string) bool, seen func(dir, name string)) bool {
	var flawed atomic.Bool
	a := newAhead(&dir{path: ".", standing: t.root.standing}, func(d *dir) bool {
		if known != nil && known(d.path) {
			return true
		}
		failure := t.load(d, typesOnly)
		k := d.details.Load()
		sound := failure == nil && utf8.ValidString(d.names) && (k == nil || len(k.errs) == 0 && validLinks(k))
		if !sound {
			flawed.Store(true)
		}
		for i := range d.entries {
			if seen != nil && d.entries[i].kind != kindDir {
				seen(d.path, d.name(i))
			}
		}
		d.forget()
		return sound
	})
	a.group.Wait()
	return !flawed.Load()
}

func validLinks(k *details) bool {
	for _, link := range k.links {
		if !utf8.ValidString(link) {
			return false
		}
	}
	return true
}

// maxReaders bounds the goroutines that read: the kernel locks each directory, and disks gain no more from more.
const maxReaders = 16

// ahead are the directories that wait to be read.
type ahead struct {
	read  func(*dir) bool // false: that is enough
	group sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond
	stack   []*dir
	busy    int // directories that are being read
	stopped bool
}

// newAhead starts to read a directory and what lies below it.
func newAhead(root *dir, read func(*dir) bool) *ahead {
	a := &ahead{read: read, stack: []*dir{root}}
	a.changed.L = &a.mu
	for range min(runtime.GOMAXPROCS(0), maxReaders) {
		a.group.Go(a.work)
	}
	return a
}

func (a *ahead) stop() {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.changed.Broadcast()
}

func (a *ahead) work() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		for len(a.stack) == 0 && a.busy > 0 && !a.stopped {
			a.changed.Wait()
		}
		if len(a.stack) == 0 || a.stopped {
			a.changed.Broadcast()
			return
		}
		d := a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		a.busy++
		a.mu.Unlock()
		goOn := a.read(d)
		a.mu.Lock()
		a.busy--
		a.stopped = a.stopped || !goOn
		for i := len(d.subs) - 1; i >= 0; i-- {
			a.stack = append(a.stack, &d.subs[i])
		}
		a.changed.Broadcast()
	}
}
