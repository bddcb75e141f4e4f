package simulate

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// hints tells why a source was not found and what would help: the ignore line that keeps it out, or the name that was
// probably meant.
func (m *Image) hints(src *sourceError) []Hint {
	p, _ := splitWildcards(path.Join("/", src.path))
	var missing *notFoundError
	if errors.As(src.err, &missing) {
		p = missing.path
	}
	if s := m.Sources[src.input.Op]; s != nil {
		return contextHints(s.Context, strings.TrimPrefix(p, "/"))
	}
	if s := m.state(src.input); s != nil {
		if name, ok := nearest(p, func(dir string) []string { return treeNames(s.Tree, dir) }); ok {
			return []Hint{{Text: fmt.Sprintf("%s is not there; did you mean %s?", p, name)}}
		}
	}
	return nil
}

// contextHints explains a path that a context did not give.
func contextHints(c *Context, p string) []Hint {
	if p == "" {
		return nil
	}
	fi, err := c.FS.Lstat(p)
	if err != nil {
		text := fmt.Sprintf("%s does not exist in the build context %q", p, c.Dir)
		if name, ok := NearestInContext(c, p); ok {
			text += fmt.Sprintf("; did you mean %s?", name)
		} else if _, rest, ok := strings.Cut(p, "/"); ok {
			// A path that starts above the context is the common mistake in a monorepo.
			if _, err := c.FS.Lstat(rest); err == nil {
				text += fmt.Sprintf("; it holds %s: sources are relative to the context", rest)
			}
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
		return []Hint{{Text: fmt.Sprintf("%s exists, but the ignore file keeps it out", p)}}
	}
	return []Hint{{
		Text: fmt.Sprintf("%s exists, but %s:%d (%s) keeps it out of the context", p, c.Ignore.Name, trail.Decisive.Number, trail.Decisive.Text),
		Line: trail.Decisive, File: c.Ignore.Name,
	}}
}

// NearestInContext gives the path of a context that is most like one that does not exist.
func NearestInContext(c *Context, p string) (string, bool) {
	name, ok := nearest("/"+p, func(dir string) []string { return fsNames(c.FS, strings.TrimPrefix(dir, "/")) })
	return strings.TrimPrefix(name, "/"), ok
}

// nearest gives the existing path that is most like one that does not exist: the first component that is missing is
// replaced by the most similar name beside it.
func nearest(p string, names func(dir string) []string) (string, bool) {
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	dir := "/"
	for i, part := range parts {
		all := names(dir)
		found := false
		for _, n := range all {
			found = found || n == part
		}
		if found {
			dir = path.Join(dir, part)
			continue
		}
		name, ok := suggest.Search(part, all, true)
		if !ok {
			name, ok = suggest.Search(strings.ToLower(part), all, false)
		}
		if !ok {
			return "", false
		}
		return path.Join(append([]string{dir, name}, parts[i+1:]...)...), true
	}
	return "", false
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
