package project

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/internal/audit"
)

// Clean asks the git command what a clean checkout would hold: audit.Clean.
type Clean struct {
	// Search says whether untracked files are looked for: "yes", "no", or "auto", where the index is small enough that the
	// search is not felt.
	Search string

	answers *answers // nil: git is asked each time
}

// NewClean gives a Clean for several images: git is asked once about each build context.
func NewClean(search string) Clean {
	return Clean{Search: search, answers: &answers{by: map[string]any{}}}
}

// answers are what git said, by question and directory.
type answers struct {
	mu sync.Mutex
	by map[string]any
}

// once answers a question about a directory, from what git said before if it was asked.
func once[T any](c Clean, question, dir string, ask func() (T, error)) (T, error) {
	if c.answers == nil {
		return ask()
	}
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

// gitCommand makes a command of git in a directory; nil if there is no git. It neither writes nor fetches.
func gitCommand(dir string, args ...string) *exec.Cmd {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil
	}
	cmd := exec.Command(git, append([]string{"-C", dir, "--no-optional-locks", "-c", "protocol.allow=never"}, args...)...)
	cmd.Env = append(cmd.Environ(), "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	return cmd
}

// gitNames calls fn for every name that a command of git prints, each ended by a NUL. ok is false where there is no git, or
// no repository.
func gitNames(fn func(name string), dir string, args ...string) (ok bool) {
	cmd := gitCommand(dir, args...)
	if cmd == nil {
		return false
	}
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return false
	}
	r := bufio.NewReader(out)
	for {
		name, err := r.ReadString(0)
		if err != nil {
			break
		}
		fn(strings.TrimSuffix(name, "\x00"))
	}
	return cmd.Wait() == nil
}

// Absent implements audit.Clean. It reads the names of the index once.
func (c Clean) Absent(contextDir string, names []string) (map[string]audit.Absence, error) {
	if len(names) == 0 {
		return nil, nil
	}
	wanted, dirs := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		wanted[n] = true
		for dir := n; dir != "." && dir != "/"; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	tracked := 0
	ok := gitNames(func(name string) {
		tracked++
		delete(wanted, name)
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			delete(dirs, dir) // git tracks something in it
			delete(wanted, dir)
		}
	}, contextDir, "ls-files", "-z", "--cached", "--recurse-submodules", "--", ".")
	if !ok || tracked == 0 || len(wanted) == 0 {
		return nil, nil
	}
	ignores := ignoredBy(contextDir, slices.Sorted(maps.Keys(wanted)))
	out := map[string]audit.Absence{}
	for n := range wanted {
		if _, err := os.Lstat(filepath.Join(contextDir, filepath.FromSlash(n))); err != nil {
			continue
		}
		a := audit.Absence{Ignores: ignores[n]}
		for dir := path.Dir(n); dir != "." && dirs[dir]; dir = path.Dir(dir) {
			a.Dir = dir
		}
		out[n] = a
	}
	return out, nil
}

// ignoredBy gives the line of git's ignore files that matches each of some paths.
func ignoredBy(dir string, names []string) map[string]*audit.Place {
	out := map[string]*audit.Place{}
	cmd := gitCommand(dir, "check-ignore", "-v", "-z", "--stdin")
	if cmd == nil {
		return out
	}
	cmd.Stdin = strings.NewReader(strings.Join(names, "\x00") + "\x00")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	_ = cmd.Run() // it exits with 1 if nothing is ignored
	fields := strings.Split(stdout.String(), "\x00")
	top := topLevel(dir)
	for ; len(fields) >= 4; fields = fields[4:] {
		file, pattern, name := fields[0], fields[2], fields[3]
		if !filepath.IsAbs(file) {
			file = filepath.Join(top, file)
		}
		if rel, err := filepath.Rel(absolute("."), file); err == nil && filepath.IsLocal(rel) {
			file = rel
		}
		p := &audit.Place{Role: audit.RoleGitIgnores, File: filepath.ToSlash(file), Text: pattern}
		fmt.Sscan(fields[1], &p.Line)
		out[name] = p
	}
	return out
}

// Stray implements audit.Clean.
func (c Clean) Stray(contextDir string) ([]audit.Stray, error) {
	return once(c, "stray", contextDir, func() ([]audit.Stray, error) { return c.stray(contextDir) })
}

func (c Clean) stray(contextDir string) ([]audit.Stray, error) {
	if c.Search == "no" || c.Search != "yes" && !c.small(contextDir) {
		return nil, nil
	}
	tracked := false
	gitNames(func(string) { tracked = true }, contextDir, "ls-files", "-z", "--cached", "--", ".")
	if !tracked {
		return nil, nil
	}
	var out []audit.Stray
	for _, ignored := range []bool{false, true} {
		args := []string{"ls-files", "-z", "--others", "--exclude-standard", "--directory", "--no-empty-directory"}
		if ignored {
			args = append(args, "--ignored")
		}
		gitNames(func(name string) { out = append(out, audit.Stray{Path: name, Ignored: ignored}) }, contextDir, append(args, "--", ".")...)
	}
	return out, nil
}

// small reports whether the index of a directory's repository is small.
func (c Clean) small(dir string) bool {
	cmd := gitCommand(dir, "rev-parse", "--git-path", "index")
	if cmd == nil {
		return false
	}
	out, err := cmd.Output()
	if err != nil {
		return false
	}
	name := strings.TrimSuffix(string(out), "\n")
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	fi, err := os.Stat(name)
	return err == nil && fi.Size() <= smallIndex
}

// LFS implements audit.Clean. Only what a .gitattributes file of the context's root, or the repository's, says counts.
func (c Clean) LFS(contextDir string) ([]string, error) {
	return once(c, "lfs", contextDir, func() ([]string, error) { return c.lfs(contextDir) })
}

func (c Clean) lfs(contextDir string) ([]string, error) {
	if !slices.ContainsFunc([]string{contextDir, topLevel(contextDir)}, func(dir string) bool {
		data, err := os.ReadFile(filepath.Join(dir, ".gitattributes"))
		return err == nil && bytes.Contains(data, []byte("filter=lfs"))
	}) {
		return nil, nil
	}
	var out []string
	gitNames(func(name string) { out = append(out, name) }, contextDir, "ls-files", "-z", "--cached", "--", ":(attr:filter=lfs)")
	return out, nil
}

// Submodules implements audit.Clean.
func (c Clean) Submodules(contextDir string) ([]string, error) {
	return once(c, "submodules", contextDir, func() ([]string, error) { return c.submodules(contextDir) })
}

func (c Clean) submodules(contextDir string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(topLevel(contextDir), ".gitmodules")); err != nil {
		return nil, nil
	}
	var out []string
	gitNames(func(line string) {
		meta, name, ok := strings.Cut(line, "\t")
		if !ok || !strings.HasPrefix(meta, "160000 ") {
			return
		}
		if entries, err := os.ReadDir(filepath.Join(contextDir, filepath.FromSlash(name))); err == nil && len(entries) == 0 {
			out = append(out, name)
		}
	}, contextDir, "ls-files", "-z", "--stage", "--", ".")
	return out, nil
}
