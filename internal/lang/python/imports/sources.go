package imports

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Sources are the source files that were read, each once: for several programs, images, and trials of a repair. What they hold
// depends on their bytes alone. It is safe for concurrent use.
type Sources struct {
	config syntax.Config

	mu        sync.Mutex
	byKey     map[any]*source
	byContent map[[sha256.Size]byte]*source
	held      int64
	parsed    atomic.Int64
}

// maxHeld bounds the bytes of source whose content is remembered; what was found in a file takes a few times as many.
const maxHeld = 64 << 20

// source is a file that was read.
type source struct {
	once    sync.Once
	file    *syntax.File
	texts   []string // of the imports, each on one line
	exports *Exports // nil if a star import adds to them
	err     error
}

// NewSources makes Sources whose files are read as a configuration says.
func NewSources(c syntax.Config) *Sources {
	return &Sources{config: c, byKey: map[any]*source{}, byContent: map[[sha256.Size]byte]*source{}}
}

// Parsed tells how many files were parsed so far.
func (s *Sources) Parsed() int { return int(s.parsed.Load()) }

// File gives what a file of a tree holds. It must not be changed.
func (s *Sources) File(t view.Tree, path string) (*syntax.File, error) {
	src := s.source(t, path)
	return src.file, src.err
}

func (s *Sources) source(t view.Tree, path string) *source {
	key := t.Key(path)
	if key == nil {
		return s.read(t, path)
	}
	s.mu.Lock()
	src := s.byKey[key]
	if src == nil {
		src = &source{}
		if s.held < maxHeld {
			s.byKey[key] = src
		}
	}
	s.mu.Unlock()
	src.once.Do(func() {
		from := s.read(t, path)
		src.file, src.texts, src.exports, src.err = from.file, from.texts, from.exports, from.err
	})
	return src
}

// read reads a file, and parses it unless one of the same bytes was.
func (s *Sources) read(t view.Tree, path string) *source {
	data, err := t.Read(path)
	if err != nil {
		return &source{err: err}
	}
	return s.parse(data)
}

func (s *Sources) parse(data []byte) *source {
	sum := sha256.Sum256(data)
	s.mu.Lock()
	src := s.byContent[sum]
	if src == nil {
		src = &source{}
		if s.held += int64(len(data)); s.held <= maxHeld {
			s.byContent[sum] = src
		}
	}
	s.mu.Unlock()
	src.once.Do(func() {
		s.parsed.Add(1)
		src.file = syntax.Scan(data, &s.config)
		src.exports = ownExports(src.file)
		for i := range src.file.Imports {
			src.texts = append(src.texts, statement(&src.file.Imports[i]))
		}
	})
	return src
}
