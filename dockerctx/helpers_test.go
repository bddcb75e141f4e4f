package dockerctx

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// memFS is a context in memory. The keys are clean paths; parents are made by
// need.
type memFS struct {
	nodes map[string]*memNode
	kids  map[string][]string // sorted names

	reads atomic.Int64 // of directories
}

type memNode struct {
	name    string
	mode    fs.FileMode
	data    string
	link    string
	readErr error // of reading a directory or opening a file
	infoErr error
}

func (n *memNode) Name() string               { return n.name }
func (n *memNode) Size() int64                { return int64(len(n.data)) }
func (n *memNode) Mode() fs.FileMode          { return n.mode }
func (n *memNode) ModTime() time.Time         { return time.Time{} }
func (n *memNode) IsDir() bool                { return n.mode.IsDir() }
func (n *memNode) Sys() any                   { return nil }
func (n *memNode) Type() fs.FileMode          { return n.mode.Type() }
func (n *memNode) Info() (fs.FileInfo, error) { return n, n.infoErr }

// newMemFS takes entries as "dir/", "file", "link -> target".
func newMemFS(entries ...string) *memFS {
	m := &memFS{nodes: map[string]*memNode{".": {name: ".", mode: fs.ModeDir | 0o755}}, kids: map[string][]string{}}
	for _, e := range entries {
		switch name, target, link := strings.Cut(e, " -> "); {
		case link:
			m.add(name, &memNode{mode: fs.ModeSymlink | 0o777, link: target})
		case strings.HasSuffix(e, "/"):
			m.add(strings.TrimSuffix(e, "/"), &memNode{mode: fs.ModeDir | 0o755})
		default:
			m.add(e, &memNode{mode: 0o644, data: "content of " + e})
		}
	}
	return m
}

// add puts a node into the tree. What stands there already stays.
func (m *memFS) add(name string, n *memNode) *memNode {
	if old, ok := m.nodes[name]; ok {
		return old
	}
	dir := path.Dir(name)
	if parent := m.add(dir, &memNode{mode: fs.ModeDir | 0o755}); !parent.IsDir() {
		return parent
	}
	n.name = path.Base(name)
	m.nodes[name] = n
	at, _ := slices.BinarySearch(m.kids[dir], n.name)
	m.kids[dir] = slices.Insert(m.kids[dir], at, n.name)
	return n
}

func (m *memFS) paths() []string {
	var list []string
	for p := range m.nodes {
		if p != "." {
			list = append(list, p)
		}
	}
	slices.Sort(list)
	return list
}

func (m *memFS) get(op, name string) (*memNode, error) {
	if n, ok := m.nodes[name]; ok {
		return n, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

func (m *memFS) ReadDir(name string) ([]fs.DirEntry, error) {
	m.reads.Add(1)
	n, err := m.get("readdir", name)
	if err != nil {
		return nil, err
	}
	if n.readErr != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: n.readErr}
	}
	if !n.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	var list []fs.DirEntry
	for _, kid := range m.kids[name] {
		list = append(list, m.nodes[join(name, kid)])
	}
	return list, nil
}

// isLeaf knows what a file system knows that counts links. It is no reading of the directory.
func (m *memFS) isLeaf(dir string, names []string) bool {
	n, ok := m.nodes[dir]
	if !ok || n.readErr != nil && !errors.Is(n.readErr, fs.ErrPermission) {
		return false
	}
	return !slices.ContainsFunc(m.kids[dir], func(kid string) bool {
		return m.nodes[join(dir, kid)].IsDir() || slices.Contains(names, kid)
	})
}

func (m *memFS) Lstat(name string) (fs.FileInfo, error) {
	n, err := m.get("lstat", name)
	if err != nil {
		return nil, err
	}
	return n, n.infoErr
}

func (m *memFS) ReadLink(name string) (string, error) {
	n, err := m.get("readlink", name)
	if err != nil {
		return "", err
	}
	return n.link, nil
}

func (m *memFS) Open(name string) (io.ReadCloser, error) {
	n, err := m.get("open", name)
	if err != nil {
		return nil, err
	}
	if n.readErr != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: n.readErr}
	}
	return io.NopCloser(strings.NewReader(n.data)), nil
}

// oracleFS lends an FS to fsutil: its fs.go over our interface, so that the
// oracle can filter what lies in memory.
type oracleFS struct{ fsys FS }

func (o oracleFS) Open(name string) (io.ReadCloser, error) { return o.fsys.Open(name) }

func (o oracleFS) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	wrapped := func(name string, e fs.DirEntry, walkErr error) error {
		if name == "." {
			return nil
		}
		if e != nil {
			e = &oracleEntry{DirEntry: e, path: name, fsys: o.fsys}
		}
		err := fn(name, e, walkErr)
		if absent(err) {
			return fs.SkipDir
		}
		return err
	}
	root := path.Join(".", target)
	info, err := o.fsys.Lstat(root)
	if err != nil {
		err = wrapped(root, nil, err)
	} else {
		err = o.walk(root, fs.FileInfoToDirEntry(info), wrapped)
	}
	if err == fs.SkipDir {
		return nil
	}
	return err
}

// walk is walkDir of path/filepath.
func (o oracleFS) walk(name string, e fs.DirEntry, fn fs.WalkDirFunc) error {
	if err := fn(name, e, nil); err != nil || !e.IsDir() {
		if err == fs.SkipDir && e.IsDir() {
			err = nil
		}
		return err
	}
	entries, err := o.fsys.ReadDir(name)
	if err != nil {
		if err = fn(name, e, err); err != nil {
			if err == fs.SkipDir {
				err = nil
			}
			return err
		}
	}
	for _, kid := range entries {
		if err := o.walk(join(name, kid.Name()), kid, fn); err != nil {
			if err == fs.SkipDir {
				break
			}
			return err
		}
	}
	return nil
}

type oracleEntry struct {
	fs.DirEntry
	path string
	fsys FS
}

func (e *oracleEntry) Info() (fs.FileInfo, error) {
	info, err := e.DirEntry.Info()
	if err != nil {
		return nil, err
	}
	st := &types.Stat{Path: e.path, Mode: uint32(info.Mode() &^ fs.ModeSocket)}
	if !info.IsDir() {
		st.Size = info.Size()
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if st.Linkname, err = e.fsys.ReadLink(e.path); err != nil {
			return nil, err
		}
	}
	return &fsutil.StatInfo{Stat: st}, nil
}

// oracle gives what fsutil would send, up to its error.
func oracle(fsys fsutil.FS, patterns, followPaths []string) (entries []Entry, newErr, walkErr error) {
	filtered, err := fsutil.NewFilterFS(fsys, &fsutil.FilterOpt{ExcludePatterns: patterns, FollowPaths: followPaths})
	if err != nil {
		return nil, err, nil
	}
	err = filtered.Walk(context.Background(), "/", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*types.Stat)
		entry := Entry{Name: filepath.Base(p), Path: p, Mode: fs.FileMode(st.Mode), Link: st.Linkname}
		if entry.Mode.IsRegular() {
			entry.Size = st.Size
			r, err := filtered.Open(p)
			if err == nil {
				r.Close()
			}
			entry.Truncated = err != nil
		}
		entries = append(entries, entry)
		return nil
	})
	return entries, nil, err
}

func walkAll(t *Tree) ([]Entry, error) {
	var entries []Entry
	err := t.Walk(func(e Entry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// readAll lists a tree directory by directory.
func readAll(t *Tree, dir string) ([]Entry, error) {
	list, err := t.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, e := range list {
		entries = append(entries, e)
		if e.Mode.IsDir() {
			below, err := readAll(t, e.Path)
			if err != nil {
				return nil, err
			}
			entries = append(entries, below...)
		}
	}
	return entries, nil
}

func pathsOf(entries []Entry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Path)
	}
	return list
}

func mustContext(t testing.TB, fsys FS, lines ...string) *Context {
	t.Helper()
	file, err := ParseIgnoreFile(".dockerignore", []byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
	c, err := New(fsys, file)
	require.NoError(t, err)
	return c
}
