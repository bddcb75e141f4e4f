package files

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a regular file that is open for reading.
type File interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// Open opens a regular file that a person named, of any size; links are followed.
func Open(name string) (File, error) {
	dir, base, err := resolve(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Open(base)
}

// Open opens a regular file of any size. Links are followed as long as they stay inside.
func (d *Dir) Open(name string) (File, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err // and no File that is a nil pointer
	}
	return f, nil
}

// open opens a regular file. To ask first keeps drivers of devices from noticing; not to block, and to ask again, is for a file
// that was exchanged in between.
func (d *Dir) open(name string) (*os.File, error) {
	name = filepath.FromSlash(name)
	if fi, err := d.root.Stat(name); err != nil {
		return nil, underlying(err)
	} else if !fi.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, underlying(err)
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		f.Close()
		return nil, underlying(err)
	}
	return f, nil
}

// Stat describes a file that a person named; links are followed.
func Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// Cache opens a directory below that of the user's caches, which create makes. It is an [fs.ErrNotExist] if it is not there.
func Cache(name string, create bool) (*Dir, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, fs.ErrNotExist // nobody has such a directory where no variable names it
	}
	dir := filepath.Join(base, "ctxaudit", filepath.FromSlash(name))
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, underlying(err)
		}
	}
	return OpenDir(dir)
}

// Remove removes a file. One that is not there is no error.
func (d *Dir) Remove(name string) error {
	err := d.root.Remove(filepath.FromSlash(name))
	if os.IsNotExist(err) {
		return nil
	}
	return underlying(err)
}
