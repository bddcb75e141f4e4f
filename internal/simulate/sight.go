package simulate

import (
	"io/fs"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
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
		return seen.Content(in)
	}
	return nil, fs.ErrInvalid
}

// List implements [steps.Sight]. Where something is mounted below a directory, not all of it is told.
func (s sight) List(dir string) ([]fs.DirEntry, error) {
	seen, in, ok := s.at(dir)
	if !ok || len(s.below(dir)) > 0 {
		return nil, fs.ErrInvalid
	}
	return seen.List(in)
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
