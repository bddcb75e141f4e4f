package dockerctx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// ignoreName is DefaultDockerignoreName of frontend/dockerui.
const ignoreName = ".dockerignore"

// maxIgnoreFile is maxFileSize of frontend/dockerui/readfile.go; a larger file
// fails the build.
const maxIgnoreFile = 16 << 20

// FindIgnoreFile gives the ignore file that BuildKit chooses, and nil if there
// is none (frontend/dockerui/config.go, ReadEntrypoint and
// dockerIgnorePatterns).
//
// It is the one named after the Dockerfile, beside it, even if it is empty;
// else ".dockerignore" at the root of the context. A symbolic link is followed
// as long as BuildKit transfers its target, clamped to its directory. What is
// neither a regular file nor a socket (which arrives as an empty file) is passed
// over. dockerfileName is relative to dockerfileDir; dockerfileDir may be nil for
// a Dockerfile from elsewhere.
//
// An ignore file that is too large is an [*IgnoreError]. So is one that cannot be
// read, where BuildKit would silently take an empty one.
func FindIgnoreFile(context, dockerfileDir FS, dockerfileName string) (*IgnoreFile, error) {
	if dockerfileDir != nil && dockerfileName != "" {
		dockerfile, err := cleanPath(filepath.ToSlash(dockerfileName))
		if err != nil {
			return nil, fmt.Errorf("looking for the ignore file of %q: %w", dockerfileName, err)
		}
		// With these follow paths BuildKit reads the Dockerfile.
		follow := []string{dockerfile, dockerfile + ignoreName}
		if path.Base(dockerfile) == "Dockerfile" {
			follow = append(follow, path.Join(path.Dir(dockerfile), "dockerfile"))
		}
		shown := shownName(context, dockerfileDir, dockerfile+ignoreName)
		file, err := readIgnoreFile(dockerfileDir, follow, dockerfile+ignoreName, shown)
		if file != nil || err != nil {
			return file, err
		}
	}
	if context == nil {
		return nil, nil
	}
	return readIgnoreFile(context, []string{ignoreName}, ignoreName, ignoreName)
}

// shownName makes a name relative to the context, if both are directories of
// the host and the one lies in the other.
func shownName(context, dir FS, name string) string {
	outer, ok1 := context.(*dirFS)
	inner, ok2 := dir.(*dirFS)
	if !ok1 || !ok2 {
		return name
	}
	rel, err := filepath.Rel(outer.dir, inner.dir)
	rel = filepath.ToSlash(rel)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return name
	}
	return path.Join(rel, name)
}

func readIgnoreFile(fsys FS, follow []string, name, shown string) (*IgnoreFile, error) {
	include, err := includeMatcher(fsys, follow)
	if err != nil {
		return nil, fmt.Errorf("looking for ignore file %s: %w", shown, err)
	}
	tree := newTree(fsys, include, nil, func(err error) error { return err })
	entry, err := tree.resolve(name)
	if absent(err) || errors.Is(err, errTooManyLinks) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for ignore file %s: %w", shown, err)
	}
	if !entry.Mode.IsRegular() {
		return nil, nil
	}
	data, err := readLimited(tree, entry, maxIgnoreFile)
	if err != nil {
		return nil, &IgnoreError{File: shown, Message: err.Error(), Err: err}
	}
	return ParseIgnoreFile(shown, data)
}

func readLimited(tree *Tree, entry Entry, limit int64) ([]byte, error) {
	tooLarge := fmt.Errorf("file exceeds the %d bytes that BuildKit reads", limit)
	if entry.Size > limit {
		return nil, tooLarge
	}
	r, err := tree.Open(entry.Path)
	if err != nil {
		return nil, fmt.Errorf("reading ignore file: %w", underlying(err))
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading ignore file: %w", underlying(err))
	}
	if int64(len(data)) > limit {
		return nil, tooLarge
	}
	return data, nil
}

var errTooManyLinks = errors.New("too many links")

// maxLinks is the limit of continuity's fs.RootPath.
const maxLinks = 255

// resolve follows the links of a path within the tree, clamped to its root, as
// continuity's fs.RootPath does before BuildKit reads a file.
func (t *Tree) resolve(name string) (Entry, error) {
	rest := strings.Split(name, "/")
	current := "."
	links := 0
	for len(rest) > 0 {
		element := rest[0]
		rest = rest[1:]
		switch element {
		case "", ".":
			continue
		case "..":
			current = path.Dir(current)
			continue
		}
		next := join(current, element)
		entry, err := t.Lstat(next)
		if err != nil {
			return Entry{}, err
		}
		if entry.Mode&fs.ModeSymlink == 0 {
			current = next
			continue
		}
		if links++; links > maxLinks {
			return Entry{}, &fs.PathError{Op: "open", Path: name, Err: errTooManyLinks}
		}
		if path.IsAbs(entry.Link) {
			current = "."
		}
		rest = append(strings.Split(entry.Link, "/"), rest...)
	}
	return t.Lstat(current)
}
