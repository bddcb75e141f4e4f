package python

import (
	"context"
	"path"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// manifests are what the manifests of the repository and the steps of the build say about packages. They are read when
// somebody asks, because that means to list the repository's directories.
type manifests struct {
	known *manifest.Declarations // nil: nobody asked yet
	// unread is why they cannot be read; they are taken to declare nothing then.
	unread error
	// ownInstalls are steps that may install a project of the repository from elsewhere.
	ownInstalls []ownInstall

	// installedProjects are the directories of the context that steps install as projects.
	installedProjects []string
	// installsOther tells that a step installs what is not known to come from the context.
	installsOther bool

	finders map[string]*imports.Finder // by the directory of the context that they look in
}

// declared gives what the repository's manifests and the build's own steps declare.
func (c *programs) declared() *manifest.Declarations {
	if c.known == nil {
		c.known, c.unread = manifestsOf(c.Context, c.Facts, c.Main.FS)
		c.declareInstalled(c.known)
	}
	return c.known
}

// Command implements lang.Programs: what a command runs that installing the repository's own packages makes. The name of a well-known tool
// is another's, unless the project at the root or one that a step installs takes it: to know that, no other manifest needs
// to be read.
func (c *programs) Command(name string) (target string, ok bool) {
	if program.KnownTool(name) {
		c.installedDirs()
		for _, dir := range append([]string{"."}, c.installedProjects...) {
			if p, err := manifest.ReadScripts(c.Repo, dir); err == nil {
				if s, found := p[name]; found {
					target, ok = s.Target, true
				}
			}
		}
		return target, ok
	}
	for _, p := range c.declared().Projects {
		if s, found := p.Scripts[name]; found {
			target, ok = s.Target, true
		}
	}
	return target, ok
}

// inRoot looks a module up from a directory of the context.
func (c *programs) inRoot(root, module string) *imports.Module {
	f := c.finders[root]
	if f == nil {
		if c.finders == nil {
			c.finders = map[string]*imports.Finder{}
		}
		f = imports.NewFinder([]lang.SearchDir{{Tree: c.Repo, Dir: path.Join("/", root)}})
		c.finders[root] = f
	}
	return f.Find(module)
}

// declarations are what the manifests of a directory say, with the files that were read for it.
type declarations struct {
	mu    sync.Mutex
	done  bool
	found *manifest.Declarations
	err   error

	looked map[string]bool
}

func newDeclarations() *declarations { return &declarations{looked: map[string]bool{}} }

// manifestsOf gives what the manifests of a directory declare, for the caller to add to. What is laid over the directory counts
// only if it was looked at.
func manifestsOf(ctx context.Context, f *view.Facts, fsys dockerctx.FS) (*manifest.Declarations, error) {
	base, laid := overlay.Parts(fsys)
	d := view.FactOf(f, base, "python manifests", newDeclarations)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.done {
		d.found, d.err = manifest.Declared(recorded{view.NewRepository(base, view.NewFacts()), ctx, d.looked})
		if err := ctx.Err(); err != nil {
			return d.found.Clone(), err // half of it may be missing
		}
		d.done = true
	}
	for name := range laid {
		if _, err := base.Lstat(name); err != nil || d.looked[name] {
			return manifest.Declared(recorded{view.NewRepository(fsys, f), ctx, map[string]bool{}})
		}
	}
	return d.found.Clone(), d.err
}

// recorded notes the files that are read, and reads nothing more once the work is ended.
type recorded struct {
	view.Repository
	ctx    context.Context
	looked map[string]bool
}

func (r recorded) ReadDir(name string) ([]string, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	return r.Repository.ReadDir(name)
}

func (r recorded) ReadFile(name string) ([]byte, error) {
	r.looked[view.InContext(name)] = true
	return r.Repository.ReadFile(name)
}
