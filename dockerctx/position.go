package dockerctx

import "strconv"

// Position is a place in a text file. The zero value is an unknown place.
type Position struct {
	Offset int // in bytes, from 0; a byte order mark counts
	Line   int // from 1; 0 when unknown
	Column int // in bytes, from 1; 0 when unknown; a byte order mark does not count
}

// IsValid reports whether the line is known.
func (p Position) IsValid() bool { return p.Line > 0 }

// String gives "line:column", with a question mark for what is unknown.
func (p Position) String() string {
	return known(p.Line) + ":" + known(p.Column)
}

func known(n int) string {
	if n <= 0 {
		return "?"
	}
	return strconv.Itoa(n)
}

// Range is a half-open part of a text file: End is the first place after it.
// The zero value is an unknown part.
type Range struct {
	Start, End Position
}

// IsValid reports whether the line of the start is known.
func (r Range) IsValid() bool { return r.Start.IsValid() }

// String gives "line:column-line:column", or only the start when the end is
// unknown or the range is empty.
func (r Range) String() string {
	if !r.End.IsValid() || r.End == r.Start {
		return r.Start.String()
	}
	return r.Start.String() + "-" + r.End.String()
}
