package gcstart

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestStart holds the settings while little is held, and after much is. It must be the only test here: there is but one start.
func TestStart(t *testing.T) {
	if !putOff {
		t.Skip("GOGC or GOMEMLIMIT is set")
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	assert.Zero(t, stats.NumGC, "nothing was collected while the packages were initialized")
	for range 5 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	assert.Equal(t, -1, debug.SetGCPercent(-1), "little is held")
	assert.EqualValues(t, free, debug.SetMemoryLimit(-1))

	held := make([]byte, free)
	over := func() bool {
		runtime.GC()
		return debug.SetMemoryLimit(-1) == math.MaxInt64
	}
	assert.Eventually(t, over, 10*time.Second, time.Millisecond)
	runtime.KeepAlive(held)
	assert.Equal(t, usual, debug.SetGCPercent(usual))
	End()
	assert.Equal(t, usual, debug.SetGCPercent(usual), "it ends once")
}
