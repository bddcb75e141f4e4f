package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// State is a state of the files that a command looks at: the disk, or a revision of the repository.
type State struct {
	// Open opens directories; nil is the disk.
	Open func(dir string) (dockerctx.FS, error)
	// Tracked and Ignored are what git knows, see audit.Subject.
	Tracked func(contextDir, dir string) (files []string, ok bool, err error)
	Ignored func(contextDir string, paths []string) map[string]bool
	// Clean is what git knows about a clean checkout; nil if this is one.
	Clean audit.Clean
}

// Disk is what lies on the disk now.
var Disk = State{Tracked: Tracked, Ignored: Ignored, Clean: Clean{Search: "auto"}}

// Directory opens a directory.
func (s State) Directory(dir string) (dockerctx.FS, error) {
	if s.Open == nil {
		return dockerctx.DirFS(dir)
	}
	return s.Open(dir)
}

// Exists reports whether there is a file or a directory of that name. A pipe is neither: whoever reads it may wait for ever.
func (s State) Exists(name string) bool {
	if s.Open == nil {
		fi, err := os.Stat(name)
		return err == nil && (fi.Mode().IsRegular() || fi.IsDir())
	}
	dir, err := s.Open(filepath.Dir(name))
	if err != nil {
		return false
	}
	fi, err := dir.Lstat(filepath.Base(name))
	return err == nil && (fi.Mode().IsRegular() || fi.IsDir() || fi.Mode()&fs.ModeSymlink != 0)
}

// ReadFile reads a file that is no larger than BuildKit reads a Dockerfile.
func (s State) ReadFile(name string) ([]byte, error) {
	if s.Open == nil {
		return os.ReadFile(name)
	}
	dir, err := s.Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	return dockerctx.ReadFile(dir, filepath.Base(name), dockerfile.MaxSize)
}

// CheckContext finds a context that cannot be one before anything else is said about it.
func (s State) CheckContext(dir string) error {
	if IsRemote(dir) {
		return nil
	}
	if s.Open != nil {
		_, err := s.Open(dir)
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

// readConfig reads a file that is no larger than that.
func readConfig(name string) ([]byte, error) {
	if fi, err := os.Stat(name); err == nil && !fi.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, underlying(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, underlying(err)
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("larger than %d bytes", maxConfig)
	}
	return data, nil
}

// underlying leaves out the path, which is one of this machine.
func underlying(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// onDisk gives a directory of the disk in which files of a directory, and those that they may refer to, can be read: itself,
// or a copy of them if this is another state. done removes the copy.
func (s State) onDisk(root string, files []string) (dir string, done func(), err error) {
	if s.Open == nil {
		return root, func() {}, nil
	}
	fsys, err := s.Open(root)
	if err != nil {
		return "", nil, err
	}
	referred, err := Files(fsys, nil, func(name string) bool {
		base := path.Base(name)
		return slices.Contains([]string{".yaml", ".yml", ".json", ".hcl", ".env"}, path.Ext(base)) || strings.HasPrefix(base, ".env")
	})
	if err != nil {
		return "", nil, err
	}
	all := append(slices.Clone(files), referred[:min(len(referred), maxConfigs)]...)
	if dir, err = os.MkdirTemp("", "ctxaudit-"); err != nil {
		return "", nil, fmt.Errorf("copying the files that describe builds: %w", err)
	}
	done = func() { os.RemoveAll(dir) }
	for _, name := range all {
		data, err := dockerctx.ReadFile(fsys, name, maxConfig)
		if err != nil {
			continue // too large, or gone: whoever needs it says so
		}
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err = os.MkdirAll(filepath.Dir(full), 0o755); err == nil {
			err = os.WriteFile(full, data, 0o644)
		}
		if err != nil {
			done()
			return "", nil, fmt.Errorf("copying the files that describe builds: %w", err)
		}
	}
	return dir, done, nil
}

// Subject gives an image of this state.
func (s State) Subject(name string, opt dockerfile.Options, p *policy.Image) audit.Subject {
	opt.Open = s.Open
	return audit.Subject{Name: name, Options: opt, Policy: p, Tracked: s.Tracked, GitIgnored: s.Ignored, Clean: s.Clean}
}
