// Package modules follows the imports of JavaScript and TypeScript through a tree of files.
//
// Names are looked up in the loosest reading of all tools: with and without endings, directories, `.js` that means `.ts`, the paths of
// every tsconfig.json around, every condition of exports. That is right for the one question that is asked: of what one tree resolves,
// what does another one lack? What neither resolves was made by somebody, or is the program's own fault, and is nothing of ours.
package modules

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Resolver looks names up in a tree. It remembers what it has read of it.
type Resolver struct {
	files shell.Files
	// members gives the directories of the packages of the workspace of which a directory is the root, by their names; nil: it is of none.
	members func(root string) map[string]string
	// spaces are those around directories.
	spaces  map[string]map[string]string
	json    map[string]*document.Node
	aliases map[string][]alias // of a directory and those above
	stats   map[string]shell.FileKind
	frozen  bool
}

// NewResolver makes a resolver of a tree.
func NewResolver(files shell.Files, members func(root string) map[string]string) *Resolver {
	return &Resolver{files, members, map[string]map[string]string{}, map[string]*document.Node{}, map[string][]alias{}, map[string]shell.FileKind{}, false}
}

// workspace gives the packages of the workspace around a directory.
func (r *Resolver) workspace(dir string) map[string]string {
	have, ok := r.spaces[dir]
	if !ok {
		if have = r.members(dir); have == nil && dir != "/" {
			have = r.workspace(path.Dir(dir))
		}
		r.spaces[dir] = have
	}
	return have
}

// Kind is what came of a name.
type Kind uint8

// The kinds of targets.
const (
	External Kind = iota // a package that is installed, or what the runtime brings
	Found                // a file
	Missing              // the repository's own, as its name says, and not there
)

// Target is what a name leads to.
type Target struct {
	Kind Kind
	File string
	// Tried are the places at which it would be, the likeliest first; Open tells that nobody knows whether one of them is there.
	Tried []string
	Open  bool
	// Named tells that it is found by a name, and not by a path from the file that asks.
	Named bool
}

// endings are put behind a name, replaced stand for the ending that a compiler makes of them.
var (
	endings = []string{".ts", ".tsx", ".mts", ".cts", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".node", ".vue", ".svelte", ".astro", ".mdx", ".css", ".scss",
		".web.ts", ".web.tsx", ".web.js", ".native.ts", ".native.tsx", ".client.ts", ".client.tsx", ".server.ts", ".server.tsx", ".d.mts"}
	replaced = map[string][]string{".js": {".ts", ".tsx", ".d.ts", ".jsx"}, ".jsx": {".tsx"}, ".mjs": {".mts", ".d.mts"}, ".cjs": {".cts", ".d.cts"}}
)

// Omitted are the ends of names that may be left out.
func Omitted() (out []string) {
	out = append(out, ".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".json")
	for _, e := range []string{".js", ".ts", ".tsx"} {
		out = append(out, "/index"+e)
	}
	return out
}

// Relative reports whether a name is a path from the file that asks.
func Relative(spec string) bool {
	return spec == "." || spec == ".." || strings.HasPrefix(spec, "./") || strings.HasPrefix(spec, "../") || strings.HasPrefix(spec, "/")
}

// Resolve looks up a name that a file asks for.
func (r *Resolver) Resolve(from, spec string) Target {
	if i := strings.LastIndexByte(spec, '!'); i >= 0 {
		spec = spec[i+1:] // behind loaders
	}
	if i := strings.IndexAny(spec, "?#"); i > 0 {
		spec = spec[:i]
	}
	dir := path.Dir(from)
	switch {
	case spec == "" || strings.ContainsAny(spec, "*\x00\n") || strings.Contains(spec, ":"):
		return Target{}
	case Relative(spec):
		if path.IsAbs(spec) {
			return Target{} // of the disk, or of a server's public directory
		}
		t := r.at(path.Join(dir, spec), strings.HasSuffix(spec, "/") || spec == "." || strings.HasSuffix(spec, ".."))
		if t.Kind == Missing && strings.Contains(path.Join(dir, spec)+"/", "/node_modules/") {
			return Target{}
		}
		return t
	case spec[0] == '#':
		if p, at := r.manifest(dir); p != nil {
			if targets := matches(p.Get("imports"), spec); len(targets) > 0 {
				return r.any(at, targets)
			}
		}
		fallthrough
	default:
		return r.named(dir, spec)
	}
}

// named looks up what is no path: by the paths of configurations, then among the packages of the repository.
func (r *Resolver) named(dir, spec string) Target {
	aliased := Target{}
	for _, a := range r.aliasesOf(dir) {
		rest, ok := a.match(spec)
		if !ok {
			continue
		}
		for _, to := range a.to {
			t := r.at(path.Join("/", strings.Replace(to, "*", rest, 1)), false)
			if t.Kind == Found {
				t.Named = true
				return t
			}
			if !a.base && !strings.Contains(t.Tried[0]+"/", "/node_modules/") {
				aliased.Kind, aliased.Open, aliased.Tried, aliased.Named = Missing, aliased.Open || t.Open, append(aliased.Tried, t.Tried...), true
			}
		}
	}
	if t := r.member(dir, spec); t.Kind != External {
		t.Named = true
		return t
	}
	return aliased
}

// member looks up a package of the repository, by its name.
func (r *Resolver) member(dir, spec string) Target {
	name, sub, _ := strings.Cut(spec, "/")
	if strings.HasPrefix(spec, "@") {
		scoped, rest, _ := strings.Cut(sub, "/")
		name, sub = name+"/"+scoped, rest
	}
	at := ""
	if p, own := r.manifest(dir); p != nil && p.Str("name") == name {
		at = own
	} else if at = r.workspace(dir)[name]; at == "" {
		return Target{}
	}
	p := r.JSON(path.Join(at, "package.json"))
	if p == nil {
		return Target{}
	}
	key := "."
	if sub != "" {
		key = "./" + sub
	}
	if exports := p.Get("exports"); exports != nil {
		targets := matches(exports, key)
		if key == "." && len(targets) == 0 {
			targets = conditions(exports, nil)
		}
		if t := r.any(at, targets); t.Kind == Found {
			return t
		} else if len(targets) > 0 && sub != "" {
			if direct := r.at(path.Join(at, sub), false); direct.Kind == Found {
				return direct
			}
			return t
		} else if len(targets) > 0 {
			return t
		}
	}
	if sub != "" {
		return r.at(path.Join(at, sub), false)
	}
	return r.any(at, mains(p))
}

// mains are the files that a package names for its own name.
func mains(p *document.Node) (out []string) {
	for _, key := range []string{"source", "module", "main", "types", "typings", "browser"} {
		if n := p.Get(key); n.Is() && n.Text != "" {
			out = append(out, n.Text)
		}
	}
	return append(out, "index")
}

// any looks up the first of several files below a directory.
func (r *Resolver) any(dir string, names []string) Target {
	out := Target{}
	for _, name := range names {
		t := r.at(path.Join(dir, name), false)
		if t.Kind == Found {
			return t
		}
		out.Kind, out.Open, out.Tried = Missing, out.Open || t.Open, append(out.Tried, t.Tried...)
	}
	return out
}

// at looks for a file by its path, the ending of which may be left out. dir tells that only a directory is meant.
func (r *Resolver) at(p string, dir bool) Target {
	t := Target{Kind: Missing, Tried: make([]string, 0, 8)}
	try := func(name string) bool {
		switch r.stat(name) {
		case shell.Regular:
			t.Kind, t.File = Found, name
			return true
		case shell.Unknown:
			t.Open = true
		}
		t.Tried = append(t.Tried, name)
		return false
	}
	kind := r.stat(p)
	if !dir {
		ext := path.Ext(p)
		if kind == shell.Regular && try(p) {
			return t
		}
		for _, e := range replaced[ext] {
			if try(strings.TrimSuffix(p, ext) + e) {
				return t
			}
		}
		if _, known := replaced[ext]; known || slices.Contains(endings, ext) {
			if try(p) { // likeliest as it is written
				return t
			}
		}
		if r.stat(path.Dir(p)) != shell.Absent { // else it can be nowhere around
			for _, e := range endings {
				if try(p + e) {
					return t
				}
			}
		} else {
			t.Tried = append(t.Tried, p+".ts", p+".js", p+".tsx")
		}
	}
	if kind == shell.Absent {
		t.Tried = append(t.Tried, path.Join(p, "index.ts"), path.Join(p, "index.js"), path.Join(p, "index.tsx"))
		return t
	}
	if m := r.JSON(path.Join(p, "package.json")); m != nil && kind == shell.Directory {
		for _, main := range mains(m) {
			if inner := r.at(path.Join(p, main), false); main != "index" && inner.Kind == Found {
				return inner
			}
		}
	}
	for _, e := range endings {
		if try(path.Join(p, "index"+e)) {
			return t
		}
	}
	return t
}

func (r *Resolver) stat(p string) shell.FileKind {
	k, ok := r.stats[p]
	if !ok {
		if k = shell.Unknown; !r.frozen {
			k = r.files.Stat(p)
		} else if p != "/" && r.stat(path.Dir(p)) == shell.Absent {
			k = shell.Absent
		}
		r.stats[p] = k
	}
	return k
}

// Freeze keeps what is known of the tree as it is now: later, it may be another one.
func (r *Resolver) Freeze() { r.frozen = true }

// maxJSON bounds the configuration files that are read, in bytes.
const maxJSON = 1 << 20

// JSON gives a configuration file of the tree, nil if it is not there or none.
func (r *Resolver) JSON(p string) *document.Node {
	n, ok := r.json[p]
	if ok {
		return n
	}
	if r.stat(p) == shell.Regular {
		if data, err := r.files.Read(p); err == nil && len(data) <= maxJSON {
			if doc, err := document.JSON(data); err == nil {
				n = doc
			}
		}
	}
	r.json[p] = n
	return n
}

// manifest gives the nearest package.json and its directory.
func (r *Resolver) manifest(dir string) (p *document.Node, at string) {
	for ; ; dir = path.Dir(dir) {
		if p = r.JSON(path.Join(dir, "package.json")); p != nil || dir == "/" {
			return p, dir
		}
	}
}

// matches gives the targets that exports or imports have for a key, whatever the conditions.
func matches(n *document.Node, key string) []string {
	if n == nil {
		return nil
	}
	if exact := n.Get(key); exact != nil {
		return conditions(exact, nil)
	}
	if n.Scalar && key == "." {
		return conditions(n, nil)
	}
	best, out, left := -1, []string(nil), maxAliases
	for pattern, to := range n.All() {
		if left--; left < 0 {
			break
		}
		before, after, star := strings.Cut(pattern, "*")
		if !star && strings.HasSuffix(pattern, "/") {
			before, star = pattern, true
		}
		if star && len(before) > best && strings.HasPrefix(key, before) && strings.HasSuffix(key, after) && len(key) >= len(before)+len(after) {
			best, out = len(before), nil
			rest := key[len(before) : len(key)-len(after)]
			for _, t := range conditions(to, nil) {
				if strings.HasSuffix(t, "/") {
					t += "*"
				}
				out = append(out, strings.ReplaceAll(t, "*", rest))
			}
		}
	}
	return out
}

// conditions gives all paths that a value of exports names.
func conditions(n *document.Node, out []string) []string {
	switch {
	case n == nil || len(out) > 100:
	case n.Scalar:
		if strings.HasPrefix(n.Text, "./") {
			out = append(out, n.Text)
		}
	default:
		for _, item := range n.Items {
			out = conditions(item, out)
		}
		for key, inner := range n.All() {
			if !strings.HasPrefix(key, "./") {
				out = conditions(inner, out)
			}
		}
	}
	return out
}
