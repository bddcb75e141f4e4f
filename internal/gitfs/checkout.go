package gitfs

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/git"
)

// Checkout is what a clean checkout of a repository would hold: of the working tree the files that git tracks, as they are
// now. What is only here is not in it; a submodule has what its own repository tracks.
type Checkout struct {
	repo  *git.Repository
	open  func(dir string) (dockerctx.FS, error)
	names map[string]bool // tracked files, and the directories above them
	// fetched tells that it is what BuildKit fetches: with the permissions that git gives, and without git's own directory unless
	// keepGit is set.
	fetched, keepGit bool

	mu   sync.Mutex
	dirs map[string]*tracked
}

// NewCheckout reads which files a repository tracks. open opens directories of the working tree.
func NewCheckout(ctx context.Context, repo *git.Repository, open func(dir string) (dockerctx.FS, error)) (*Checkout, error) {
	c := &Checkout{repo: repo, open: open, names: map[string]bool{".": true}, dirs: map[string]*tracked{}}
	err := repo.Tracked(ctx, ".", func(name string) {
		for p := name; !c.names[p]; p = path.Dir(p) {
			c.names[p] = true
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listing the files that git tracks: %w", err)
	}
	return c, nil
}

// Fetched gives what BuildKit gets of the repository when it fetches a context from git. keepGit tells that it keeps git's own
// directory, too, as BUILDKIT_CONTEXT_KEEP_GIT_DIR asks it to.
func (c *Checkout) Fetched(keepGit bool) *Checkout {
	return &Checkout{repo: c.repo, open: c.open, names: c.names, fetched: true, keepGit: keepGit, dirs: map[string]*tracked{}}
}

// has reports whether a path of the repository is in a checkout. Git's own directory is.
func (c *Checkout) has(name string) bool {
	return c.names[name] || (!c.fetched || c.keepGit) && (name == ".git" || strings.HasPrefix(name, ".git/"))
}

// Directory opens a directory of the repository as a clean checkout would have it. One outside is an error.
func (c *Checkout) Directory(dir string) (dockerctx.FS, error) {
	name, ok := c.repo.Within(dir)
	if !ok {
		return nil, fmt.Errorf("%s lies outside the repository %s: a checkout does not have it", dir, c.repo.Top)
	}
	if !c.has(name) {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.dirs[dir]; have != nil {
		return have, nil // the same, so that who compares two sees it
	}
	base, err := c.open(dir)
	if err != nil {
		return nil, err
	}
	c.dirs[dir] = &tracked{base, c, name}
	return c.dirs[dir], nil
}

// Tracked gives the files at or below a directory of a build context, relative to the context.
func (c *Checkout) Tracked(contextDir, dir string) (files []string, ok bool, err error) {
	fsys, err := c.Directory(contextDir)
	if err != nil {
		return nil, false, err
	}
	var list func(name string) error
	list = func(name string) error {
		info, err := fsys.Lstat(name)
		if err != nil {
			return nil // git tracks it, and it is not here
		}
		if !info.IsDir() {
			files = append(files, name)
			return nil
		}
		entries, err := fsys.ReadDir(name)
		for _, e := range entries {
			if err := list(path.Join(name, e.Name())); err != nil {
				return err
			}
		}
		return err
	}
	err = list(path.Clean(dir))
	return files, true, err
}

// tracked is a directory of which only what git tracks is seen.
type tracked struct {
	base dockerctx.FS
	c    *Checkout
	root string
}

func (t *tracked) check(op, name string) error {
	if !t.c.has(path.Join(t.root, name)) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// ReadDir implements dockerctx.FS.
func (t *tracked) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := t.check("readdir", name); err != nil {
		return nil, err
	}
	entries, err := t.base.ReadDir(name)
	entries = slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return !t.c.has(path.Join(t.root, name, e.Name())) })
	for i := range entries {
		if t.c.fetched {
			entries[i] = asGitHas{entries[i]}
		}
	}
	return entries, err
}

// asGitHas is an entry with the permissions that git gives it.
type asGitHas struct{ fs.DirEntry }

// Info implements fs.DirEntry.
func (e asGitHas) Info() (fs.FileInfo, error) {
	fi, err := e.DirEntry.Info()
	if err != nil {
		return nil, err
	}
	return infoOfGit{fi}, nil
}

type infoOfGit struct{ fs.FileInfo }

// Mode implements fs.FileInfo.
func (i infoOfGit) Mode() fs.FileMode {
	switch m := i.FileInfo.Mode(); {
	case m.IsDir():
		return modes[git.Dir]
	case m&fs.ModeSymlink != 0:
		return modes[git.Link]
	case m&0o100 != 0:
		return modes[git.Program]
	default:
		return modes[git.File]
	}
}

// Sys implements fs.FileInfo: what the system says of the file is not so of one that is fetched.
func (i infoOfGit) Sys() any { return nil }

// Lstat implements dockerctx.FS.
func (t *tracked) Lstat(name string) (fs.FileInfo, error) {
	if err := t.check("lstat", name); err != nil {
		return nil, err
	}
	fi, err := t.base.Lstat(name)
	if err == nil && t.c.fetched {
		fi = infoOfGit{fi}
	}
	return fi, err
}

// ReadLink implements dockerctx.FS.
func (t *tracked) ReadLink(name string) (string, error) {
	if err := t.check("readlink", name); err != nil {
		return "", err
	}
	return t.base.ReadLink(name)
}

// Open implements dockerctx.FS.
func (t *tracked) Open(name string) (io.ReadCloser, error) {
	if err := t.check("open", name); err != nil {
		return nil, err
	}
	return t.base.Open(name)
}
