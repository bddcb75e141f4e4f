package project

import (
	"fmt"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/builds"
	"github.com/ctxaudit/ctxaudit/internal/gitfs"
)

// fetched gives the state of the files that BuildKit sees where it fetches the context from git: of the disk what git tracks. Where
// there is no git it is the state itself, and so it is for one that has no more than git does.
func (d *discovery) fetched(b builds.Build) State {
	keep := b.Args["BUILDKIT_CONTEXT_KEEP_GIT_DIR"]
	keepGit := keep == "1" || keep == "true"
	if have, ok := d.fetches[keepGit]; ok {
		return have
	}
	state := d.state
	if w := d.state.world; w.repo != nil && d.state.onDisk() {
		if c, err := gitfs.NewCheckout(d.ctx, w.repo, w.Snapshot); err == nil { // Notices reports what failed
			c = c.Fetched(keepGit)
			state = State{world: w, Open: c.Directory, Tracked: c.Tracked, Ignored: nothingIgnored}
		}
	}
	d.fetches[keepGit] = state
	return state
}

// untracked gives what a build that fetches its context from git does not get although it is here; nil for nothing.
func (d *discovery) untracked(state State, opt dockerfile.Options) *problem {
	if _, err := state.Open(opt.Context); err != nil {
		return d.missingAs("build context", opt.Context, fmt.Sprintf("git does not track its build context %s", filepath.ToSlash(opt.Context)))
	}
	if opt.Dockerfile != "-" && !state.Exists(opt.Dockerfile) {
		return d.missingAs("Dockerfile", opt.Dockerfile, fmt.Sprintf("git does not track its Dockerfile %s", filepath.ToSlash(opt.Dockerfile)))
	}
	return nil
}
