package baseimage

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/files"
)

// store are the files of a layout or of an archive.
type store interface {
	// open opens a file by its slash-separated name; [fs.ErrNotExist] if there is none.
	open(name string) (io.ReadCloser, error)
	io.Closer
}

// openStore opens a directory or an archive that a person named.
func openStore(ctx context.Context, name string) (store, error) {
	fi, err := files.Stat(name)
	if err != nil {
		return nil, underlying(err)
	}
	if fi.IsDir() {
		d, err := files.OpenDir(name)
		return directory{d}, err
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(ctx, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

func underlying(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// directory is a layout on the disk.
type directory struct{ *files.Dir }

func (d directory) open(name string) (io.ReadCloser, error) { return d.Open(name) }

// archive is a tar file, compressed or not. A file of it is found again by where it begins or, if the archive is compressed, by
// unpacking all that lies before it.
type archive struct {
	files.File
	members map[string]member
	packed  bool
}

type member struct {
	offset, size int64
	index        int
	link         string // of a link, the name that it stands for
}

// maxMembers bounds the files of an archive that holds an image: a few for each layer.
const maxMembers = 100_000

func openArchive(ctx context.Context, f files.File) (*archive, error) {
	a := &archive{File: f, members: map[string]member{}}
	var magic [6]byte
	n, _ := f.ReadAt(magic[:], 0) // a shorter file is no archive
	a.packed = kindOf(magic[:n]) != plain
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, underlying(err)
	}
	var r io.Reader = f // archive/tar reads a file block by block, so that its offset is that of the content
	if a.packed {
		spent := budget.New(budget.Limits{Bytes: maxUnpacked})
		u, err := unpacked(f, spent)
		if err != nil {
			return nil, err
		}
		defer u.Close()
		r = u
	}
	t := tar.NewReader(r)
	for i := 0; ; i++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("it is no directory, and no tar archive: %w", underlying(err))
		}
		if i == maxMembers {
			return nil, &budget.Exceeded{Kind: "steps", Limit: maxMembers}
		}
		m := member{size: h.Size, index: i}
		name := path.Join("/", h.Name)[1:]
		switch h.Typeflag {
		case tar.TypeReg:
		case tar.TypeSymlink:
			m.link = path.Join("/", path.Dir(name), h.Linkname)[1:]
		case tar.TypeLink:
			m.link = path.Join("/", h.Linkname)[1:]
		default:
			continue
		}
		if !a.packed {
			if m.offset, err = f.Seek(0, io.SeekCurrent); err != nil {
				return nil, underlying(err)
			}
		}
		a.members[name] = m
	}
}

func (a *archive) open(name string) (io.ReadCloser, error) {
	m, ok := a.members[name]
	for range maxNesting {
		if ok && m.link != "" {
			m, ok = a.members[m.link]
		}
	}
	if !ok || m.link != "" {
		return nil, fs.ErrNotExist
	}
	if !a.packed {
		return io.NopCloser(io.NewSectionReader(a.File, m.offset, m.size)), nil
	}
	if _, err := a.Seek(0, io.SeekStart); err != nil {
		return nil, underlying(err)
	}
	u, err := unpacked(a.File, budget.New(budget.Limits{Bytes: maxUnpacked}))
	if err != nil {
		return nil, err
	}
	t := tar.NewReader(u)
	for range m.index + 1 {
		if _, err := t.Next(); err != nil {
			u.Close()
			return nil, err
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{t, u}, nil
}

// compression is how a stream is packed.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
)

// kindOf tells how a stream is packed, by how it begins: media types are not always right.
func kindOf(magic []byte) compression {
	switch {
	case strings.HasPrefix(string(magic), "\x1f\x8b\x08"):
		return gzipped
	case strings.HasPrefix(string(magic), "\x28\xb5\x2f\xfd"), len(magic) >= 4 && magic[0]&0xf0 == 0x50 && string(magic[1:4]) == "\x2a\x4d\x18":
		return zstandard
	}
	return plain
}

// unpacked reads what a stream holds; what it unpacks is counted.
func unpacked(r io.Reader, spent *budget.Budget) (io.ReadCloser, error) {
	buf := bufio.NewReaderSize(r, 256<<10)
	magic, err := buf.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	out := &counted{r: buf, spent: spent, close: func() {}}
	switch kindOf(magic) {
	case gzipped:
		g, err := gzip.NewReader(buf)
		if err != nil {
			return nil, err
		}
		out.r = g
	case zstandard:
		d, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		out.r, out.close = d, d.Close
	}
	return out, nil
}

type counted struct {
	r     io.Reader
	spent *budget.Budget
	close func()
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if over := c.spent.Bytes(int64(n)); over != nil {
		return 0, over
	}
	return n, err
}

func (c *counted) Close() error {
	c.close()
	return nil
}

// IsFile reports whether there is a file or a directory of a name, which may be an image.
func IsFile(name string) bool {
	_, err := files.Stat(name)
	return err == nil
}
