package cli

import (
	"context"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What takes as long as it takes does not count, and what comes after it does.
func TestPause(t *testing.T) {
	_, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	d := deadline{limit: time.Hour, cancel: cancel, passed: make(chan struct{})}
	d.pause()() // no clock was set
	require.NoError(t, d.start(&cobra.Command{}))
	resume := d.pause()
	assert.False(t, d.timer.Stop(), "the clock goes on")
	resume()
	assert.True(t, d.timer.Stop(), "the clock was not set anew")
}
