package overlay

import "io"

// Reader reads the same bytes again and again: after the end it begins anew. A Dockerfile from standard input is compiled
// more than once where an edit of it is tried.
type Reader struct {
	data []byte
	at   int
}

// NewReader reads data.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at == len(r.data) {
		r.at = 0
		return 0, io.EOF
	}
	n := copy(p, r.data[r.at:])
	r.at += n
	return n, nil
}

// String gives what is read.
func (r *Reader) String() string { return string(r.data) }
