package project

import (
	"context"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/git"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// place gives the repository that a directory belongs to, this one's or a submodule's, with the directory's path in it, and
// what stands before the directory's own names where git lists them.
func (w *World) place(dir string) (repo *git.Repository, rel, prefix string, ok bool) {
	if w.repo == nil {
		return nil, "", "", false
	}
	w.mu.Lock()
	p, known := w.places[dir]
	w.mu.Unlock()
	if !known {
		if rel, ok := w.repo.Within(dir); ok {
			p.repo, p.rel = w.repo.Of(w.ctx, rel)
		}
		w.mu.Lock()
		w.places[dir] = p
		w.mu.Unlock()
	}
	if p.rel != "." {
		prefix = p.rel + "/"
	}
	return p.repo, p.rel, prefix, p.repo != nil
}

// placed is where a directory lies; a nil repository: in none.
type placed struct {
	repo *git.Repository
	rel  string
}

// below gives a name without the prefix that it has; ok is false if it has another one.
func below(prefix, name string) (string, bool) {
	if prefix != "" && name+"/" == prefix {
		return ".", true
	}
	name, ok := strings.CutPrefix(name, prefix)
	return name, ok && name != ""
}

func allBelow(prefix string, names []string) (out []string) {
	for _, n := range names {
		if n, ok := below(prefix, n); ok {
			out = append(out, n)
		}
	}
	return out
}

// tracked calls fn for the files at or below a directory of a build context that git tracks, relative to the context. ok is
// false where there is no git, or the context is in no repository.
func (w *World) tracked(contextDir, dir string, fn func(string)) (ok bool) {
	repo, rel, prefix, ok := w.place(contextDir)
	if !ok {
		return false
	}
	err := w.index(repo).below(w.ctx, path.Join(rel, dir), func(name string) {
		if name, ok := below(prefix, name); ok {
			fn(name)
		}
	})
	return err == nil // Notices reports what failed
}

// index is what is known of the files that a repository tracks. One question about a part of it is put to git; who asks
// more, as for each of a thousand findings or for each trial of a repair, is answered from the names of all.
type index struct {
	repo *git.Repository

	mu    sync.Mutex
	asked bool
	names []string // sorted
}

// maxHeld is how large an index may be of which all names are held, in bytes: that of half a million files.
const maxHeld = 64 << 20

func (w *World) index(repo *git.Repository) *index {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.indexes[repo] == nil {
		w.indexes[repo] = &index{repo: repo}
	}
	return w.indexes[repo]
}

// below calls fn for the files at or below a path.
func (x *index) below(ctx context.Context, rel string, fn func(string)) error {
	names, err := x.all(ctx, rel == ".")
	if names == nil || err != nil {
		if err == nil {
			err = x.repo.Tracked(ctx, rel, fn)
		}
		return err
	}
	for name := range namesBelow(names, rel) {
		fn(name)
	}
	return nil
}

// namesBelow gives those of sorted names that are a path or lie below it.
func namesBelow(names []string, rel string) iter.Seq[string] {
	if rel == "." {
		return slices.Values(names)
	}
	return func(yield func(string) bool) {
		if _, found := slices.BinarySearch(names, rel); found && !yield(rel) {
			return
		}
		first, _ := slices.BinarySearch(names, rel+"/")
		for _, name := range names[first:] {
			if !strings.HasPrefix(name, rel+"/") || !yield(name) {
				return
			}
		}
	}
}

// holding gives those of some paths that are tracked, or below which something is.
func (x *index) holding(ctx context.Context, paths []string) (map[string]bool, error) {
	out := make(map[string]bool, len(paths))
	names, err := x.all(ctx, true)
	if names != nil || err != nil {
		for _, p := range paths {
			for range namesBelow(names, p) {
				out[p] = true
				break
			}
		}
		return out, err
	}
	asked := make(map[string]bool, len(paths))
	for _, p := range paths {
		asked[p] = true
	}
	err = x.repo.Tracked(ctx, ".", func(name string) {
		for ; ; name = path.Dir(name) {
			if asked[name] {
				out[name] = true
			}
			if name == "." {
				return
			}
		}
	})
	return out, err
}

// all gives the names of all files, nil if git is to be asked.
func (x *index) all(ctx context.Context, whole bool) ([]string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	ask := whole || x.asked
	x.asked = true
	if !ask || x.names != nil || x.repo.IndexSize() > maxHeld {
		return x.names, nil
	}
	names := []string{}
	if err := x.repo.Tracked(ctx, ".", func(name string) { names = append(names, name) }); err != nil {
		return nil, err
	}
	slices.Sort(names)
	x.names = names
	return names, nil
}

// Tracked gives the files at or below a directory of a build context that git tracks, relative to the context. ok is false
// where there is no git, or the context is in no repository: then every file counts.
func (w *World) Tracked(contextDir, dir string) (files []string, ok bool, err error) {
	t := &trackedBelow{}
	if dir != "." { // all of a repository is asked for once
		t = view.Fact(w.facts, [2]string{contextDir, dir}, func() *trackedBelow { return t })
	}
	t.once.Do(func() { t.ok = w.tracked(contextDir, dir, func(name string) { t.files = append(t.files, name) }) })
	return t.files, t.ok, w.ctx.Err()
}

// Program reports whether git has a file of a build context as an executable one; tracked is false where it does not track it, or there
// is no git.
func (w *World) Program(contextDir, file string) (program, tracked bool) {
	repo, rel, _, ok := w.place(contextDir)
	if !ok {
		return false, false
	}
	return repo.Program(w.ctx, path.Join(rel, file))
}

// trackedBelow is what git tracks below a directory, which every trial of a repair asks again.
type trackedBelow struct {
	once  sync.Once
	files []string
	ok    bool
}

// Ignored asks git which of some paths, relative to a directory, it ignores. It gives nothing where there is no git.
func (w *World) Ignored(dir string, paths []string) map[string]bool {
	out := map[string]bool{}
	for name := range w.ignores(dir, paths) {
		out[name] = true
	}
	return out
}

// Matched is Ignored that counts what git tracks, too: a line of an ignore file names it all the same.
func (w *World) Matched(dir string, paths []string) map[string]bool {
	out := map[string]bool{}
	for name := range w.lines(dir, paths, (*git.Repository).Matched) {
		out[name] = true
	}
	return out
}

// ignores gives the line of git's ignore files that ignores each of some paths, relative to a directory.
func (w *World) ignores(dir string, paths []string) map[string]*finding.Place {
	return w.lines(dir, paths, (*git.Repository).Ignored)
}

// lines gives the line of git's ignore files that git has for each of some paths, relative to a directory.
func (w *World) lines(dir string, paths []string, ask func(*git.Repository, context.Context, []string) (map[string]git.Ignore, error)) map[string]*finding.Place {
	out := map[string]*finding.Place{}
	repo, rel, prefix, ok := w.place(dir)
	if !ok || len(paths) == 0 {
		return out
	}
	asked := make([]string, len(paths))
	by := map[string]string{}
	for i, p := range paths {
		asked[i] = path.Join(rel, p)
		if strings.HasSuffix(p, "/") {
			asked[i] += "/"
		}
		by[asked[i]] = p
	}
	found, err := ask(repo, w.ctx, asked)
	if err != nil {
		return out // Notices reports what failed
	}
	for name, line := range found {
		p, ok := by[name]
		if _, inside := below(prefix, name); !ok || !inside || strings.TrimSpace(line.Pattern) == "" {
			continue // an empty line that ends in CR LF is a pattern that git finds in every directory
		}
		file := line.File
		if !filepath.IsAbs(file) {
			file = filepath.Join(repo.Top, file)
		}
		if rel, err := filepath.Rel(absolute("."), file); err == nil && filepath.IsLocal(rel) {
			file = rel
		}
		out[p] = &finding.Place{Role: finding.RoleGitIgnores, File: filepath.ToSlash(file), Line: line.Line, Text: line.Pattern}
	}
	return out
}
