package steps

import (
	"fmt"
	"io"
	"path"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 16 << 20

// Files shows a predicted file system to a script: it implements [shell.Files].
type Files struct{ Tree *rootfs.Tree }

// Stat says what is known of a path.
func (f Files) Stat(p string) shell.FileKind {
	n, at, err := f.Tree.Stat(p)
	switch {
	case err == nil && n.Kind == rootfs.KindFile:
		return shell.Regular
	case err == nil && n.IsDir():
		return shell.Directory
	case err == nil && n.Kind == rootfs.KindUnknown, err != nil && f.Tree.MayHold(at):
		return shell.Unknown
	default:
		return shell.Absent
	}
}

// Seen is [Files] as a step sees them that was not run: what an earlier one may have taken away is not known to be there.
type Seen struct{ Files }

// Stat says what is known of a path.
func (f Seen) Stat(p string) shell.FileKind {
	if Unsure(f.Tree, p) {
		return shell.Unknown
	}
	return f.Files.Stat(p)
}

// Unsure reports whether a step may have changed or removed what was at a path, or a directory on the way to it.
func Unsure(t *rootfs.Tree, p string) bool {
	at, err := t.Resolve(p)
	if err != nil {
		return false
	}
	for _, p := range []string{p, at} { // a link on the way, and what it leads to
		for ; p != "/" && p != "."; p = path.Dir(p) {
			if n, err := t.Lstat(p); err == nil && n.Unsure {
				return true
			}
		}
	}
	return false
}

// Read gives the content of a file. It is an error if nothing is known of it.
func (f Files) Read(p string) ([]byte, error) {
	n, _, err := f.Tree.Stat(p)
	if err != nil {
		return nil, err
	}
	return ReadAll(n.Open())
}

// ReadAll reads what was opened to its end, up to a bound.
func ReadAll(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, err
}
