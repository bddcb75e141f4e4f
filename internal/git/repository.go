// Package git asks git about the repository around a build, and is the only place that starts a program.
//
// The repository may be anybody's, and a git directory is full of what git would run, open or follow by itself: monitors,
// hooks, filters, aliases, helpers, transports, included configuration. So git never sees the repository's own: it is given a
// directory of ours, see [Repository.private], with a configuration of ours, and of the repository its index, its objects and
// the names of its revisions. Nothing is fetched, nothing is written, and every question has a limit of time and of output.
//
// There is one repository to a run: the one that lies around the root of what is audited ([Find]). What lies below it counts
// only as a submodule that its index names.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/internal/files"
)

// Repository is a work tree with its git directory. It is safe for concurrent use. Nil is no repository: it knows nothing.
type Repository struct {
	// Top is the top of the work tree: absolute, links resolved.
	Top string

	dir    string // its git directory
	common string // the one that it shares with other work trees
	mu     sync.Mutex
	own    *files.Dir // see private
	subs   map[string]*Repository
	err    error // the first failure of git
}

// NotFoundError says that a directory lies in no repository.
type NotFoundError struct{ Dir string }

func (e *NotFoundError) Error() string { return e.Dir + " is in no git repository" }

// RefusedError says why a repository is not asked.
type RefusedError struct{ Place, Why string }

func (e *RefusedError) Error() string { return fmt.Sprintf("%s is not used: %s", e.Place, e.Why) }

// Find gives the repository that a directory lies in: the nearest directory above it with a .git. It is a [*NotFoundError] if
// there is none, and a [*RefusedError] if it points to a git directory that does not belong to it.
func Find(dir string) (*Repository, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	ceilings := filepath.SplitList(os.Getenv("GIT_CEILING_DIRECTORIES"))
	for top := abs; ; top = filepath.Dir(top) {
		if _, err := os.Lstat(filepath.Join(top, ".git")); err == nil {
			return open(top)
		}
		parent := filepath.Dir(top)
		if parent == top {
			return nil, &NotFoundError{dir}
		}
		for _, c := range ceilings {
			if c != "" && filepath.Clean(c) == parent {
				return nil, &NotFoundError{dir}
			}
		}
	}
}

// maxPointer bounds the small files of a git directory that are read here.
const maxPointer = 64 << 10

// open takes the .git of a work tree: the git directory itself or, in a linked work tree and in a submodule, a file that says
// where it is.
func open(top string) (*Repository, error) {
	place := filepath.Join(top, ".git")
	refuse := func(format string, args ...any) (*Repository, error) {
		return nil, &RefusedError{filepath.ToSlash(place), fmt.Sprintf(format, args...)}
	}
	fi, err := os.Lstat(place)
	if err != nil {
		return refuse("%v", err)
	}
	r := &Repository{Top: top, dir: place, common: place}
	switch {
	case fi.IsDir():
	case !fi.Mode().IsRegular():
		return refuse("it is neither a directory nor a file")
	default:
		data, err := files.Read(place, maxPointer)
		if err != nil {
			return refuse("%v", err)
		}
		target, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: ")
		if !ok {
			return refuse("it does not name a git directory")
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(top, target)
		}
		if target, err = filepath.EvalSymlinks(target); err != nil {
			return refuse("the git directory that it names does not exist")
		}
		r.dir, r.common = target, target
		if err := r.belongs(); err != nil {
			return refuse("%v", err)
		}
	}
	if err := r.plain(); err != nil {
		return refuse("%v", err)
	}
	return r, nil
}

// belongs checks that a git directory elsewhere is that of this work tree. Git trusts the pointer; a stranger's archive may
// point to anybody's repository.
func (r *Repository) belongs() error {
	// A linked work tree: DIR/.git/worktrees/NAME has a file that points back.
	if base := filepath.Dir(r.dir); filepath.Base(base) == "worktrees" {
		back, err := files.Read(filepath.Join(r.dir, "gitdir"), maxPointer)
		if err == nil {
			p := strings.TrimSpace(string(back))
			if !filepath.IsAbs(p) {
				p = filepath.Join(r.dir, p)
			}
			if dir, err := filepath.EvalSymlinks(filepath.Dir(p)); err == nil && dir == r.Top && filepath.Base(p) == ".git" {
				r.common = filepath.Dir(base)
				return nil
			}
		}
		return errors.New("the git directory that it names is that of another work tree")
	}
	// A submodule: its git directory lies in that of the repository around it.
	if above, err := Find(filepath.Dir(r.Top)); err == nil && r.inside(above) {
		return nil
	}
	return errors.New("the git directory that it names does not belong to this work tree")
}

// plain checks what git would open in a git directory: a pipe would block it, and a link lead out.
func (r *Repository) plain() error {
	for _, f := range []string{r.indexFile(), filepath.Join(r.dir, "HEAD"), filepath.Join(r.common, "packed-refs")} {
		if fi, err := os.Lstat(f); err == nil && !fi.Mode().IsRegular() {
			return fmt.Errorf("its %s is no regular file", filepath.Base(f))
		}
	}
	for _, d := range []string{"objects", "refs"} {
		if fi, err := os.Lstat(filepath.Join(r.common, d)); err != nil || !fi.IsDir() {
			return fmt.Errorf("it has no directory %s", d)
		}
	}
	for _, d := range []string{"info", "objects/info", "objects/pack", "refs"} {
		if err := plainBelow(r.common, d); err != nil {
			return err
		}
	}
	return nil
}

// maxPlain bounds how many entries are looked at.
const maxPlain = 50_000

// plainBelow checks that a directory of a git directory, if there is one, holds files and directories only.
func plainBelow(dir, name string) error {
	n := 0
	err := filepath.WalkDir(filepath.Join(dir, filepath.FromSlash(name)), func(p string, d fs.DirEntry, err error) error {
		switch n++; {
		case err != nil || n > maxPlain:
			return fs.SkipAll
		case !d.IsDir() && !d.Type().IsRegular():
			rel, _ := filepath.Rel(dir, p)
			return fmt.Errorf("its %s is no regular file", filepath.ToSlash(rel))
		}
		return nil
	})
	return err
}

// indexFile gives the index. Git gives a hook another one, in the same directory, if only a part is committed.
func (r *Repository) indexFile() string {
	if name := os.Getenv("GIT_INDEX_FILE"); name != "" {
		if abs, err := filepath.Abs(name); err == nil {
			if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil && dir == r.dir {
				return filepath.Join(dir, filepath.Base(abs))
			}
		}
	}
	return filepath.Join(r.dir, "index")
}

// IndexSize is the size of the index in bytes, 0 if there is none.
func (r *Repository) IndexSize() int64 {
	if r == nil {
		return 0
	}
	fi, err := os.Lstat(r.indexFile())
	if err != nil {
		return 0
	}
	return fi.Size()
}

// Err gives the first failure of git: that there is none on this machine, that it is too old, that the repository is broken.
// What was asked was answered as if there were no repository.
func (r *Repository) Err() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *Repository) failed(err error) error {
	if err != nil && !errors.Is(err, context.Canceled) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err == nil {
			r.err = err
		}
	}
	return err
}

// Close removes what was made to ask git.
func (r *Repository) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, s := range r.subs {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	if r.own != nil {
		err = errors.Join(err, r.own.Close())
	}
	r.own, r.subs = nil, nil
	return err
}

// Within gives the path of a file or a directory of the machine relative to the top, slash-separated; ok is false if it lies
// outside. What does not exist is resolved as far as it does.
func (r *Repository) Within(name string) (rel string, ok bool) {
	if r == nil {
		return "", false
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", false
	}
	rel, err = filepath.Rel(r.Top, files.Resolve(abs))
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// sub gives the repository of a submodule, by its path; nil if it was not fetched, or is not one.
func (r *Repository) sub(ctx context.Context, name string) *Repository {
	r.mu.Lock()
	have, ok := r.subs[name]
	r.mu.Unlock()
	if ok {
		return have
	}
	var found *Repository
	top := filepath.Join(r.Top, filepath.FromSlash(name))
	if real, err := filepath.EvalSymlinks(top); err == nil && real == top && r.isLink(ctx, name) {
		if sub, err := open(top); err == nil && (sub.dir == filepath.Join(top, ".git") || sub.inside(r)) {
			found = sub
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.subs == nil {
		r.subs = map[string]*Repository{}
	}
	r.subs[name] = found
	return found
}

// inside reports whether a git directory lies where another repository keeps those of its submodules.
func (r *Repository) inside(above *Repository) bool {
	for _, d := range []string{above.dir, above.common} {
		if rel, err := filepath.Rel(filepath.Join(d, "modules"), r.dir); err == nil && filepath.IsLocal(rel) && rel != "." {
			return true
		}
	}
	return false
}

// isLink reports whether the index has a submodule of that path.
func (r *Repository) isLink(ctx context.Context, name string) bool {
	out, err := r.run(ctx, nil, "ls-files", "-z", "--stage", "--", literal(name))
	return err == nil && bytes.HasPrefix(out, []byte("160000 "))
}

// Of gives the repository that a path of the work tree belongs to, this one or a submodule that was fetched, and the path
// there.
func (r *Repository) Of(ctx context.Context, rel string) (*Repository, string) {
	at := ""
	for part := range strings.SplitSeq(rel, "/") {
		if at = path.Join(at, part); at == "." {
			break
		}
		if _, err := os.Lstat(filepath.Join(r.Top, filepath.FromSlash(at), ".git")); err != nil {
			continue
		}
		if sub := r.sub(ctx, at); sub != nil {
			rest := strings.TrimPrefix(strings.TrimPrefix(rel, at), "/")
			if rest == "" {
				rest = "."
			}
			return sub.Of(ctx, rest)
		}
	}
	return r, rel
}

func literal(name string) string { return ":(literal)" + name }
