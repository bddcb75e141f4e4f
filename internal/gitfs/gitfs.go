// Package gitfs reads a revision of a git repository as a directory, straight from the object database: nothing is checked
// out, stashed or fetched.
//
// What a checkout would make of the contents (line ends, LFS files, other filters) is not done: an LFS file is its pointer
// here, and a submodule an empty directory.
package gitfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/git"
)

// Revision is a commit of a repository. It is safe for concurrent use; Close ends the process that reads contents.
type Revision struct {
	// Name is how it was asked for, Commit its full object name.
	Name, Commit string
	// Refused are names in its tree that git would not check out, such as "..": they are not there.
	Refused []string

	ctx     context.Context // of the process that reads contents
	repo    *git.Repository
	entries map[string]*object
	dirs    map[string][]*object // sorted by name

	mu      sync.Mutex
	objects *git.Objects
}

// object is an entry of the tree.
type object struct {
	name, id string
	mode     fs.FileMode
	size     int64 // of a file
	length   int64 // of its content
}

// Open reads the names of a revision of a repository. An unknown revision, and objects that a partial clone lacks, are a
// [*git.RevisionError].
func Open(ctx context.Context, repo *git.Repository, revision string) (*Revision, error) {
	commit, err := repo.Commit(ctx, revision)
	if err != nil {
		return nil, err
	}
	root := &object{name: ".", mode: fs.ModeDir | 0o755}
	r := &Revision{
		Name: revision, Commit: commit, ctx: ctx, repo: repo,
		entries: map[string]*object{".": root}, dirs: map[string][]*object{".": nil},
	}
	err = repo.Tree(ctx, commit, r.add, func(name string) { r.Refused = append(r.Refused, name) })
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &git.RevisionError{Revision: revision, Message: err.Error()}
	}
	for _, list := range r.dirs {
		slices.SortFunc(list, func(a, b *object) int { return strings.Compare(a.name, b.name) })
	}
	return r, nil
}

// modes are those that a checkout gives.
var modes = map[git.EntryKind]fs.FileMode{
	git.File: 0o644, git.Program: 0o755, git.Link: fs.ModeSymlink | 0o777, git.Dir: fs.ModeDir | 0o755, git.Submodule: fs.ModeDir | 0o755,
}

// add takes an entry of the tree.
func (r *Revision) add(e git.Entry) {
	dir := path.Dir(e.Name)
	if r.entries[e.Name] != nil || r.entries[dir] == nil || !r.entries[dir].mode.IsDir() {
		r.Refused = append(r.Refused, e.Name) // twice, or below what is no directory
		return
	}
	o := &object{name: path.Base(e.Name), id: e.ID, mode: modes[e.Kind], length: e.Size}
	if o.mode.IsRegular() {
		o.size = e.Size
	}
	r.entries[e.Name] = o
	r.dirs[dir] = append(r.dirs[dir], o)
}

// Close ends the process that reads contents.
func (r *Revision) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.objects == nil {
		return nil
	}
	o := r.objects
	r.objects = nil
	return o.Close()
}

// Directory opens a directory of the machine as it was at this revision; it need not exist any more. One outside the
// repository is an error.
func (r *Revision) Directory(dir string) (dockerctx.FS, error) {
	name, err := r.within(dir)
	if err != nil {
		return nil, err
	}
	o := r.entries[name]
	switch {
	case o == nil:
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	case !o.mode.IsDir():
		return nil, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	return &directory{r, name}, nil
}

// within gives a path of the machine relative to the repository.
func (r *Revision) within(name string) (string, error) {
	rel, ok := r.repo.Within(name)
	if !ok {
		return "", fmt.Errorf("%s lies outside the repository %s: revision %s does not have it", name, r.repo.Top, r.Name)
	}
	return rel, nil
}

// Tracked gives the files at or below a directory of a build context, relative to the context: at a revision, all of them.
func (r *Revision) Tracked(contextDir, dir string) (files []string, ok bool, err error) {
	base, err := r.within(contextDir)
	if err != nil {
		return nil, false, err
	}
	want := path.Join(base, dir)
	for name, o := range r.entries {
		if o.mode.IsDir() || want != "." && name != want && !strings.HasPrefix(name, want+"/") {
			continue
		}
		if base != "." {
			name = strings.TrimPrefix(name, base+"/")
		}
		files = append(files, name)
	}
	slices.Sort(files)
	return files, true, nil
}

// directory is a directory of a revision.
type directory struct {
	r    *Revision
	root string
}

func (d *directory) lookup(op, name string) (string, *object, error) {
	full := path.Join(d.root, name)
	o := d.r.entries[full]
	if o == nil || full != d.root && d.root != "." && !strings.HasPrefix(full, d.root+"/") {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return full, o, nil
}

// ReadDir implements dockerctx.FS.
func (d *directory) ReadDir(name string) ([]fs.DirEntry, error) {
	full, o, err := d.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if !o.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	out := make([]fs.DirEntry, len(d.r.dirs[full]))
	for i, e := range d.r.dirs[full] {
		out[i] = fs.FileInfoToDirEntry(info{e})
	}
	return out, nil
}

// Lstat implements dockerctx.FS.
func (d *directory) Lstat(name string) (fs.FileInfo, error) {
	_, o, err := d.lookup("lstat", name)
	if err != nil {
		return nil, err
	}
	return info{o}, nil
}

// ReadLink implements dockerctx.FS.
func (d *directory) ReadLink(name string) (string, error) {
	_, o, err := d.lookup("readlink", name)
	if err != nil {
		return "", err
	}
	if o.mode.Type() != fs.ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	}
	data, err := d.r.content(o)
	return string(data), err
}

// Open implements dockerctx.FS.
func (d *directory) Open(name string) (io.ReadCloser, error) {
	_, o, err := d.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if !o.mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	data, err := d.r.content(o)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// info describes an object.
type info struct{ o *object }

func (i info) Name() string       { return i.o.name }
func (i info) Size() int64        { return i.o.size }
func (i info) Mode() fs.FileMode  { return i.o.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.o.mode.IsDir() }
func (i info) Sys() any           { return nil }

// content reads an object.
func (r *Revision) content(o *object) ([]byte, error) {
	if o.length > git.MaxObject {
		return nil, &fs.PathError{Op: "read", Path: o.name, Err: fmt.Errorf("of a revision no more than %d bytes of a file are read", git.MaxObject)}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.objects == nil {
		var err error
		if r.objects, err = r.repo.Objects(r.ctx); err != nil {
			return nil, err
		}
	}
	data, err := r.objects.Read(o.id)
	if err != nil {
		return nil, &git.RevisionError{Revision: r.Name, Message: fmt.Sprintf("reading %s: %v", o.name, err)}
	}
	return data, nil
}
