package simulate

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// errNotPlain says that what a program makes of an archive is not followed: programs differ in it, or it depends on what nobody knows.
var errNotPlain = errors.New("what becomes of the archive is not followed")

// members gives the entries of an archive one after the other, as tar has them, and io.EOF behind the last.
type members interface {
	next() (*tar.Header, error)
	content(index int) rootfs.Content
	owner(hdr *tar.Header) rootfs.Owner
	Close() error
}

// unpacks does what tar and unzip do for root with an archive that is in the tree. Nothing is done where anything about it is not plain.
func (x *effector) unpacks(e command.Effect) outcome {
	n, _, held, out := x.source(e.From[0], false)
	switch {
	case out != done:
		return out
	case n.IsDir():
		return fails
	case n.Content == nil || len(held.All()) > 0 || !x.user.Root():
		return unclear
	}
	at, out := x.unpackedInto(e)
	if out != done {
		return out
	}
	root, err := x.tree.Lstat(at)
	if err != nil || !root.IsDir() {
		return unclear
	}
	reader := x.tarMembers
	if e.Kind == command.Unzips {
		reader = x.zipMembers
	}
	from, err := reader(n, e)
	if err != nil {
		return unclear
	}
	defer from.Close()
	t := &extraction{tree: rootfs.NewFrom(root), op: int32(x.op.ID), ownerOf: from.owner, source: n, spent: x.cost.archives, content: from.content, inodes: map[*rootfs.Node]bool{}}
	if t.members(from, e) != nil || t.shared() != nil || x.tree.Put(at, t.tree.Root()) != nil {
		return unclear
	}
	clear(x.marked)
	return open
}

// unpackedInto gives the directory into which an archive goes. unzip makes it.
func (x *effector) unpackedInto(e command.Effect) (at string, out outcome) {
	at, err := x.tree.Resolve(e.Path)
	if err != nil {
		return at, x.absent(path.Dir(e.Path))
	}
	for _, m := range x.op.Exec.Mounts {
		if Within(m.Dest, at) && m.Dest != "/" {
			return at, unclear
		}
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err == nil && n.IsDir():
		return at, done
	case err == nil && n.Kind == rootfs.KindFile:
		return at, fails
	case err == nil:
		return at, unclear
	case e.Kind != command.Unzips:
		return at, x.absent(at)
	}
	if out = x.makeDir(command.Effect{Kind: command.MakesDir, Path: at}); out == open {
		out = done
	}
	return at, out
}

// members unpacks all entries of an archive, if each is plain: no name leads out of the directory, or through a link, and nothing is in the
// way.
func (x *extraction) members(from members, e command.Effect) error {
	for i := 0; ; i++ {
		hdr, err := from.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case x.spent.Steps(entrySteps) != nil || x.spent.Bytes(int64(len(hdr.Name)+len(hdr.Linkname))) != nil:
			return errArchiveTooLarge
		case hdr.Typeflag == tar.TypeXGlobalHeader:
			continue
		}
		var ok bool
		if hdr.Name, ok = stripped(hdr.Name, e.Strip); !ok {
			continue
		}
		if hdr.Typeflag == tar.TypeLink {
			hdr.Linkname, _ = stripped(hdr.Linkname, e.Strip)
		}
		if err := x.plain(hdr, e); err != nil {
			return err
		}
		if hdr.Name == "." {
			err = x.tree.SetAttr("/", func(d *rootfs.Attr) { d.Perm, d.Owner = rootfs.PermOf(hdr.FileInfo().Mode()), x.ownerOf(hdr) })
		} else {
			err = x.entry(hdr, i)
		}
		if err != nil {
			return err
		}
	}
}

// shared marks files with several names: what the rest of the step does to one of them it does to all.
func (x *extraction) shared() error {
	for _, p := range x.links {
		if err := x.tree.SetAttr(p, func(a *rootfs.Attr) { a.May = a.May.Join(rootfs.MayBe(x.op)) }); err != nil {
			return err
		}
	}
	return nil
}

// stripped gives a name without its first directories; ok is false if nothing is left of it.
func stripped(name string, strip int) (rest string, ok bool) {
	name = path.Clean(name)
	if strip == 0 {
		return name, true
	}
	names := strings.Split(name, "/")
	if len(names) <= strip {
		return "", false
	}
	return strings.Join(names[strip:], "/"), true
}

// plain gives errNotPlain for an entry of which programs may make something else.
func (x *extraction) plain(hdr *tar.Header, e command.Effect) error {
	if !fs.ValidPath(hdr.Name) {
		return errNotPlain
	}
	at := path.Join("/", hdr.Name)
	if err := x.far(at, 1); err != nil {
		return err
	}
	if x.tree.CrossesLink(at, false) {
		return errNotPlain
	}
	dir := hdr.Typeflag == tar.TypeDir
	switch hdr.Typeflag {
	case tar.TypeDir, tar.TypeReg, tar.TypeSymlink:
	case tar.TypeLink:
		to := path.Join("/", hdr.Linkname)
		if n, err := x.tree.Lstat(to); err != nil || n.Kind != rootfs.KindFile || n.Op != x.op || x.tree.CrossesLink(to, false) ||
			n.Perm != rootfs.PermOf(hdr.FileInfo().Mode()) || n.Owner != x.ownerOf(hdr) {
			return errNotPlain
		}
		x.links = append(x.links, at, to)
	default:
		return errNotPlain
	}
	n, err := x.tree.Lstat(at)
	switch {
	case err != nil:
	case n.IsDir() != dir, n.Unsure, n.Kind == rootfs.KindUnknown:
		return errNotPlain
	case e.Kind == command.Unzips && (!dir || n.Perm != rootfs.PermOf(hdr.FileInfo().Mode())):
		return errNotPlain // it asks, or keeps a mode
	}
	return nil
}

// tarMembers are the entries of a tar archive.
type tarMembers struct {
	*archiveReader
	from *unpacked
	tree *rootfs.Tree
	keep bool // owners stay
}

func (x *effector) tarMembers(n *rootfs.Node, e command.Effect) (members, error) {
	a, err := openArchive(n.Content, x.cost.archives)
	if err != nil {
		return nil, err
	}
	return &tarMembers{a, &unpacked{archive: n.Content, spent: x.cost.members, room: x.cost.remembered}, x.tree, e.Keep}, nil
}

func (m *tarMembers) next() (*tar.Header, error)       { return m.Next() }
func (m *tarMembers) content(index int) rootfs.Content { return archiveContent{m.from, index} }

// owner gives whom an entry belongs to: a name counts before a number, if the file system has it.
func (m *tarMembers) owner(hdr *tar.Header) rootfs.Owner {
	if !m.keep {
		return rootfs.Owner{}
	}
	var o rootfs.Owner
	o.UID, o.User = numbered(m.tree, "/etc/passwd", hdr.Uname, hdr.Uid)
	o.GID, o.Group = numbered(m.tree, "/etc/group", hdr.Gname, hdr.Gid)
	return o
}

// numbered gives the number of a user or group, or the name where it is not known whether the file system has that.
func numbered(t *rootfs.Tree, file, name string, number int) (id uint32, unknown string) {
	if name == "" || name == "root" && number == 0 {
		return uint32(number), ""
	}
	line, known, err := account.Lookup(t, file, 0, name)
	switch {
	case err != nil || !known:
		return uint32(number), name
	case line != nil:
		return account.ParseID(line[2]), ""
	}
	return uint32(number), ""
}

// maxZip bounds the size of a zip archive that is read, in bytes: its list of names is at its end.
const maxZip = 16 << 20

// zipMembers are the entries of a zip archive.
type zipMembers struct {
	archive rootfs.Content
	files   []*zip.File
	at      int
	spent   *budget.Budget
}

func (x *effector) zipMembers(n *rootfs.Node, _ command.Effect) (members, error) {
	r, err := openZip(n.Content, x.cost.archives)
	if err != nil {
		return nil, err
	}
	return &zipMembers{archive: n.Content, files: r.File, spent: x.cost.members}, nil
}

func openZip(c rootfs.Content, spent *budget.Budget) (*zip.Reader, error) {
	f, err := c.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(&boundedReader{f, spent, 1}, maxZip+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxZip {
		return nil, errArchiveTooLarge
	}
	return zip.NewReader(bytes.NewReader(data), int64(len(data)))
}

// ZipHolds reports whether a zip archive has a file of a name.
func ZipHolds(n *rootfs.Node, name string) bool {
	if n.Kind != rootfs.KindFile || n.Content == nil || n.Size > maxZip {
		return false
	}
	r, err := openZip(n.Content, budget.New(budget.Limits{Steps: maxZip, Bytes: maxZip + 1}))
	return err == nil && slices.ContainsFunc(r.File, func(f *zip.File) bool { return path.Clean(f.Name) == name && !f.FileInfo().IsDir() })
}

// next gives an entry with the mode that Unix gave it. Where others gave it, or others than its owner may write, programs differ.
func (m *zipMembers) next() (*tar.Header, error) {
	if m.at == len(m.files) {
		return nil, io.EOF
	}
	f := m.files[m.at]
	m.at++
	mode := f.Mode()
	hdr := &tar.Header{Name: f.Name, Mode: int64(mode.Perm()), Typeflag: tar.TypeReg, Size: int64(f.UncompressedSize64)}
	switch {
	case f.CreatorVersion>>8 != 3 || f.ExternalAttrs>>16 == 0 || mode.Perm()&umask != 0 || f.Flags&1 != 0 || mode&fs.ModeType&^fs.ModeDir != 0 || rootfs.PermOf(mode)&^0o777 != 0:
		return nil, errNotPlain
	case mode.IsDir():
		hdr.Typeflag, hdr.Size = tar.TypeDir, 0
	}
	return hdr, nil
}

func (m *zipMembers) content(index int) rootfs.Content { return zipContent{m, index} }
func (m *zipMembers) owner(*tar.Header) rootfs.Owner   { return rootfs.Owner{} }
func (m *zipMembers) Close() error                     { return nil }

// zipContent opens the bytes of an entry.
type zipContent struct {
	from  *zipMembers
	entry int
}

func (c zipContent) Open() (io.ReadCloser, error) {
	r, err := openZip(c.from.archive, c.from.spent)
	if err != nil {
		return nil, err
	}
	f, err := r.File[c.entry].Open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&boundedReader{f, c.from.spent, 1}, f}, nil
}
