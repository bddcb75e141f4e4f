//go:build unix

package dockerctx

import "syscall"

// What opening a directory and opening a file take besides, so that neither waits for anybody.
const (
	openDirFlags  = syscall.O_DIRECTORY | syscall.O_NONBLOCK
	openFileFlags = syscall.O_NONBLOCK
)
