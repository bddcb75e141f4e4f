package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"

	"github.com/ctxaudit/ctxaudit/internal/gcstart"
)

const (
	// large is how much live memory makes a listing a large one, in bytes.
	large = 16 << 20
	// frugalPercent is by how much the heap of a large listing may grow between two collections.
	frugalPercent = 50
)

// frugal is for those who hold what they have read while they write it out, entry by entry. As soon as that is much, the
// heap may grow by half of it and not by as much again. Collecting more often is cheap then, because what is held has few
// pointers; a small listing is left alone, because there it is not.
func frugal() (restore func()) {
	f := &frugality{}
	f.watch()
	return func() {
		f.ended.Store(true)
		if f.set.CompareAndSwap(true, false) {
			debug.SetGCPercent(int(f.before.Load()))
		}
	}
}

type frugality struct {
	ended, set atomic.Bool
	before     atomic.Int64
}

// watch looks at the live memory after the next collection: nothing tells of its end but an object that dies in it.
func (f *frugality) watch() {
	sentinel := new([16]byte)
	runtime.SetFinalizer(sentinel, func(*[16]byte) {
		if f.ended.Load() {
			return
		}
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if live[0].Value.Kind() != metrics.KindUint64 || live[0].Value.Uint64() < large {
			f.watch()
			return
		}
		gcstart.End() // in case that its own object dies later than this one
		f.before.Store(int64(debug.SetGCPercent(frugalPercent)))
		f.set.Store(true)
		if f.ended.Load() && f.set.CompareAndSwap(true, false) {
			debug.SetGCPercent(int(f.before.Load()))
		}
	})
}
