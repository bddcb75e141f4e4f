package simulate

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// hints tells why a source was not found and what would help: the ignore line that keeps it out, or the name that was
// probably meant.
func (m *Image) hints(src *sourceError) []Hint {
	p := src.lacks()
	if s := m.Sources[src.input.Op]; s != nil {
		return contextHints(s.Context, strings.TrimPrefix(p, "/"))
	}
	if s := m.state(src.input); s != nil {
		if name, ok := Nearest(s.Tree, p); ok {
			return []Hint{{Text: fmt.Sprintf("%s does not exist; did you mean %s?", p, name)}}
		}
	}
	return nil
}

// lacks gives the path that a source does not have.
func (e *sourceError) lacks() string {
	var missing *notFoundError
	if errors.As(e.err, &missing) {
		return missing.path
	}
	p, _ := splitWildcards(path.Join("/", e.path))
	return p
}

// owed gives the context from which a stage should have got what it does not have, and its path there: what lies around
// it was copied from there. An entry that the context has is preferred. The context is nil if there is none.
func (m *Image) owed(src *sourceError) (*Context, string) {
	var missing *notFoundError
	s := m.state(src.input)
	if s == nil || m.Sources[src.input.Op] != nil || !errors.As(src.err, &missing) {
		return nil, ""
	}
	for _, op := range slices.Sorted(maps.Keys(m.Sources)) {
		c := m.Sources[op].Context
		if found := m.counterpart(c, s.Tree, missing.path); found != "" {
			return c, found
		}
	}
	return m.meant(src.input, missing.path)
}

// contextHints explains a path that a context did not give.
func contextHints(c *Context, p string) []Hint {
	if p == "" {
		return nil
	}
	fi, err := c.FS.Lstat(p)
	if err != nil {
		text := fmt.Sprintf("%s does not exist in the build context %q", p, c.Dir)
		if _, rest, ok := strings.Cut(p, "/"); ok && exists(c, rest) {
			// A path that starts above the context is the common mistake in a monorepo.
			text += fmt.Sprintf("; it has %s: sources are relative to the context", rest)
		} else if name, ok := NearestInContext(c, p); ok {
			text += fmt.Sprintf("; did you mean %s?", name)
		}
		if line := excludes(c, p); line != nil {
			return []Hint{{Text: fmt.Sprintf("%s, and %s:%d (%s) would exclude it", text, c.Ignore.Name, line.Number, line.Text)}}
		}
		return []Hint{{Text: text}}
	}
	trail, err := c.Explain(p)
	if err != nil || trail.Included {
		if fi.Mode().Type() != 0 && !fi.IsDir() {
			return []Hint{{Text: fmt.Sprintf("%s is a symbolic link whose target does not reach the builder", p)}}
		}
		return nil
	}
	if trail.Decisive == nil {
		return []Hint{{Text: fmt.Sprintf("%s exists, but the ignore file excludes it", p)}}
	}
	return []Hint{{
		Text: fmt.Sprintf("%s exists, but %s:%d (%s) excludes it from the context", p, c.Ignore.Name, trail.Decisive.Number, trail.Decisive.Text),
		Line: trail.Decisive, File: c.Ignore.Name,
	}}
}

// excludes gives the line that keeps out a path, whatever it may come to be, nil if there is none: not one below which an
// exception may let something in.
func excludes(c *Context, p string) *dockerctx.Line {
	trail, err := c.Explain(p)
	if err != nil || trail.Included || trail.Decisive == nil {
		return nil
	}
	for _, line := range c.Ignore.Lines {
		if line.Negated && line.Number > trail.Decisive.Number && (strings.HasPrefix(strings.TrimPrefix(line.Pattern, "!"), p+"/") || strings.ContainsAny(line.Pattern, `*?[\\`)) {
			return nil
		}
	}
	return trail.Decisive
}

func exists(c *Context, p string) bool {
	_, err := c.FS.Lstat(p)
	return err == nil
}

// NearestInContext gives the path of a context that is most like one that does not exist.
func NearestInContext(c *Context, p string) (string, bool) {
	name, ok := nearest("/"+p, func(dir string) []string { return fsNames(c.FS, strings.TrimPrefix(dir, "/")) })
	return strings.TrimPrefix(name, "/"), ok
}

// Nearest gives the path of a tree that is most like one that does not exist.
func Nearest(t *rootfs.Tree, p string) (string, bool) {
	return nearest(p, func(dir string) []string { return treeNames(t, dir) })
}

// nearest gives the existing path that is most like one that does not exist: each component that is missing is replaced by the most
// similar name beside it; or, if there is none, the only path whose name it has.
func nearest(p string, names func(dir string) []string) (string, bool) {
	dir := "/"
	for _, part := range strings.Split(strings.TrimPrefix(p, "/"), "/") {
		all := names(dir)
		name, ok := part, slices.Contains(all, part)
		if i := slices.IndexFunc(all, func(have string) bool { return strings.EqualFold(have, part) }); !ok && i >= 0 {
			name, ok = all[i], true
		}
		if !ok {
			name, ok = similar(part, all, true)
		}
		if !ok {
			name, ok = similar(strings.ToLower(part), all, false)
		}
		if !ok {
			return namesake(path.Base(p), names)
		}
		dir = path.Join(dir, name)
	}
	return dir, true
}

// similar gives the name that is most like another. Of three letters one may differ: /home is not what somebody meant by /gone.
func similar(name string, all []string, caseSensitive bool) (string, bool) {
	near, ok := suggest.Search(name, all, caseSensitive)
	return near, ok && levenshtein.Distance(name, near, nil)*3 <= len(name)
}

// maxNamesakes bounds the directories in which a name is looked for.
const maxNamesakes = 500

// namesake gives the path that has a name, ok is false if there is none, or several. Directories of tools are not looked into.
func namesake(name string, names func(dir string) []string) (found string, ok bool) {
	queue := []string{"/"}
	for n := 0; n < len(queue) && n < maxNamesakes; n++ {
		for _, child := range names(queue[n]) {
			at := path.Join(queue[n], child)
			switch {
			case child == ".git" || child == "node_modules":
			case child == name && ok:
				return "", false
			case child == name:
				found, ok = at, true
			default:
				queue = append(queue, at)
			}
		}
	}
	return found, ok
}

func treeNames(t *rootfs.Tree, dir string) []string {
	n, err := t.Lstat(dir)
	if err != nil {
		return nil
	}
	children, err := n.Children()
	if err != nil {
		return nil
	}
	out := make([]string, len(children))
	for i, c := range children {
		out[i] = c.Name
	}
	return out
}

func fsNames(fsys dockerctx.FS, dir string) []string {
	if dir == "" {
		dir = "."
	}
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}
