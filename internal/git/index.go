package git

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Tracked calls fn for every file of the index at or below a path of the work tree, relative to the top, those of submodules
// that were fetched included. A submodule that was not is one name. It does not look whether the path itself lies in one: see
// [Repository.Of].
func (r *Repository) Tracked(ctx context.Context, rel string, fn func(name string)) error {
	if r == nil {
		return nil
	}
	return r.tracked(ctx, rel, "", fn, 0)
}

// Program reports whether git has a file as an executable one; tracked is false if it is no plain file of the index.
func (r *Repository) Program(ctx context.Context, rel string) (program, tracked bool) {
	_ = r.names(ctx, func(line string) error {
		if e, ok := parseStaged(line); ok && e.name == rel {
			program, tracked = e.mode == modeProgram, e.mode == modeProgram || e.mode == modeFile
		}
		return nil
	}, "ls-files", "-z", "--cached", "--stage", "--", literal(rel))
	return program, tracked
}

// maxSubmodules bounds how deep submodules lie in each other.
const maxSubmodules = 10

func (r *Repository) tracked(ctx context.Context, rel, prefix string, fn func(string), deep int) error {
	var links []string
	err := r.names(ctx, func(line string) error {
		e, ok := parseStaged(line)
		switch {
		case !ok || !Clean(e.name):
		case e.mode == modeLink && deep < maxSubmodules:
			links = append(links, e.name)
		default:
			fn(path.Join(prefix, e.name))
		}
		return nil
	}, "ls-files", "-z", "--cached", "--stage", "--", literal(rel))
	for _, l := range links {
		sub := r.sub(ctx, l)
		if sub == nil {
			fn(path.Join(prefix, l))
			continue
		}
		if err := sub.tracked(ctx, ".", path.Join(prefix, l), fn, deep+1); err != nil {
			return err
		}
	}
	return err
}

// The modes of entries, as git writes them.
const (
	modeDir     = "040000"
	modeLink    = "160000" // of a submodule
	modeSymlink = "120000"
	modeFile    = "100644"
	modeProgram = "100755"
)

// staged is an entry of the index.
type staged struct{ mode, name string }

// parseStaged reads MODE ID STAGE<tab>PATH.
func parseStaged(line string) (staged, bool) {
	meta, name, ok := strings.Cut(line, "\t")
	mode, rest, _ := strings.Cut(meta, " ")
	if id, stage, more := strings.Cut(rest, " "); !ok || !more || mode == "" || id == "" || stage == "" || name == "" || strings.Contains(stage, " ") {
		return staged{}, false
	}
	return staged{mode, name}, true
}

// Clean reports whether a name that git gives is a path that leads down, as every name is that git itself would make: an
// index or a tree from elsewhere may hold any bytes.
func Clean(name string) bool {
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.EqualFold(part, ".git") {
			return false
		}
	}
	return filepath.IsLocal(filepath.FromSlash(name)) // on Windows a name may lead out in other ways, too
}

// Submodules gives the submodules at or below a path, relative to the top.
func (r *Repository) Submodules(ctx context.Context, rel string) (out []string, err error) {
	if r == nil {
		return nil, nil
	}
	err = r.names(ctx, func(line string) error {
		if e, ok := parseStaged(line); ok && e.mode == modeLink && Clean(e.name) {
			out = append(out, e.name)
		}
		return nil
	}, "ls-files", "-z", "--cached", "--stage", "--", literal(rel))
	return out, err
}

// Untracked gives what lies in the work tree at or below a path and is not in the index, relative to the top: what git ignores
// or, if ignored is false, the rest. A directory of which nothing is tracked is one name, with a slash at its end.
func (r *Repository) Untracked(ctx context.Context, rel string, ignored bool) (out []string, err error) {
	if r == nil {
		return nil, nil
	}
	if err := r.readable(ctx, rel, ".gitignore"); err != nil {
		return nil, err
	}
	args := []string{"ls-files", "-z", "--others", "--exclude-standard", "--directory", "--no-empty-directory"}
	if ignored {
		args = append(args, "--ignored")
	}
	err = r.names(ctx, func(name string) error {
		if Clean(strings.TrimSuffix(name, "/")) {
			out = append(out, name)
		}
		return nil
	}, append(args, "--", literal(rel))...)
	return out, err
}

// LFS gives the files at or below a path that git-lfs keeps, relative to the top.
func (r *Repository) LFS(ctx context.Context, rel string) (out []string, err error) {
	if r == nil {
		return nil, nil
	}
	if err := r.readable(ctx, rel, ".gitattributes"); err != nil {
		return nil, err
	}
	err = r.names(ctx, func(name string) error {
		if Clean(name) {
			out = append(out, name)
		}
		return nil
	}, "ls-files", "-z", "--cached", "--", ":(literal,attr:filter=lfs)"+rel)
	return out, err
}

// Ignore is the line of an ignore file of git that matches a path.
type Ignore struct {
	File    string // relative to the top, or absolute
	Line    int
	Pattern string
}

// Ignored gives those of some paths, relative to the top, that git ignores, with the line.
func (r *Repository) Ignored(ctx context.Context, paths []string) (map[string]Ignore, error) {
	// With the index git compares each path with each entry of it, to leave out what it tracks. Without, it tells at once what
	// ignore files match: of most paths nothing, and only the others are worth that.
	out, err := r.Matched(ctx, paths)
	if len(out) == 0 || err != nil {
		return out, err
	}
	matched := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { _, ok := out[p]; return !ok })
	return r.checkIgnore(ctx, matched)
}

// Matched gives those of some paths, relative to the top, that a line of an ignore file matches, also of what git tracks all the same.
func (r *Repository) Matched(ctx context.Context, paths []string) (map[string]Ignore, error) {
	if r == nil || len(paths) == 0 {
		return nil, nil
	}
	p := plainFiles{r: r, name: ".gitignore"}
	for _, name := range paths {
		if err := p.above(path.Clean(name)); err != nil {
			return nil, r.failed(err)
		}
	}
	return r.checkIgnore(ctx, paths, "--no-index")
}

func (r *Repository) checkIgnore(ctx context.Context, paths []string, flags ...string) (out map[string]Ignore, err error) {
	err = r.stream(ctx, strings.NewReader(strings.Join(paths, "\x00")+"\x00"), func(in io.Reader) error {
		data, err := io.ReadAll(in)
		out = parseIgnored(data)
		return err
	}, []int{1, 128}, append([]string{"check-ignore", "-v", "-z", "--stdin"}, flags...)...) // 1: nothing is ignored; 128: one lies in a submodule, or behind a link
	return out, err
}

// parseIgnored reads FILE<nul>LINE<nul>PATTERN<nul>PATH<nul>.
func parseIgnored(data []byte) map[string]Ignore {
	out := map[string]Ignore{}
	fields := bytes.Split(data, []byte{0})
	for chunk := range slices.Chunk(fields, 4) {
		if len(chunk) < 4 {
			break
		}
		i := Ignore{File: string(chunk[0]), Pattern: string(chunk[2])}
		// A line of a negation says that the path is not ignored.
		if i.Line, _ = strconv.Atoi(string(chunk[1])); !strings.HasPrefix(i.Pattern, "!") {
			out[string(chunk[3])] = i
		}
	}
	return out
}

// readable checks the files of a name that git would read in the directories at or below a path: one that is a pipe would
// block it.
func (r *Repository) readable(ctx context.Context, rel, name string) error {
	p := plainFiles{r: r, name: name}
	err := p.above(path.Join(rel, "x"))
	if err == nil {
		err = r.names(ctx, func(file string) error {
			if !Clean(file) {
				return nil
			}
			return p.above(file)
		}, "ls-files", "-z", "--cached", "--", literal(rel))
	}
	return r.failed(err)
}

// plainFiles looks for files of a name that are no regular files, in each directory once. A link is none that git follows.
type plainFiles struct {
	r    *Repository
	name string
	seen map[string]bool
}

// above looks in the directories above a file.
func (p *plainFiles) above(file string) error {
	for dir := path.Dir(file); !p.seen[dir]; dir = path.Dir(dir) {
		if p.seen == nil {
			p.seen = map[string]bool{}
		}
		p.seen[dir] = true
		name := filepath.Join(p.r.Top, filepath.FromSlash(dir), p.name)
		if fi, err := os.Lstat(name); err == nil && !fi.Mode().IsRegular() && !fi.IsDir() && fi.Mode()&fs.ModeSymlink == 0 {
			return &RefusedError{path.Join(dir, p.name), "it is no regular file"}
		}
	}
	return nil
}
