package dockerctx

import (
	"io"
	"io/fs"
)

// ReadFile reads a regular file below the root of fsys as BuildKit reads one from what it was sent: symbolic links are
// resolved with the root as their root, so that none leads out (continuity's fs.RootPath). It reads no more than limit
// bytes; one more than is wanted tells that there are too many.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	tree := newTree(fsys, nil, nil, func(err error) error { return err })
	entry, err := tree.resolve(name)
	if err != nil {
		return nil, err
	}
	if !entry.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	r, err := fsys.Open(entry.Path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, limit))
}
