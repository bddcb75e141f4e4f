//go:build unix

package dockerctx

import (
	"io/fs"
	"syscall"
)

// What opening a directory and opening a file take besides, so that neither waits for anybody.
const (
	openDirFlags  = syscall.O_DIRECTORY | syscall.O_NONBLOCK
	openFileFlags = syscall.O_NONBLOCK
)

// What BuildKit's client sends is what the system says.
func sent(i fs.FileInfo) fs.FileInfo                  { return i }
func sentEntries(entries []fs.DirEntry) []fs.DirEntry { return entries }
