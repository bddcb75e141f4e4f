// Package gcstart lets the program have some memory before garbage is collected. To collect costs a short run a tenth of its
// time, or a fifth if it does little, and gives it nothing: most end before they hold what the first collection would have
// kept, and others hold so little that Go, which lets a heap double, would collect without end.
//
// It counts for whoever imports it, and is therefore for the program and not for its libraries. Packages that are ready are
// initialized in the order of their paths (The Go Programming Language Specification, "Program initialization"), so that
// this one, which needs little, comes before most that are heavy.
package gcstart

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"syscall"
)

// free is how much memory the program may have, in bytes, without being asked to collect.
const free = 128 << 20

// usual is by how much the heap may grow between two collections otherwise, in percent: Go's own default.
const usual = 100

var (
	putOff bool
	end    sync.Once
	ended  atomic.Bool
)

func init() {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := syscall.Getenv(name); set {
			return // somebody knows better
		}
	}
	putOff = true
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(free)
	watch()
}

// watch ends it when what is held no longer leaves the heap room to double. Nothing tells of a collection but an object that
// dies in it.
func watch() {
	runtime.SetFinalizer(new([16]byte), func(*[16]byte) {
		switch {
		case ended.Load():
		case roomy():
			watch()
		default:
			End()
		}
	})
}

// roomy reports whether the heap may more than double before the next collection.
func roomy() bool {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/goal:bytes"}}
	metrics.Read(heap)
	return heap[0].Value.Kind() == metrics.KindUint64 && heap[1].Value.Kind() == metrics.KindUint64 &&
		heap[1].Value.Uint64() > 2*heap[0].Value.Uint64()
}

// End lets Go collect as it usually does, at once.
func End() {
	end.Do(func() {
		ended.Store(true)
		if putOff {
			debug.SetGCPercent(usual)
			debug.SetMemoryLimit(math.MaxInt64)
		}
	})
}
