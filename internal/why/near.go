package why

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// maxNear bounds the names that are suggested.
const maxNear = 3

// directory is what lies in a directory of the context or the image.
type directory struct {
	names []string
	isDir map[string]bool
}

// nearPaths gives the existing paths that are most like one that does not exist, the nearest first: its first component
// that is missing is replaced by a similar name beside it. Of what follows as much stays as exists.
func nearPaths(p string, list func(dir string) directory) []string {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	dir := "."
	for i, part := range parts {
		d := list(dir)
		if slices.Contains(d.names, part) {
			dir = path.Join(dir, part)
			continue
		}
		var out []string
		for _, name := range nearNames(part, d.names) {
			at := path.Join(dir, name)
			for _, below := range parts[i+1:] {
				if !slices.Contains(list(at).names, below) {
					break
				}
				at = path.Join(at, below)
			}
			out = append(out, at)
		}
		return out
	}
	return nil
}

// nearNames gives the names that are most like one, the nearest first: by the number of letters that differ, at most two
// or a third of them, the ending apart if none is asked for; or because one is the other with something before or behind it.
func nearNames(name string, names []string) []string {
	type scored struct {
		name string
		dist int
	}
	stem := func(n string) string { return strings.ToLower(strings.TrimSuffix(n, path.Ext(n))) }
	want := stem(name)
	var found []scored
	for _, n := range names {
		have := stem(n)
		dist := levenshtein.Distance(want, have, nil)
		if path.Ext(name) != "" && path.Ext(name) != path.Ext(n) {
			dist = levenshtein.Distance(strings.ToLower(name), strings.ToLower(n), nil)
		}
		switch {
		case dist <= max(2, len(want)/3) && dist < len(want):
		case len(want) > 2 && strings.Contains(have, want), len(have) > 2 && strings.Contains(want, have):
			dist = max(dist, len(want)) // behind every misspelling
		default:
			continue
		}
		found = append(found, scored{n, dist})
	}
	slices.SortStableFunc(found, func(a, b scored) int {
		if a.dist != b.dist {
			return a.dist - b.dist
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, f := range found[:min(len(found), maxNear)] {
		out = append(out, f.name)
	}
	return out
}

// contextNames lists directories of a build context.
func contextNames(fsys dockerctx.FS) func(dir string) directory {
	return func(dir string) directory {
		entries, err := fsys.ReadDir(dir)
		if err != nil {
			return directory{}
		}
		d := directory{isDir: map[string]bool{}}
		for _, e := range entries {
			d.names = append(d.names, e.Name())
			d.isDir[e.Name()] = e.IsDir()
		}
		return d
	}
}

// imageNames lists directories of an image.
func imageNames(tree *rootfs.Tree) func(dir string) directory {
	return func(dir string) directory {
		n, _, err := tree.Stat("/" + dir)
		if err != nil {
			return directory{}
		}
		children, err := n.Children()
		if err != nil {
			return directory{}
		}
		d := directory{isDir: map[string]bool{}}
		for _, c := range children {
			if c.Node.Kind != rootfs.KindUnknown {
				d.names = append(d.names, c.Name)
				d.isDir[c.Name] = c.Node.IsDir()
			}
		}
		return d
	}
}

// maxSearched bounds the directories that are searched for a name.
const maxSearched = 20000

// elsewhere gives the paths that end as one does that does not exist, at most a few. Directories of tools are not entered.
func elsewhere(p string, list func(dir string) directory) []string {
	p = strings.Trim(p, "/")
	var out []string
	queue := []string{"."}
	for n := 0; n < len(queue) && n < maxSearched && len(out) < maxNear; n++ {
		d := list(queue[n])
		for _, name := range d.names {
			at := path.Join(queue[n], name)
			if at != p && strings.HasSuffix("/"+at, "/"+p) && len(out) < maxNear {
				out = append(out, at)
			}
			if d.isDir[name] && name != ".git" && name != "node_modules" {
				queue = append(queue, at)
			}
		}
	}
	return out
}

// suggest asks whether one of some names was meant.
func (a *Answer) suggest(names []string) {
	if len(names) == 0 {
		return
	}
	a.Near = names
	list := names[0]
	if n := len(names); n > 1 {
		list = strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	a.Remedy = fmt.Sprintf("did you mean %s?", list)
}
