package dockerctx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Transfer is what a build really transfers that names these follow paths: the
// sources of the COPY, ADD and bind mounts that its target reaches, as BuildKit
// puts them into local.followpaths. Without any, it is everything that the
// ignore file lets in.
//
// BuildKit resolves symbolic links and wildcards of the follow paths over the
// whole context, ignored parts included, and takes the results for patterns of
// what to send: in them brackets, backslashes and a leading "!" are syntax. A
// malformed one is an error, for then the build fails.
//
// The ignore file has the last word, and both lists prune the walk.
func (c *Context) Transfer(followPaths []string) (*Tree, error) {
	include, err := includeMatcher(c.fsys, followPaths)
	if err != nil {
		return nil, err
	}
	if include == nil {
		return c.tree, nil
	}
	return newTree(c.fsys, include, c.exclude, c.blame), nil
}

// includeMatcher is the first half of NewFilterFS in fsutil's filter.go. It is
// nil when nothing limits the transfer.
func includeMatcher(fsys FS, followPaths []string) (*matcher, error) {
	if len(followPaths) == 0 {
		return nil, nil
	}
	sent := make([]string, len(followPaths))
	for i, p := range followPaths {
		sent[i] = onTheWire(p)
	}
	if i := unsendable(sent); i >= 0 {
		return nil, fmt.Errorf("sending followed path %q: BuildKit cannot send control characters", followPaths[i])
	}
	targets, err := followLinks(fsys, sent)
	if err != nil {
		return nil, fmt.Errorf("following links: %w", err)
	}
	if len(targets) == 0 {
		return nil, nil
	}
	m, err := newMatcher(targets, nil, false, nil)
	if err != nil {
		var pe *patternError
		if errors.As(err, &pe) {
			return nil, fmt.Errorf("followed path %q is no valid pattern: %w", pe.pattern, pe.err)
		}
		return nil, err
	}
	return m, nil
}

// followLinks gives the sorted paths that have to be sent so that each of paths
// can be reached: the links on the way and what they lead to. It is nil when
// the root is among them. It does what fsutil's followlinks.go does:
//
//   - A path is followed element by element. At the first link the link is
//     noted, and what it points to, joined with the rest, is followed anew. Where
//     no link is met, the whole path is noted, existing or not.
//   - A wildcard element is looked up in its literal directory; only links among
//     the matches count. If there are none, the wildcard stays in the path. So
//     links below a wildcard directory are not found.
//   - A link is followed once. A second path through the same link ends there, even
//     if it goes on to another place: of d → real, the paths d/a and d/b give
//     d and real/a, and real/b is not sent.
func followLinks(fsys FS, paths []string) ([]string, error) {
	r := linkFollower{fsys: fsys, noted: map[string]bool{}}
	for _, p := range paths {
		if err := r.follow(p); err != nil {
			return nil, err
		}
	}
	list := make([]string, 0, len(r.noted))
	for p := range r.noted {
		list = append(list, p)
	}
	slices.Sort(list)
	return withoutNested(list), nil
}

type linkFollower struct {
	fsys  FS
	noted map[string]bool
}

func (r *linkFollower) follow(p string) error {
	rest := path.Join(".", p)
	current := "."
	for {
		var element string
		element, rest, _ = strings.Cut(rest, "/")
		current = path.Join(current, element)
		targets, isLink, err := r.targets(current, true)
		if err != nil {
			return err
		}
		if (rest == "" || isLink) && r.noted[current] {
			return nil
		}
		if isLink {
			r.noted[current] = true
			for _, target := range targets {
				if err := r.follow(path.Join(target, rest)); err != nil {
					return err
				}
			}
			return nil
		}
		if rest == "" {
			r.noted[current] = true
			return nil
		}
	}
}

// targets gives what the last element of p points to, clamped to the root, if
// it is a link or a wildcard that matches links.
func (r *linkFollower) targets(p string, wildcards bool) (targets []string, isLink bool, err error) {
	dir, base := path.Split(p)
	dir = path.Clean(dir)
	if p == "." || p == ".." || strings.HasPrefix(p, "../") {
		return nil, false, nil
	}
	if wildcards && hasWildcard(base) {
		entries, err := r.fsys.ReadDir(dir)
		if absent(err) || escapes(err) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		for _, e := range entries {
			if ok, _ := path.Match(base, e.Name()); ok {
				more, link, err := r.targets(join(dir, e.Name()), false)
				if err != nil {
					return nil, false, err
				}
				targets = append(targets, more...)
				isLink = isLink || link
			}
		}
		return targets, isLink, nil
	}
	info, err := r.fsys.Lstat(p)
	if absent(err) || escapes(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return nil, false, nil
	}
	link, err := r.fsys.ReadLink(p)
	if absent(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	link = path.Clean(link)
	if !path.IsAbs(link) {
		link = path.Join("/", dir, link)
	}
	return []string{link}, true, nil
}

// hasWildcard is containsWildcards of fsutil's followlinks.go.
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

// withoutNested drops what lies below an entry kept before it. It is nil if one
// is the root. The list is sorted by bytes, so that "a-b" may stand between "a"
// and "a/b", which then stays: dedupePaths of fsutil does the same.
func withoutNested(list []string) []string {
	kept := make([]string, 0, len(list))
	last := ""
	for _, p := range list {
		if p == "." {
			return nil
		}
		if strings.HasPrefix(p, last+"/") {
			continue
		}
		kept = append(kept, p)
		last = p
	}
	return kept
}
