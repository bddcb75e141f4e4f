// Package files is the one door through which files of the disk are read and written by name. It is made for directories
// that nobody vouches for: what is read is a regular file, is opened so that a pipe or a device cannot block, and has a
// bound; what is written replaces a regular file in one step and never goes through a link in its place.
//
// [Read] and [Write] take what a person named. What a file of the repository names goes through a [Dir], which no link and
// no name leads out of.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

var (
	// ErrNotRegular is of what is no regular file: a directory, a pipe, a device.
	ErrNotRegular = errors.New("it is no regular file")
	// ErrLink is of a link where a file would be written.
	ErrLink = errors.New("it is a link, and nothing is written through one")
)

// TooLargeError is of a file that is larger than it may be.
type TooLargeError struct{ Limit int64 }

func (e *TooLargeError) Error() string { return fmt.Sprintf("it is larger than %d bytes", e.Limit) }

// Read reads a regular file that a person named; links are followed. A file of more than limit bytes is a [*TooLargeError].
func Read(name string, limit int64) ([]byte, error) {
	dir, base, err := resolve(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Read(base, limit)
}

// resolve gives the directory in which a file lies, links resolved, and its name there.
func resolve(name string) (*Dir, string, error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, "", underlying(err)
	}
	dir, err := OpenDir(filepath.Dir(real))
	return dir, filepath.Base(real), err
}

// Write gives a file that a person named other bytes, in one step: whoever reads it sees the old ones or the new ones. A file
// that exists keeps its mode and its owner. In the place of a link, or of what is no regular file, nothing is written.
func Write(name string, data []byte) error {
	dir, err := OpenDir(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Write(filepath.Base(name), data)
}

// Append adds to a regular file that a person named, or makes it. It goes through no link in its place.
func Append(name string, data []byte) error {
	dir, err := OpenDir(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	base := filepath.Base(name)
	if err := dir.replaceable(base); err != nil {
		return err
	}
	f, err := dir.root.OpenFile(base, os.O_APPEND|os.O_CREATE|os.O_WRONLY|openFlags, 0o644)
	if err != nil {
		return underlying(err)
	}
	if _, err := f.Write(data); err != nil {
		f.Close()
		return underlying(err)
	}
	return f.Close()
}

// Lstat describes what a path names, and not what a link there points to.
func Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

// Dir is a directory out of which no name and no link leads. Names are slash-separated and relative to it.
type Dir struct {
	root *os.Root
	temp bool // it is a scratch directory
}

// OpenDir opens a directory.
func OpenDir(name string) (*Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, underlying(err)
	}
	return &Dir{root: root}, nil
}

// Scratch makes a directory of our own that Close removes, for programs and libraries that read from a disk. It does not lie
// in the directory that is to be avoided: what is audited must not have our files in it.
func Scratch(avoid string) (*Dir, error) {
	avoid, _ = filepath.EvalSymlinks(avoid)
	places := []string{os.TempDir(), "/tmp", "/var/tmp"}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, cache)
	}
	var first error
	for _, place := range places {
		real, err := filepath.EvalSymlinks(place)
		if err == nil && avoid != "" {
			if rel, relErr := filepath.Rel(avoid, real); relErr == nil && filepath.IsLocal(rel) {
				err = fmt.Errorf("the directory %s for temporary files lies in what is audited", place)
			}
		}
		if err == nil {
			if real, err = os.MkdirTemp(real, "ctxaudit-"); err == nil {
				d, err := OpenDir(real)
				if err != nil {
					return nil, err
				}
				d.temp = true
				return d, nil
			}
		}
		if first == nil {
			first = underlying(err)
		}
	}
	return nil, first
}

// Name gives the path of the directory.
func (d *Dir) Name() string { return d.root.Name() }

// Close gives up the directory; a scratch directory is removed.
func (d *Dir) Close() error {
	err := d.root.Close()
	if d.temp {
		err = errors.Join(err, os.RemoveAll(d.root.Name()))
	}
	return err
}

// Stat describes what a name, or a link of that name, leads to, as long as that is inside.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	fi, err := d.root.Stat(filepath.FromSlash(name))
	return fi, underlying(err)
}

// Read reads a regular file of no more than limit bytes. Links are followed as long as they stay inside.
func (d *Dir) Read(name string, limit int64) ([]byte, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, underlying(err)
	case fi.Size() > limit:
		return nil, &TooLargeError{limit}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, underlying(err)
	case int64(len(data)) > limit:
		return nil, &TooLargeError{limit}
	}
	return data, nil
}

// Put makes a file in a scratch directory, with the directories above it.
func (d *Dir) Put(name string, data []byte) error {
	name = filepath.FromSlash(name)
	if !d.temp {
		panic("files: Put is for scratch directories")
	}
	if err := d.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return underlying(err)
	}
	return underlying(d.root.WriteFile(name, data, 0o600))
}

// Fill is Put of what a reader gives, up to limit bytes: more is a [*TooLargeError].
func (d *Dir) Fill(name string, r io.Reader, limit int64) error {
	if err := d.Put(name, nil); err != nil {
		return err
	}
	f, err := d.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY, 0)
	if err != nil {
		return underlying(err)
	}
	n, err := io.Copy(f, io.LimitReader(r, limit+1))
	if closing := f.Close(); err == nil {
		err = underlying(closing)
	}
	if err == nil && n > limit {
		err = &TooLargeError{limit}
	}
	return err
}

// Write gives a file other bytes, see the function of that name.
func (d *Dir) Write(name string, data []byte) (err error) {
	name = filepath.FromSlash(name)
	if err := d.replaceable(name); err != nil {
		return err
	}
	was, statErr := d.root.Lstat(name)
	tmp := ""
	var f *os.File
	for n := 0; ; n++ {
		tmp = filepath.Join(filepath.Dir(name), fmt.Sprintf(".%s.%d-%d.tmp", filepath.Base(name), os.Getpid(), n))
		if f, err = d.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) || n == maxTries {
			return underlying(err)
		}
	}
	defer func() {
		if err != nil {
			f.Close()
			_ = d.root.Remove(tmp)
			err = underlying(err)
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if statErr == nil {
		if err = keep(f, was); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	return d.root.Rename(tmp, name)
}

// maxTries bounds how many names of temporary files may be taken.
const maxTries = 100

// replaceable fails for what must not be written over.
func (d *Dir) replaceable(name string) error {
	fi, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return underlying(err)
	case fi.Mode()&fs.ModeSymlink != 0:
		return ErrLink
	case !fi.Mode().IsRegular():
		return ErrNotRegular
	}
	return nil
}

// underlying leaves out the path, which whoever asked knows.
func underlying(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
