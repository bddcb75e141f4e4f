package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

const (
	// defaultTimeout is far beyond what the largest repositories need.
	defaultTimeout = 10 * time.Minute
	// timeoutGrace is how long a command may take to end once it was asked to. What does not hear, such as a library that
	// takes no context, is left behind: the process ends.
	timeoutGrace = time.Second
)

// timeoutError tells that a command took longer than --timeout.
type timeoutError struct{ limit time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("stopped after %v: not finished (--timeout allows more)", e.limit)
}

// deadline ends commands that take too long.
type deadline struct {
	limit  time.Duration // 0: none
	timer  *time.Timer   // nil: none
	cancel context.CancelCauseFunc
	passed chan struct{} // closed when even the grace is over
}

// start sets the clock.
func (d *deadline) start(cmd *cobra.Command) error {
	if d.limit < 0 {
		return usagef(cmd, "--timeout must not be negative")
	}
	if d.limit == 0 || d.cancel == nil {
		return nil
	}
	d.timer = time.AfterFunc(d.limit, func() {
		d.cancel(&timeoutError{d.limit})
		time.AfterFunc(timeoutGrace, func() { close(d.passed) })
	})
	return nil
}

// pause stops the clock for what takes as long as it takes, and gives what sets it anew.
func (d *deadline) pause() (resume func()) {
	if d.timer == nil || !d.timer.Stop() {
		return func() {}
	}
	return func() { d.timer.Reset(d.limit) }
}

// execute runs a command to its end, or to that of the time it has.
func (d *deadline) execute(ctx context.Context, root *cobra.Command) error {
	ctx, d.cancel = context.WithCancelCause(ctx)
	defer d.cancel(nil)
	d.passed = make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-d.passed:
	}
	if late, ok := context.Cause(ctx).(*timeoutError); ok {
		return late
	}
	return err
}
