package simulate

import (
	"fmt"
	"io"
	"path"
	"reflect"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// contextTree gives the transferred part of a build context as a file tree. Owners of context files are 0:0 in the
// builder (BuildKit's clients reset them before they send).
func contextTree(s *Source, op int) *rootfs.Tree {
	a := rootfs.Attr{Kind: rootfs.KindDir, Perm: 0o755, Op: int32(op), Origin: "."}
	return rootfs.NewFrom(rootfs.NewLazyDir(a, contextDir{s, ".", int32(op)}))
}

// contextDir loads a directory of a build context.
type contextDir struct {
	source *Source
	path   string
	op     int32
}

func (d contextDir) Load() ([]rootfs.Child, error) {
	entries, err := d.source.Tree.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	out := make([]rootfs.Child, len(entries))
	for i, e := range entries {
		if err := sendable(e); err != nil {
			return nil, err
		}
		a := rootfs.Attr{
			Kind: rootfs.KindOf(e.Mode), Perm: rootfs.PermOf(e.Mode), Op: d.op, Origin: e.Path,
		}
		switch a.Kind {
		case rootfs.KindDir:
			out[i] = rootfs.Child{Name: e.Name, Node: rootfs.NewLazyDir(a, contextDir{d.source, e.Path, d.op})}
			continue
		case rootfs.KindSymlink:
			a.Perm, a.Link = 0o777, e.Link
		case rootfs.KindFile:
			if e.Truncated {
				a.Content = inlineContent(nil)
			} else {
				a.Size, a.Content = e.Size, contextFile{d.source, e.Path}
			}
		}
		out[i] = rootfs.Child{Name: e.Name, Node: rootfs.NewNode(a)}
	}
	return out, nil
}

// NameError is an entry of a build context that BuildKit cannot send.
type NameError struct{ Path string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%q: BuildKit cannot send a name that is not UTF-8", e.Path)
}

// sendable tells whether an entry can be sent: paths travel as protobuf strings (fsutil/types.Stat), which must be
// UTF-8, or the transfer breaks off.
func sendable(e dockerctx.Entry) error {
	if !utf8.ValidString(e.Path) || !utf8.ValidString(e.Link) {
		return &NameError{e.Path}
	}
	return nil
}

// contextFile opens a file of a build context.
type contextFile struct {
	source *Source
	path   string
}

func (f contextFile) Open() (io.ReadCloser, error) { return f.source.Tree.Open(f.path) }

// Key tells the file from others without reading it: those of one key have the same bytes.
func (f contextFile) Key() any { return FileKey(f.source.Context.FS, f.path) }

// FileKey tells a file of a directory from others, also where files of other directories are laid over it. It is nil where the
// directory cannot be told from others.
func FileKey(fsys dockerctx.FS, name string) any {
	under := dockerctx.Behind(fsys, name)
	if !reflect.TypeOf(under).Comparable() {
		return nil
	}
	return fileKey{under, name}
}

type fileKey struct {
	fs   dockerctx.FS
	path string
}

// remoteTree is what a git repository or a URL gives: a file of a known name, or anything.
func remoteTree(op *dockerfile.Op) *State {
	t := rootfs.New()
	if name := op.Remote.Filename; name != "" {
		n := rootfs.NewNode(rootfs.Attr{Kind: rootfs.KindFile, Perm: 0o600, Op: int32(op.ID), Origin: op.Remote.URL})
		_ = t.Put("/"+path.Base(name), n)
	} else {
		_ = t.SetAttr("/", func(a *rootfs.Attr) { a.May = rootfs.MayBe(int32(op.ID)) })
	}
	return opaqueState(t, op.ID)
}

// opaqueState is the file system of which one operation knows more than is known here.
func opaqueState(t *rootfs.Tree, op int) *State {
	s := &State{Tree: t}
	s.opaque.add(op)
	return s
}
