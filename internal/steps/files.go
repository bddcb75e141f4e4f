package steps

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// maxFile bounds what is read of one file, in bytes.
const maxFile = 16 << 20

// Files shows a predicted file system to a script: it implements [shell.Files].
type Files struct{ Tree *rootfs.Tree }

// Stat says what is known of a path.
func (f Files) Stat(p string) shell.FileKind {
	n, at, err := f.Tree.Stat(p)
	switch {
	case err == nil && n.Kind == rootfs.KindFile:
		return shell.Regular
	case err == nil && n.IsDir():
		return shell.Directory
	case err == nil && n.Kind == rootfs.KindUnknown, err != nil && f.Tree.MayHold(at) && !f.onlyBelow(at):
		return shell.Unknown
	default:
		return shell.Absent
	}
}

// onlyBelow reports whether what may be at a path would be a directory, with something in it, that has the name of a file: nobody's home is
// called package.json.
func (f Files) onlyBelow(p string) bool {
	base := path.Base(p)
	return path.Ext(base) != "" && !strings.HasPrefix(base, ".") && !slices.ContainsFunc(f.Tree.HeldBy(p).All(), func(m rootfs.May) bool { return m.Below == "" })
}

// Seen is [Files] as a step sees them that was not run: what an earlier one may have taken away is not known to be there.
type Seen struct{ Files }

// Stat says what is known of a path.
func (f Seen) Stat(p string) shell.FileKind {
	if Unsure(f.Tree, p) || p == "/etc/hosts" || p == "/etc/resolv.conf" {
		return shell.Unknown
	}
	kind := f.Files.Stat(p)
	if kind == shell.Absent && (strings.HasPrefix(p, "/dev/") || strings.HasPrefix(p, "/proc/") || strings.HasPrefix(p, "/sys/")) {
		return shell.Unknown // a container has its own
	}
	return kind
}

// errUnknown says that more may be there than is known.
var errUnknown = errors.New("not all of it is known")

// List gives what a directory holds, if that is known: it implements [shell.Lister].
func (f Seen) List(dir string) ([]fs.DirEntry, error) {
	n, at, err := f.Tree.Stat(dir)
	switch {
	case Unsure(f.Tree, dir):
		return nil, errUnknown
	case err != nil:
		if f.Tree.CouldHold(at) {
			return nil, errUnknown
		}
		if at, err := f.Tree.ResolveParent(dir); err == nil && f.Tree.Exists(at) {
			return nil, syscall.ENOTDIR // a link to what is not there has a name all the same
		}
		return nil, fs.ErrNotExist
	case !n.IsDir() && n.Kind != rootfs.KindUnknown:
		return nil, syscall.ENOTDIR
	case !n.IsDir():
		return nil, errUnknown
	}
	more := &shell.Partial{}
	for _, m := range f.Tree.HeldBy(at).All() {
		name, _, _ := strings.Cut(strings.TrimPrefix(m.Below, "**/"), "/")
		if name == "" || name == "**" {
			return nil, errUnknown
		}
		more.Names = append(more.Names, name)
	}
	return entries(n, more, func(c *rootfs.Node) bool { return !c.Unsure })
}

// Known gives what is known to lie in a directory, whatever else steps may have made or removed there.
func (f Files) Known(dir string) ([]fs.DirEntry, error) {
	n, _, err := f.Tree.Stat(dir)
	if err != nil || !n.IsDir() {
		return nil, errUnknown
	}
	return entries(n, &shell.Partial{}, func(*rootfs.Node) bool { return true })
}

// entries gives the entries of a directory that are known, beside what more may be there.
func entries(n *rootfs.Node, more *shell.Partial, sure func(*rootfs.Node) bool) ([]fs.DirEntry, error) {
	children, err := n.Children()
	if err != nil {
		return nil, err
	}
	out := make([]fs.DirEntry, 0, len(children))
	for _, c := range children {
		if !sure(c.Node) || c.Node.Kind == rootfs.KindUnknown {
			more.Names = append(more.Names, c.Name)
			continue
		}
		out = append(out, fs.FileInfoToDirEntry(info{c.Name, c.Node}))
	}
	if len(more.Names) > 0 {
		return out, more
	}
	return out, nil
}

// Content gives what a file surely holds: it implements [shell.Lister].
func (f Seen) Content(file string) ([]byte, error) {
	n, at, err := f.Tree.Stat(file)
	if err != nil || Unsure(f.Tree, file) || n.Kind != rootfs.KindFile {
		return nil, errUnknown
	}
	if slices.ContainsFunc(f.Tree.HeldBy(at).All(), func(m rootfs.May) bool { return m.Below == "" }) { // nothing lies below a file
		return nil, errUnknown
	}
	return ReadAll(n.Open())
}

// info is an entry as package fs has it: a name and a type.
type info struct {
	name string
	node *rootfs.Node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.node.Size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.node.IsDir() }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	m := rootfs.FileMode(i.node.Perm)
	switch i.node.Kind {
	case rootfs.KindDir:
		m |= fs.ModeDir
	case rootfs.KindSymlink:
		m |= fs.ModeSymlink
	}
	return m
}

// Unsure reports whether a step may have changed or removed what was at a path, or a directory on the way to it.
func Unsure(t *rootfs.Tree, p string) bool {
	at, err := t.Resolve(p)
	if err != nil {
		return false
	}
	for _, p := range []string{p, at} { // a link on the way, and what it leads to
		for ; p != "/" && p != "."; p = path.Dir(p) {
			if n, err := t.Lstat(p); err == nil && n.Unsure {
				return true
			}
		}
	}
	return false
}

// Read gives the content of a file. It is an error if nothing is known of it.
func (f Files) Read(p string) ([]byte, error) {
	n, _, err := f.Tree.Stat(p)
	if err != nil {
		return nil, err
	}
	return ReadAll(n.Open())
}

// ReadAll reads what was opened to its end, up to a bound.
func ReadAll(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	}
	return data, err
}
