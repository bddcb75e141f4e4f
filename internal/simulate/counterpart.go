package simulate

import (
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Counterpart gives the entry of a context that would lie at a path of the image where nothing lies, by what the image
// has around it: the nearest directory that came from the context leads to it, or one into which entries of the context
// were copied under their own names. It is "" if there is no such entry.
func (m *Image) Counterpart(c *Context, p string) string {
	rest := ""
	for dir := path.Clean("/" + p); dir != "/"; {
		rest = path.Join(path.Base(dir), rest)
		dir = path.Dir(dir)
		n, err := m.Tree.Lstat(dir)
		if err != nil || !n.IsDir() {
			continue
		}
		for _, from := range m.sourcesOf(c, n) {
			at := path.Join(from, rest)
			if _, err := c.FS.Lstat(at); err == nil {
				return at
			}
		}
	}
	return ""
}

// sourcesOf gives the directories of a context from which a directory of the image, or what lies in it, was copied.
func (m *Image) sourcesOf(c *Context, dir *rootfs.Node) []string {
	l := &locator{image: m, context: c.Name}
	var out []string
	add := func(from string) {
		if !slices.Contains(out, from) {
			out = append(out, from)
		}
	}
	if from, ok := l.origin(dir); ok {
		add(from)
	}
	children, err := dir.Children()
	if err != nil {
		return out
	}
	for _, child := range children {
		if from, ok := l.origin(child.Node); ok && path.Base(from) == child.Name {
			add(path.Dir(from))
		}
	}
	return out
}
