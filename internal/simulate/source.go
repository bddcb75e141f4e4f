package simulate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// hasWildcard reports whether a name is a pattern. A backslash takes the meaning of what follows it
// (containsWildcards, in fsutil/copy and in BuildKit's frontend, ops and cache/contenthash alike).
func hasWildcard(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// splitWildcards parts a path before its first component that is a pattern.
func splitWildcards(p string) (prefix, pattern string) {
	p = path.Join(p)
	rest := p
	for rest != "" {
		name, more, _ := strings.Cut(rest, "/")
		if hasWildcard(name) {
			prefix = strings.TrimSuffix(p[:len(p)-len(rest)], "/")
			if prefix == "" && strings.HasPrefix(p, "/") {
				prefix = "/"
			}
			return prefix, rest
		}
		rest = more
	}
	return p, ""
}

// resolveWildcards gives the paths that a source names, in order (fsutil/copy.ResolveWildcards). What it finds below a
// match is not looked at. A pattern that is malformed matches nothing; a literal prefix that does not exist fails.
func resolveWildcards(t *rootfs.Tree, src string, followLinks bool) ([]string, error) {
	prefix, pattern := splitWildcards(src)
	if pattern == "" {
		return []string{src}, nil
	}
	resolve := t.ResolveParent
	if followLinks {
		resolve = t.Resolve
	}
	base, err := resolve(prefix)
	if err != nil {
		return nil, err
	}
	node, err := t.Lstat(base)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && t.CouldHold(base) {
			return nil, nil
		}
		return nil, err
	}
	var out []string
	// A class such as [^a] also matches a slash, so only a pattern without one tells how deep it reaches.
	depth := -1
	if !strings.ContainsAny(pattern, `[\`) {
		depth = strings.Count(pattern, "/")
	}
	err = rootfs.WalkNode("", node, func(p string, n *rootfs.Node) error {
		rel := p[1:]
		if ok, _ := filepath.Match(pattern, rel); ok {
			out = append(out, path.Join(base, rel))
			return fs.SkipDir
		}
		if n.IsDir() && depth >= 0 && strings.Count(rel, "/") >= depth {
			return fs.SkipDir
		}
		return nil
	})
	return out, err
}

// selector is what an operation reads of one of its inputs. BuildKit computes the content's digest by it before the
// operation runs (solver/llbsolver/ops/file.go, CacheMap), and this is where a missing source fails with
// `"/x": not found`.
type selector struct {
	path                       string
	wildcard, followLinks      bool
	include, exclude, required []string
}

// notFoundError says that a source does not exist in what an operation reads.
type notFoundError struct {
	path string
}

func (e *notFoundError) Error() string { return fmt.Sprintf("%q: not found", e.path) }
func (e *notFoundError) Unwrap() error { return fs.ErrNotExist }

// copySelectors gives what a file operation reads of each of its inputs. An input that is also changed by one of the
// actions has none: BuildKit does not digest it.
func copySelectors(op *dockerfile.Op) map[int][]selector {
	out := map[int][]selector{}
	changed := map[int]bool{}
	for _, a := range op.File {
		changed[a.Input] = true
		cp, isCopy := a.Change.(dockerfile.Copy)
		if _, ok := op.Source(a); !ok || !isCopy {
			continue
		}
		out[a.Source] = append(out[a.Source], selector{
			path: path.Join("/", cp.Src), wildcard: cp.Wildcard && hasWildcard(cp.Src), followLinks: cp.FollowSymlinks,
			include: cp.Include, exclude: cp.Exclude, required: cp.Required,
		})
	}
	for i := range changed {
		delete(out, i)
	}
	return out
}

// check fails as the computation of the digest does (cache/contenthash/checksum.go).
func (s selector) check(t *rootfs.Tree) error {
	if s.wildcard {
		return s.checkWildcard(t)
	}
	filtered := len(s.include) != 0 || len(s.exclude) != 0
	n, at, err := t.Lookup(s.path, s.followLinks && !filtered)
	if err != nil {
		return err
	}
	if !filtered {
		if n == nil && !t.CouldHold(at) {
			return &notFoundError{path: s.path}
		}
		return nil
	}
	return s.checkFiltered(t, n, at)
}

// checkWildcard is includedPaths with a wildcard: a malformed pattern fails once there is a path to hold against it,
// and so does a link that matches and leads nowhere.
func (s selector) checkWildcard(t *rootfs.Tree) error {
	prefix, pattern := splitWildcards(s.path)
	base, _, err := t.Lookup(prefix, true)
	if err != nil || base == nil {
		return err
	}
	if _, err := path.Match(s.path, prefix); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if strings.ContainsAny(pattern, `[\`) {
		err := rootfs.WalkNode(prefix, base, func(p string, _ *rootfs.Node) error {
			_, err := path.Match(s.path, p)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
	}
	if !s.followLinks {
		return nil
	}
	matches, err := resolveWildcards(t, s.path, true)
	if err != nil {
		return err
	}
	for _, m := range matches {
		n, at, err := t.Lookup(m, true)
		if err != nil {
			return err
		}
		if n == nil && !t.CouldHold(at) {
			return &notFoundError{path: m}
		}
	}
	return nil
}

// checkFiltered is includedPaths with patterns: each required path must be among what they take. Where the source is the
// root, links right below it that are taken are followed, so that one that dangles fails; elsewhere they are not.
func (s selector) checkFiltered(t *rootfs.Tree, base *rootfs.Node, at string) error {
	include, err := newMatcher("include", s.include)
	if err != nil {
		return err
	}
	exclude, err := newMatcher("exclude", s.exclude)
	if err != nil {
		return err
	}
	if s.path == "/" && s.followLinks && base != nil {
		if err := checkRootLinks(t, base, include, exclude); err != nil {
			return err
		}
	}
	if len(s.required) == 0 {
		return nil
	}
	var taken []string
	if base != nil {
		taken, err = takenPaths(base, at, s.path, include, exclude)
		if err != nil {
			return err
		}
	}
	for _, r := range s.required {
		found := false
		for _, p := range taken {
			found = found || strings.HasPrefix(p, r)
		}
		if !found && !t.CouldHold(path.Join(at, strings.TrimPrefix(r, s.path))) {
			return &notFoundError{path: r}
		}
	}
	return nil
}

// checkRootLinks fails for a link in the root directory that is taken and leads nowhere.
func checkRootLinks(t *rootfs.Tree, root *rootfs.Node, include, exclude *patternmatcher.PatternMatcher) error {
	children, err := root.Children()
	if err != nil {
		return err
	}
	for _, c := range children {
		if c.Node.Kind != rootfs.KindSymlink {
			continue
		}
		ok := true
		if include != nil {
			if ok, _, err = include.MatchesUsingParentResults(c.Name, patternmatcher.MatchInfo{}); err != nil {
				return err
			}
		}
		if ok && exclude != nil {
			out, _, err := exclude.MatchesUsingParentResults(c.Name, patternmatcher.MatchInfo{})
			if err != nil {
				return err
			}
			ok = !out
		}
		if !ok {
			continue
		}
		n, at, err := t.Lookup("/"+c.Name, true)
		if err != nil {
			return err
		}
		if n == nil && !t.CouldHold(at) {
			return &notFoundError{path: "/" + c.Name}
		}
	}
	return nil
}

// takenPaths gives the paths that the patterns take below a directory, named as the selector names it.
func takenPaths(base *rootfs.Node, at, name string, include, exclude *patternmatcher.PatternMatcher) ([]string, error) {
	type info struct{ inc, exc patternmatcher.MatchInfo }
	infos := map[string]info{}
	var out []string
	take := func(rel string, n *rootfs.Node) error {
		parent := infos[path.Dir(rel)]
		ok := true
		var self info
		var err error
		if include != nil {
			if ok, self.inc, err = include.MatchesUsingParentResults(rel, parent.inc); err != nil {
				return err
			}
		}
		if ok && exclude != nil {
			var out bool
			if out, self.exc, err = exclude.MatchesUsingParentResults(rel, parent.exc); err != nil {
				return err
			}
			ok = !out
		}
		if n.IsDir() {
			infos[rel] = self
		}
		if ok {
			out = append(out, path.Join("/", name, rel))
		}
		return nil
	}
	if !base.IsDir() {
		return []string{path.Join("/", name)}, nil
	}
	err := rootfs.WalkNode("", base, func(p string, n *rootfs.Node) error { return take(p[1:], n) })
	return out, err
}

// newMatcher compiles patterns of a copy; nil for none.
func newMatcher(kind string, patterns []string) (*patternmatcher.PatternMatcher, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, fmt.Errorf("invalid %spatterns: %s: %w", kind, patterns, err)
	}
	return m, nil
}
