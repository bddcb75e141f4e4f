package cli

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/gcstart"
)

// A large listing makes the collector run more often while it lasts, and no longer.
func TestFrugal(t *testing.T) {
	percent := func() int {
		now := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(now)
		return int(now[0].Value.Uint64())
	}
	gcstart.End()
	before := percent()
	held := make([]byte, 2*large)
	restore := frugal()
	for range 200 {
		if runtime.GC(); percent() == frugalPercent {
			break
		}
		time.Sleep(time.Millisecond)
	}
	assert.Equal(t, frugalPercent, percent())
	runtime.KeepAlive(held)
	restore()
	assert.Equal(t, before, percent())
}
