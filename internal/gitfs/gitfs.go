// Package gitfs reads a revision of a git repository as a directory, straight from the object database: nothing is checked
// out, stashed or fetched.
//
// It asks the git command, which knows about packs, alternates and worktrees: one ls-tree for the names, one cat-file
// process for the contents that somebody asks for. What a checkout would make of them (line ends, LFS files, other filters)
// is not done: an LFS file is its pointer here, and a submodule an empty directory.
package gitfs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Revision is a commit of a repository. It is safe for concurrent use; Close ends the process that reads contents.
type Revision struct {
	// Name is how it was asked for, Commit its full object name.
	Name, Commit string

	root    string // the repository's top directory, links resolved
	entries map[string]*object
	dirs    map[string][]*object // sorted by name

	mu    sync.Mutex
	batch *batch
}

// object is an entry of the tree.
type object struct {
	name, id string
	mode     fs.FileMode
	size     int64
}

// RevisionError says that a revision, or something that belongs to it, is not in the repository.
type RevisionError struct {
	Revision, Message string
}

func (e *RevisionError) Error() string { return fmt.Sprintf("revision %s: %s", e.Revision, e.Message) }

// Open reads the names of a revision of the repository that dir lies in. An unknown revision, and objects that a partial
// clone lacks, are a [*RevisionError].
func Open(ctx context.Context, dir, revision string) (*Revision, error) {
	top, err := git(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("%s is in no git repository: %w", dir, err)
	}
	r := &Revision{Name: revision, entries: map[string]*object{}, dirs: map[string][]*object{}}
	if r.root, err = filepath.EvalSymlinks(strings.TrimSuffix(string(top), "\n")); err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	if strings.HasPrefix(revision, "-") {
		return nil, &RevisionError{revision, "is an option, not a revision"}
	}
	commit, err := git(ctx, r.root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if err != nil {
		message := "there is no such commit"
		if shallow, err := git(ctx, r.root, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(string(shallow)) == "true" {
			message += "; this clone is shallow: fetch more history (git fetch --unshallow, or fetch-depth: 0 in a workflow)"
		}
		return nil, &RevisionError{revision, message}
	}
	r.Commit = strings.TrimSpace(string(commit))
	list, err := git(ctx, r.root, "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", r.Commit)
	if err != nil {
		return nil, &RevisionError{revision, fmt.Sprintf("objects of it are missing, as in a partial clone (git fetch --refetch brings them): %v", err)}
	}
	return r, r.read(list)
}

// git runs a git command that must not fetch what is missing.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := command(ctx, dir, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return nil, errors.New(text)
		}
		return nil, err
	}
	return stdout.Bytes(), nil
}

func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "--no-optional-locks", "-c", "protocol.allow=never"}, args...)...)
	cmd.Env = append(cmd.Environ(), "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	return cmd
}

// read takes the output of ls-tree: MODE TYPE ID SIZE<tab>PATH<nul>.
func (r *Revision) read(list []byte) error {
	r.entries["."] = &object{name: ".", mode: fs.ModeDir | 0o755}
	r.dirs["."] = nil
	for line := range bytes.SplitSeq(bytes.TrimSuffix(list, []byte{0}), []byte{0}) {
		if len(line) == 0 {
			continue
		}
		meta, name, ok := strings.Cut(string(line), "\t")
		fields := strings.Fields(meta)
		if !ok || len(fields) != 4 {
			return &RevisionError{r.Name, fmt.Sprintf("git ls-tree gives a line that is not understood: %q", line)}
		}
		o := &object{name: path.Base(name), id: fields[2]}
		switch fields[0] {
		case "040000", "160000": // a directory, a submodule
			o.mode = fs.ModeDir | 0o755
		case "120000":
			o.mode = fs.ModeSymlink | 0o777
		case "100755":
			o.mode = 0o755
		default:
			o.mode = 0o644
		}
		if fields[3] != "-" && o.mode.IsRegular() {
			size, err := strconv.ParseInt(fields[3], 10, 64)
			if err != nil {
				return &RevisionError{r.Name, fmt.Sprintf("the size of %s is not known", name)}
			}
			o.size = size
		}
		r.entries[name] = o
		r.dirs[path.Dir(name)] = append(r.dirs[path.Dir(name)], o)
	}
	for _, list := range r.dirs {
		slices.SortFunc(list, func(a, b *object) int { return strings.Compare(a.name, b.name) })
	}
	return nil
}

// Close ends the process that reads contents.
func (r *Revision) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batch == nil {
		return nil
	}
	b := r.batch
	r.batch = nil
	return b.close()
}

// Directory opens a directory of the machine as it was at this revision; it need not exist any more. One outside the
// repository is an error.
func (r *Revision) Directory(dir string) (dockerctx.FS, error) {
	name, err := r.within(dir)
	if err != nil {
		return nil, err
	}
	o := r.entries[name]
	switch {
	case o == nil:
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	case !o.mode.IsDir():
		return nil, &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	return &directory{r, name}, nil
}

// within gives a path of the machine relative to the root of a repository.
func within(root, name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	// What does not exist on disk is resolved as far as it does.
	rest := ""
	for at := abs; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			abs = filepath.Join(real, rest)
			break
		}
		if at == filepath.Dir(at) {
			break
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
	rel, err := filepath.Rel(root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s lies outside the repository %s", name, root)
	}
	return filepath.ToSlash(rel), nil
}

// within gives a path of the machine relative to the repository.
func (r *Revision) within(name string) (string, error) {
	rel, err := within(r.root, name)
	if err != nil {
		return "", fmt.Errorf("%w: revision %s does not have it", err, r.Name)
	}
	return rel, nil
}

// Tracked gives the files at or below a directory of a build context, relative to the context: at a revision, all of them.
func (r *Revision) Tracked(contextDir, dir string) (files []string, ok bool, err error) {
	base, err := r.within(contextDir)
	if err != nil {
		return nil, false, err
	}
	want := path.Join(base, dir)
	for name, o := range r.entries {
		if o.mode.IsDir() || want != "." && name != want && !strings.HasPrefix(name, want+"/") {
			continue
		}
		if base != "." {
			name = strings.TrimPrefix(name, base+"/")
		}
		files = append(files, name)
	}
	slices.Sort(files)
	return files, true, nil
}

// directory is a directory of a revision.
type directory struct {
	r    *Revision
	root string
}

func (d *directory) lookup(op, name string) (string, *object, error) {
	full := path.Join(d.root, name)
	o := d.r.entries[full]
	if o == nil || full != d.root && d.root != "." && !strings.HasPrefix(full, d.root+"/") {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return full, o, nil
}

// ReadDir implements dockerctx.FS.
func (d *directory) ReadDir(name string) ([]fs.DirEntry, error) {
	full, o, err := d.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if !o.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	out := make([]fs.DirEntry, len(d.r.dirs[full]))
	for i, e := range d.r.dirs[full] {
		out[i] = fs.FileInfoToDirEntry(info{e})
	}
	return out, nil
}

// Lstat implements dockerctx.FS.
func (d *directory) Lstat(name string) (fs.FileInfo, error) {
	_, o, err := d.lookup("lstat", name)
	if err != nil {
		return nil, err
	}
	return info{o}, nil
}

// ReadLink implements dockerctx.FS.
func (d *directory) ReadLink(name string) (string, error) {
	_, o, err := d.lookup("readlink", name)
	if err != nil {
		return "", err
	}
	if o.mode.Type() != fs.ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	}
	data, err := d.r.content(o)
	return string(data), err
}

// Open implements dockerctx.FS.
func (d *directory) Open(name string) (io.ReadCloser, error) {
	_, o, err := d.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if !o.mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	data, err := d.r.content(o)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// info describes an object.
type info struct{ o *object }

func (i info) Name() string       { return i.o.name }
func (i info) Size() int64        { return i.o.size }
func (i info) Mode() fs.FileMode  { return i.o.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.o.mode.IsDir() }
func (i info) Sys() any           { return nil }

// batch is a running git cat-file.
type batch struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (b *batch) close() error {
	err := b.in.Close()
	return errors.Join(err, b.cmd.Wait())
}

// content reads an object.
func (r *Revision) content(o *object) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.batch == nil {
		cmd := command(context.Background(), r.root, "cat-file", "--batch")
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, fmt.Errorf("starting git: %w", err)
		}
		r.batch = &batch{cmd, in, bufio.NewReader(out)}
	}
	if _, err := io.WriteString(r.batch.in, o.id+"\n"); err != nil {
		return nil, fmt.Errorf("asking git for an object: %w", err)
	}
	head, err := r.batch.out.ReadString('\n')
	if err != nil {
		return nil, &RevisionError{r.Name, fmt.Sprintf("git does not give the content of %s", o.name)}
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return nil, &RevisionError{r.Name, fmt.Sprintf("the content of %s is not in this repository, as in a partial clone (git fetch --refetch brings it)", o.name)}
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil {
		return nil, fmt.Errorf("reading an object: %w", err)
	}
	data := make([]byte, size+1) // and the line end behind it
	if _, err := io.ReadFull(r.batch.out, data); err != nil {
		return nil, fmt.Errorf("reading an object: %w", err)
	}
	return data[:size], nil
}
