package view

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// Repository shows the build context, as it lies on disk and whatever the ignore file says, as a tree: "/" is its root. A
// directory is read once, however many findings ask for it.
type Repository struct {
	fs, base dockerctx.FS // base is what lies under files that were edited
	listed   *listings
	own      *listings // of directories in which files were edited
}

// listings are directories that were listed, by their path.
type listings struct {
	mu     sync.Mutex
	byPath map[string]map[string]EntryKind
}

func newListings() *listings { return &listings{byPath: map[string]map[string]EntryKind{}} }

// NewRepository shows a directory.
func NewRepository(fsys dockerctx.FS, f *Facts) Repository {
	base, _ := overlay.Parts(fsys)
	return Repository{fsys, base, FactOf(f, base, "listings", newListings), newListings()}
}

// InContext gives a path of a tree as a build context names it.
func InContext(p string) string {
	if p = strings.Trim(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}

// Entries implements Tree. Links are taken as what they lead to within the context, or left out.
func (r Repository) Entries(dir string) map[string]EntryKind {
	dir = InContext(dir)
	to := r.listed
	if dockerctx.Under(r.fs, dir) != r.base {
		to = r.own
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	have, ok := to.byPath[dir]
	if !ok {
		have = r.list(dir)
		to.byPath[dir] = have
	}
	return have
}

func (r Repository) list(dir string) map[string]EntryKind {
	entries, err := r.fs.ReadDir(dir)
	if err != nil {
		if to, ok := r.Resolve(dir); ok && to != dir {
			entries, err = r.fs.ReadDir(to)
		}
	}
	if err != nil {
		return nil
	}
	out := make(map[string]EntryKind, len(entries))
	for _, e := range entries {
		switch {
		case e.IsDir():
			out[e.Name()] = Directory
		case e.Type().IsRegular():
			out[e.Name()] = RegularFile
		case e.Type()&fs.ModeSymlink != 0:
			out[e.Name()] = r.led(path.Join(dir, e.Name()))
		}
	}
	return out
}

// led gives the kind of what a link leads to; Opaque if that is not in the context.
func (r Repository) led(link string) EntryKind {
	to, ok := r.Resolve(link)
	if !ok {
		return Opaque
	}
	switch fi, err := r.fs.Lstat(to); {
	case err != nil:
		return Opaque
	case fi.IsDir():
		return Directory
	case fi.Mode().IsRegular():
		return RegularFile
	}
	return Opaque
}

// maxLinks is how many links a path may lead through, as Linux has it.
const maxLinks = 40

// Resolve gives a path of the context without the links in it; ok is false if it is not there, or a link leads out of the context.
func (r Repository) Resolve(p string) (to string, ok bool) {
	rest, at := strings.Split(InContext(p), "/"), "."
	for links := 0; len(rest) > 0; {
		next := path.Join(at, rest[0])
		if next == ".." || strings.HasPrefix(next, "../") {
			return "", false
		}
		fi, err := r.fs.Lstat(next)
		if err != nil {
			return "", false
		}
		if rest = rest[1:]; fi.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		link, err := r.fs.ReadLink(next)
		if links++; err != nil || links > maxLinks || path.IsAbs(link) {
			return "", false
		}
		rest = append(strings.Split(link, "/"), rest...)
	}
	return at, true
}

// Read implements Tree.
func (r Repository) Read(p string) ([]byte, error) {
	data, err := steps.ReadAll(r.fs.Open(InContext(p)))
	if err != nil {
		if to, ok := r.Resolve(p); ok && to != InContext(p) {
			return steps.ReadAll(r.fs.Open(to))
		}
	}
	return data, err
}

// Key implements Tree.
func (r Repository) Key(p string) any { return simulate.FileKey(r.fs, InContext(p)) }

// MayHold implements Tree.
func (Repository) MayHold(string) bool { return false }

// ReadFile and ReadDir serve the readers of manifests; ReadFile names the file in its error unless it just is not there.
func (r Repository) ReadFile(name string) ([]byte, error) {
	data, err := r.Read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, err
}

// ReadDir gives names, those of directories with a slash behind them.
func (r Repository) ReadDir(name string) ([]string, error) {
	entries, err := r.fs.ReadDir(InContext(name))
	if err != nil {
		return nil, err
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		if out[i] = e.Name(); e.IsDir() {
			out[i] += "/"
		}
	}
	return out, nil
}

// Stat says what is at a path, links followed. With List and Content, it shows the context to who reads what steps read.
func (r Repository) Stat(p string) shell.FileKind {
	to, ok := r.Resolve(p)
	if !ok {
		return shell.Absent
	}
	switch fi, err := r.fs.Lstat(to); {
	case err != nil:
		return shell.Absent
	case fi.IsDir():
		return shell.Directory
	}
	return shell.Regular
}

// List gives the entries of a directory.
func (r Repository) List(dir string) ([]fs.DirEntry, error) {
	to, ok := r.Resolve(dir)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return r.fs.ReadDir(to)
}

// Content is [Repository.Read].
func (r Repository) Content(p string) ([]byte, error) { return r.Read(p) }
