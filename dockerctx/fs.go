package dockerctx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// FS is what a context is read through. Names are relative and
// slash-separated, "." is the root, and they may hold any bytes but NUL
// ([io/fs.FS] refuses names that are not UTF-8; real directories have them).
//
// A context takes it for a snapshot: nothing is read twice to find out whether
// it changed. Implementations must be safe for concurrent use.
type FS interface {
	// ReadDir lists a directory, sorted by name. It does not follow a link.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Lstat describes an entry, a link and not what it points to.
	Lstat(name string) (fs.FileInfo, error)
	// ReadLink gives the text of a symbolic link.
	ReadLink(name string) (string, error)
	// Open opens a regular file for reading, and nothing else: it neither
	// follows a link out of the root nor blocks on a FIFO.
	Open(name string) (io.ReadCloser, error)
}

// dirFS is a directory of the host. Everything goes through an os.Root, so that
// no name and no link leads out of it.
type dirFS struct {
	dir   string // absolute, links resolved
	root  *os.Root
	base  *os.File // the directory itself
	plain bool     // only the portable way of reading directories, for tests
	leaves
}

// DirFS reads a directory of the host. The directory may be given through a
// symbolic link. It is an error if it does not exist, is no directory or cannot
// be read.
func DirFS(dir string) (FS, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("resolving context %q: %w", dir, err)
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("opening context: directory %q does not exist: %w", dir, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("opening context: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("opening context: %q is not a directory: %w", dir, syscall.ENOTDIR)
	}
	abs, err = filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, fmt.Errorf("resolving context %q: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("opening context: %w", err)
	}
	base, err := root.Open(".")
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("reading context %q: %w", dir, underlying(err))
	}
	return &dirFS{dir: abs, root: root, base: base}, nil
}

// maxPath is Linux's PATH_MAX, the final zero byte included.
const maxPath = 4096

// fits fails for a path that is too long for the kernel. An os.Root goes through the directories one by one and has no
// such limit; BuildKit's client hands the whole path to the kernel, and its walk ends with this error.
func (f *dirFS) fits(op, name string) error {
	if len(f.dir)+1+len(name) >= maxPath {
		return &fs.PathError{Op: op, Path: name, Err: syscall.ENAMETOOLONG}
	}
	return nil
}

func (f *dirFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := f.fits("readdir", name); err != nil {
		return nil, err
	}
	if r := f.openDir(name); r != nil {
		return readDir(f, name, r)
	}
	// An os.Root follows links that stay inside; ReadDir must not.
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, relative("readdir", name, err)
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	d, err := f.open("readdir", name, openDirFlags)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, relative("readdir", name, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return sentEntries(entries), nil
}

func (f *dirFS) Lstat(name string) (fs.FileInfo, error) {
	if err := f.fits("lstat", name); err != nil {
		return nil, err
	}
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, relative("lstat", name, err)
	}
	return sent(info), nil
}

func (f *dirFS) ReadLink(name string) (string, error) {
	link, err := f.root.Readlink(name)
	if err != nil {
		return "", relative("readlink", name, err)
	}
	return link, nil
}

func (f *dirFS) Open(name string) (io.ReadCloser, error) {
	// Asking first keeps drivers of devices from noticing; O_NONBLOCK and the
	// second question are for an entry that was exchanged in between.
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, relative("open", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	file, err := f.open("open", name, openFileFlags)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		file.Close()
		return nil, relative("open", name, err)
	}
	return file, nil
}

func (f *dirFS) open(op, name string, flags int) (*os.File, error) {
	file, err := f.root.OpenFile(name, os.O_RDONLY|flags, 0)
	if err != nil {
		return nil, relative(op, name, err)
	}
	return file, nil
}

var errNotRegular = errors.New("not a regular file")

// relative names the path within the context and not on the host.
func relative(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: underlying(err)}
}

func underlying(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// ioFS adapts an fs.FS.
type ioFS struct{ fsys fs.FS }

// FromFS reads from an [io/fs.FS]. Links are seen as such only where it
// implements [io/fs.ReadLinkFS].
func FromFS(fsys fs.FS) FS { return &ioFS{fsys} }

func (f *ioFS) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := f.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	return fs.ReadDir(f.fsys, name)
}

func (f *ioFS) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(f.fsys, name) }

func (f *ioFS) ReadLink(name string) (string, error) { return fs.ReadLink(f.fsys, name) }

func (f *ioFS) Open(name string) (io.ReadCloser, error) {
	info, err := f.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	return f.fsys.Open(name)
}

// absent tells of errors that fsutil's walk takes for "not there".
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// escapes tells of the error by which an os.Root keeps a name inside. The os
// package does not export it.
func escapes(err error) bool {
	return err != nil && strings.Contains(underlying(err).Error(), "escapes from parent")
}
