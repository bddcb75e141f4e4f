package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/git"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// World is what a run may see of the disk: the repository around what is audited, and what a person named. What a file of
// the repository names, and where a link of it leads, must lie in it; links are resolved before that is asked. A person may
// name what lies elsewhere, but not by a name in the repository: whoever says docker/Dockerfile does not know that docker has
// become a link.
type World struct {
	// Images knows the base images that are at hand; nil knows none. It is not changed once the world is used.
	Images dockerfile.ImageResolver

	ctx  context.Context // ends what is asked of git
	repo *git.Repository // nil: there is none
	base string          // what a name in the repository begins with: absolute, links not resolved
	all  bool            // whatever is named may lie anywhere

	mu      sync.Mutex
	roots   []string // directories and files, absolute, links resolved
	opened  map[string]*opened
	indexes map[*git.Repository]*index
	dirs    map[string]*files.Dir
	told    bool
	refuse  error // why the repository is not used
	facts   *view.Facts
	places  map[string]placed // by directory of a build context
}

// NewWorld gives the world of a run that a person started on a directory. With allowOutside it has no end.
func NewWorld(ctx context.Context, root string, allowOutside bool) *World {
	w := &World{ctx: ctx, all: allowOutside, opened: map[string]*opened{}, indexes: map[*git.Repository]*index{}, dirs: map[string]*files.Dir{}, facts: view.NewFacts(), places: map[string]placed{}}
	w.base = typed(root)
	if LeadsOut(root) && !allowOutside {
		for _, top := range tops(w.base) {
			if w.base = top; !LeadsOut(top) {
				break
			}
		}
	}
	repo, err := git.Find(w.base)
	var refused *git.RefusedError
	switch {
	case err == nil:
		w.repo, w.roots = repo, []string{repo.Top}
		if list := tops(w.base); len(list) > 0 {
			w.base = list[0]
		}
	case errors.As(err, &refused):
		w.refuse = err
	}
	if len(w.roots) == 0 {
		w.roots = []string{files.Resolve(w.base)}
	}
	return w
}

// Close gives up what was opened.
func (w *World) Close() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.repo.Close()
	for _, d := range w.dirs {
		err = errors.Join(err, d.Close())
	}
	clear(w.dirs)
	return err
}

// Repository gives the repository, or an error that says that there is none.
func (w *World) Repository(dir string) (*git.Repository, error) {
	switch {
	case w.repo != nil:
		return w.repo, nil
	case w.refuse != nil:
		return nil, w.refuse
	}
	return nil, &git.NotFoundError{Dir: dir}
}

// Name adds a file or a directory that a person named: of a directory also what lies below it.
func (w *World) Name(name string) {
	if rel, err := filepath.Rel(w.base, typed(name)); err == nil && filepath.IsLocal(rel) || LeadsOut(name) {
		return
	}
	real := files.Resolve(absolute(name))
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.inside(real) {
		w.roots = append(w.roots, real)
	}
}

// NameConfig adds a configuration that a person named, and the repository around it: that is where what it names lies.
func (w *World) NameConfig(name string) {
	if LeadsOut(name) || w.Inside(name) {
		return
	}
	dir := filepath.Dir(name)
	if repo, err := git.Find(dir); err == nil {
		dir = repo.Top
		if w.repo == nil {
			w.repo = repo
		}
	}
	w.Name(dir)
}

// top is the directory of the repository or, without one, of what is audited.
func (w *World) top() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.roots[0]
}

// Notices tell what git could not answer, once.
func (w *World) Notices() []finding.Notice {
	if w == nil {
		return nil
	}
	err := w.refuse
	if err == nil {
		err = w.repo.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil || w.told {
		return nil
	}
	w.told = true
	return []finding.Notice{{File: ".git", Text: fmt.Sprintf("what git tracks and ignores is not known: %v", err)}}
}

// OutsideError says that something lies outside of what a run may see.
type OutsideError struct{ Name string }

func (e *OutsideError) Error() string {
	return filepath.ToSlash(e.Name) + " lies outside of the repository (--allow-outside allows it)"
}

// Is makes it count as something that does not exist for those who ask for no more.
func (e *OutsideError) Is(target error) bool { return target == fs.ErrPermission }

// inside reports whether a path, links resolved, lies in the world. The lock is held.
func (w *World) inside(real string) bool { return w.root(real) != "" }

// root gives the root that a path, links resolved, lies in, "" if there is none. The lock is held.
func (w *World) root(real string) string {
	for _, r := range w.roots {
		if rel, err := filepath.Rel(r, real); err == nil && filepath.IsLocal(rel) {
			return r
		}
	}
	if w.all {
		return filepath.VolumeName(real) + string(filepath.Separator)
	}
	return ""
}

// Inside reports whether a path lies in the world, links resolved as far as it exists.
func (w *World) Inside(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inside(files.Resolve(absolute(name)))
}

// opened is a directory that was opened, and the same one with what it holds remembered.
type opened struct{ plain, snapshot dockerctx.FS }

// Directory opens a directory of the world. Nothing of it is remembered, for those who look a large one through once.
func (w *World) Directory(dir string) (dockerctx.FS, error) {
	o, err := w.open(dir)
	return o.plain, err
}

// Snapshot is Directory for those who come back to it: what a directory holds is read once in a run.
func (w *World) Snapshot(dir string) (dockerctx.FS, error) {
	o, err := w.open(dir)
	return o.snapshot, err
}

func (w *World) open(dir string) (opened, error) {
	real := files.Resolve(absolute(dir))
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.inside(real) {
		return opened{}, &OutsideError{dir}
	}
	if have := w.opened[real]; have != nil {
		return *have, nil
	}
	fsys, err := dockerctx.DirFS(dir)
	if err != nil {
		return opened{}, err
	}
	w.opened[real] = &opened{fsys, dockerctx.Snapshot(fsys)}
	return *w.opened[real], nil
}

// forget gives up the directories that were opened: files were written, and who opened one took it for what it was.
func (w *World) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.opened)
	clear(w.places)
	w.facts = view.NewFacts()
}

// locate gives the root that a path, links resolved, lies in, and the path there. name is how it was named.
func (w *World) locate(name, real string) (*files.Dir, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	root := w.root(real)
	switch root {
	case "":
		return nil, "", &OutsideError{name}
	case real: // a person named the file
		root = filepath.Dir(real)
	}
	d := w.dirs[root]
	if d == nil {
		var err error
		if d, err = files.OpenDir(root); err != nil {
			return nil, "", err
		}
		w.dirs[root] = d
	}
	rel, err := filepath.Rel(root, real)
	return d, filepath.ToSlash(rel), err
}

// Read reads a regular file of the world of no more than limit bytes.
func (w *World) Read(name string, limit int64) ([]byte, error) {
	d, rel, err := w.locate(name, files.Resolve(absolute(name)))
	if err != nil {
		return nil, err
	}
	return d.Read(rel, limit)
}

// Stat describes a file of the world; a link is followed as long as it stays there.
func (w *World) Stat(name string) (fs.FileInfo, error) {
	d, rel, err := w.locate(name, files.Resolve(absolute(name)))
	if err != nil {
		return nil, err
	}
	return d.Stat(rel)
}

// Write gives a file of the world other bytes, see [files.Write].
func (w *World) Write(name string, data []byte) error {
	abs := absolute(name)
	// A link in the place of the file is left to the writer, who refuses it.
	d, rel, err := w.locate(name, filepath.Join(files.Resolve(filepath.Dir(abs)), filepath.Base(abs)))
	if err != nil {
		return err
	}
	defer w.forget()
	return d.Write(rel, data)
}

// tops gives the directories above a path, and the path itself, that have a .git, the nearest first. Links are not resolved.
func tops(abs string) (out []string) {
	for dir := abs; ; dir = filepath.Dir(dir) {
		if _, err := files.Lstat(filepath.Join(dir, ".git")); err == nil {
			out = append(out, dir)
		}
		if dir == filepath.Dir(dir) {
			return out
		}
	}
}

// LeadsOut reports whether a path is one in a repository, and a link of the repository leads it out of there.
//
// Where repositories lie in each other, the nearest around a path counts, and each must lie in the one around it.
func LeadsOut(name string) bool {
	abs := typed(name)
	inside := func(top, p string) bool {
		rel, err := filepath.Rel(files.Resolve(top), files.Resolve(p))
		return err == nil && filepath.IsLocal(rel)
	}
	for _, top := range tops(abs) {
		if !inside(top, abs) {
			return true
		}
		abs = top
	}
	return false
}

// typed gives a name that a person typed as an absolute path, in which no link stands but those of the name: where the person
// is, the person knows.
func typed(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(files.Resolve(absolute(".")), name)
}
