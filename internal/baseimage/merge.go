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

// merger lays layers over each other.
type merger struct {
	tree  *rootfs.Tree
	spent *budget.Budget
	names *budget.Budget // bytes of names
	texts *keeper

	number  int             // of the layer
	fresh   map[string]bool // paths that this layer has put there
	cleared map[string]bool // directories of which it took away what lay below
}

func newMerger(config dockerspec.DockerOCIImageConfig) *merger {
	return &merger{
		tree:  rootfs.New(),
		spent: budget.New(budget.Limits{Steps: maxSteps, Bytes: maxUnpacked}),
		names: budget.New(budget.Limits{Bytes: maxNames}),
		texts: newKeeper(config),
	}
}

func (m *merger) start(number int) {
	m.number, m.fresh, m.cleared = number, map[string]bool{}, map[string]bool{}
}

// apply lays the entries of one layer over what is there.
func (m *merger) apply(ctx context.Context, layer io.Reader) error {
	for t := tar.NewReader(layer); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			// The way to an entry costs as much as it is deep.
			err = errors.Join(ctx.Err(), m.spent.Steps(int64(1+strings.Count(h.Name, "/"))), m.names.Bytes(int64(len(h.Name)+len(h.Linkname))))
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

// entry places one entry. Links on its way are followed within the image.
func (m *merger) entry(h *tar.Header, content io.Reader) error {
	dir, base := path.Split(path.Clean(h.Name))
	parent, err := m.tree.Resolve(dir)
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
		return m.clear(path.Dir(at))
	case strings.HasPrefix(name, whiteout):
		name = strings.TrimPrefix(name, whiteout)
		if name == "" || name == "." || name == ".." {
			return errors.New("it takes away nothing that has a name")
		}
		return m.tree.Remove(path.Join(path.Dir(at), name))
	}
	if have, err := m.tree.Lstat(at); err == nil && (!have.IsDir() || h.Typeflag != tar.TypeDir) {
		if err := m.tree.Remove(at); err != nil {
			return err
		}
	}
	m.fresh[at] = true
	return m.put(h, at, content)
}

// parents makes the directories above an entry that no entry has made.
func (m *merger) parents(dir string) error {
	n, err := m.tree.Lstat(dir)
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
	for p := path.Dir(dir); !m.tree.Exists(p); p = path.Dir(p) {
		missing = append(missing, p)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := m.tree.Put(missing[i], m.node(rootfs.Attr{Kind: rootfs.KindDir, Perm: 0o755})); err != nil {
			return err
		}
	}
	return nil
}

// clear takes away what a directory has of the layers below.
func (m *merger) clear(dir string) error {
	if m.cleared[dir] {
		return nil
	}
	m.cleared[dir] = true
	n, err := m.tree.Lstat(dir)
	if err != nil {
		return err
	}
	var gone []string
	prefix := strings.TrimSuffix(dir, "/")
	err = rootfs.WalkNode(prefix, n, func(p string, n *rootfs.Node) error {
		if err := m.spent.Steps(1); err != nil {
			return err
		}
		if m.fresh[p] {
			return nil
		}
		gone = append(gone, p)
		if n.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	for _, p := range gone {
		err = errors.Join(err, m.tree.Remove(p))
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
		if m.tree.Exists(at) {
			return m.tree.SetAttr(at, func(have *rootfs.Attr) { have.Perm, have.Owner, have.Op = a.Perm, a.Owner, int32(m.number) })
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
	return m.tree.Put(at, m.node(a))
}

// hardLink makes a further name of a file. The link itself is what is meant, if it is one.
func (m *merger) hardLink(h *tar.Header, at string) error {
	target, err := m.tree.ResolveParent(h.Linkname)
	if err != nil {
		return err
	}
	n, err := m.tree.Lstat(target)
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
	if err := m.tree.SetAttr(target, func(have *rootfs.Attr) { have.Perm, have.Owner = a.Perm, a.Owner }); err != nil {
		return err
	}
	return m.tree.Put(at, m.node(a))
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
