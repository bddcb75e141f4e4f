package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/runner"
)

// RevisionError says that a revision, or something that belongs to it, is not in the repository.
type RevisionError struct {
	Revision, Message string
}

func (e *RevisionError) Error() string { return fmt.Sprintf("revision %s: %s", e.Revision, e.Message) }

// Commit gives the full name of the commit that a revision names. One that there is not is a [*RevisionError].
func (r *Repository) Commit(ctx context.Context, revision string) (string, error) {
	if strings.HasPrefix(revision, "-") {
		return "", &RevisionError{revision, "is an option, not a revision"}
	}
	out, err := r.run(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	if errors.Is(err, ErrNoGit) || ctx.Err() != nil {
		return "", err
	}
	if err != nil {
		message := "there is no such commit"
		if shallow, err := r.run(ctx, nil, "rev-parse", "--is-shallow-repository"); err == nil && strings.TrimSpace(string(shallow)) == "true" {
			message += "; this clone is shallow: fetch more history (git fetch --unshallow, or fetch-depth: 0 in a workflow)"
		}
		return "", &RevisionError{revision, message}
	}
	return strings.TrimSpace(string(out)), nil
}

// Revisions gives the short names of branches and tags.
func (r *Repository) Revisions(ctx context.Context) ([]string, error) {
	if r == nil {
		return nil, nil
	}
	out, err := r.run(ctx, nil, "for-each-ref", "--format=%(refname:short)")
	return strings.Fields(string(out)), err
}

// Entry is an entry of a tree.
type Entry struct {
	Name string // its path from the root of the tree
	Kind EntryKind
	ID   string
	Size int64 // in bytes, of a file or a link
}

// EntryKind is what an entry is.
type EntryKind int

// The kinds of entries.
const (
	File EntryKind = iota
	Program
	Link
	Dir
	Submodule
)

var kinds = map[string]EntryKind{modeDir: Dir, modeLink: Submodule, modeSymlink: Link, modeProgram: Program}

// Tree calls fn for every entry of a commit's tree. Entries with a name that leads nowhere, or out of the tree, are handed to
// bad: git would check out none of them.
func (r *Repository) Tree(ctx context.Context, commit string, fn func(Entry), bad func(name string)) error {
	return r.names(ctx, func(line string) error {
		e, err := parseEntry(line)
		switch {
		case err != nil:
			return err
		case Clean(e.Name):
			fn(e)
		default:
			bad(e.Name)
		}
		return nil
	}, "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", "--end-of-options", commit)
}

// parseEntry reads MODE TYPE ID SIZE<tab>PATH.
func parseEntry(line string) (Entry, error) {
	meta, name, ok := strings.Cut(line, "\t")
	fields := strings.Fields(meta)
	if !ok || len(fields) != 4 || name == "" {
		return Entry{}, fmt.Errorf("git ls-tree gives a line that is not understood: %.100q", line)
	}
	e := Entry{Name: name, ID: fields[2], Kind: kinds[fields[0]]}
	switch fields[3] {
	case "-": // no content
	case "BAD":
		return Entry{}, fmt.Errorf("%s: %w", name, ErrMissing)
	default:
		var err error
		if e.Size, err = strconv.ParseInt(fields[3], 10, 64); err != nil || e.Size < 0 {
			return Entry{}, fmt.Errorf("git ls-tree gives a size that is not understood: %.100q", line)
		}
	}
	return e, nil
}

// MaxObject is the largest content that is read of a revision, in bytes: git may have to hold it several times.
const MaxObject = 128 << 20

// Objects reads contents from the repository, through one process. It must be closed.
type Objects struct {
	cmd *runner.Process
	in  io.WriteCloser
	out *bufio.Reader
}

// Objects starts to read contents; the process ends with the context.
func (r *Repository) Objects(ctx context.Context) (*Objects, error) {
	cmd, err := r.command(ctx, "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	o := &Objects{cmd: cmd}
	if o.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting git: %w", err)
	}
	return o, nil
}

// ErrMissing is of an object that the repository does not have, as in a partial clone.
var ErrMissing = errors.New("it is not in this repository, as in a partial clone (git fetch --refetch brings it)")

// Read gives the content of an object. Its size must be known to be no more than MaxObject.
func (o *Objects) Read(id string) ([]byte, error) {
	if _, err := io.WriteString(o.in, id+"\n"); err != nil {
		return nil, fmt.Errorf("asking git for an object: %w", err)
	}
	head, err := o.out.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("git does not give it: %w", err)
	}
	size, err := parseBatch(string(head))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(o.out, size+1)) // and the line end behind it
	if err == nil && int64(len(data)) < size+1 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("git does not give all of it: %w", err)
	}
	return slices.Clip(bytes.TrimSuffix(data, []byte("\n"))), nil
}

// parseBatch reads ID TYPE SIZE, or ID missing.
func parseBatch(head string) (size int64, err error) {
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return 0, ErrMissing
	}
	if size, err = strconv.ParseInt(fields[2], 10, 64); err != nil || size < 0 || size > MaxObject {
		return 0, fmt.Errorf("its size, %.20s bytes, is more than is read", fields[2])
	}
	return size, nil
}

// Close ends the process.
func (o *Objects) Close() error {
	err := o.in.Close()
	return errors.Join(err, o.cmd.Wait())
}
