package dockerctx

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// openHow keeps the kernel inside the context: not even a link in the middle of a path is followed.
var openHow = unix.OpenHow{
	Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK,
	Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
}

// openDir opens a directory relative to the root of the context in one call, where an os.Root needs one for each part
// of the path, and reads it without a stat for each entry. It gives nil whatever goes wrong: an old kernel, a sandbox
// that does not know the call, a directory that is none. ReadDir then finds out what to say.
func (f *dirFS) openDir(name string) reader {
	if f.plain || f.fits("readdir", name) != nil {
		return nil
	}
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat2(int(f.base.Fd()), name, &openHow)
		return err
	})
	if err != nil {
		return nil
	}
	return &dirReader{fd: fd, fsys: f, dir: name}
}

// retry repeats a call that a signal interrupted.
func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// dirReader is an open directory.
type dirReader struct {
	fd   int
	fsys *dirFS
	dir  string
}

func (r *dirReader) close() { _ = unix.Close(r.fd) }

// direntBuffer is larger than most directories, so that one call lists them and the next tells the end.
const direntBuffer = 64 << 10

var direntBuffers = sync.Pool{New: func() any { return new([direntBuffer]byte) }}

func (r *dirReader) list(items []item) ([]item, error) {
	buf := direntBuffers.Get().(*[direntBuffer]byte)
	defer direntBuffers.Put(buf)
	for {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Getdents(r.fd, buf[:])
			return err
		})
		if err != nil {
			return nil, relative("readdir", r.dir, err)
		}
		if n == 0 {
			return items, nil
		}
		if items, err = r.parse(items, buf[:n]); err != nil {
			return nil, err
		}
	}
}

// The layout of linux_dirent64: an inode of 8 bytes, an offset of 8, the length of the record, the type, the name.
const (
	direntLength = 16
	direntType   = 18
	direntName   = 19
)

// parse takes the entries from what getdents64 wrote. The names share one string.
func (r *dirReader) parse(items []item, buf []byte) ([]item, error) {
	names := make([]byte, 0, len(buf)/2)
	first := len(items)
	for len(buf) >= direntName {
		length := int(binary.NativeEndian.Uint16(buf[direntLength:]))
		if length < direntName || length > len(buf) {
			return nil, relative("readdir", r.dir, syscall.EBADMSG)
		}
		record := buf[:length]
		buf = buf[length:]
		name := record[direntName:]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		// An inode of 0 is a hole. Package os passes over it too.
		if binary.NativeEndian.Uint64(record) == 0 || len(name) == 0 || string(name) == "." || string(name) == ".." {
			continue
		}
		it := item{kind: direntKind(record[direntType]), index: int32(len(name))}
		if it.kind == kindUnknown {
			in, err := r.stat(string(name))
			if absent(err) {
				continue
			}
			if err != nil {
				return nil, relative("readdir", r.dir, err)
			}
			it.kind = kindOf(in.mode)
		}
		names = append(names, name...)
		items = append(items, it)
	}
	all := string(names)
	for i := first; i < len(items); i++ {
		items[i].name, all = all[:items[i].index], all[items[i].index:]
	}
	return items, nil
}

// kindUnknown is for file systems that do not tell the type.
const kindUnknown kind = 0xff

func direntKind(t byte) kind {
	switch t {
	case unix.DT_REG:
		return kindFile
	case unix.DT_DIR:
		return kindDir
	case unix.DT_LNK:
		return kindLink
	case unix.DT_FIFO:
		return kindPipe
	case unix.DT_SOCK:
		return kindSocket
	case unix.DT_CHR:
		return kindCharDevice
	case unix.DT_BLK:
		return kindDevice
	}
	return kindUnknown
}

func (r *dirReader) lstat(it *item) (info, error) {
	in, err := r.stat(it.name)
	if err != nil {
		return info{}, relative("lstat", join(r.dir, it.name), err)
	}
	in.mode &^= fs.ModeSocket
	return in, nil
}

func (r *dirReader) stat(name string) (info, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstatat(r.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return info{}, err
	}
	in := info{mode: unixMode(st.Mode)}
	if in.mode.IsRegular() {
		in.size = st.Size
	}
	return in, nil
}

// unixMode gives a mode of stat(2) as package fs has it.
func unixMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for _, bit := range [...]struct {
		unix uint32
		mode fs.FileMode
	}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}} {
		if m&bit.unix != 0 {
			mode |= bit.mode
		}
	}
	switch m & unix.S_IFMT {
	case unix.S_IFREG:
		return mode
	case unix.S_IFDIR:
		return mode | fs.ModeDir
	case unix.S_IFLNK:
		return mode | fs.ModeSymlink
	case unix.S_IFIFO:
		return mode | fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return mode | fs.ModeSocket
	case unix.S_IFCHR:
		return mode | fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		return mode | fs.ModeDevice
	}
	return mode | fs.ModeIrregular
}

func (r *dirReader) readLink(it *item) (string, error) {
	buf := make([]byte, 128)
	for {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Readlinkat(r.fd, it.name, buf)
			return err
		})
		if err != nil {
			return "", relative("readlink", join(r.dir, it.name), err)
		}
		if n < len(buf) {
			return string(buf[:n]), nil
		}
		buf = make([]byte, 2*len(buf))
	}
}
