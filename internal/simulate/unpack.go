package simulate

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// unpack unpacks a source of ADD if it is a tar archive, and tells whether it was one
// (solver/llbsolver/file/unpack.go). An archive without an entry is none: it is copied as a file.
func (c *copier) unpack(src, dst string) (bool, error) {
	at, err := c.src.Resolve(src)
	if err != nil {
		return false, err
	}
	n, err := c.src.Lstat(at)
	if err != nil || n.Kind != rootfs.KindFile {
		return false, nil
	}
	if n.Content == nil {
		// Nobody can tell whether it is an archive.
		return true, c.markUnknownContent(dst, rootfs.MayBe(c.attrs.op))
	}
	a, err := openArchive(n.Content, c.attrs.cost.archives)
	if tooLarge(err) {
		return true, c.markUnknownContent(dst, rootfs.MayBe(c.attrs.op))
	}
	if err != nil {
		return false, nil
	}
	defer a.Close()
	first, err := a.Next()
	if tooLarge(err) {
		return true, c.markUnknownContent(dst, rootfs.MayBe(c.attrs.op))
	}
	if err != nil {
		return false, nil
	}

	dir, err := c.dst.Resolve(dst)
	if err != nil {
		return false, err
	}
	if err := mkdirAll(c.dst, dir, defaultDirPerm, c.attrs.owner, c.attrs.op); err != nil {
		return false, err
	}
	root, err := c.dst.Lstat(dir)
	if err != nil {
		return false, err
	}
	// Links in the archive are resolved within the directory that it is unpacked into: BuildKit unpacks in a chroot.
	x := &extraction{
		tree: rootfs.NewFrom(root), op: c.attrs.op, owner: c.attrs.owner, source: n, spent: c.attrs.cost.archives,
		inodes: map[*rootfs.Node]bool{},
	}
	from := &unpacked{archive: n.Content, spent: c.attrs.cost.members, room: c.attrs.cost.remembered}
	x.content = func(i int) rootfs.Content { return archiveContent{from, i} }
	switch err := x.run(a.Reader, first); {
	case tooLarge(err):
		if err := x.tree.SetAttr("/", func(a *rootfs.Attr) { a.May = a.May.Join(rootfs.MayBe(c.attrs.op)) }); err != nil {
			return false, err
		}
	case err != nil:
		return false, fmt.Errorf("unpacking %s: %w", src, err)
	}
	return true, c.dst.Put(dir, x.tree.Root())
}

// extraction unpacks one archive (moby/go-archive, Unpack, in the way of its chrootarchive).
type extraction struct {
	tree  *rootfs.Tree
	op    int32
	owner *rootfs.Owner // nil: as the archive says
	// ownerOf gives whom an entry belongs to without that; nil: to the numbers that stand there.
	ownerOf func(*tar.Header) rootfs.Owner
	source  *rootfs.Node
	content func(index int) rootfs.Content // of an entry, counted from 0
	spent   *budget.Budget
	// inodes are the files with several names that this archive made.
	inodes map[*rootfs.Node]bool
	// links are the names of files that have several, where that counts.
	links []string
	// dirs are the names of the archive's directories.
	dirs []string
}

func (x *extraction) run(r *tar.Reader, hdr *tar.Header) error {
	for i := 0; ; i++ {
		// An entry takes room, and its name so much more.
		if x.spent.Steps(entrySteps) != nil || x.spent.Bytes(int64(len(hdr.Name)+len(hdr.Linkname))) != nil {
			return errArchiveTooLarge
		}
		if err := x.entry(hdr, i); err != nil {
			return err
		}
		// What it holds is passed over as it is stored: a sparse file may be of any size.
		var err error
		if hdr, err = r.Next(); errors.Is(err, io.EOF) {
			return x.touchDirs()
		} else if err != nil {
			return err
		}
	}
}

// touchDirs fails where the directories' times cannot be set in the end, because a later entry put a link in the place of
// one and the link leads nowhere.
func (x *extraction) touchDirs() error {
	for _, name := range x.dirs {
		p := path.Join("/", name)
		if err := x.far(p, 1); err != nil {
			return err
		}
		n, _, err := x.tree.Lookup(p, true)
		if err != nil {
			return err
		}
		if n == nil {
			return &rootfs.PathError{Path: p, Err: fs.ErrNotExist}
		}
	}
	return nil
}

// entry places one entry of the archive.
func (x *extraction) entry(hdr *tar.Header, index int) error {
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := path.Clean(hdr.Name)
	at, err := x.place(name)
	if err != nil {
		return err
	}
	existing, err := x.tree.Lstat(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if existing != nil && existing.IsDir() && name == "." {
		return nil
	}
	if existing != nil && (!existing.IsDir() || hdr.Typeflag != tar.TypeDir) {
		if err := x.tree.Remove(at); err != nil {
			return err
		}
		existing = nil
		// What was removed may have been a link on the way to the entry itself.
		if parent, _, err := x.tree.Lookup(path.Dir(path.Join("/", name)), true); err != nil {
			return err
		} else if parent == nil {
			return &rootfs.PathError{Path: path.Join("/", name), Err: fs.ErrNotExist}
		}
	}
	if hdr.Typeflag == tar.TypeDir {
		x.dirs = append(x.dirs, name)
	}
	return x.create(hdr, index, at, existing)
}

// entrySteps is what an entry counts beside the way to it: as much as makes 400,000 of them the most.
const entrySteps = 100

// far counts the way to a path, for each of the directories on it if they are to be made.
func (x *extraction) far(p string, times int) error {
	if len(p) >= maxPath {
		return &rootfs.PathError{Path: p, Err: syscall.ENAMETOOLONG}
	}
	if x.spent.Steps(int64(times*(1+strings.Count(p, "/")))) != nil {
		return errArchiveTooLarge
	}
	return nil
}

// place gives where an entry goes, with the directories that its path implies made: 0755 and root's, whatever --chown
// says (createImpliedDirectories).
func (x *extraction) place(name string) (string, error) {
	p := path.Join("/", name)
	if p == "/" {
		return p, nil
	}
	times := 1
	if x.tree.CrossesLink(p, false) {
		// From each link the way is gone once more.
		times = 8 * strings.Count(p, "/")
	}
	if err := x.far(p, times); err != nil {
		return "", err
	}
	link, _, err := x.tree.Lookup(path.Dir(p), false)
	if err != nil {
		return "", err
	}
	_, parent, err := x.tree.Lookup(path.Dir(p), true)
	if err != nil {
		return "", err
	}
	n, err := x.tree.Lstat(parent)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if link != nil {
			// The parent exists: it is a link that leads nowhere.
			return "", &rootfs.PathError{Path: p, Err: fs.ErrNotExist}
		}
		if err := x.far(p, strings.Count(p, "/")); err != nil {
			return "", err
		}
		if err := x.dangling(path.Dir(p)); err != nil {
			return "", err
		}
		if err := mkdirAll(x.tree, parent, defaultDirPerm, &rootfs.Owner{}, x.op); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	case !n.IsDir():
		return "", &rootfs.PathError{Path: p, Err: syscall.ENOTDIR}
	}
	return path.Join(parent, path.Base(p)), nil
}

// dangling fails where a link on the way to a directory that is to be made leads nowhere: a directory cannot be made in its
// place (moby/sys/user, MkdirAllAndChown, which calls os.MkdirAll).
func (x *extraction) dangling(dir string) error {
	for i := 1; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		link, _, err := x.tree.Lookup(dir[:i], false)
		if err != nil || link == nil {
			return err
		}
		if n, _, err := x.tree.Lookup(dir[:i], true); err != nil || n == nil {
			if err == nil {
				err = &rootfs.PathError{Path: dir[:i], Err: fs.ErrExist}
			}
			return err
		}
	}
	return nil
}

// create is createTarFile.
func (x *extraction) create(hdr *tar.Header, index int, at string, existing *rootfs.Node) error {
	mode := hdr.FileInfo().Mode()
	a := rootfs.Attr{
		Perm: rootfs.PermOf(mode), Owner: rootfs.Owner{UID: uint32(hdr.Uid), GID: uint32(hdr.Gid)},
		Op: x.op, Source: x.source, Member: strings.TrimPrefix(path.Join("/", hdr.Name), "/"),
	}
	switch {
	case x.owner != nil:
		a.Owner = chown(rootfs.Owner{}, x.owner)
	case x.ownerOf != nil:
		a.Owner = x.ownerOf(hdr)
	}
	switch hdr.Typeflag {
	case tar.TypeDir:
		if existing != nil {
			return x.tree.SetAttr(at, func(d *rootfs.Attr) {
				a.Kind, a.May = rootfs.KindDir, d.May
				if x.owner != nil {
					a.Owner = chown(d.Owner, x.owner)
				}
				*d = a
			})
		}
		a.Kind = rootfs.KindDir
	case tar.TypeReg:
		a.Kind, a.Size, a.Content = rootfs.KindFile, hdr.Size, x.content(index)
	case tar.TypeSymlink:
		if len(hdr.Linkname) >= maxPath {
			return &rootfs.PathError{Path: at, Err: syscall.ENAMETOOLONG}
		}
		a.Kind, a.Link, a.Perm = rootfs.KindSymlink, hdr.Linkname, 0o777
	case tar.TypeFifo:
		a.Kind = rootfs.KindFIFO
	case tar.TypeChar:
		a.Kind = rootfs.KindCharDevice
	case tar.TypeBlock:
		a.Kind = rootfs.KindBlockDevice
	case tar.TypeLink:
		return x.link(hdr, at, a)
	default:
		return fmt.Errorf("unhandled tar header type %d", hdr.Typeflag)
	}
	return x.tree.Put(at, rootfs.NewNode(a))
}

// link makes a hard link: one more name for an inode, which takes the owner and mode of the link's own header.
func (x *extraction) link(hdr *tar.Header, at string, a rootfs.Attr) error {
	p := path.Join("/", hdr.Linkname)
	if err := x.far(p, 1); err != nil {
		return err
	}
	_, parent, err := x.tree.Lookup(path.Dir(p), true)
	if err != nil {
		return err
	}
	target := path.Join(parent, path.Base(p))
	n, err := x.tree.Lstat(target)
	if err != nil {
		return fmt.Errorf("linking: %w", err)
	}
	if n.IsDir() {
		return fmt.Errorf("linking: %s: operation not permitted", target)
	}
	attr := n.Attr
	attr.Owner, attr.Op = a.Owner, a.Op
	if n.Kind != rootfs.KindSymlink {
		attr.Perm = a.Perm
	}
	if !x.inodes[n] {
		n = rootfs.NewNode(attr)
		x.inodes[n] = true
		if err := x.tree.Put(target, n); err != nil {
			return err
		}
	}
	// Nobody else has seen the inode yet: all its names change with it.
	n.Attr = attr
	return x.tree.Put(at, n)
}
