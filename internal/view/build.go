package view

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// Build is a predicted build with the repository that it is made of.
type Build struct {
	// Context ends the work that is done on it.
	Context context.Context
	Image   *simulate.Image
	// Prior is another prediction of the same image, which may differ little; nil for none.
	Prior *simulate.Image
	// Main is the build context; nil if nothing of it is used or it is remote. Repo shows it as a tree, and Tree the image.
	Main  *simulate.Context
	Repo  Repository
	Tree  Image
	Facts *Facts
	// Git is what git knows of the build context.
	Git Git
}

// Git is what git knows. All are nil where there is no git; paths are those of a build context.
type Git struct {
	// Tracked gives the files at or below a path that git tracks; ok is false where there is nothing to ask.
	Tracked func(contextDir, dir string) (files []string, ok bool, err error)
	// Ignored gives those of some paths that git ignores.
	Ignored func(contextDir string, paths []string) map[string]bool
	// Program reports whether git has a file as an executable one; tracked is false if it does not track it.
	Program func(contextDir, file string) (program, tracked bool)
}

// Tracked gives the files at or below a path of the build context that git tracks; ok is false where there is no git to ask.
func (b *Build) Tracked(dir string) (files []string, ok bool, err error) {
	if b.Git.Tracked == nil {
		return nil, false, nil
	}
	return b.Git.Tracked(b.Main.Dir, dir)
}

// Ignored reports whether git ignores any of some paths of the build context.
func (b *Build) Ignored(paths []string) bool {
	return b.Git.Ignored != nil && len(b.Git.Ignored(b.Main.Dir, paths)) > 0
}

// NewBuild views a prediction. main is nil if nothing of the build context is used.
func NewBuild(ctx context.Context, m *simulate.Image, main *simulate.Context, f *Facts) *Build {
	b := &Build{Context: ctx, Image: m, Main: main, Facts: f, Tree: Image{steps.Files{Tree: m.Tree}}}
	if main != nil {
		b.Repo = NewRepository(main.FS, f)
	}
	return b
}

// Before gives the files that an operation finds; ok is false if it was not reached.
func (b *Build) Before(op *dockerfile.Op) (files Image, ok bool) {
	if s := b.Image.Before(op.ID); s != nil {
		return Image{steps.Files{Tree: s.Tree}}, true
	}
	return Image{}, false
}

// Script gives what a RUN step starts.
func (b *Build) Script(op *dockerfile.Op) *steps.Script {
	if s := b.Image.Script(op); s != nil {
		return s
	}
	return &steps.Script{Missed: true} // the build fails before it
}

// Steps gives the first RUN step of those that went into the image of which something holds; nil if it holds of none.
func (b *Build) Steps(holds func(op *dockerfile.Op) bool) *dockerfile.Op {
	for _, id := range b.Image.Opaque {
		if op := b.Image.Plan.Ops[id]; op.Kind == dockerfile.OpExec && holds(op) {
			return op
		}
	}
	return nil
}

// Mentions reports whether a step names something in a way that may make or change it: as a file that it writes, or to a program
// that does more than look. What a step runs must be there: if it is not, the build fails.
func (b *Build) Mentions(op *dockerfile.Op, named func(text string) bool) bool {
	script := b.Script(op)
	for file := range script.Written {
		if named(file) {
			return true
		}
	}
	for _, call := range script.Calls {
		args := call.Args
		switch {
		case call.Wraps, command.Is(call.Base, command.Looker), call.Builtin && call.Base != "cd" && call.Base != "pushd":
			continue
		case len(args) > 0 && command.Is(call.Base, command.Interpreter):
			args = args[1:]
		}
		if named(call.Input.Text) || slices.ContainsFunc(args, func(w shell.Word) bool { return named(w.Text) }) {
			return true
		}
	}
	return script.Missed && named(strings.Join(op.Exec.Args, "\n"))
}

// Env gives a setting of the image.
func (b *Build) Env(name string) (value string, ok bool) {
	return Lookup(b.Image.Plan.Config.Env, name)
}

// Lookup gives a setting of NAME=value pairs, of which the last counts.
func Lookup(env []string, name string) (value string, ok bool) {
	for _, kv := range slices.Backward(env) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v, true
		}
	}
	return "", false
}

// Entry gives an entry of one of the file systems of the build; nil if it is not there.
func (b *Build) Entry(t Tree, p string) *rootfs.Node {
	of, ok := t.(interface{ image() Image })
	if !ok {
		return nil
	}
	n, _, err := of.image().Tree.Stat(p)
	if err != nil {
		return nil
	}
	return n
}

// ContextPath gives where a file of one of the file systems of the build stands in the build context.
func (b *Build) ContextPath(t Tree, p string) (string, bool) {
	n := b.Entry(t, p)
	if n == nil {
		return "", false
	}
	return b.Image.OriginIn(b.contextName(), n)
}

// Step views the files that a RUN step finds, as they lie around a path: a mount is a file system of its own. in is the path there; ok is
// false if nothing is known of it.
func (b *Build) Step(op *dockerfile.Op, p string) (files Image, in string, ok bool) {
	tree, in, ok := b.Image.Seen(op, p)
	return Image{steps.Files{Tree: tree}}, in, ok
}

// StepPath gives where what a RUN step finds at a path stands in the build context.
func (b *Build) StepPath(op *dockerfile.Op, p string) (string, bool) {
	files, in, ok := b.Step(op, p)
	if !ok {
		return "", false
	}
	return b.ContextPath(files, in)
}

func (b *Build) contextName() string {
	if b.Main == nil {
		return simulate.MainContext
	}
	return b.Main.Name
}

// In views the build with another one of its contexts in the place of the main one.
func (b *Build) In(c *simulate.Context) *Build {
	other := *b
	other.Main, other.Repo = c, NewRepository(c.FS, b.Facts)
	return &other
}

// Named gives the build as it is seen from each of its named contexts that are directories, by their names.
func (b *Build) Named() (out []*Build) {
	var names []string
	for _, s := range b.Image.Sources {
		if c := s.Context; c != nil && c.Name != simulate.MainContext && c.FS != nil && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
			out = append(out, b.In(c))
		}
	}
	slices.SortFunc(out, func(x, y *Build) int { return strings.Compare(x.Main.Name, y.Main.Name) })
	return out
}

// Origin gives the path in the build context that an entry is a copy of. Of a directory that was made on the way to its entries
// they tell, if they kept their names.
func (b *Build) Origin(t Tree, p string) (string, bool) {
	n := b.Entry(t, p)
	if n == nil {
		return "", false
	}
	if o, ok := b.Image.OriginIn(b.contextName(), n); ok {
		return o, true
	}
	children, err := n.Children()
	if err != nil {
		return "", false
	}
	for _, ch := range children {
		if o, ok := b.Image.OriginIn(b.contextName(), ch.Node); ok && path.Base(o) == ch.Name {
			return path.Dir(o), true
		}
	}
	return "", false
}

// Copied reports whether the image has anything of a path of the build context.
func (b *Build) Copied(contextPath string) bool {
	found := false
	_ = b.Image.Locate(b.Image.Tree, simulate.MainContext, contextPath, func(simulate.Located) error {
		found = true
		return fs.SkipAll
	})
	return found
}

// OwnFile gives the first file of the image, in the tree's order, that comes from the build context and whose path is wanted; ""
// if there is none.
func (b *Build) OwnFile(wanted func(imagePath string) bool) string {
	found := ""
	_ = b.Image.Tree.Scan(func(at string, n *rootfs.Node) error {
		if n.Kind == rootfs.KindFile && wanted(at) {
			if _, ok := b.Image.Origin(n); ok {
				found = at
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}
