package audit

import (
	"context"
	"reflect"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
)

// Facts are what the audits of one repository find out once: of several images, and of the trials of repairs, which see the
// repository with files laid over it. It is safe for concurrent use.
type Facts struct {
	Sources *imports.Sources

	mu    sync.Mutex
	repos map[dockerctx.FS]*repoFacts
}

// NewFacts gives facts of which none is known yet.
func NewFacts() *Facts {
	return &Facts{Sources: imports.NewSources(imports.Frameworks), repos: map[dockerctx.FS]*repoFacts{}}
}

// repoFacts are the facts of one directory.
type repoFacts struct {
	mu       sync.Mutex
	entries  map[string]map[string]lang.EntryKind // by directory
	declared *declared
}

func newRepoFacts() *repoFacts {
	return &repoFacts{entries: map[string]map[string]lang.EntryKind{}, declared: &declared{looked: map[string]bool{}}}
}

// declared is what manifests say, with the files that were read for it.
type declared struct {
	once  sync.Once
	found *manifest.Declarations
	err   error

	mu     sync.Mutex
	looked map[string]bool
}

// of gives the facts of a directory, what is laid over it apart.
func (f *Facts) of(base dockerctx.FS) *repoFacts {
	r := newRepoFacts()
	if !reflect.TypeOf(base).Comparable() {
		return r
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if have := f.repos[base]; have != nil {
		return have
	}
	f.repos[base] = r
	return r
}

// manifests gives what the manifests of a directory declare, for the caller to add to. What is laid over the directory counts
// only if it was looked at.
func (f *Facts) manifests(ctx context.Context, fsys dockerctx.FS) (*manifest.Declarations, error) {
	base, laid := overlay.Parts(fsys)
	repo := f.of(base)
	repo.mu.Lock()
	d := repo.declared
	repo.mu.Unlock()
	d.once.Do(func() { d.found, d.err = manifest.Declared(recorded{newRepository(base, NewFacts()), ctx, d}) })
	if err := ctx.Err(); err != nil {
		repo.mu.Lock()
		defer repo.mu.Unlock()
		repo.declared = &declared{looked: map[string]bool{}} // half of it may be missing
		return d.found.Clone(), err
	}
	for name := range laid {
		if _, err := base.Lstat(name); err != nil || d.looked[name] {
			return manifest.Declared(recorded{newRepository(fsys, f), ctx, &declared{looked: map[string]bool{}}})
		}
	}
	return d.found.Clone(), d.err
}

// recorded notes the files that are read, and reads nothing more once the work is ended.
type recorded struct {
	repository
	ctx context.Context
	by  *declared
}

func (r recorded) ReadDir(name string) ([]string, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	return r.repository.ReadDir(name)
}

func (r recorded) ReadFile(name string) ([]byte, error) {
	r.by.mu.Lock()
	r.by.looked[inContext(name)] = true
	r.by.mu.Unlock()
	return r.repository.ReadFile(name)
}
