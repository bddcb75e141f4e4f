package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Counterpart gives the entry of a context that would lie at a path of the image where nothing lies, by what the image
// has around it: the nearest directory that came from the context leads to it, or one into which entries of the context
// were copied under their own names. It is "" if there is no such entry.
func (m *Image) Counterpart(c *Context, p string) string {
	return m.counterpart(c, m.Tree, p)
}

// counterpart is [Image.Counterpart] in a tree of the build.
func (m *Image) counterpart(c *Context, t *rootfs.Tree, p string) string {
	rest := ""
	for dir := path.Clean("/" + p); dir != "/"; {
		rest = path.Join(path.Base(dir), rest)
		dir = path.Dir(dir)
		n, err := t.Lstat(dir)
		if err != nil || !n.IsDir() {
			continue
		}
		for _, from := range m.sourcesOf(c, n) {
			if at := path.Join(from, rest); exists(c, at) {
				return at
			}
		}
	}
	return ""
}

// Meant gives the context and the path in it that a copy of a whole directory would have brought to a path of the image, if the context had
// it; nil if there is none.
func (m *Image) Meant(p string) (*Context, string) { return m.meant(m.Plan.Result, p) }

// meant gives the local source and the path in it that a copy of a whole directory would have brought to a path of a file
// system, if the source had it; the last such copy counts. The context is nil if there is none.
func (m *Image) meant(at dockerfile.OutputRef, p string) (*Context, string) {
	for ok := true; ok && at.Op >= 0; {
		op := m.Plan.Ops[at.Op]
		for _, a := range slices.Backward(op.File) {
			cp, isCopy := a.Change.(dockerfile.Copy)
			from, given := op.Source(a)
			if !isCopy || !given || !cp.ContentsOnly || m.Sources[from.Op] == nil || !Within(p, path.Clean(cp.Dest)) {
				continue
			}
			c := m.Sources[from.Op].Context
			dir := path.Join(".", cp.Src)
			if fi, err := c.FS.Lstat(dir); err == nil && fi.IsDir() {
				return c, path.Join(dir, strings.TrimPrefix(p, path.Clean(cp.Dest)))
			}
		}
		at, ok = op.Parent()
	}
	return nil, ""
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
