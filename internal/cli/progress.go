package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ctxaudit/ctxaudit/internal/report"
)

// progressDelay is how long a command may take before it tells what it is doing: most are done by then.
const progressDelay = 400 * time.Millisecond

// progress tells on a terminal what long work is at, on one line that it rewrites and clears in the end. The zero value
// tells nothing.
type progress struct {
	w    io.Writer
	mu   sync.Mutex
	text string
	stop chan struct{}
	done chan struct{}
}

// startProgress begins to tell; w is nil where nobody watches.
func startProgress(w io.Writer, delay time.Duration) *progress {
	p := &progress{w: w}
	if w == nil {
		return p
	}
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	go p.run(delay)
	return p
}

func (p *progress) run(delay time.Duration) {
	defer close(p.done)
	tick := time.NewTicker(delay)
	defer tick.Stop()
	shown := false
	for {
		select {
		case <-p.stop:
			if shown {
				fmt.Fprint(p.w, "\r\x1b[K")
			}
			return
		case <-tick.C:
			p.mu.Lock()
			text := p.text
			p.mu.Unlock()
			if text != "" {
				fmt.Fprintf(p.w, "\r\x1b[K%s ...", text)
				shown = true
			}
		}
	}
}

// at says what the work is at now.
func (p *progress) at(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = fmt.Sprintf(format, report.Values(args)...)
}

// end clears the line. Nothing may be written elsewhere before.
func (p *progress) end() {
	if p.stop != nil {
		close(p.stop)
		<-p.done
		p.stop = nil
	}
}
