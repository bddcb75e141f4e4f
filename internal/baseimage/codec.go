package baseimage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// An index is stored as a stream of zstd: the magic, the digests and the configuration, then every entry in the order of a walk, its
// path as what it shares with the one before and the rest. Numbers are varints, texts have their length before them.
const magic = "ctxaudit index 1\n"

// maxStored bounds what a stored index unpacks to.
const maxStored = 1 << 30

// Encode writes an index.
func (x *Index) Encode(w io.Writer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	return errors.Join(x.encode(z), z.Close())
}

func (x *Index) encode(w io.Writer) error {
	e := encoder{w: bufio.NewWriter(w)}
	e.w.WriteString(magic)
	e.text(x.Digest)
	e.text(x.Listed)
	e.text(string(x.Config))
	e.number(uint64(x.Entries))
	last := ""
	err := x.Tree.Walk(func(p string, n *rootfs.Node) error {
		shared := 0
		for shared < min(len(p), len(last)) && p[shared] == last[shared] {
			shared++
		}
		e.number(uint64(shared))
		e.text(p[shared:])
		last = p
		return e.entry(n)
	})
	// A writer keeps its error: the last one to be asked has it.
	return errors.Join(err, e.w.Flush())
}

type encoder struct {
	w   *bufio.Writer
	buf [binary.MaxVarintLen64]byte
}

func (e *encoder) number(n uint64) { e.w.Write(e.buf[:binary.PutUvarint(e.buf[:], n)]) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.w.WriteString(s)
}

func (e *encoder) entry(n *rootfs.Node) error {
	e.w.WriteByte(byte(n.Kind))
	for _, v := range []uint64{uint64(n.Perm), uint64(n.Owner.UID), uint64(n.Owner.GID), uint64(n.Op)} {
		e.number(v)
	}
	switch n.Kind {
	case rootfs.KindFile:
		e.number(uint64(n.Size))
		kept, ok := n.Content.(text)
		if !ok {
			e.w.WriteByte(0)
			return nil
		}
		e.w.WriteByte(1)
		e.text(string(kept))
	case rootfs.KindSymlink:
		e.text(n.Link)
	case rootfs.KindCharDevice, rootfs.KindBlockDevice:
		e.number(n.Rdev)
	case rootfs.KindDir, rootfs.KindFIFO:
	default:
		return fmt.Errorf("an entry of the kind %s cannot be stored", n.Kind)
	}
	return nil
}

// Decode reads an index.
func Decode(r io.Reader) (*Index, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return decode(io.LimitReader(z, maxStored))
}

func decode(r io.Reader) (*Index, error) {
	d := decoder{r: bufio.NewReader(r)}
	var head [len(magic)]byte
	if _, err := io.ReadFull(d.r, head[:]); err != nil || string(head[:]) != magic {
		return nil, errors.New("it is no index, or one of another version")
	}
	x := &Index{Digest: d.text(), Listed: d.text(), Config: []byte(d.text())}
	if d.err != nil {
		return nil, d.err
	}
	if err := unmarshal(x.Config, &x.Image); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	root := d.tree(x)
	if d.err != nil {
		return nil, d.err
	}
	x.Tree = rootfs.NewFrom(root)
	return x, nil
}

// openDir is a directory of which entries may follow.
type openDir struct {
	path     string // with a slash at its end
	attr     rootfs.Attr
	children []rootfs.Child
}

// tree reads the entries: those of a directory follow it, in the order of their names.
func (d *decoder) tree(x *Index) *rootfs.Node {
	open := []openDir{{path: "/", attr: rootfs.New().Root().Attr}}
	shut := func() {
		last := &open[len(open)-1]
		up := &open[len(open)-2]
		up.children = append(up.children, rootfs.Child{Name: last.path[len(up.path) : len(last.path)-1], Node: rootfs.NewDir(last.attr, last.children)})
		open = open[:len(open)-1]
	}
	last := ""
	entries := d.number()
	if entries > maxEntries {
		d.fail()
	}
	if d.err != nil {
		return nil
	}
	for range entries {
		shared := d.number()
		if shared > uint64(len(last)) {
			d.fail()
			return nil
		}
		last = last[:shared] + d.text()
		a := d.entry()
		if d.err != nil {
			return nil
		}
		dir, name := path.Split(last)
		for len(open) > 1 && open[len(open)-1].path != dir {
			shut()
		}
		up := &open[len(open)-1]
		if n := len(up.children); up.path != dir || name == "" || name == "." || name == ".." || len(last) >= maxPath || n > 0 && up.children[n-1].Name >= name {
			d.fail()
			return nil
		}
		if a.Kind == rootfs.KindDir {
			open = append(open, openDir{path: last + "/", attr: a})
		} else {
			up.children = append(up.children, rootfs.Child{Name: name, Node: rootfs.NewNode(a)})
		}
		x.Entries++
	}
	for len(open) > 1 {
		shut()
	}
	return rootfs.NewDir(open[0].attr, open[0].children)
}

var errDamaged = errors.New("it is damaged")

// decoder keeps the first error, and gives nothing from then on.
type decoder struct {
	r   *bufio.Reader
	err error
}

func (d *decoder) number() uint64 {
	if d.err != nil {
		return 0
	}
	var n uint64
	n, d.err = binary.ReadUvarint(d.r)
	return n
}

func (d *decoder) byte() byte {
	if d.err != nil {
		return 0
	}
	var b byte
	b, d.err = d.r.ReadByte()
	return b
}

func (d *decoder) text() string {
	n := d.number()
	if n > maxStored {
		d.fail()
	}
	if d.err != nil || n == 0 {
		return ""
	}
	// No more is made room for than there is.
	var b strings.Builder
	if _, err := io.CopyN(&b, d.r, int64(n)); err != nil {
		d.fail()
	}
	return b.String()
}

// fail notes that what is read is no index.
func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDamaged
	}
}

func (d *decoder) entry() rootfs.Attr {
	a := rootfs.Attr{Kind: rootfs.Kind(d.byte()), Perm: uint16(d.number() & 0o7777)}
	a.Owner.UID, a.Owner.GID = uint32(d.number()), uint32(d.number())
	a.Op = int32(min(d.number(), maxLayers))
	switch a.Kind {
	case rootfs.KindFile:
		a.Size, a.Content = int64(d.number()), unkept{}
		if d.byte() == 1 {
			a.Content = text(d.text())
		}
		if kept, ok := a.Content.(text); a.Size < 0 || ok && int64(len(kept)) != a.Size {
			d.fail()
		}
	case rootfs.KindSymlink:
		a.Link = d.text()
	case rootfs.KindCharDevice, rootfs.KindBlockDevice:
		a.Rdev = d.number()
	case rootfs.KindDir, rootfs.KindFIFO:
	default:
		d.fail()
	}
	return a
}
