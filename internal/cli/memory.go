package cli

import (
	"runtime/debug"
	"runtime/metrics"
)

// large is how much live memory makes a listing a large one, in bytes.
const large = 32 << 20

// frugal is for those who hold what they have read while they write it out, entry by entry: if that is much, the heap may
// grow by half of it and not by as much again. Collecting more often is cheap then, because what is held has few pointers.
func frugal() (restore func()) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() != metrics.KindUint64 || live[0].Value.Uint64() < large {
		return func() {}
	}
	before := debug.SetGCPercent(50)
	return func() { debug.SetGCPercent(before) }
}
