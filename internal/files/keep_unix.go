//go:build unix

package files

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags keep a pipe from blocking who opens it.
const openFlags = syscall.O_NONBLOCK

// keep gives a file the mode and, if that is allowed, the owner of another.
func keep(f *os.File, was fs.FileInfo) error {
	if st, ok := was.Sys().(*syscall.Stat_t); ok {
		if now, err := f.Stat(); err == nil {
			if mine, ok := now.Sys().(*syscall.Stat_t); ok && (mine.Uid != st.Uid || mine.Gid != st.Gid) {
				_ = f.Chown(int(st.Uid), int(st.Gid)) // only root may
			}
		}
	}
	return f.Chmod(was.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
}
