package simulate

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// sight is what a RUN step sees: its file system, and over it what is mounted.
type sight struct{ x *effector }

// at gives the tree that a path lies in, with its path there; ok is false if nothing is known of it.
func (s sight) at(p string) (seen steps.Seen, in string, ok bool) {
	m := s.x.mounted(p)
	switch {
	case m == nil:
		return steps.Seen{Files: steps.Files{Tree: s.x.tree}}, p, true
	case m.Kind != dockerfile.MountBind || m.Input < 0:
		return seen, "", false
	}
	tree := s.x.inputs(m.Input)
	if tree == nil {
		return seen, "", false
	}
	return steps.Seen{Files: steps.Files{Tree: tree}}, path.Join("/", m.Selector, strings.TrimPrefix(p, path.Clean(m.Dest))), true
}

// Stat implements [steps.Sight].
func (s sight) Stat(p string) shell.FileKind {
	seen, in, ok := s.at(p)
	switch {
	case !ok:
		return shell.Unknown
	case in == p && len(s.below(p)) > 0:
		return shell.Directory
	}
	return seen.Stat(in)
}

// Read implements [steps.Sight].
func (s sight) Read(p string) ([]byte, error) {
	if seen, in, ok := s.at(p); ok {
		return seen.Read(in)
	}
	return nil, fs.ErrInvalid
}

// Content implements [steps.Sight].
func (s sight) Content(p string) ([]byte, error) {
	if seen, in, ok := s.at(p); ok {
		data, err := seen.Content(in)
		if err != nil && seen.Tree == s.x.tree && s.x.settled(in) {
			return seen.Read(in)
		}
		return data, err
	}
	return nil, fs.ErrInvalid
}

// List implements [steps.Sight]. What is mounted somewhere below a directory is in it, whether or not the file system has that place.
func (s sight) List(dir string) ([]fs.DirEntry, error) {
	seen, in, ok := s.at(dir)
	if !ok {
		return nil, fs.ErrInvalid
	}
	entries, err := seen.List(in)
	mounts := s.below(dir)
	if more := (*shell.Partial)(nil); len(mounts) == 0 || err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &more) {
		return entries, err
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, m := range mounts {
		name, rest, deeper := strings.Cut(strings.TrimPrefix(m, strings.TrimSuffix(dir, "/")+"/"), "/")
		entry := fs.DirEntry(place{name, fs.ModeDir | 0o755})
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
		switch kind := s.Stat(m); {
		case deeper && rest != "" && i >= 0:
			continue
		case deeper || kind == shell.Directory:
		case kind != shell.Regular:
			return nil, fs.ErrInvalid
		default:
			entry = place{name, s.mode(m)}
		}
		if i >= 0 {
			entries = slices.Delete(slices.Clone(entries), i, i+1)
		}
		entries = append(slices.Clip(entries), entry)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// mode gives the mode of a file that is mounted.
func (s sight) mode(p string) fs.FileMode {
	seen, in, _ := s.at(p)
	entries, _ := seen.List(path.Dir(in))
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && e.Name() == path.Base(in) {
			return fi.Mode()
		}
	}
	return 0o777 // nothing that could be said of it
}

// place is an entry of a directory that comes from a mount.
type place struct {
	name string
	mode fs.FileMode
}

func (p place) Name() string               { return p.name }
func (p place) IsDir() bool                { return p.mode.IsDir() }
func (p place) Type() fs.FileMode          { return p.mode.Type() }
func (p place) Info() (fs.FileInfo, error) { return p, nil }
func (p place) Size() int64                { return 0 }
func (p place) Mode() fs.FileMode          { return p.mode }
func (p place) ModTime() time.Time         { return time.Time{} }
func (p place) Sys() any                   { return nil }

// Seen gives the tree that a path lies in as a RUN step sees it, what is mounted included, with its path there; ok is false if nothing
// is known of it.
func (m *Image) Seen(op *dockerfile.Op, p string) (tree *rootfs.Tree, in string, ok bool) {
	s, is := m.Sight(op).(sight)
	if !is {
		return nil, "", false
	}
	seen, in, ok := s.at(p)
	return seen.Tree, in, ok
}

// below gives the mounts below a directory of the root file system.
func (s sight) below(dir string) (out []string) {
	for _, m := range s.x.op.Exec.Mounts {
		if m.Dest != dockerfile.RootMount && Within(path.Clean(m.Dest), dir) {
			out = append(out, path.Clean(m.Dest))
		}
	}
	return out
}
