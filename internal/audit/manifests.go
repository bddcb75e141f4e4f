package audit

import (
	"path"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/program"
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

	finders map[string]*imports.Finder // by the directory of the context that they look in
}

// declared gives what the repository's manifests and the build's own steps declare.
func (c *importCheck) declared() *manifest.Declarations {
	if c.known == nil {
		c.known, c.unread = c.subject.Facts.manifests(c.ctx, c.main.FS)
		c.declareInstalled(c.known)
	}
	return c.known
}

// consoleScript gives what a command runs that installing the repository's own packages makes. The name of a well-known tool
// is another's, unless the project at the root or one that a step installs takes it: to know that, no other manifest needs
// to be read.
func (c *importCheck) consoleScript(name string) (target string, ok bool) {
	if program.KnownTool(name) {
		for _, dir := range append([]string{"."}, c.installedProjects...) {
			if p, err := manifest.ReadScripts(c.repo, dir); err == nil {
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
func (c *importCheck) inRoot(root, module string) *imports.Module {
	f := c.finders[root]
	if f == nil {
		if c.finders == nil {
			c.finders = map[string]*imports.Finder{}
		}
		f = imports.NewFinder([]lang.SearchDir{{Tree: c.repo, Dir: path.Join("/", root)}})
		c.finders[root] = f
	}
	return f.Find(module)
}
