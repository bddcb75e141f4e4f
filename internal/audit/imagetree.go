package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// maxSource bounds what is read of one source file, in bytes.
const maxSource = 16 << 20

// imageTree shows a predicted file system to those who follow what runs in it.
type imageTree struct{ tree *rootfs.Tree }

// Entries implements imports.Tree.
func (t imageTree) Entries(dir string) map[string]lang.EntryKind {
	n, at, err := t.tree.Stat(dir)
	if err != nil || !n.IsDir() {
		return nil
	}
	note, err := n.Note(func(children []rootfs.Child) any { return kindsOf(children) })
	if err != nil {
		return nil
	}
	kinds := note.(kinds)
	if len(kinds.links) == 0 {
		return kinds.known
	}
	out := maps.Clone(kinds.known)
	for _, name := range kinds.links {
		if target, _, err := t.tree.Stat(path.Join(at, name)); err == nil {
			addKind(out, name, target.Kind)
		}
	}
	return out
}

// kinds are the entries of a directory, the links apart: what they lead to depends on the tree around.
type kinds struct {
	known map[string]lang.EntryKind
	links []string
}

func kindsOf(children []rootfs.Child) kinds {
	out := kinds{known: make(map[string]lang.EntryKind, len(children))}
	for _, c := range children {
		if c.Node.Kind == rootfs.KindSymlink {
			out.links = append(out.links, c.Name)
		} else {
			addKind(out.known, c.Name, c.Node.Kind)
		}
	}
	return out
}

func addKind(to map[string]lang.EntryKind, name string, kind rootfs.Kind) {
	switch kind {
	case rootfs.KindFile:
		to[name] = lang.RegularFile
	case rootfs.KindDir:
		to[name] = lang.Directory
	case rootfs.KindUnknown:
		to[name] = lang.Opaque
	}
}

// Read implements imports.Tree and shell.Files.
func (t imageTree) Read(p string) ([]byte, error) {
	n, _, err := t.tree.Stat(p)
	if err != nil {
		return nil, err
	}
	return readAll(n.Open())
}

func readAll(r io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxSource+1))
	if len(data) > maxSource {
		return nil, fmt.Errorf("larger than %d MiB", maxSource>>20)
	}
	return data, err
}

// Key implements imports.Tree.
func (t imageTree) Key(p string) any {
	n, _, err := t.tree.Stat(p)
	if err != nil {
		return nil
	}
	k, ok := n.Content.(interface{ Key() any })
	if !ok {
		return nil
	}
	return k.Key()
}

// MayHold implements imports.Tree.
func (t imageTree) MayHold(p string) bool { return t.tree.MayHold(p) }

// Stat implements shell.Files.
func (t imageTree) Stat(p string) shell.FileKind {
	n, at, err := t.tree.Stat(p)
	switch {
	case err == nil && n.Kind == rootfs.KindFile:
		return shell.Regular
	case err == nil && n.IsDir():
		return shell.Directory
	case err == nil && n.Kind == rootfs.KindUnknown, err != nil && t.tree.MayHold(at):
		return shell.Unknown
	default:
		return shell.Absent
	}
}

// repository shows the build context, as it lies on disk and whatever the ignore file says, as a tree: "/" is its root. A
// directory is read once, however many findings ask for it.
type repository struct {
	fs, base dockerctx.FS // base is what lies under files that were edited
	facts    *repoFacts
	own      *repoFacts // of directories in which files were edited
}

func newRepository(fsys dockerctx.FS, f *Facts) repository {
	base, _ := overlay.Parts(fsys)
	return repository{fsys, base, f.of(base), newRepoFacts()}
}

func inContext(p string) string {
	if p = strings.Trim(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}

// Entries implements imports.Tree. Links are taken as what they lead to within the context, or left out.
func (r repository) Entries(dir string) map[string]lang.EntryKind {
	dir = inContext(dir)
	facts := r.facts
	if dockerctx.Under(r.fs, dir) != r.base {
		facts = r.own
	}
	facts.mu.Lock()
	defer facts.mu.Unlock()
	have, ok := facts.entries[dir]
	if !ok {
		have = r.list(dir)
		facts.entries[dir] = have
	}
	return have
}

func (r repository) list(dir string) map[string]lang.EntryKind {
	entries, err := r.fs.ReadDir(dir)
	if err != nil {
		return nil
	}
	out := make(map[string]lang.EntryKind, len(entries))
	for _, e := range entries {
		switch {
		case e.IsDir():
			out[e.Name()] = lang.Directory
		case e.Type().IsRegular():
			out[e.Name()] = lang.RegularFile
		case e.Type()&fs.ModeSymlink != 0:
			out[e.Name()] = lang.Opaque
		}
	}
	return out
}

// Read implements imports.Tree.
func (r repository) Read(p string) ([]byte, error) { return readAll(r.fs.Open(inContext(p))) }

// Key implements imports.Tree.
func (r repository) Key(p string) any { return simulate.FileKey(r.fs, inContext(p)) }

// MayHold implements imports.Tree.
func (repository) MayHold(string) bool { return false }

// ReadFile and ReadDir serve the readers of manifests.
func (r repository) ReadFile(name string) ([]byte, error) {
	data, err := r.Read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, err
}

// ReadDir gives names, those of directories with a slash behind them.
func (r repository) ReadDir(name string) ([]string, error) {
	entries, err := r.fs.ReadDir(inContext(name))
	if err != nil {
		return nil, err
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		if out[i] = e.Name(); e.IsDir() {
			out[i] += "/"
		}
	}
	return out, nil
}
