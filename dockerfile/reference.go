package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

var errNotSolved = errors.New("ctxaudit executes no operations")

// fileReference is the answer to a solve. The front end only reads files from it, so it implements what
// frontend/dockerui asks for and refuses the rest.
type fileReference struct {
	read func(name string) ([]byte, error)
	stat func(name string) (*fstypes.Stat, error)
}

func (r *fileReference) ToState() (llb.State, error)    { return llb.State{}, errNotSolved }
func (r *fileReference) Evaluate(context.Context) error { return nil }
func (r *fileReference) ReadDir(context.Context, client.ReadDirRequest) ([]*fstypes.Stat, error) {
	return nil, errNotSolved
}

func (r *fileReference) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	if r.read == nil {
		return nil, errNotSolved
	}
	data, err := r.read(req.Filename)
	if err != nil || req.Range == nil {
		return data, err
	}
	start := min(max(req.Range.Offset, 0), len(data))
	end := min(start+max(req.Range.Length, 0), len(data))
	return data[start:end], nil
}

func (r *fileReference) StatFile(_ context.Context, req client.StatRequest) (*fstypes.Stat, error) {
	if r.stat == nil {
		return nil, errNotSolved
	}
	return r.stat(req.Path)
}

// fsReference reads below a directory as a builder reads what it was sent: links are resolved with the directory as their root,
// so that none leads out, and only regular files are opened.
func fsReference(fsys dockerctx.FS) *fileReference {
	return &fileReference{
		read: func(name string) ([]byte, error) {
			return dockerctx.ReadFile(fsys, strings.TrimPrefix(name, "/"), MaxSize+1)
		},
		stat: func(name string) (*fstypes.Stat, error) {
			fi, err := fsys.Lstat(strings.TrimPrefix(name, "/"))
			if err != nil {
				return nil, err
			}
			return &fstypes.Stat{Path: name, Mode: uint32(fi.Mode()), Size: fi.Size()}, nil
		},
	}
}

// filesReference serves files from memory.
func filesReference(files map[string][]byte) *fileReference {
	missing := func(name string) error {
		return &os.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	return &fileReference{
		read: func(name string) ([]byte, error) {
			data, ok := files[name]
			if !ok {
				return nil, missing(name)
			}
			return data, nil
		},
		stat: func(name string) (*fstypes.Stat, error) {
			data, ok := files[name]
			if !ok {
				return nil, missing(name)
			}
			return &fstypes.Stat{Path: name, Mode: 0o644, Size: int64(len(data))}, nil
		},
	}
}

// checkReadable fails for a file that is there and cannot be read. dockerui takes every failure but "too large" for
// absence, and would compile without the ignore file. What is absent to a builder, a directory or another file that is not
// regular included, is no failure.
func checkReadable(ref *fileReference, name string) error {
	_, err := ref.read(name)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return nil
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fmt.Errorf("reading %s: %w", name, errno)
	}
	return nil // not a regular file, or too large: dockerui's own words are better
}
