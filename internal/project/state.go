package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/gitfs"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// State is a state of the files that a command looks at: the disk, a clean checkout, or a revision of the repository.
type State struct {
	world *World
	// Open opens directories of the world.
	Open func(dir string) (dockerctx.FS, error)
	// Tracked and Ignored are what git knows, see audit.Subject.
	Tracked func(contextDir, dir string) (files []string, ok bool, err error)
	Ignored func(contextDir string, paths []string) map[string]bool
	// Clean is what git knows about a clean checkout; nil if this is one.
	Clean audit.Clean
}

// Disk is what lies on the disk now. untracked says whether untracked files are looked for, see [Clean].
func (w *World) Disk(untracked string) State {
	return State{world: w, Open: w.Snapshot, Tracked: w.Tracked, Ignored: w.Ignored, Clean: newClean(w, untracked)}
}

// Revision is the state at a revision: all that is there is tracked, and nothing is ignored.
func (w *World) Revision(r *gitfs.Revision) State {
	return State{world: w, Open: r.Directory, Tracked: r.Tracked, Ignored: nothingIgnored}
}

// Checkout is what a clean checkout of the repository would have of the disk.
func (w *World) Checkout(ctx context.Context, dir string) (State, error) {
	repo, err := w.Repository(dir)
	if err != nil {
		return State{}, err
	}
	c, err := gitfs.NewCheckout(ctx, repo, w.Directory)
	if err != nil {
		return State{}, err
	}
	return State{world: w, Open: c.Directory, Tracked: c.Tracked, Ignored: nothingIgnored}, nil
}

func nothingIgnored(string, []string) map[string]bool { return nil }

// Directory opens a directory.
func (s State) Directory(dir string) (dockerctx.FS, error) { return s.Open(dir) }

// onDisk reports whether the state is what lies on the disk.
func (s State) onDisk() bool { return s.Clean != nil }

// Exists reports whether there is a file or a directory of that name. A pipe is neither: whoever reads it may wait for ever.
func (s State) Exists(name string) bool {
	var fi fs.FileInfo
	var err error
	if s.onDisk() {
		fi, err = s.world.Stat(name)
	} else {
		var dir dockerctx.FS
		if dir, err = s.Open(filepath.Dir(name)); err == nil {
			fi, err = dir.Lstat(filepath.Base(name))
		}
	}
	return err == nil && (fi.Mode().IsRegular() || fi.IsDir() || fi.Mode()&fs.ModeSymlink != 0)
}

// Has reports whether a directory has an entry of a name, whatever that is: a link that leads nowhere, or out, is one, too.
func (s State) Has(dir, name string) bool {
	fsys, err := s.Open(dir)
	if err != nil {
		return false
	}
	_, err = fsys.Lstat(name)
	return err == nil
}

// ReadFile reads a regular file that is no larger than BuildKit reads a Dockerfile.
func (s State) ReadFile(name string) ([]byte, error) { return s.read(name, dockerfile.MaxSize) }

func (s State) read(name string, limit int64) ([]byte, error) {
	if s.onDisk() {
		return s.world.Read(name, limit)
	}
	dir, err := s.Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	data, err := dockerctx.ReadFile(dir, filepath.Base(name), limit+1)
	if err == nil && int64(len(data)) > limit {
		err = &files.TooLargeError{Limit: limit}
	}
	return data, err
}

// CheckContext finds a context that cannot be one before anything else is said about it.
func (s State) CheckContext(dir string) error {
	if IsRemote(dir) {
		return nil
	}
	_, err := s.Open(dir)
	if !s.onDisk() || err == nil {
		return err
	}
	var outside *OutsideError
	switch {
	case errors.As(err, &outside):
		return fmt.Errorf("build context %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return &noContextError{dir}
	}
	if fi, statErr := s.world.Stat(dir); statErr == nil && !fi.IsDir() {
		return fmt.Errorf("build context %s is not a directory; to name the Dockerfile, use -f %s %s", dir, dir, filepath.Dir(dir))
	}
	return fmt.Errorf("opening build context: %w", err)
}

// noContextError says that a build context does not exist.
type noContextError struct{ dir string }

func (e *noContextError) Error() string { return fmt.Sprintf("build context %s does not exist", e.dir) }
func (e *noContextError) Unwrap() error { return fs.ErrNotExist }

// IsRemote reports whether a context is a git or HTTP URL, as docker build takes them.
func IsRemote(context string) bool {
	for _, prefix := range []string{"http://", "https://", "git://", "ssh://", "git@", "github.com/"} {
		if strings.HasPrefix(context, prefix) {
			return true
		}
	}
	return false
}

// maxConfig is how large a file may be that is read for what it says of builds, and maxConfigs how many there may be.
const (
	maxConfig  = 1 << 20
	maxConfigs = 5000
)

// underlying leaves out the path, which is one of this machine.
func underlying(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// Subject gives an image of this state.
func (s State) Subject(name string, opt dockerfile.Options, p *policy.Image) audit.Subject {
	opt.Open, opt.Images = s.Open, s.world.Images
	subject := audit.Subject{Name: name, Options: opt, Policy: p, Tracked: s.Tracked, GitIgnored: s.Ignored, GitMatched: s.world.Matched, Clean: s.Clean, Facts: s.world.facts}
	if s.onDisk() {
		subject.GitProgram = s.world.Program
	}
	return subject
}
