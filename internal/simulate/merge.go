package simulate

import (
	"errors"
	"io/fs"
	"path"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// merge lays the inputs over each other, the last on top (snapshot/merge.go): directories take the metadata of the
// upper one, anything else that meets is replaced, a directory by a file as well as a file by a directory.
func (m *Image) merge(op *dockerfile.Op) (*State, error) {
	var out *State
	for _, ref := range op.Inputs {
		s := m.state(ref)
		switch {
		case s == nil:
		case out == nil:
			out = s.fork()
		default:
			if err := overlay(out.Tree, "/", s.Tree.Root()); err != nil {
				return nil, err
			}
			out.opaque.join(s.opaque)
		}
	}
	if out == nil {
		out = &State{Tree: rootfs.New()}
	}
	return out, nil
}

// overlay lays the entries of a directory over those at a path.
func overlay(t *rootfs.Tree, at string, upper *rootfs.Node) error {
	children, err := upper.Children()
	if err != nil {
		return err
	}
	for _, c := range children {
		p := path.Join(at, c.Name)
		lower, err := t.Lstat(p)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil || !lower.IsDir() || !c.Node.IsDir() {
			if err := t.Put(p, c.Node); err != nil {
				return err
			}
			continue
		}
		err = t.SetAttr(p, func(a *rootfs.Attr) {
			may := a.May
			*a = c.Node.Attr
			a.May = a.May.Join(may)
		})
		if err != nil {
			return err
		}
		if err := overlay(t, p, c.Node); err != nil {
			return err
		}
	}
	return nil
}

// diff gives what the second input changes of the first. The front end makes no such operation today; entries that
// both share are left out, removals cannot be shown in a tree.
func (m *Image) diff(op *dockerfile.Op) (*State, error) {
	lower, upper := m.state(op.Inputs[0]), m.state(op.Inputs[1])
	if upper == nil {
		return &State{Tree: rootfs.New()}, nil
	}
	if lower == nil {
		return upper, nil
	}
	out := upper.fork()
	return out, subtract(out.Tree, "", lower.Tree.Root(), upper.Tree.Root())
}

func subtract(t *rootfs.Tree, at string, lower, upper *rootfs.Node) error {
	if lower == upper {
		return nil
	}
	children, err := upper.Children()
	if err != nil {
		return err
	}
	for _, c := range children {
		l, err := lower.Child(c.Name)
		if err != nil {
			return err
		}
		p := at + "/" + c.Name
		switch {
		case l == c.Node:
			err = t.Remove(p)
		case l != nil && l.IsDir() && c.Node.IsDir():
			err = subtract(t, p, l, c.Node)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
