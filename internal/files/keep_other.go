//go:build !unix

package files

import (
	"io/fs"
	"os"
)

const openFlags = 0

// keep gives a file the mode of another.
func keep(f *os.File, was fs.FileInfo) error { return f.Chmod(was.Mode().Perm()) }
