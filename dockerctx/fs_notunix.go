//go:build !unix

package dockerctx

const (
	openDirFlags  = 0
	openFileFlags = 0
)
