package modules

import (
	"crypto/sha256"
	"sync"

	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Sources are the sources that were read, each once: what they hold depends on their bytes and their ending alone. There is one of them, since
// steps are walked before anybody knows of which repository they are. It is safe for concurrent use.
type Sources struct {
	mu        sync.Mutex
	byKey     map[named]*source
	byContent map[named]*source
	held      int64
}

// named is the key of a file, or the digest of its content, with the way in which it is read.
type named struct {
	key any
	ext string
}

// maxHeld bounds the bytes of sources that are remembered: beyond, all is forgotten.
const maxHeld = 64 << 20

type source struct {
	once sync.Once
	file *syntax.File
}

var sources = &Sources{byKey: map[named]*source{}, byContent: map[named]*source{}}

// File gives what a file of a tree holds, nil if that is not known. It must not be changed.
func (s *Sources) File(files shell.Files, p string) *syntax.File {
	keyed, ok := files.(interface{ Key(path string) any })
	if !ok {
		return s.read(files, p)
	}
	key := named{keyed.Key(p), ext(p)}
	if key.key == nil {
		return s.read(files, p)
	}
	src := s.entry(s.byKey, key, 0)
	src.once.Do(func() { src.file = s.read(files, p) })
	return src.file
}

// entry gives the place for what is kept under a key.
func (s *Sources) entry(in map[named]*source, key named, size int) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := in[key]
	if src == nil {
		src = &source{}
		if s.held += int64(size); s.held > maxHeld {
			clear(s.byKey)
			clear(s.byContent)
			s.held = int64(size)
		}
		in[key] = src
	}
	return src
}

func (s *Sources) read(files shell.Files, p string) *syntax.File {
	data, err := files.Read(p)
	if err != nil {
		return nil
	}
	src := s.entry(s.byContent, named{sha256.Sum256(data), ext(p)}, len(data))
	src.once.Do(func() {
		src.file = syntax.Scan(data, p)
	})
	return src.file
}

// ext gives the way in which a file is read.
func ext(p string) string {
	switch {
	case syntax.IsComponent(p):
		return "component"
	case !syntax.IsTyped(p):
		return "js"
	case p[len(p)-1] == 'x':
		return "tsx"
	}
	return "ts"
}
