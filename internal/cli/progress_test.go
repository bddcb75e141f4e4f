package cli

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// signalling is a writer that tells of the first thing written to it.
type signalling struct {
	mu      sync.Mutex
	b       strings.Builder
	written chan struct{}
	once    sync.Once
}

func (s *signalling) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.once.Do(func() { close(s.written) })
	return s.b.Write(p)
}

func TestProgressRewritesOneLineAndClearsIt(t *testing.T) {
	w := &signalling{written: make(chan struct{})}
	p := startProgress(w, time.Millisecond)
	p.at("auditing %s", "backend")
	<-w.written
	p.end()
	p.end()
	assert.True(t, strings.HasPrefix(w.b.String(), "\r\x1b[Kauditing backend ..."), w.b.String())
	assert.True(t, strings.HasSuffix(w.b.String(), "\r\x1b[K"), w.b.String())
}

func TestProgressOfShortWorkIsSilent(t *testing.T) {
	w := &signalling{written: make(chan struct{})}
	p := startProgress(w, time.Hour)
	p.at("auditing")
	p.end()
	assert.Empty(t, w.b.String())

	nobody := startProgress(nil, 0)
	nobody.at("auditing")
	nobody.end()
}
