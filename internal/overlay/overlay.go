// Package overlay lays files over a directory that is read: what a build would see if they had been edited. Nothing is
// written.
package overlay

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Opener opens a directory of this machine.
type Opener func(dir string) (dockerctx.FS, error)

// Files are contents by absolute path, as filepath.Abs gives it.
type Files map[string][]byte

// Open gives an opener of directories in which the files have these contents. under is what opens them otherwise; nil is
// the disk.
func Open(under Opener, files Files) Opener {
	if under == nil {
		under = dockerctx.DirFS
	}
	return func(dir string) (dockerctx.FS, error) {
		base, err := under(dir)
		if err != nil {
			return nil, err
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		// A file may be named by where links lead.
		roots := []string{abs}
		if target, err := filepath.EvalSymlinks(abs); err == nil && target != abs {
			roots = append(roots, target)
		}
		mine := map[string][]byte{}
		for name, data := range files {
			for _, root := range roots {
				if rel, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(rel) {
					mine[filepath.ToSlash(rel)] = data
				}
			}
		}
		if len(mine) == 0 {
			return base, nil
		}
		return FS(base, mine), nil
	}
}

// FS gives a directory in which files have other contents; slash-separated names, relative to its root. A file that does
// not exist appears if its directory does.
func FS(base dockerctx.FS, files map[string][]byte) dockerctx.FS {
	return &layered{base: base, files: files}
}

// Parts gives the directory that lies under all layers, and the names of the files that they change.
func Parts(fsys dockerctx.FS) (base dockerctx.FS, laid map[string]bool) {
	laid = map[string]bool{}
	for {
		l, ok := fsys.(*layered)
		if !ok {
			return fsys, laid
		}
		for name := range l.files {
			laid[name] = true
		}
		fsys = l.base
	}
}

type layered struct {
	base  dockerctx.FS
	files map[string][]byte
}

// Under gives what lies under a directory in which no file is changed, for those who can read it faster.
func (l *layered) Under(dir string) dockerctx.FS {
	for file := range l.files {
		if path.Dir(file) == path.Clean(dir) {
			return nil
		}
	}
	return l.base
}

// Behind gives what lies under a file if it is not changed.
func (l *layered) Behind(file string) dockerctx.FS {
	if _, changed := l.files[path.Clean(file)]; changed {
		return nil
	}
	return l.base
}

// Beneath gives what lies under a directory if no file at or below it is changed.
func (l *layered) Beneath(dir string) dockerctx.FS {
	dir = path.Clean(dir)
	for file := range l.files {
		if dir == "." || strings.HasPrefix(file, dir+"/") {
			return nil
		}
	}
	return l.base
}

func (l *layered) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := l.base.ReadDir(name)
	if err != nil {
		return nil, err
	}
	name = path.Clean(name)
	var changed []fs.DirEntry
	for file, data := range l.files {
		if path.Dir(file) != name {
			continue
		}
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == path.Base(file) })
		if i < 0 {
			changed = append(changed, fs.FileInfoToDirEntry(&info{name: path.Base(file), size: len(data), mode: 0o644}))
			continue
		}
		if entries[i].Type().IsRegular() {
			entries = slices.Clone(entries)
			entries[i] = &entry{DirEntry: entries[i], size: len(data)}
		}
	}
	if len(changed) > 0 {
		entries = append(slices.Clone(entries), changed...)
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return entries, nil
}

func (l *layered) Lstat(name string) (fs.FileInfo, error) {
	data, ok := l.files[path.Clean(name)]
	below, err := l.base.Lstat(name)
	switch {
	case !ok:
		return below, err
	case err != nil:
		if _, dirErr := l.base.Lstat(path.Dir(path.Clean(name))); dirErr != nil {
			return nil, err
		}
		return &info{name: path.Base(name), size: len(data), mode: 0o644}, nil
	case !below.Mode().IsRegular():
		return below, nil
	default:
		return &info{name: path.Base(name), size: len(data), mode: below.Mode(), modified: below.ModTime()}, nil
	}
}

func (l *layered) ReadLink(name string) (string, error) { return l.base.ReadLink(name) }

func (l *layered) Open(name string) (io.ReadCloser, error) {
	data, ok := l.files[path.Clean(name)]
	if !ok {
		return l.base.Open(name)
	}
	// A link or a directory of that name stays what it is.
	if below, err := l.base.Lstat(name); err == nil && !below.Mode().IsRegular() {
		return l.base.Open(name)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// entry is a directory entry of another size.
type entry struct {
	fs.DirEntry
	size int
}

func (e *entry) Info() (fs.FileInfo, error) {
	i, err := e.DirEntry.Info()
	if err != nil {
		return nil, err
	}
	return &info{name: i.Name(), size: e.size, mode: i.Mode(), modified: i.ModTime()}, nil
}

// info describes a file that has been laid over a directory.
type info struct {
	name     string
	size     int
	mode     fs.FileMode
	modified time.Time
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return int64(i.size) }
func (i *info) Mode() fs.FileMode  { return i.mode }
func (i *info) ModTime() time.Time { return i.modified }
func (i *info) IsDir() bool        { return false }
func (i *info) Sys() any           { return nil }
