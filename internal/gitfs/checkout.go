package gitfs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Checkout is what a clean checkout of a repository would hold: of the working tree the files that git tracks, as they are
// now. What is only here is not in it; a submodule has what its own repository tracks.
type Checkout struct {
	root  string
	names map[string]bool // tracked files, and the directories above them
}

// NewCheckout reads which files the repository of dir tracks.
func NewCheckout(ctx context.Context, dir string) (*Checkout, error) {
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("%s is in no git repository: %w", dir, err)
	}
	c := &Checkout{names: map[string]bool{".": true}}
	if c.root, err = filepath.EvalSymlinks(strings.TrimSuffix(string(top), "\n")); err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	list, err := git(ctx, c.root, "ls-files", "-z", "--cached", "--recurse-submodules")
	if err != nil {
		return nil, fmt.Errorf("listing the files that git tracks: %w", err)
	}
	for name := range bytes.SplitSeq(list, []byte{0}) {
		if len(name) == 0 {
			continue
		}
		for p := string(name); !c.names[p]; p = path.Dir(p) {
			c.names[p] = true
		}
	}
	return c, nil
}

// has reports whether a path of the repository is in a checkout. Git's own directory is.
func (c *Checkout) has(name string) bool {
	return c.names[name] || name == ".git" || strings.HasPrefix(name, ".git/")
}

// Directory opens a directory of the repository as a clean checkout would have it. One outside is an error.
func (c *Checkout) Directory(dir string) (dockerctx.FS, error) {
	name, err := within(c.root, dir)
	if err != nil {
		return nil, fmt.Errorf("%w: a checkout does not have it", err)
	}
	if !c.has(name) {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	base, err := dockerctx.DirFS(dir)
	if err != nil {
		return nil, err
	}
	return &tracked{base, c, name}, nil
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
	return slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return !t.c.has(path.Join(t.root, name, e.Name())) }), err
}

// Lstat implements dockerctx.FS.
func (t *tracked) Lstat(name string) (fs.FileInfo, error) {
	if err := t.check("lstat", name); err != nil {
		return nil, err
	}
	return t.base.Lstat(name)
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
