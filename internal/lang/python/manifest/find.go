package manifest

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ctxaudit/ctxaudit/internal/view"
)

// maxDepth is how deep manifests are looked for: the root has depth 0.
const maxDepth = 4

// maxListers bounds how many directories are listed at once.
const maxListers = 16

// foundDir is a directory with a file that has a manifest's name, or one that cannot be listed.
type foundDir struct {
	dir string
	err error
}

// withManifests looks through a repository, level by level and several directories at a time. Of the names that it sees it
// keeps none. What it finds is sorted as a walk goes that sorts each directory.
func withManifests(f Files) []foundDir {
	var found []foundDir
	level := []string{"."}
	for depth := 0; len(level) > 0; depth++ {
		below := make([][]string, len(level))
		here := make([]*foundDir, len(level))
		inParallel(len(level), func(i int) {
			below[i], here[i] = look(f, level[i])
		})
		for _, h := range here {
			if h != nil {
				found = append(found, *h)
			}
		}
		if depth == maxDepth {
			break
		}
		level = slices.Concat(below...)
	}
	slices.SortFunc(found, func(a, b foundDir) int { return strings.Compare(a.key(), b.key()) })
	return found
}

// key sorts a directory before what lies in it, and what lies in it before its next neighbour.
func (d foundDir) key() string {
	if d.dir == "." {
		return ""
	}
	return d.dir + "/"
}

// look lists one directory: those below it that are looked through too, and itself if it has manifests.
func look(f Files, dir string) (below []string, here *foundDir) {
	names, err := f.ReadDir(dir)
	if err != nil {
		return nil, &foundDir{dir, fmt.Errorf("listing %s: %w", dir, err)}
	}
	inRequirements := strings.HasPrefix(path.Base(dir), "requirement")
	for _, name := range names {
		sub, isDir := strings.CutSuffix(name, "/")
		switch {
		case !isDir:
			if here == nil && manifestReader(name, inRequirements) != nil {
				here = &foundDir{dir: dir}
			}
		case !view.Foreign(sub) && !strings.HasPrefix(sub, "."):
			below = append(below, path.Join(dir, sub))
		}
	}
	return below, here
}

// inParallel calls fn for 0..n.
func inParallel(n int, fn func(i int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0), maxListers) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				fn(int(i))
			}
		})
	}
	group.Wait()
}
