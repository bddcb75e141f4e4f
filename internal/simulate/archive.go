package simulate

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/moby/go-archive/compression"
	"github.com/ulikunitz/xz"

	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Bounds on what is read of one archive. BuildKit has none: what lies beyond becomes unknown content.
const (
	maxArchiveBytes   = 1 << 30
	maxArchiveEntries = 1 << 20
)

// errArchiveTooLarge says that an archive was left before its end.
var errArchiveTooLarge = errors.New("archive is too large to be read for a prediction")

// boundedReader fails instead of giving more than a number of bytes.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errArchiveTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// archiveReader reads the entries of a tar archive, compressed or not.
type archiveReader struct {
	*tar.Reader
	file  io.Closer
	close func()
}

func (a *archiveReader) Close() error {
	if a.close != nil {
		a.close()
	}
	return a.file.Close()
}

// openArchive opens a file as a tar archive. The compression is told by content, as BuildKit does (isArchivePath in
// solver/llbsolver/file/unpack.go, which calls moby/go-archive); the name never counts. Reading more than limit bytes of
// what it holds, uncompressed, fails with errArchiveTooLarge.
func openArchive(c rootfs.Content, limit int64) (*archiveReader, error) {
	f, err := c.Open()
	if err != nil {
		return nil, err
	}
	a := &archiveReader{file: f}
	buf := bufio.NewReaderSize(f, 32<<10)
	magic, err := buf.Peek(10)
	if err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return nil, err
	}
	var r io.Reader = buf
	switch kind := compression.Detect(magic); kind {
	case compression.None:
	case compression.Gzip:
		r, err = gzip.NewReader(buf)
	case compression.Bzip2:
		r = bzip2.NewReader(buf)
	case compression.Xz:
		r, err = xz.NewReader(buf)
	case compression.Zstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(512<<20)); err == nil {
			r, a.close = d, d.Close
		}
	default:
		err = fmt.Errorf("unsupported compression format (%d)", kind)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	a.Reader = tar.NewReader(&boundedReader{r, limit})
	return a, nil
}

// archiveContent opens the bytes of an archive's entry by reading the archive up to it once more.
type archiveContent struct {
	archive rootfs.Content
	entry   int // counted from 0
}

func (c archiveContent) Open() (io.ReadCloser, error) {
	a, err := openArchive(c.archive, maxArchiveBytes)
	if err != nil {
		return nil, err
	}
	for range c.entry + 1 {
		if _, err := a.Next(); err != nil {
			a.Close()
			return nil, fmt.Errorf("reading archive: %w", err)
		}
	}
	return a, nil
}
