package project

import (
	"io/fs"
	"iter"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// vendored are directories that hold somebody else's files, or files that are no part of the project.
var vendored = []string{
	".git", ".hg", ".svn", ".tox", ".nox", ".venv", "venv", "node_modules", "vendor", "third_party", "site-packages",
	"testdata", "testfiles", "testfiles-negative", "fixtures", "__fixtures__", "test-fixtures", "__pycache__", ".cache", ".direnv", ".terraform",
}

// maxDepth bounds how deep files are looked for.
const maxDepth = 8

// notDockerfiles are extensions of files that are made from, or into, a Dockerfile, or tell about one.
var notDockerfiles = []string{".md", ".txt", ".j2", ".jinja", ".jinja2", ".tmpl", ".template", ".tpl", ".in", ".erb", ".mustache", ".orig", ".rej", ".bak", ".rego"}

// IsDockerfile reports whether a file name is one that Dockerfiles have by convention.
func IsDockerfile(name string) bool {
	if strings.HasSuffix(name, ".dockerignore") || slices.Contains(notDockerfiles, path.Ext(name)) || strings.HasSuffix(name, "~") {
		return false
	}
	lower := strings.ToLower(name)
	return lower == "dockerfile" || lower == "containerfile" || strings.HasPrefix(name, "Dockerfile.") ||
		strings.HasPrefix(name, "Containerfile.") || strings.HasSuffix(lower, ".dockerfile")
}

// Directory is what files are looked for in: names are slash-separated and relative to it. It is read by several goroutines.
type Directory interface {
	ReadDir(name string) ([]fs.DirEntry, error)
}

// Files finds the files below a directory that are wanted, slash-separated and relative to it: those nearer to the root
// first, sorted within a directory. Directories that git ignores, and vendored ones, are not looked into. ignored tells of
// directories, relative to the root, whether git ignores them; nil if there is no git.
func Files(root Directory, ignored func(dirs []string) map[string]bool, wanted func(name string) bool) ([]string, error) {
	var out []string
	level := []string{"."}
	for depth := 0; len(level) > 0 && depth <= maxDepth; depth++ {
		var next []string
		for dir, read := range readAll(root, level) {
			if read.err != nil {
				if dir == "." {
					return nil, read.err
				}
				continue
			}
			for _, e := range read.entries {
				p := path.Join(dir, e.Name())
				switch {
				case e.IsDir():
					if !slices.Contains(vendored, e.Name()) && !isTemplate(e.Name()) {
						next = append(next, p)
					}
				case e.Type().IsRegular() && wanted(p):
					out = append(out, p)
				}
			}
		}
		if ignored != nil && len(next) > 0 {
			skip := ignored(next)
			next = slices.DeleteFunc(next, func(d string) bool { return skip[d] })
		}
		level = next
	}
	return out, nil
}

// listing is what a directory holds, or why it cannot be read.
type listing struct {
	entries []fs.DirEntry
	err     error
}

// batch is how many directories are read before they are looked at: no more of a large repository is held at once.
const batch = 512

// readAll reads directories, and gives each with its listing.
func readAll(root Directory, dirs []string) iter.Seq2[string, listing] {
	return func(yield func(string, listing) bool) {
		for some := range slices.Chunk(dirs, batch) {
			for i, read := range readBatch(root, some) {
				if !yield(some[i], read) {
					return
				}
			}
		}
	}
}

// readBatch reads directories in parallel.
func readBatch(root Directory, dirs []string) []listing {
	out := make([]listing, len(dirs))
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(dirs)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(dirs); i = int(next.Add(1)) - 1 {
				out[i].entries, out[i].err = root.ReadDir(dirs[i])
			}
		})
	}
	wg.Wait()
	return out
}

// isTemplate reports whether a name has yet to be filled in, as in the templates of cookiecutter and copier: what lies in such
// a directory is no file of any kind until then.
func isTemplate(name string) bool {
	return strings.Contains(name, "{{") || strings.Contains(name, "{%")
}

// Contexts gives the directories that may be the build context of a Dockerfile, the most likely first: the root of the
// repository, then the Dockerfile's own directory, then those between.
func Contexts(dockerfile string) []string {
	own := path.Dir(dockerfile)
	out := []string{"."}
	if own == "." {
		return out
	}
	for dir := own; dir != "."; dir = path.Dir(dir) {
		out = append(out, dir)
	}
	return out
}

// ImageName gives an image a name that people recognise: the Dockerfile's directory, its extension, or both.
func ImageName(dockerfile string) string {
	dir, base := path.Dir(dockerfile), path.Base(dockerfile)
	ext := ""
	switch {
	case strings.HasPrefix(base, "Dockerfile."):
		ext = strings.TrimPrefix(base, "Dockerfile.")
	case strings.HasPrefix(base, "Containerfile."):
		ext = strings.TrimPrefix(base, "Containerfile.")
	case strings.Contains(base, "."):
		ext = strings.TrimSuffix(strings.TrimSuffix(base, ".Dockerfile"), ".dockerfile")
	}
	switch {
	case dir == "." && ext == "":
		return "image"
	case dir == ".":
		return ext
	case ext == "":
		return dir
	default:
		return dir + "/" + ext
	}
}
