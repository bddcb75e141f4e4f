package report

import (
	"io"
	"strings"
	"sync"
)

// Screen is a writer for text that a terminal shows or a CI system reads: it escapes what is not fit. It lets pass line ends,
// tabs and, if Colors is set, the colours of [Style]. Flush ends it.
type Screen struct {
	W      io.Writer
	Colors bool
	// Commands lets lines begin as commands of GitHub Actions do, for the format that writes them.
	Commands bool

	mu      sync.Mutex
	json    bool
	t       text
	inLine  bool   // something other than blanks stands in the line
	pending []byte // what cannot be judged before more is known
	out     []byte
}

// JSONScreen gives a writer for JSON. What is not fit can only stand in strings, and is escaped as JSON escapes.
func JSONScreen(w io.Writer) *Screen { return &Screen{W: w, json: true, Commands: true} }

// lookahead is the most that must be known of what follows a character to judge it.
const lookahead = 12

func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.pass(string(s.pending)+string(p), false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what was held back.
func (s *Screen) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pass(string(s.pending), true)
}

// pass writes what can be judged; at the end that is all.
func (s *Screen) pass(data string, end bool) error {
	s.out = s.out[:0]
	for len(data) > 0 {
		if n := s.easy(data); n > 0 {
			s.out = append(s.out, data[:n]...)
			data = data[n:]
			continue
		}
		if !end && len(data) < lookahead {
			break
		}
		size, fit := s.next(data)
		switch {
		case fit:
			s.out = append(s.out, data[:size]...)
		case s.json:
			s.out = escapeJSON(s.out, data[:size])
		default:
			s.out = escape(s.out, data[:size])
		}
		// A colour takes no room in the line.
		s.inLine = s.inLine || data[0] != '\x1b' || !fit
		data = data[size:]
	}
	s.pending = append(s.pending[:0], data...)
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.W.Write(s.out)
	return err
}

// easy gives the length of what is fit whatever follows, as nearly everything is.
func (s *Screen) easy(data string) int {
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '\n':
			s.inLine = false
		case c == ' ' || c == '\t':
		case c == '#' || c == ':' && !s.inLine || c < ' ' || c >= 0x7f:
			return i
		default:
			s.inLine = true
		}
		s.t.prev = rune(data[i])
	}
	return len(data)
}

func (s *Screen) next(data string) (size int, fit bool) {
	switch c := data[0]; {
	case c == '\r' && strings.HasPrefix(data, "\r\n"):
		return 1, true
	case c == '\x1b' && s.Colors:
		for _, code := range colors {
			if strings.HasPrefix(data, code) {
				return len(code), true
			}
		}
	case c == ':' && !s.Commands && strings.HasPrefix(data, "::"):
		return 1, false
	}
	return s.t.next(data)
}
