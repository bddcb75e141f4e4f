package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"syscall"

	mode "github.com/tonistiigi/dchapes-mode"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// applyAction executes one action of a file operation on a state (solver/llbsolver/file/backend.go).
func applyAction(op *dockerfile.Op, a dockerfile.FileAction, s *State, get func(int) *State, dest *destinations, cost *cost, twins *twins) error {
	treeOf := func(i int) *rootfs.Tree {
		if in := get(i); in != nil {
			return in.Tree
		}
		return nil
	}
	t, id := s.Tree, int32(op.ID)
	switch act := a.Change.(type) {
	case dockerfile.Mkdir:
		owner, err := resolveOwner(act.Owner, treeOf)
		if err != nil {
			return err
		}
		return applyMkdir(t, act, owner, id)
	case dockerfile.Mkfile:
		owner, err := resolveOwner(act.Owner, treeOf)
		if err != nil {
			return err
		}
		return applyMkfile(t, act, owner, id)
	case dockerfile.Symlink:
		owner, err := resolveOwner(act.Owner, treeOf)
		if err != nil {
			return err
		}
		return applySymlink(t, act, owner, id)
	case dockerfile.Remove:
		return applyRemove(t, act)
	case dockerfile.Copy:
		return applyCopy(op, a, act, s, get, treeOf, dest, cost, twins)
	default:
		return fmt.Errorf("file action %T is not supported", a.Change)
	}
}

func applyCopy(op *dockerfile.Op, a dockerfile.FileAction, cp dockerfile.Copy, s *State, get func(int) *State, treeOf func(int) *rootfs.Tree, dest *destinations, cost *cost, twins *twins) error {
	id := int32(op.ID)
	owner, err := resolveOwner(cp.Owner, treeOf)
	if err != nil {
		return err
	}
	x := &attrs{op: id, owner: owner, at: op.Location, cost: cost, twins: twins}
	switch {
	case cp.ModeText != "":
		set, err := mode.ParseWithUmask(cp.ModeText, 0)
		if err != nil {
			return err
		}
		x.set = &set
	case cp.Perm != -1:
		perm := uint16(cp.Perm & 0o7777)
		x.perm = &perm
	}
	src := get(a.Source)
	if src == nil {
		src = &State{Tree: rootfs.New()}
	}
	c := &copier{src: src.Tree, dst: s.Tree, action: cp, attrs: x}
	c.isDir = func(p string) bool { return dest.isDir(s, id, p) }
	if c.include, err = newMatcher("include", cp.Include); err != nil {
		return err
	}
	if c.exclude, err = newMatcher("exclude", cp.Exclude); err != nil {
		return err
	}
	if err := c.run(); err != nil {
		return err
	}
	s.opaque.join(src.opaque)
	return nil
}

func applyMkdir(t *rootfs.Tree, m dockerfile.Mkdir, owner *rootfs.Owner, op int32) error {
	p, err := t.Resolve(m.Path)
	if err != nil {
		return err
	}
	perm := uint16(m.Perm & 0o777)
	if m.Parents {
		if err := mkdirAll(t, p, perm, owner, op); err != nil {
			return err
		}
		return nil
	}
	if t.Exists(p) {
		return nil
	}
	return makeDir(t, p, rootfs.Attr{Perm: perm, Op: op}, owner)
}

// inlineContent is content that the Dockerfile itself holds.
type inlineContent []byte

func (c inlineContent) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c)), nil }

func applyMkfile(t *rootfs.Tree, m dockerfile.Mkfile, owner *rootfs.Owner, op int32) error {
	p, err := t.Resolve(path.Join("/", m.Path))
	if err != nil {
		return err
	}
	if n, err := t.Lstat(p); err == nil && n.IsDir() {
		return &rootfs.PathError{Path: p, Err: syscall.EISDIR}
	}
	a := rootfs.Attr{Kind: rootfs.KindFile, Perm: uint16(m.Perm & 0o777), Size: int64(len(m.Data)), Content: inlineContent(m.Data), Op: op}
	a.Owner = chown(a.Owner, owner)
	return t.Put(p, rootfs.NewNode(a))
}

func applySymlink(t *rootfs.Tree, l dockerfile.Symlink, owner *rootfs.Owner, op int32) error {
	p, err := t.Resolve(path.Join("/", l.Path))
	if err != nil {
		return err
	}
	if t.Exists(p) {
		return &rootfs.PathError{Path: p, Err: fs.ErrExist}
	}
	a := rootfs.Attr{Kind: rootfs.KindSymlink, Perm: 0o777, Link: l.Target, Op: op}
	a.Owner = chown(a.Owner, owner)
	return t.Put(p, rootfs.NewNode(a))
}

func applyRemove(t *rootfs.Tree, rm dockerfile.Remove) error {
	paths := []string{rm.Path}
	if rm.Wildcard {
		var err error
		if paths, err = resolveWildcards(t, cleanPath(rm.Path), false); err != nil {
			return err
		}
	}
	for _, p := range paths {
		at, err := t.ResolveParent(p)
		if err != nil {
			return err
		}
		if at == "/" {
			return errors.New("invalid empty path")
		}
		if !rm.AllowMissing && !t.Exists(at) && !t.MayHold(at) {
			return &rootfs.PathError{Path: p, Err: fs.ErrNotExist}
		}
		if err := t.Remove(at); err != nil {
			return err
		}
	}
	return nil
}
