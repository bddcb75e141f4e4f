package simulate

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/moby/go-archive/compression"
	"github.com/therootcompany/xz"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// errArchiveTooLarge says that an archive was left before its end. BuildKit has no bounds: what lies beyond ours becomes
// unknown content.
var errArchiveTooLarge = errors.New("archive is too large to be read for a prediction")

// tooLarge tells that an archive is one and asks for more than is given to it.
func tooLarge(err error) bool {
	return errors.Is(err, errArchiveTooLarge) || errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, xz.ErrMemlimit)
}

// maxWindow is what zstd keeps of what it has unpacked: as much as its own program uses by itself.
const maxWindow = 128 << 20

// slow is how many bytes one of a compression counts as that takes so much longer to unpack.
const slow = 8

// boundedReader fails instead of giving more than may be unpacked.
type boundedReader struct {
	r      io.Reader
	spent  *budget.Budget
	weight int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.spent.Bytes(int64(n)*b.weight) != nil {
		return 0, errArchiveTooLarge
	}
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
// solver/llbsolver/file/unpack.go, which calls moby/go-archive); the name never counts. Reading more of what it holds than
// the budget allows fails with errArchiveTooLarge.
func openArchive(c rootfs.Content, spent *budget.Budget) (*archiveReader, error) {
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
	weight := int64(1)
	switch kind := compression.Detect(magic); kind {
	case compression.None:
	case compression.Gzip:
		r, err = gzip.NewReader(buf)
	case compression.Bzip2:
		r, weight = bzip2.NewReader(buf), slow
	case compression.Xz:
		r, err = xz.NewReader(buf, maxWindow)
		weight = slow
	case compression.Zstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(512<<20), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true)); err == nil {
			r, a.close = d, d.Close
		}
	default:
		err = fmt.Errorf("unsupported compression format (%d)", kind)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	a.Reader = tar.NewReader(&boundedReader{r, spent, weight})
	return a, nil
}

// unpacked is an archive of which members are read. It is read once more for that, and small members are remembered: to get
// at one means to unpack all that lies before it.
type unpacked struct {
	archive rootfs.Content
	spent   *budget.Budget // of which members count
	room    *budget.Budget // for what is remembered

	once    sync.Once
	members map[int][]byte
}

// maxMember is the largest member that is remembered.
const maxMember = 1 << 20

func (u *unpacked) remember() {
	u.members = map[int][]byte{}
	a, err := openArchive(u.archive, u.spent)
	if err != nil {
		return
	}
	defer a.Close()
	for i := 0; ; i++ {
		hdr, err := a.Next()
		if err != nil {
			return
		}
		if hdr.Typeflag != tar.TypeReg || hdr.Size > maxMember {
			continue
		}
		if u.room.Bytes(hdr.Size+64) != nil {
			return
		}
		data, err := io.ReadAll(a)
		if err != nil {
			return
		}
		u.members[i] = data
	}
}

// archiveContent opens the bytes of an archive's entry.
type archiveContent struct {
	from  *unpacked
	entry int // counted from 0
}

func (c archiveContent) Open() (io.ReadCloser, error) {
	c.from.once.Do(c.from.remember)
	if data, ok := c.from.members[c.entry]; ok {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	a, err := openArchive(c.from.archive, c.from.spent)
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
