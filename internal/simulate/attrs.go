package simulate

import (
	"errors"
	"io/fs"
	"math"
	"path"
	"syscall"

	mode "github.com/tonistiigi/dchapes-mode"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// defaultDirPerm is the mode of directories that a copy makes on its way (fsutil/copy.defaultDirectoryMode).
const defaultDirPerm = 0o755

// attrs says what a copy does to the metadata of what it copies.
type attrs struct {
	op    int32
	owner *rootfs.Owner // nil: entries keep theirs, new parents are root's
	perm  *uint16       // --chmod with a number; nil otherwise
	set   *mode.Set     // --chmod with symbols; nil otherwise
	umask uint16        // what new entries must not have, of a program that makes them
	// changes tells that entries are changed where they are, and no new ones made.
	changes bool

	at    dockerfile.Location
	cost  *cost
	twins *twins
}

// dirPerm is the mode of directories made on the way: of a numeric --chmod the nine permission bits, since os.Mkdir
// takes no others from an os.FileMode that was made from a bare number; a symbolic one does not count.
func (x *attrs) dirPerm() uint16 {
	if x.perm != nil {
		return *x.perm & 0o777
	}
	return defaultDirPerm
}

// apply gives what an entry looks like at the destination (copier.copyFileInfo).
func (x *attrs) apply(a rootfs.Attr, src *rootfs.Node) rootfs.Attr {
	switch {
	case x.owner != nil && x.changes:
		a.Owner = chown(a.Owner, x.owner)
	case x.owner != nil:
		a.Owner = chown(rootfs.Owner{}, x.owner)
	}
	if a.Kind != rootfs.KindSymlink {
		switch {
		case x.set != nil:
			a.Perm = rootfs.PermOf(x.set.Apply(rootfs.FileMode(a.Perm) | typeBits(a.Kind)))
		case x.perm != nil:
			a.Perm = *x.perm
		case x.umask != 0:
			a.Perm = a.Perm & 0o777 &^ x.umask
		}
	}
	a.Op, a.Source, a.Origin, a.Member, a.Implied = x.op, src, "", "", false
	return a
}

// keepID is the id that chown(2) takes for "leave it": --chown=-1 comes to it.
const keepID = math.MaxUint32

// chown gives the owner of an entry that is chowned; a nil owner changes nothing.
func chown(old rootfs.Owner, to *rootfs.Owner) rootfs.Owner {
	if to == nil {
		return old
	}
	out := *to
	if out.User == "" && out.UID == keepID {
		out.UID, out.User = old.UID, old.User
	}
	if out.Group == "" && out.GID == keepID {
		out.GID, out.Group = old.GID, old.Group
	}
	return out
}

// typeBits gives the type of an entry as a mode has it: a symbolic mode's X asks for directories.
func typeBits(k rootfs.Kind) fs.FileMode {
	switch k {
	case rootfs.KindDir:
		return fs.ModeDir
	case rootfs.KindFIFO:
		return fs.ModeNamedPipe
	case rootfs.KindCharDevice:
		return fs.ModeDevice | fs.ModeCharDevice
	case rootfs.KindBlockDevice:
		return fs.ModeDevice
	default:
		return 0
	}
}

// overwriteDir gives an existing directory the metadata of the source; what it holds and what is unknown of it stays.
func (x *attrs) overwriteDir(a *rootfs.Attr, src *rootfs.Node) {
	may, owner, unsure := a.May, a.Owner, a.Unsure
	*a = x.apply(src.Attr, src)
	a.Unsure = a.Unsure || unsure
	if x.owner != nil {
		a.Owner = chown(owner, x.owner)
	}
	a.May = a.May.Join(may)
}

// copyNode gives the copy of an entry. The content of a directory is copied when somebody asks for it. twin is what an
// earlier prediction has in its place, nil for nothing.
func (x *attrs) copyNode(src, twin *rootfs.Node) *rootfs.Node {
	a := x.apply(src.Attr, src)
	switch {
	case !src.IsDir():
		return rootfs.NewNode(a)
	case x.twins.stands(twin, src, a):
		return twin
	}
	return rootfs.NewLazyDir(a, lazyCopy{src, twin, x})
}

// lazyCopy loads the copy of a directory's entries.
type lazyCopy struct {
	src, twin *rootfs.Node
	attrs     *attrs
}

func (l lazyCopy) Load() ([]rootfs.Child, error) {
	// What the copy remembers, the source need not.
	children, err := l.src.Glance()
	if err == nil {
		err = beyond(l.attrs.at, l.attrs.cost.made.Steps(int64(1+len(children))))
	}
	if err != nil {
		return nil, err
	}
	for i, c := range children {
		var twin *rootfs.Node
		if c.Node.IsDir() {
			twin = l.attrs.twins.below(l.twin, c.Name)
		}
		children[i].Node = l.attrs.copyNode(c.Node, twin)
	}
	return children, nil
}

// Keep implements [rootfs.Keeper]. An entry keeps all that it was copied from, too.
func (l lazyCopy) Keep(n int) error {
	sources := 1
	for src := l.src; src.Source != nil && src.Member == ""; src = src.Source {
		sources++
	}
	return beyond(l.attrs.at, l.attrs.cost.kept.Steps(int64(n*sources)))
}

// mkdirAll makes a directory and those above it that do not exist (fsutil/copy.MkdirAll). The path has no links.
func mkdirAll(t *rootfs.Tree, p string, perm uint16, owner *rootfs.Owner, op int32) error {
	n, err := t.Lstat(p)
	switch {
	case err == nil && n.IsDir():
		return nil
	case err == nil && n.Kind != rootfs.KindUnknown:
		return &rootfs.PathError{Path: p, Err: syscall.ENOTDIR}
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return err
	}
	if p != "/" {
		if err := mkdirAll(t, path.Dir(p), perm, owner, op); err != nil {
			return err
		}
	}
	a := rootfs.Attr{Perm: perm, Op: op, Implied: true}
	if n != nil {
		a.May = n.May
	}
	return makeDir(t, p, a, owner)
}

// makeDir makes a directory as mkdir(2) does without a umask, followed by chown: below a directory with the set-group-id
// bit it takes that bit and, unless it is chowned, the group.
func makeDir(t *rootfs.Tree, p string, a rootfs.Attr, owner *rootfs.Owner) error {
	a.Kind = rootfs.KindDir
	if parent, err := t.Lstat(path.Dir(p)); err == nil && p != "/" && parent.Perm&rootfs.SetGID != 0 {
		a.Perm |= rootfs.SetGID
		a.Owner.GID, a.Owner.Group = parent.Owner.GID, parent.Owner.Group
	}
	a.Owner = chown(a.Owner, owner)
	return t.Put(p, rootfs.NewNode(a))
}
