package rootfs

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// maxLinks is the number of symbolic links after which BuildKit gives up on a path (continuity/fs/path.go and
// cache/contenthash/path.go have the same number).
const maxLinks = 255

// Resolve follows every symbolic link of a path, the last component included, within the tree: a link never leads out
// of the root, as `..` at the root stays there. What does not exist is taken as it is written, so the result may name
// nothing. It fails where a component of the way is neither directory nor link, and on too many links.
//
// It gives what continuity/fs.RootPath gives, which BuildKit calls for the sources and destinations of file
// operations: each round expands every link of the path once, and a link's `..` is taken by its spelling, before the
// links of what stands in front of it are known. Rounds go on until none is left.
func (t *Tree) Resolve(p string) (string, error) {
	if p == "" {
		return "/", nil
	}
	if len(p) >= maxPath {
		return "", &PathError{p, syscall.ENAMETOOLONG}
	}
	if clean, _, ok := t.plain(p); ok {
		return clean, nil
	}
	return t.resolveLinks(p)
}

func (t *Tree) resolveLinks(p string) (string, error) {
	asked := p
	for links := 0; ; {
		before := links
		next, err := t.expand(p, &links)
		if err != nil {
			var pe *PathError
			if errors.As(err, &pe) && errors.Is(err, ErrTooManyLinks) {
				pe.Path = asked
			}
			return "", err
		}
		clean := path.Join("/", next)
		if links == before && next == clean {
			return clean, nil
		}
		p = next
		if links == before {
			p = clean
		}
	}
}

// maxPath is PATH_MAX of Linux: no call of the kernel takes a path that is as long.
const maxPath = 4096

// plain gives a path that has no link in it and nothing on its way that is no directory, cleaned, and the entry there, nil if
// there is none; false for all others, which Resolve goes through link by link.
func (t *Tree) plain(p string) (clean string, n *Node, ok bool) {
	if strings.Contains(p, "..") {
		return "", nil, false
	}
	clean = absolute(p)
	n = t.root
	for name := range components(clean) {
		if n.Kind == KindUnknown {
			return clean, belowUnknown, true
		}
		if !n.IsDir() {
			return "", nil, false
		}
		c, err := n.Child(name)
		if err != nil {
			return "", nil, false
		}
		if c == nil {
			return clean, nil, true
		}
		if n = c; n.Kind == KindSymlink {
			return "", nil, false
		}
	}
	return clean, n, true
}

// ResolveParent is [Tree.Resolve] but for the last component, which is kept as it is.
func (t *Tree) ResolveParent(p string) (string, error) {
	p = path.Join("/", p)
	if p == "/" {
		return "/", nil
	}
	dir, name := path.Split(p)
	r, err := t.Resolve(dir)
	if err != nil {
		return "", err
	}
	return path.Join(r, name), nil
}

// expand replaces each link of a path by its target, once.
func (t *Tree) expand(p string, links *int) (string, error) {
	dir, name := path.Split(p)
	switch {
	case dir == "":
		target, _, err := t.readLink(name, links)
		return target, err
	case name == "" && dir == "/":
		return dir, nil
	case name == "":
		return t.expand(dir[:len(dir)-1], links)
	}
	parent, err := t.expand(dir, links)
	if err != nil {
		return "", err
	}
	target, isLink, err := t.readLink(path.Join(parent, name), links)
	if err != nil || !isLink || path.IsAbs(target) {
		return target, err
	}
	return path.Join(parent, target), nil
}

// readLink gives the target of a link, or the cleaned path itself for anything else.
func (t *Tree) readLink(p string, links *int) (target string, isLink bool, err error) {
	p = path.Join("/", p)
	if *links > maxLinks {
		return "", false, &PathError{p, ErrTooManyLinks}
	}
	n, err := t.LstatThrough(p)
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err != nil {
		return "", false, err
	}
	if n.Kind != KindSymlink {
		return p, false, nil
	}
	*links++
	return n.Link, true, nil
}

// maxKernelLinks is the number of links that Linux follows on one path before it says ELOOP.
const maxKernelLinks = 40

// LstatThrough answers as lstat(2) does where the tree is mounted somewhere: links on the way are followed, the last
// component is not. An absolute link, or one that leaves the root, leads out of the tree to where nothing is known and,
// in all likelihood, nothing is.
func (t *Tree) LstatThrough(p string) (*Node, error) {
	n, err := t.Lstat(p)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return n, err
	}
	missing := &PathError{p, fs.ErrNotExist}
	rest := slices.Collect(components(p))
	var at []string
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return nil, missing
			}
			at = at[:len(at)-1]
			continue
		}
		n, err = t.Lstat("/" + path.Join(append(at, name)...))
		if err != nil {
			return nil, err
		}
		if n.Kind != KindSymlink || len(rest) == 0 {
			at = append(at, name)
			continue
		}
		if links++; links > maxKernelLinks {
			return nil, &PathError{p, ErrTooManyLinks}
		}
		if path.IsAbs(n.Link) {
			return nil, missing
		}
		rest = append(strings.Split(n.Link, "/"), rest...)
	}
	return n, nil
}

// Lookup gives the entry that a path names, and where it lies once links are followed: those on the way, and the last
// component too if followLast is set. Unlike [Tree.Resolve] it takes one component after the other, so that `..` in a
// link's target leaves the directory that the links before it lead to. BuildKit looks the sources of a copy up this
// way before it copies (cache/contenthash/checksum.go, getFollowLinks).
//
// The entry is nil if there is none. A component that is no directory makes everything below it absent, not an error.
func (t *Tree) Lookup(p string, followLast bool) (*Node, string, error) {
	if clean := path.Join("/", p); !t.CrossesLink(clean, followLast) {
		n, err := t.Lstat(clean)
		if isAbsent(err) {
			return nil, clean, nil
		}
		return n, clean, err
	}
	return t.lookupLinks(p, followLast)
}

// CrossesLink reports whether there is a link on the way of a clean path, or at its end if that counts.
func (t *Tree) CrossesLink(p string, last bool) bool {
	n := t.root
	names := slices.Collect(components(p))
	for i, name := range names {
		c, err := n.Child(name)
		if err != nil || c == nil {
			return false // Lstat tells
		}
		if n = c; n.Kind == KindSymlink && (last || i+1 < len(names)) {
			return true
		}
	}
	return false
}

func (t *Tree) lookupLinks(p string, followLast bool) (*Node, string, error) {
	rest := strings.TrimPrefix(path.Join("/", p), "/")
	cur := "/"
	links := 0
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		next := path.Join(cur, name)
		n, err := t.Lstat(next)
		if err != nil && !isAbsent(err) {
			return nil, "", err
		}
		if err != nil || n.Kind != KindSymlink || (!followLast && rest == "") {
			cur = next
			continue
		}
		if links++; links > maxLinks {
			return nil, "", &PathError{p, ErrTooManyLinks}
		}
		rest = strings.TrimSuffix(n.Link, "/") + "/" + rest
		if path.IsAbs(n.Link) {
			cur = "/"
		}
	}
	n, err := t.Lstat(cur)
	if isAbsent(err) {
		return nil, cur, nil
	}
	return n, cur, err
}

// isAbsent tells "nothing there" from a failure to look.
func isAbsent(err error) bool {
	var pe *PathError
	return errors.As(err, &pe)
}

// Stat gives the entry that a path leads to, links followed, and where it lies. Where nothing lies there the error is a
// [*PathError] and the place is still given.
func (t *Tree) Stat(p string) (*Node, string, error) {
	if p != "" && len(p) < maxPath {
		if clean, n, ok := t.plain(p); ok && n != nil {
			return n, clean, nil
		}
	}
	at, err := t.Resolve(p)
	if err != nil {
		return nil, path.Join("/", p), err
	}
	n, err := t.Lstat(at)
	return n, at, err
}
