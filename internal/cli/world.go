package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/gitfs"
	"github.com/ctxaudit/ctxaudit/internal/project"
)

// world is a state of the files that a command looks at: the disk, or a revision of the repository.
type world struct {
	// open opens directories; nil is the disk.
	open func(dir string) (dockerctx.FS, error)
	// tracked and ignored are what git knows, see audit.Subject.
	tracked func(contextDir, dir string) (files []string, ok bool, err error)
	ignored func(contextDir string, paths []string) map[string]bool
}

var disk = world{tracked: project.Tracked, ignored: project.Ignored}

// at gives the state at a revision: all that is there is tracked, and nothing is ignored.
func at(r *gitfs.Revision) world {
	return world{
		open: r.Directory, tracked: r.Tracked,
		ignored: func(string, []string) map[string]bool { return nil },
	}
}

func (w world) directory(dir string) (dockerctx.FS, error) {
	if w.open == nil {
		return dockerctx.DirFS(dir)
	}
	return w.open(dir)
}

func (w world) exists(name string) bool {
	if w.open == nil {
		_, err := os.Stat(name)
		return err == nil
	}
	dir, err := w.open(filepath.Dir(name))
	if err != nil {
		return false
	}
	_, err = dir.Lstat(filepath.Base(name))
	return err == nil
}

func (w world) readFile(name string) ([]byte, error) {
	if w.open == nil {
		return os.ReadFile(name)
	}
	dir, err := w.open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	return dockerctx.ReadFile(dir, filepath.Base(name), dockerfile.MaxSize)
}

// checkContext finds a context that cannot be one before anything else is said about it.
func (w world) checkContext(dir string) error {
	if isRemote(dir) {
		return nil
	}
	if w.open != nil {
		_, err := w.open(dir)
		return err
	}
	fi, err := os.Stat(dir)
	switch {
	case os.IsNotExist(err):
		return fmt.Errorf("build context %s does not exist", dir)
	case err != nil:
		return fmt.Errorf("opening build context: %w", err)
	case !fi.IsDir():
		return fmt.Errorf("build context %s is not a directory; to name the Dockerfile, use -f %s %s", dir, dir, filepath.Dir(dir))
	}
	return nil
}
