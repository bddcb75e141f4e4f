package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Whether `COPY f /app` makes the file /app or puts f into the directory /app depends on whether there is such a
// directory, and a RUN step or a base image may have made it. A build tells that would fail if it were a file. People's builds work, so a destination is first taken for
// what the known tree says, and where that fails because a file stands in the way, for a directory.

// Taken is a destination of an instruction that is taken for a directory that exists, though nothing known made it.
type Taken struct {
	Op   int
	Path string
}

// maxTaken bounds how many destinations are tried as directories.
const maxTaken = 32

// destinations keeps book of what file copies found at their destinations.
type destinations struct {
	taken []Taken
	// open are the copies of a file to a name at which nothing is known, and something may be.
	open []Taken
}

// isDir reports whether a destination at which nothing is known is taken for a directory.
func (d *destinations) isDir(s *State, op int32, dst string) bool {
	t := Taken{int(op), dst}
	if slices.Contains(d.taken, t) {
		return true
	}
	if s.Tree.MayHold(dst) && !slices.Contains(d.open, t) {
		d.open = append(d.open, t)
	}
	return false
}

// notDirError is a copy of a directory onto something else.
type notDirError struct{ path string }

func (e *notDirError) Error() string { return fmt.Sprintf("cannot copy to non-directory: %s", e.path) }

// blame gives the destination that may be a directory, and would have to be one for the build to work; nil if the
// failure is another one.
func (d *destinations) blame(err error) *Taken {
	var inWay string
	var pe *rootfs.PathError
	var nd *notDirError
	switch {
	case errors.As(err, &nd):
		inWay = nd.path
	case errors.As(err, &pe) && errors.Is(pe.Err, syscall.ENOTDIR):
		inWay = pe.Path
	default:
		return nil
	}
	for _, t := range d.open {
		if inWay == t.Path || strings.HasPrefix(inWay, t.Path+"/") {
			return &t
		}
	}
	return nil
}

// AsDirectories gives the destinations that are taken for existing directories, in build order. Without them the build
// would fail.
func (m *Image) AsDirectories() []Taken { return m.dest.taken }
