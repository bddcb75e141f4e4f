package project

import (
	"bytes"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/git"
)

// Clean asks git what a clean checkout would hold: audit.Clean. It asks once about each build context.
type Clean struct {
	world *World
	// search says whether untracked files are looked for: "yes", "no", or "auto", where the index is small enough that the
	// search is not felt.
	search  string
	answers *answers
}

func newClean(w *World, search string) Clean {
	return Clean{world: w, search: search, answers: &answers{by: map[string]any{}, held: map[string]map[string]bool{}}}
}

// answers are what git said, by question and directory.
type answers struct {
	mu sync.Mutex
	by map[string]any
	// held are names that are tracked, by the context in which they were asked about: each image and each trial of a repair asks
	// about all that its program needs.
	held map[string]map[string]bool
}

// unknown gives those of some names that are not known to be tracked.
func (a *answers) unknown(contextDir string, names []string) (out []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.held[contextDir]
	for _, n := range names {
		if !held[n] {
			out = append(out, n)
		}
	}
	return out
}

// remember remembers that a name is tracked.
func (a *answers) remember(contextDir, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held[contextDir] == nil {
		a.held[contextDir] = map[string]bool{}
	}
	a.held[contextDir][name] = true
}

// once answers a question about a directory, from what git said before if it was asked.
func once[T any](c Clean, question, dir string, ask func() (T, error)) (T, error) {
	c.answers.mu.Lock()
	defer c.answers.mu.Unlock()
	key := question + "\x00" + filepath.Clean(dir)
	if have, ok := c.answers.by[key]; ok {
		return have.(T), nil
	}
	got, err := ask()
	if err == nil {
		c.answers.by[key] = got
	}
	return got, err
}

// smallIndex is how large an index may be for untracked files to be looked for unasked: that of some 35,000 files.
const smallIndex = 4 << 20

// notThroughLinks leaves out the names of files that git tracks at another path, to which a link of a directory leads.
func (c Clean) notThroughLinks(repo *git.Repository, fsys dockerctx.FS, contextDir, rel string, names []string) []string {
	behind := map[string]string{}
	var asked []string
	for _, n := range names {
		if to := throughLinks(fsys, n); to != n {
			behind[n] = path.Join(rel, to)
			asked = append(asked, behind[n])
		}
	}
	if len(asked) == 0 {
		return names
	}
	held, err := c.world.index(repo).holding(c.world.ctx, asked)
	if err != nil {
		return names
	}
	return slices.DeleteFunc(names, func(n string) bool {
		if behind[n] == "" || !held[behind[n]] {
			return false
		}
		c.answers.remember(contextDir, n)
		return true
	})
}

// maxLinks is how many links Linux follows in a path.
const maxLinks = 40

// throughLinks gives the path to which a name leads by way of links of directories, as far as they lead within the directory.
func throughLinks(fsys dockerctx.FS, name string) string {
	done, rest := ".", strings.Split(path.Clean(name), "/")
	for followed := 0; len(rest) > 1; {
		at := path.Join(done, rest[0])
		fi, err := fsys.Lstat(at)
		if err != nil || fi.Mode()&fs.ModeSymlink == 0 {
			done, rest = at, rest[1:]
			continue
		}
		link, err := fsys.ReadLink(at)
		to := path.Join(done, filepath.ToSlash(link))
		if followed++; err != nil || followed > maxLinks || path.IsAbs(link) || to == ".." || strings.HasPrefix(to, "../") {
			return name
		}
		done, rest = ".", append(strings.Split(to, "/"), rest[1:]...)
	}
	return path.Join(done, path.Join(rest...))
}

// Absent implements audit.Clean.
func (c Clean) Absent(contextDir string, names []string) (map[string]audit.Absence, error) {
	names = slices.DeleteFunc(c.answers.unknown(contextDir, names), func(n string) bool { return n == ".git" || strings.HasPrefix(n, ".git/") }) // every clone has it
	if len(names) == 0 {
		return nil, nil
	}
	repo, rel, _, ok := c.world.place(contextDir)
	if !ok {
		return nil, nil
	}
	asked := []string{rel}
	seen := map[string]bool{".": true, "/": true}
	for _, n := range names {
		for p := path.Clean(n); !seen[p]; p = path.Dir(p) {
			seen[p] = true
			asked = append(asked, path.Join(rel, p))
		}
	}
	held, err := c.world.index(repo).holding(c.world.ctx, asked)
	if err != nil || !held[rel] {
		return nil, nil // Notices reports what failed
	}
	tracks := func(p string) bool { return held[path.Join(rel, p)] }
	var wanted []string
	for _, n := range names {
		if tracks(n) {
			c.answers.remember(contextDir, n)
		} else {
			wanted = append(wanted, n)
		}
	}
	fsys, err := c.world.Directory(contextDir)
	if err != nil || len(wanted) == 0 {
		return nil, nil
	}
	wanted = c.notThroughLinks(repo, fsys, contextDir, rel, wanted)
	ignores := c.world.ignores(contextDir, wanted)
	out := map[string]audit.Absence{}
	for _, n := range wanted {
		if _, err := fsys.Lstat(n); err != nil {
			continue
		}
		a := audit.Absence{Ignores: ignores[n]}
		for dir := path.Dir(n); dir != "." && !tracks(dir); dir = path.Dir(dir) {
			a.Dir = dir
		}
		out[n] = a
	}
	return out, nil
}

// Stray implements audit.Clean.
func (c Clean) Stray(contextDir string) ([]audit.Stray, error) {
	return once(c, "stray", contextDir, func() ([]audit.Stray, error) { return c.stray(contextDir) })
}

func (c Clean) stray(contextDir string) ([]audit.Stray, error) {
	repo, rel, prefix, ok := c.world.place(contextDir)
	if !ok || c.search == "no" || c.search != "yes" && repo.IndexSize() > smallIndex {
		return nil, nil
	}
	tracked := false
	if !c.world.tracked(contextDir, ".", func(string) { tracked = true }) || !tracked {
		return nil, nil
	}
	var out []audit.Stray
	for _, ignored := range []bool{false, true} {
		names, err := repo.Untracked(c.world.ctx, rel, ignored)
		if err != nil {
			return nil, nil // Notices reports it
		}
		for _, name := range names {
			if name, ok := below(prefix, name); ok {
				out = append(out, audit.Stray{Path: name, Ignored: ignored})
			}
		}
	}
	return out, nil
}

// LFS implements audit.Clean. Only what a .gitattributes file of the context's root, or the repository's, says counts.
func (c Clean) LFS(contextDir string) ([]string, error) {
	return once(c, "lfs", contextDir, func() ([]string, error) { return c.lfs(contextDir) })
}

func (c Clean) lfs(contextDir string) ([]string, error) {
	repo, rel, prefix, ok := c.world.place(contextDir)
	if !ok || !slices.ContainsFunc([]string{contextDir, repo.Top}, func(dir string) bool {
		data, err := c.world.Read(filepath.Join(dir, ".gitattributes"), maxConfig)
		return err == nil && bytes.Contains(data, []byte("filter=lfs"))
	}) {
		return nil, nil
	}
	names, _ := repo.LFS(c.world.ctx, rel) // Notices reports what failed
	return allBelow(prefix, names), nil
}

// Submodules implements audit.Clean.
func (c Clean) Submodules(contextDir string) ([]string, error) {
	return once(c, "submodules", contextDir, func() ([]string, error) { return c.submodules(contextDir) })
}

func (c Clean) submodules(contextDir string) ([]string, error) {
	repo, rel, prefix, ok := c.world.place(contextDir)
	if !ok {
		return nil, nil
	}
	if _, err := c.world.Stat(filepath.Join(repo.Top, ".gitmodules")); err != nil {
		return nil, nil
	}
	names, _ := repo.Submodules(c.world.ctx, rel) // Notices reports what failed
	fsys, err := c.world.Directory(contextDir)
	if err != nil {
		return nil, nil
	}
	return slices.DeleteFunc(allBelow(prefix, names), func(name string) bool {
		entries, err := fsys.ReadDir(name)
		return err != nil || len(entries) > 0
	}), nil
}
