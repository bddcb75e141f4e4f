package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of cargo 1.95.

const (
	cargoValued = "--manifest-path -p --package --bin --example --test --bench --features -F --target --profile -j --jobs -Z --color --config --target-dir --root " +
		"--recipe-path --exclude --message-format --path --version --git --branch --tag --rev --registry --index"
	cargoTOML = "Cargo.toml"
)

// crate is a package of Rust whose manifest is in the tree.
type crate struct {
	dir  string
	data []byte
	toml *document.Node
}

func (c crate) line(n *document.Node) Line {
	return Line{File: path.Join(c.dir, cargoTOML), Line: n.At(), Text: textOf(c.data, n.At())}
}

func (c crate) name() string { return c.toml.Str("package", "name") }

// crate reads the manifest of a directory.
func (r *reader) crate(dir string) (crate, bool) {
	data, ok := r.text(path.Join(dir, cargoTOML))
	if !ok {
		return crate{}, false
	}
	doc, err := document.TOML(data)
	return crate{dir, data, doc}, err == nil
}

// cargoRun is what one command of cargo loads.
type cargoRun struct {
	*reader
	root   crate // with [workspace], or the package alone
	loaded []crate
	seen   map[string]bool
}

// cargo is cargo.
func (r *reader) cargo() {
	words := r.words
	if len(words) > 0 && strings.HasPrefix(words[0].Text, "+") {
		words = words[1:] // a toolchain
	}
	if len(words) == 0 || !r.known() {
		return
	}
	sub := words[0].Text
	compiles := slices.Contains([]string{"build", "b", "check", "c", "test", "t", "run", "r", "clippy", "doc", "bench", "rustc"}, sub)
	switch {
	case compiles, sub == "fetch", sub == "metadata", sub == "vendor", sub == "tree":
	case sub == "install":
		at, given := r.options.Last("--path")
		if !given {
			return
		}
		if r.dir = r.abs(at.Text); r.dir == "" {
			return
		}
		compiles = true
	case sub == "chef" && len(words) > 1 && words[1].Text == "prepare":
	case sub == "chef" && len(words) > 1 && words[1].Text == "cook":
		recipe, given := r.options.Last("--recipe-path")
		if !given {
			recipe = shell.Word{Text: "recipe.json"}
		}
		r.need(Missing{Path: r.abs(recipe.Text), What: "the recipe"})
		return
	default:
		return
	}
	dir := ""
	if w, given := r.options.Last("--manifest-path"); given {
		r.need(Missing{Path: r.abs(w.Text), What: "the manifest that is named"})
		dir = path.Dir(r.abs(w.Text))
	} else if dir = upward(r.dir, func(d string) bool { return !r.absent(path.Join(d, cargoTOML)) }); dir == "" {
		r.need(Missing{Path: path.Join(r.dir, cargoTOML), What: "the Cargo.toml"})
		return
	}
	c, ok := r.crate(dir)
	if !ok {
		return
	}
	run := &cargoRun{reader: r, seen: map[string]bool{}}
	if !run.workspace(c) {
		return
	}
	if r.options.Has("--locked", "--frozen") {
		r.need(Missing{Path: path.Join(run.root.dir, "Cargo.lock"), What: "the lock file, which --locked asks for"})
	}
	if sub == "metadata" || sub == "chef" {
		return
	}
	for _, m := range run.loaded {
		run.targets(m)
	}
	if compiles || sub == "fetch" {
		run.vendored()
	}
	if compiles {
		run.compiles(c, sub)
	}
}

// workspace loads the manifests of all members: cargo refuses to work where one of them, or a path dependency of one, is not there.
func (x *cargoRun) workspace(c crate) bool {
	x.root = c
	if c.toml.Get("workspace") == nil {
		up := ""
		if at := c.toml.Str("package", "workspace"); at != "" {
			up = path.Join(c.dir, at)
		} else if c.dir != "/" {
			up = upward(path.Dir(c.dir), func(d string) bool {
				m, ok := x.crate(d)
				return ok && m.toml.Get("workspace") != nil || !ok && !x.absent(path.Join(d, cargoTOML))
			})
		}
		if up == "" {
			x.inherits(c)
		} else {
			root, ok := x.crate(up)
			if !ok {
				return false
			}
			if !x.excludes(root, c.dir) {
				x.root = root
			}
		}
	}
	x.load(x.root)
	ws := x.root.toml.Get("workspace")
	for _, n := range ws.List("members") {
		x.member(n)
	}
	if !x.seen[c.dir] {
		x.load(c)
	}
	x.patches()
	return true
}

// excludes reports whether a workspace leaves a directory out.
func (x *cargoRun) excludes(root crate, dir string) bool {
	return slices.ContainsFunc(root.toml.Texts("workspace", "exclude"), func(e string) bool {
		return under(dir, path.Join(root.dir, e))
	})
}

// inherits looks for the workspace from which a package takes settings.
func (x *cargoRun) inherits(c crate) {
	for _, n := range c.toml.Get("package").All() {
		if n.Str("workspace") != "true" {
			continue
		}
		x.missing(Missing{Kind: Member, What: "the Cargo.toml of the workspace", Because: []Line{c.line(n)}, Root: c.dir, Find: func(tree Files, root string) string {
			r := &reader{files: tree}
			if root == "/" {
				return ""
			}
			up := upward(path.Dir(root), func(d string) bool {
				m, ok := r.crate(d)
				return ok && m.toml.Get("workspace") != nil
			})
			if up == "" {
				return ""
			}
			return path.Join(up, cargoTOML)
		}})
		return
	}
}

// member loads what a line of members means.
func (x *cargoRun) member(n *document.Node) {
	because := []Line{x.root.line(n)}
	if !strings.ContainsAny(n.Text, "*?[") {
		x.loadAt(path.Join(x.root.dir, n.Text), "the workspace member "+n.Text, because)
		return
	}
	found, known := x.glob(x.root.dir, n.Text)
	if known && len(found) == 0 {
		x.missing(Missing{Kind: Member, Path: path.Join(x.root.dir, n.Text), What: "the members that " + n.Text + " means", Because: because})
	}
	for _, dir := range found {
		if x.isDir(dir) && !x.excludes(x.root, dir) {
			x.loadAt(dir, "the workspace member "+path.Base(dir), because)
		}
	}
}

func (x *cargoRun) loadAt(dir, what string, because []Line) {
	if x.seen[dir] {
		return
	}
	x.need(Missing{Kind: Member, Path: path.Join(dir, cargoTOML), What: "the Cargo.toml of " + what, Because: because})
	if m, ok := x.crate(dir); ok {
		x.load(m)
	}
}

// dependencyTables are the tables of a manifest that name dependencies.
var dependencyTables = []string{"dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies"}

// load goes on to the path dependencies of a package, whatever they are for.
func (x *cargoRun) load(c crate) {
	if x.seen[c.dir] || len(x.loaded) > maxPackages {
		return
	}
	x.seen[c.dir] = true
	x.loaded = append(x.loaded, c)
	for name, d := range x.pathDependencies(c) {
		x.loadAt(d.dir, name, d.because)
	}
}

// pathDependency is a dependency that is a directory.
type pathDependency struct {
	dir     string
	because []Line
}

// pathDependencies gives those of a package, by their names.
func (x *cargoRun) pathDependencies(c crate) map[string]pathDependency {
	out := map[string]pathDependency{}
	add := func(tables *document.Node) {
		for _, table := range dependencyTables {
			for name, d := range tables.Get(table).All() {
				switch {
				case d.Str("path") != "":
					out[name] = pathDependency{path.Join(c.dir, d.Str("path")), []Line{c.line(d)}}
				case d.Str("workspace") == "true":
					if of := x.root.toml.Get("workspace", "dependencies", name); of.Str("path") != "" {
						out[name] = pathDependency{path.Join(x.root.dir, of.Str("path")), []Line{c.line(d), x.root.line(of)}}
					}
				}
			}
		}
	}
	add(c.toml)
	for _, t := range c.toml.Get("target").All() {
		add(t)
	}
	return out
}

// patches loads the directories that replace packages.
func (x *cargoRun) patches() {
	for _, registry := range x.root.toml.Get("patch").All() {
		for name, d := range registry.All() {
			if p := d.Str("path"); p != "" {
				x.loadAt(path.Join(x.root.dir, p), name, []Line{x.root.line(d)})
			}
		}
	}
}

// targetKinds are the tables of targets with the directories in which their files are looked for.
var targetKinds = []struct{ table, dir string }{{"bin", "src/bin"}, {"bench", "benches"}, {"example", "examples"}, {"test", "tests"}}

// targets looks for the files without which the manifest itself is refused.
func (x *cargoRun) targets(c crate) {
	if c.toml.Get("package") == nil {
		return
	}
	lib, main := path.Join(c.dir, "src/lib.rs"), path.Join(c.dir, "src/main.rs")
	any := c.toml.Get("lib", "path") != nil
	for _, kind := range targetKinds {
		for _, t := range c.toml.List(kind.table) {
			any = true
			name := t.Str("name")
			if t.Str("path") != "" || name == "" {
				continue
			}
			in := path.Join(c.dir, kind.dir)
			m := Missing{Kind: Source, Path: path.Join(in, name+".rs"), Or: []string{path.Join(in, name, "main.rs")}, What: "the source of the " + kind.table + " " + name,
				Because: []Line{c.line(t.Get("name"))}}
			if kind.table == "bin" {
				m.Or = append(m.Or, main, path.Join(c.dir, "src", name+".rs"))
			}
			x.need(m)
		}
	}
	if n := c.toml.Get("lib"); n != nil && n.Get("path") == nil {
		x.need(Missing{Kind: Source, Path: lib, Or: []string{path.Join(c.dir, "src", strings.ReplaceAll(c.name(), "-", "_")+".rs")}, What: "the source of the library", Because: []Line{c.line(n)}})
		return
	}
	if any {
		return
	}
	for _, dir := range []string{"src/bin", "examples", "tests", "benches"} {
		if !x.absent(path.Join(c.dir, dir)) {
			return
		}
	}
	x.need(Missing{Kind: Source, Path: main, Or: []string{lib}, What: "a source file of the package " + c.name()})
}

// compiles follows the sources of the packages that are compiled: those that are named, or that of the directory, and what they depend on.
func (x *cargoRun) compiles(c crate, sub string) {
	build := &rustBuild{cargoRun: x, tests: sub == "test" || sub == "t" || sub == "bench" || x.options.Has("--all-targets", "--tests", "--benches"), seen: map[string]bool{}}
	names := shell.Texts(x.options.All("-p", "--package"))
	switch {
	case len(names) > 0:
		for _, m := range x.loaded {
			if slices.Contains(names, m.name()) {
				build.crate(m, true)
			}
		}
	case c.toml.Get("package") != nil && !x.options.Has("--workspace", "--all"):
		build.crate(c, true)
	default:
		excluded := shell.Texts(x.options.All("--exclude"))
		defaults := x.root.toml.List("workspace", "default-members")
		for _, m := range x.loaded {
			if m.toml.Get("package") == nil || slices.Contains(excluded, m.name()) || !x.isMember(m) {
				continue
			}
			if defaults == nil || x.options.Has("--workspace", "--all") || slices.ContainsFunc(defaults, func(n *document.Node) bool { return path.Join(x.root.dir, n.Text) == m.dir }) {
				build.crate(m, true)
			}
		}
	}
}

// isMember reports whether a line of the workspace names a package, so that it is compiled with the workspace.
func (x *cargoRun) isMember(m crate) bool {
	return slices.ContainsFunc(x.root.toml.Texts("workspace", "members"), func(pattern string) bool {
		ok, err := path.Match(path.Join(x.root.dir, pattern), m.dir)
		return ok && err == nil
	})
}
