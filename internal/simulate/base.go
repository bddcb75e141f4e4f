package simulate

import (
	"path"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// BaseImages is an [dockerfile.ImageResolver] that knows the files of images, too.
type BaseImages interface {
	// BaseTree gives the files of an image, nil if they are not known, and says which image that is. Ref and platform are those
	// of the resolver. The tree must not be changed by anybody.
	BaseTree(ref, platform string) (tree *rootfs.Tree, about string, err error)
}

// baseImage is the file system of an image: its files if they are known, else what every image is taken to have.
func (m *Image) baseImage(op *dockerfile.Op) (*State, error) {
	if images, ok := m.Plan.Images.(BaseImages); ok {
		tree, about, err := images.BaseTree(op.Image.Ref, op.Platform)
		if err != nil {
			return nil, err
		}
		if tree != nil {
			m.bases[op.ID] = about
			return &State{Tree: rootfs.NewFrom(madeBy(tree.Root(), int32(op.ID)))}, nil
		}
	}
	return unknownBase(op.ID, op.Image.Ref), nil
}

// KnownBase says of an operation that it is an image whose files are known, and which one.
func (m *Image) KnownBase(op int) (about string, ok bool) {
	about, ok = m.bases[op]
	return about, ok
}

// Supposed reports whether an entry is only taken to exist in a base image of which the files are not known.
func (m *Image) Supposed(n *rootfs.Node) bool {
	if n.Op < 0 || m.Plan.Ops[n.Op].Kind != dockerfile.OpImage {
		return false
	}
	_, known := m.bases[int(n.Op)]
	return !known
}

// madeBy gives a node with all below it as what an operation has made.
func madeBy(n *rootfs.Node, op int32) *rootfs.Node {
	a := n.Attr
	a.Op = op
	if n.IsDir() {
		return rootfs.NewLazyDir(a, madeDir{n, op})
	}
	return rootfs.NewNode(a)
}

type madeDir struct {
	node *rootfs.Node
	op   int32
}

func (d madeDir) Load() ([]rootfs.Child, error) {
	children, err := d.node.Children()
	for i := range children {
		children[i].Node = madeBy(children[i].Node, d.op)
	}
	return children, err
}

// standardDirs are the directories that every base image is taken to have, so that `COPY tool /usr/local/bin` puts a
// file into the directory and not in its place.
var standardDirs = []string{
	"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv",
	"/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/share",
	"/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log", "/var/run", "/var/tmp", "/etc/ssl",
}

// unknownBase is the file system of an image, of which no more is known than where it may hold files.
func unknownBase(op int, ref string) *State {
	t := rootfs.New()
	dir := func(p string) {
		_ = t.Put(p, rootfs.NewNode(rootfs.Attr{Kind: rootfs.KindDir, Perm: 0o755, Op: int32(op), Implied: true}))
	}
	var supposed func(p string)
	supposed = func(p string) {
		if !t.Exists(p) {
			supposed(path.Dir(p))
			dir(p)
		}
	}
	for _, p := range standardDirs {
		supposed(p)
	}
	if workdir, ok := bases.Workdir(ref); ok { // WORKDIR has made it
		supposed(path.Clean(workdir))
	}
	held, _ := bases.Holds(ref)
	_ = t.SetAttr("/", func(a *rootfs.Attr) { a.May, a.Op = rootfs.MayBe(int32(op), held...), int32(op) })
	return opaqueState(t, op)
}
