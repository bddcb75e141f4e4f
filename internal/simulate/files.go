package simulate

import "github.com/ctxaudit/ctxaudit/internal/rootfs"

// File is what an image has at a path, as far as two images are compared.
type File struct {
	Kind rootfs.Kind
	Size int64 // bytes
	Link string
	// Context is the path in the main context that it comes from, "" if it does not.
	Context string
}

// Files gives what an image has that is no directory, by path. What is only known to exist is left out.
func (m *Image) Files() (map[string]File, error) {
	out := map[string]File{}
	err := m.Tree.Scan(func(p string, n *rootfs.Node) error {
		if f := m.file(n); f != nil {
			out[p] = *f
		}
		return nil
	})
	return out, err
}

// file gives what is compared of an entry; nil for none, a directory, and what is only known to exist.
func (m *Image) file(n *rootfs.Node) *File {
	if n == nil || n.IsDir() || n.Kind == rootfs.KindUnknown {
		return nil
	}
	f := &File{Kind: n.Kind, Size: n.Size, Link: n.Link}
	f.Context, _ = m.Origin(n)
	return f
}
