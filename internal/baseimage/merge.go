package baseimage

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// The names by which a layer takes away what lies below it (image-spec, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// maxPath is PATH_MAX of Linux: who unpacks a layer cannot make what is deeper.
const maxPath = 4096

// merger lays layers over each other, as BuildKit and Docker do where the kernel has overlay file systems: each is unpacked into a
// directory of its own, where it follows its own links and no others, and hides what lies below it name by name.
type merger struct {
	tree  *rootfs.Tree   // all layers that are done
	lower []*rootfs.Tree // each of them by itself
	upper *rootfs.Tree   // the layer that is unpacked: see gone
	spent *budget.Budget // bytes that are unpacked, and names on the ways to entries
	kept  *budget.Budget // entries, and bytes of their names
	texts *keeper

	number int // of the layer
}

func newMerger(config dockerspec.DockerOCIImageConfig) *merger {
	return &merger{
		tree:  rootfs.New(),
		spent: budget.New(budget.Limits{Steps: maxSteps, Bytes: maxUnpacked}),
		kept:  budget.New(budget.Limits{Steps: maxEntries, Bytes: maxNames}),
		texts: newKeeper(config),
	}
}

// gone is the kind of an entry of a layer that takes away what lies below it; a directory that hides all of it is marked as unsure.
const gone = rootfs.KindInvalid

// apply unpacks one layer and lays it over what is there.
func (m *merger) apply(ctx context.Context, number int, layer io.Reader) error {
	m.number, m.upper = number, rootfs.New()
	for t := tar.NewReader(layer); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			m.lower = append(m.lower, m.upper)
			return m.merge("", m.upper.Root())
		}
		if err == nil {
			// The way to an entry costs as much as it is deep.
			err = errors.Join(ctx.Err(), m.spent.Steps(int64(1+strings.Count(h.Name, "/"))), m.kept.Steps(1), m.kept.Bytes(int64(len(h.Name)+len(h.Linkname))))
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := m.entry(h, t); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

// entry places one entry.
func (m *merger) entry(h *tar.Header, content io.Reader) error {
	dir, base := path.Split(path.Clean(h.Name))
	parent, err := m.upper.Resolve(dir)
	if err != nil {
		return err
	}
	at := path.Join(parent, path.Join("/", base))
	if at == "/" {
		return nil // the root has no attributes of its own
	}
	if len(at) >= maxPath || len(h.Linkname) >= maxPath {
		return syscall.ENAMETOOLONG
	}
	if err := m.parents(path.Dir(at)); err != nil {
		return err
	}
	switch name := path.Base(at); {
	case name == opaque:
		return m.upper.SetAttr(path.Dir(at), func(a *rootfs.Attr) { a.Unsure = true })
	case strings.HasPrefix(name, whiteout):
		name = strings.TrimPrefix(name, whiteout)
		if name == "" || name == "." || name == ".." {
			return errors.New("it takes away nothing that has a name")
		}
		return m.upper.Put(path.Join(path.Dir(at), name), rootfs.NewNode(rootfs.Attr{Kind: gone}))
	}
	if have, err := m.upper.Lstat(at); err == nil && (!have.IsDir() || h.Typeflag != tar.TypeDir) {
		if err := m.upper.Remove(at); err != nil {
			return err
		}
	}
	return m.put(h, at, content)
}

// parents makes the directories above an entry that no entry of the layer has made, as they are below.
func (m *merger) parents(dir string) error {
	n, err := m.upper.Lstat(dir)
	switch {
	case err == nil && n.IsDir():
		return nil
	case err == nil:
		return &rootfs.PathError{Path: dir, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	// Upwards, and not into each other: names are as deep as somebody likes.
	missing := []string{dir}
	for p := path.Dir(dir); !m.upper.Exists(p); p = path.Dir(p) {
		missing = append(missing, p)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		a := rootfs.Attr{Kind: rootfs.KindDir, Perm: 0o755, Op: int32(m.number)}
		if below := m.below(missing[i]); below != nil && below.IsDir() {
			a.Perm, a.Owner = below.Perm, below.Owner
		}
		if err := m.upper.Put(missing[i], rootfs.NewNode(a)); err != nil {
			return err
		}
	}
	return nil
}

// below gives what the nearest layer below that has a path has there; nil if none has it.
func (m *merger) below(p string) *rootfs.Node {
	for i := len(m.lower) - 1; i >= 0; i-- {
		to, err := m.lower[i].Resolve(p)
		if err != nil {
			return nil
		}
		if n, err := m.lower[i].Lstat(to); err == nil {
			return n
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return nil
}

// merge lays a directory of the layer over what is there.
func (m *merger) merge(dir string, n *rootfs.Node) error {
	children, err := n.Children()
	for _, c := range children {
		if err != nil {
			return err
		}
		at := dir + "/" + c.Name
		below, missing := m.tree.Lstat(at)
		switch {
		case missing == nil && c.Node.IsDir() && below.IsDir() && !c.Node.Unsure:
			if below.Perm != c.Node.Perm || below.Owner != c.Node.Owner {
				err = m.tree.SetAttr(at, func(a *rootfs.Attr) { a.Perm, a.Owner, a.Op = c.Node.Perm, c.Node.Owner, c.Node.Op })
			}
		case c.Node.Kind == gone:
			err = m.tree.Remove(at)
		default:
			a := c.Node.Attr
			a.Unsure = false
			err = m.tree.Put(at, rootfs.NewNode(a))
		}
		if err == nil && c.Node.IsDir() {
			err = m.merge(at, c.Node)
		}
	}
	return err
}

func (m *merger) node(a rootfs.Attr) *rootfs.Node {
	a.Op = int32(m.number)
	return rootfs.NewNode(a)
}

// put makes an entry where nothing is, or gives a directory other attributes.
func (m *merger) put(h *tar.Header, at string, content io.Reader) error {
	a := rootfs.Attr{Perm: uint16(h.Mode & 0o7777), Owner: rootfs.Owner{UID: uint32(h.Uid), GID: uint32(h.Gid)}}
	switch h.Typeflag {
	case tar.TypeDir:
		a.Kind = rootfs.KindDir
		if m.upper.Exists(at) {
			return m.upper.SetAttr(at, func(have *rootfs.Attr) { have.Perm, have.Owner, have.Op = a.Perm, a.Owner, int32(m.number) })
		}
	case tar.TypeReg, tar.TypeGNUSparse:
		a.Kind, a.Size = rootfs.KindFile, h.Size
		kept, err := m.texts.take(at, h, content)
		if err != nil {
			return err
		}
		a.Content = kept
	case tar.TypeSymlink:
		a.Kind, a.Perm, a.Link = rootfs.KindSymlink, 0o777, h.Linkname
	case tar.TypeLink:
		return m.hardLink(h, at)
	case tar.TypeFifo:
		a.Kind = rootfs.KindFIFO
	case tar.TypeChar, tar.TypeBlock:
		a.Kind, a.Rdev = rootfs.KindCharDevice, device(h)
		if h.Typeflag == tar.TypeBlock {
			a.Kind = rootfs.KindBlockDevice
		}
	default:
		return fmt.Errorf("an entry of the type %q is not known", h.Typeflag)
	}
	return m.upper.Put(at, m.node(a))
}

// hardLink makes a further name of a file of the layer. The link itself is what is meant, if it is one.
func (m *merger) hardLink(h *tar.Header, at string) error {
	target, err := m.upper.ResolveParent(h.Linkname)
	if err != nil {
		return err
	}
	n, err := m.upper.Lstat(target)
	if err != nil {
		return err
	}
	if n.IsDir() {
		return &rootfs.PathError{Path: target, Err: syscall.EPERM}
	}
	// The header's mode and owner are those of the file that both names are.
	perm := n.Perm
	if n.Kind != rootfs.KindSymlink {
		perm = uint16(h.Mode & 0o7777)
	}
	a := n.Attr
	a.Perm, a.Owner = perm, rootfs.Owner{UID: uint32(h.Uid), GID: uint32(h.Gid)}
	if err := m.upper.SetAttr(target, func(have *rootfs.Attr) { have.Perm, have.Owner = a.Perm, a.Owner }); err != nil {
		return err
	}
	return m.upper.Put(at, m.node(a))
}

// device is the number of a device as Linux has it (makedev in sysmacros.h).
func device(h *tar.Header) uint64 {
	major, minor := uint64(h.Devmajor), uint64(h.Devminor)
	return major&0xfff<<8 | major&^0xfff<<32 | minor&0xff | minor&^0xff<<12
}

// The bounds of what is kept of files' texts.
const (
	maxText  = 64 << 10
	maxUsers = 1 << 20
	maxTexts = 16 << 20
)

// keeper keeps the texts that answers need: users and groups, what a container starts, and what lies outside of where
// distributions have their own.
type keeper struct {
	left    int64
	started map[string]bool
}

func newKeeper(config dockerspec.DockerOCIImageConfig) *keeper {
	k := &keeper{left: maxTexts, started: map[string]bool{}}
	for _, words := range [][]string{config.Entrypoint, config.Cmd} {
		for _, w := range words {
			k.started[path.Join("/", config.WorkingDir, w)] = true
			if path.IsAbs(w) {
				k.started[path.Clean(w)] = true
			}
		}
	}
	return k
}

// distribution are the directories of which next to nothing is kept.
var distribution = []string{"/usr/", "/lib", "/bin/", "/sbin/", "/var/", "/etc/", "/boot/", "/dev/", "/proc/", "/sys/", "/run/", "/tmp/"}

// limit gives how large a file may be that is kept.
func (k *keeper) limit(at string) int64 {
	switch at {
	case "/etc/passwd", "/etc/group":
		return maxUsers
	case "/etc/os-release", "/usr/lib/os-release":
		return maxText
	}
	switch {
	case k.started[at], strings.HasPrefix(at, "/usr/local/bin/"), strings.HasPrefix(at, "/usr/local/sbin/"), path.Ext(at) == ".pth":
		return maxText
	}
	for _, dir := range distribution {
		if strings.HasPrefix(at, dir) {
			return 0
		}
	}
	return maxText
}

// take gives what is kept of a file.
func (k *keeper) take(at string, h *tar.Header, content io.Reader) (rootfs.Content, error) {
	if h.Size == 0 {
		return text(nil), nil
	}
	if h.Size > min(k.limit(at), k.left) {
		return unkept{}, nil
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != h.Size || bytes.IndexByte(data, 0) >= 0 {
		return unkept{}, nil
	}
	k.left -= h.Size
	return text(data), nil
}
