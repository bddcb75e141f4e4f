package python

import (
	"context"
	"path"
	"sync"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// project reads the manifests of a directory of the context, once for all images and trials: they come with the lock file of a whole
// workspace. What is laid over the context counts only if it was looked at.
func (c *programs) project(dir string) (*manifest.Project, error) {
	type answer struct {
		once    sync.Once
		project *manifest.Project
		err     error
		looked  map[string]bool
	}
	base, laid := overlay.Parts(c.Main.FS)
	a := view.FactOf(c.Facts, base, "python project "+path.Clean(dir), func() *answer { return &answer{looked: map[string]bool{}} })
	a.once.Do(func() {
		a.project, a.err = manifest.Read(recorded{view.NewRepository(base, view.NewFacts()), context.WithoutCancel(c.Context), a.looked}, dir)
	})
	for name := range laid {
		if _, err := base.Lstat(name); err != nil || a.looked[name] {
			return manifest.Read(c.Repo, dir)
		}
	}
	return a.project, a.err
}
