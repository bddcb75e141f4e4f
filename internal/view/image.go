package view

import (
	"maps"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// Image shows a predicted file system to those who follow what runs in it.
type Image struct{ steps.Files }

// image is what [Build.Entry] asks for, also of trees that show a part of an image.
func (t Image) image() Image { return t }

// Entries implements Tree.
func (t Image) Entries(dir string) map[string]EntryKind {
	n, at, err := t.Tree.Stat(dir)
	if err != nil || !n.IsDir() {
		return nil
	}
	note, err := n.Note(func(children []rootfs.Child) any { return kindsOf(children) })
	if err != nil {
		return nil
	}
	kinds := note.(kinds)
	if len(kinds.links) == 0 {
		return kinds.known
	}
	out := maps.Clone(kinds.known)
	for _, name := range kinds.links {
		if target, _, err := t.Tree.Stat(path.Join(at, name)); err == nil {
			addKind(out, name, target.Kind)
		}
	}
	return out
}

// Names gives the names that a directory holds, sorted.
func (t Image) Names(dir string) []string { return slices.Sorted(maps.Keys(t.Entries(dir))) }

// kinds are the entries of a directory, the links apart: what they lead to depends on the tree around.
type kinds struct {
	known map[string]EntryKind
	links []string
}

func kindsOf(children []rootfs.Child) kinds {
	out := kinds{known: make(map[string]EntryKind, len(children))}
	for _, c := range children {
		if c.Node.Kind == rootfs.KindSymlink {
			out.links = append(out.links, c.Name)
		} else {
			addKind(out.known, c.Name, c.Node.Kind)
		}
	}
	return out
}

func addKind(to map[string]EntryKind, name string, kind rootfs.Kind) {
	switch kind {
	case rootfs.KindFile:
		to[name] = RegularFile
	case rootfs.KindDir:
		to[name] = Directory
	case rootfs.KindUnknown:
		to[name] = Opaque
	}
}

// Key implements Tree.
func (t Image) Key(p string) any {
	n, _, err := t.Tree.Stat(p)
	if err != nil {
		return nil
	}
	k, ok := n.Content.(interface{ Key() any })
	if !ok {
		return nil
	}
	return k.Key()
}

// MayHold implements Tree.
func (t Image) MayHold(p string) bool { return t.Tree.MayHold(p) }
