package simulate

import (
	"errors"
	"io"
	"path"
	"slices"
	"syscall"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// umask is that of a RUN step, as runc gives it.
const umask = 0o022

// outcome is what came of an effect.
type outcome uint8

const (
	unclear outcome = iota // it is not known, and nothing was done
	done
	fails  // the program surely fails at it, and nothing was done
	partly // it surely fails, and what it did before is not known
	open   // it was done, or the program fails
)

// did is done or, where an error of the tree stands for one of the program, fails.
func did(err error) outcome {
	if err != nil {
		return fails
	}
	return done
}

// effector does to a file system what the programs of a RUN step do.
type effector struct {
	plan *dockerfile.Plan
	op   *dockerfile.Op
	tree *rootfs.Tree
	// inputs gives the file system that is mounted from an input of the operation.
	inputs func(i int) *rootfs.Tree
	user   account.User
	owner  rootfs.Owner // of what is made
	cost   *cost
	twins  *twins
	// marked are the places that were noted since something was removed.
	marked map[string]bool
	// aliases are links that may have been made.
	aliases []alias
	// removed are the paths that are surely taken away.
	removed []string
}

// apply does what a program surely does.
func (x *effector) apply(e command.Effect) outcome {
	switch {
	case x.mounted(e.Path) != nil:
		return done // what is written there is no part of the image
	case slices.ContainsFunc(append(e.From[:len(e.From):len(e.From)], e.Path), x.unsure) && !(e.Kind == command.Removes && e.Recursive && e.Force):
		return unclear
	case x.refused(e):
		return unclear
	case e.Slash && e.Kind != command.MakesDir && e.Kind != command.Links:
		out := x.slash(e)
		if out == fails && e.Parents {
			return unclear // install -D makes what lies above it, if anything, and then finds no directory
		}
		if out != done {
			return out
		}
	}
	switch e.Kind {
	case command.MakesDir:
		return x.makeDir(e)
	case command.MakesFile:
		return x.touch(e.Path)
	case command.Writes:
		return x.write(e)
	case command.Copies, command.Moves:
		out, failed := done, false
		for _, from := range e.From {
			switch x.transfer(e, from) {
			case unclear:
				if out = unclear; failed {
					out = partly
				}
			case open:
				if out == done {
					out = open
				}
			case fails: // the others are still done
				if failed = true; out == unclear {
					out = partly
				} else if out == done || out == open {
					out = fails
				}
			case partly:
				out, failed = partly, true
			}
		}
		return out
	case command.Links:
		return x.link(e)
	case command.Removes:
		return x.remove(e)
	case command.Edits:
		return x.edit(e)
	case command.Unpacks, command.Unzips:
		return x.unpacks(e)
	case command.MayTake:
		x.doubt(e)
		return open
	}
	return x.set(e)
}

// slash is what it comes to that a path has a slash at its end: done if that is a directory.
func (x *effector) slash(e command.Effect) outcome {
	at, err := x.tree.ResolveParent(e.Path)
	if err != nil {
		return unclear
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err != nil && e.Kind == command.Removes, err == nil && n.IsDir():
		return done
	case err != nil:
		return x.absent(at)
	case n.Kind == rootfs.KindFile:
		return fails
	}
	return unclear
}

// unsure reports whether nobody knows what is at a path of what is known to have been there.
func (x *effector) unsure(p string) bool { return x.mounted(p) == nil && steps.Unsure(x.tree, p) }

// mounted gives the mount that a path lies in, nil if it is of the root file system.
func (x *effector) mounted(p string) *dockerfile.Mount {
	if ofContainer(p) {
		return containerMount
	}
	for i := range x.op.Exec.Mounts {
		if m := &x.op.Exec.Mounts[i]; m.Dest != dockerfile.RootMount && Within(p, path.Clean(m.Dest)) {
			return m
		}
	}
	return nil
}

// place gives where a path leads, links of its directories followed, and whether the directory is there.
func (x *effector) place(p string) (at string, dir outcome) {
	at, err := x.tree.ResolveParent(p)
	if err != nil {
		return at, x.absent(path.Dir(p))
	}
	if at == "/" {
		return at, done
	}
	n, err := x.tree.Lstat(path.Dir(at))
	switch {
	case err != nil:
		return at, x.absent(path.Dir(at))
	case n.Kind == rootfs.KindUnknown:
		return at, unclear
	case !n.IsDir():
		return at, fails
	}
	return at, done
}

// absent is what it comes to that something is needed at a path at which nothing is known.
func (x *effector) absent(p string) outcome {
	if x.tree.CouldHold(p) {
		return unclear
	}
	return fails
}

// attrs are those of copies of what is there now.
func (x *effector) attrs() *attrs {
	x.tree.Freeze()
	return &attrs{op: int32(x.op.ID), at: x.op.Location, cost: x.cost, twins: x.twins}
}

// gone notes that nothing is at a path any more: who writes there later may make it again.
func (x *effector) gone(at string) {
	x.removed = append(x.removed, at)
	clear(x.marked)
}

func (x *effector) put(at string, a rootfs.Attr) outcome {
	a.Op = int32(x.op.ID)
	return did(x.tree.Put(at, rootfs.NewNode(a)))
}

func (x *effector) makeDir(e command.Effect) outcome {
	at, err := x.tree.Resolve(e.Path)
	if err != nil {
		return x.absent(path.Dir(e.Path))
	}
	n, err := x.tree.Lstat(at)
	if err != nil && x.dangles(e.Path) {
		return fails
	}
	switch {
	case err == nil && n.Kind == rootfs.KindUnknown:
		return unclear
	case err == nil && n.IsDir() && e.Parents && e.Force:
		return x.set(command.Effect{Kind: command.SetsMode, Path: at, Text: e.Text})
	case err == nil && n.IsDir() && e.Parents:
		return done
	case err == nil && e.Into:
		return open // mkdir . is refused by GNU, and not by busybox
	case err == nil:
		return fails
	}
	perm, ok := x.perm(0o777, rootfs.KindDir, e.Text)
	if !ok {
		return unclear
	}
	owner := x.owner
	if !e.Parents {
		if _, dir := x.place(at); dir != done {
			return dir
		}
	} else if err := mkdirAll(x.tree, path.Dir(at), 0o755, &owner, int32(x.op.ID)); err != nil {
		return fails
	}
	if e.Owner != "" {
		owner = rootfs.Owner{User: e.Owner, Group: e.Owner}
	}
	may := x.tree.MayHold(at)
	if out := did(makeDir(x.tree, at, rootfs.Attr{Perm: perm, Op: int32(x.op.ID)}, &owner)); out != done || !may {
		return out
	}
	return open // something may be there already
}

// dangles reports whether a path, or a directory on the way to it, is a link to what is surely not there.
func (x *effector) dangles(p string) bool {
	for ; p != "/"; p = path.Dir(p) {
		at, err := x.tree.ResolveParent(p)
		if err != nil {
			continue
		}
		if n, err := x.tree.Lstat(at); err != nil || n.Kind != rootfs.KindSymlink {
			continue
		}
		if to, err := x.tree.Resolve(p); err == nil && !x.tree.Exists(to) && !x.tree.MayHold(to) {
			return true
		}
	}
	return false
}

func (x *effector) touch(p string) outcome {
	at, err := x.tree.Resolve(p)
	if err != nil {
		return x.absent(path.Dir(p))
	}
	if n, err := x.tree.Lstat(at); err == nil {
		if n.Kind == rootfs.KindUnknown {
			return unclear
		}
		return done
	}
	if _, dir := x.place(at); dir != done {
		return dir
	}
	if x.tree.MayHold(at) {
		return unclear
	}
	return x.put(at, rootfs.Attr{Kind: rootfs.KindFile, Perm: 0o666 &^ umask, Owner: x.owner, Content: inlineContent(nil)})
}

func (x *effector) write(e command.Effect) outcome {
	at, err := x.tree.Resolve(e.Path)
	if err != nil {
		return x.absent(path.Dir(e.Path))
	}
	a := rootfs.Attr{Kind: rootfs.KindFile, Perm: 0o666 &^ umask, Owner: x.owner}
	text := e.Text
	n, err := x.tree.Lstat(at)
	switch {
	case err == nil && n.IsDir():
		return fails
	case err == nil && n.Kind != rootfs.KindFile:
		return unclear
	case err == nil:
		a.Perm, a.Owner, a.May = n.Perm, n.Owner, n.May
	case e.There:
		return done
	default:
		if _, dir := x.place(at); dir != done {
			return dir
		}
		if x.tree.MayHold(at) {
			return unclear // it may have another mode, and content before
		}
	}
	if e.Unknown {
		if out := x.change(at, n); out != done {
			return out
		}
		return open // who reads what is not known may fail
	}
	if e.Appends && n != nil {
		before, err := inlineOf(n)
		if err != nil {
			return x.change(at, n)
		}
		text = string(before) + text
	}
	if len(text) > maxInline {
		return x.change(at, n)
	}
	a.Size, a.Content = int64(len(text)), inlineContent(text)
	return x.put(at, a)
}

// change is that a step writes to a file what is not known; n is nil for a new one.
func (x *effector) change(at string, n *rootfs.Node) outcome {
	if n == nil {
		return x.put(at, rootfs.Attr{Kind: rootfs.KindFile, Perm: 0o666 &^ umask, Owner: x.owner})
	}
	return did(x.tree.SetAttr(at, func(a *rootfs.Attr) { a.Content = nil }))
}

// edit changes some of what a file holds: who reads it finds what was there, and the step that may have changed it. A link is replaced by
// a copy of what it leads to, and not everywhere.
func (x *effector) edit(e command.Effect) outcome {
	at, err := x.tree.ResolveParent(e.Path)
	if err != nil {
		return x.absent(path.Dir(e.Path))
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err != nil:
		return x.absent(at)
	case n.IsDir():
		return fails
	case n.Kind != rootfs.KindFile:
		return unclear
	}
	if x.mark(command.Footprint{Paths: []string{at}}) != nil {
		return unclear
	}
	return open
}

// inlineOf gives the content of a file that is known and short.
func inlineOf(n *rootfs.Node) ([]byte, error) {
	if n.Content == nil || n.Size > maxInline {
		return nil, errors.New("its content is not known, or long")
	}
	r, err := n.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxInline))
}

// maxInline bounds what is kept of a file that a step writes, in bytes.
const maxInline = 64 << 10

func (x *effector) link(e command.Effect) outcome {
	to, dir := x.place(e.Path)
	if e.Path != "/" && dir != done {
		return dir
	}
	at, err := x.tree.Resolve(e.Path)
	if e.Itself { // a link to a directory is replaced, a directory is not
		at = to
	}
	if err == nil {
		if n, err := x.tree.Lstat(at); err == nil && n.IsDir() {
			to = path.Join(at, path.Base(e.Text))
		} else if err == nil && n.Kind == rootfs.KindUnknown || err != nil && x.tree.MayHold(at) {
			return unclear
		} else if e.Into {
			return fails
		}
	}
	if n, err := x.tree.Lstat(to); err == nil && (n.IsDir() || !e.Force) {
		return fails
	} else if err == nil && n.Kind != rootfs.KindSymlink && slices.Contains(e.From, to) {
		return unclear // a link in the place of what it leads to: GNU refuses that, and busybox does it
	} else if err != nil && x.tree.MayHold(to) {
		return unclear
	}
	return x.put(to, rootfs.Attr{Kind: rootfs.KindSymlink, Perm: 0o777, Link: e.Text, Owner: x.owner})
}

// remove takes away what a program removes. Until somebody may make it again, nothing is there.
func (x *effector) remove(e command.Effect) outcome {
	at, err := x.tree.ResolveParent(e.Path)
	switch {
	case e.Into:
		return fails // rm refuses . and ..
	case err != nil || at == "/":
		return unclear
	}
	for _, m := range x.op.Exec.Mounts {
		if m.Dest != dockerfile.RootMount && Within(m.Dest, at) {
			return unclear // a mount in it keeps it
		}
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err != nil && !x.tree.CouldHold(at):
		switch {
		case e.Force && errors.Is(err, syscall.ENOTDIR):
			return open // busybox tells of a file on the way, and GNU does not
		case e.Force:
			return done
		}
		return fails
	case err == nil && n.IsDir() && e.Itself: // rmdir
		children, err := n.Children()
		if err != nil || x.tree.MayHold(path.Join(at, "x")) {
			return unclear
		}
		if len(children) > 0 {
			if slices.ContainsFunc(children, func(c rootfs.Child) bool { return !c.Node.Unsure }) {
				return fails
			}
			return unclear // they may be gone
		}
	case err == nil && n.IsDir() && !e.Recursive, err == nil && !n.IsDir() && e.Itself:
		return fails
	case err != nil && (e.Itself || !e.Recursive && !e.Force):
		return unclear
	case err != nil && !e.Recursive:
		return open // a directory may be there, and stays
	}
	if x.tree.Erase(at) == nil {
		x.gone(at)
	}
	if err != nil && !e.Force {
		return open // it need not have been there
	}
	return done
}
