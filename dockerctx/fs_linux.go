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
	// The dot at the end makes the kernel ask at once whether the directory may be searched.
	searched := true
	fd, err := f.openat2(name + "/.")
	if err == unix.EACCES {
		searched = false
		fd, err = f.openat2(name)
	}
	if err != nil {
		return nil
	}
	return &dirReader{fd: fd, dir: name, searched: searched}
}

func (f *dirFS) openat2(name string) (fd int, err error) {
	base := int(f.base.Fd())
	err = retry(func() (err error) {
		fd, err = unix.Openat2(base, name, &openHow)
		return err
	})
	return fd, err
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
	fd       int
	dir      string
	searched bool
}

func (r *dirReader) close() { _ = unix.Close(r.fd) }

func (r *dirReader) searchable() bool { return r.searched }

// direntBuffer is larger than most directories, so that one call lists them and the next tells the end.
const direntBuffer = 64 << 10

var direntBuffers = sync.Pool{New: func() any { return new([direntBuffer]byte) }}

func (r *dirReader) list(l *listing) error {
	buf := direntBuffers.Get().(*[direntBuffer]byte)
	defer direntBuffers.Put(buf)
	for {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Getdents(r.fd, buf[:])
			return err
		})
		if err != nil {
			return relative("readdir", r.dir, err)
		}
		if n == 0 {
			return nil
		}
		if err = r.parse(l, buf[:n]); err != nil {
			return err
		}
	}
}

// The layout of linux_dirent64: an inode of 8 bytes, an offset of 8, the length of the record, the type, the name.
const (
	direntLength = 16
	direntType   = 18
	direntName   = 19
)

// parse takes the entries from what getdents64 wrote.
func (r *dirReader) parse(l *listing, buf []byte) error {
	for len(buf) >= direntName {
		length := int(binary.NativeEndian.Uint16(buf[direntLength:]))
		if length < direntName || length > len(buf) {
			return relative("readdir", r.dir, syscall.EBADMSG)
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
		k := direntKind(record[direntType])
		if k == kindUnknown {
			in, err := r.stat(string(name))
			if absent(err) {
				continue
			}
			if err != nil {
				return relative("readdir", r.dir, err)
			}
			k = kindOf(in.mode)
		}
		if l.leavesOut(name, k) {
			continue
		}
		start := uint32(len(l.text))
		l.text = append(l.text, name...)
		l.items = append(l.items, item{start: start, end: uint32(len(l.text)), kind: k})
	}
	return nil
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

func (r *dirReader) lstat(name string, _ int32) (info, error) {
	in, err := r.stat(name)
	if err != nil {
		return info{}, relative("lstat", join(r.dir, name), err)
	}
	in.mode &^= fs.ModeSocket
	return in, nil
}

func (r *dirReader) stat(name string) (info, error) {
	st, err := lstatAt(r.fd, name)
	if err != nil {
		return info{}, err
	}
	return infoOfStat(&st), nil
}

func (r *dirReader) self() (info, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(r.fd, &st) }); err != nil {
		return info{}, err
	}
	return infoOfStat(&st), nil
}

func infoOfStat(st *unix.Stat_t) info {
	in := info{mode: unixMode(st.Mode)}
	if in.mode.IsRegular() {
		in.size = st.Size
	}
	return in
}

// lstatAt is lstat relative to an open directory.
func lstatAt(dir int, name string) (st unix.Stat_t, err error) {
	err = retry(func() error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return st, err
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

func (r *dirReader) readLink(name string) (string, error) {
	buf := make([]byte, 128)
	for {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Readlinkat(r.fd, name, buf)
			return err
		})
		if err != nil {
			return "", relative("readlink", join(r.dir, name), err)
		}
		if n < len(buf) {
			return string(buf[:n]), nil
		}
		buf = make([]byte, 2*len(buf))
	}
}
