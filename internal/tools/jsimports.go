package tools

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of TypeScript 5, esbuild 0.28, vite 6, webpack 5, rollup 4, bun 1.2 and node 20.

// surely shows of a tree what surely is there.
type surely struct{ Files }

func (t surely) Read(p string) ([]byte, error) { return t.Content(p) }

// Key implements what [modules.Sources] asks.
func (t surely) Key(p string) any {
	if keyed, ok := t.Files.(interface{ Key(p string) any }); ok {
		return keyed.Key(p)
	}
	return nil
}

// Modules gives a resolver of names over a tree.
func Modules(files Files) *modules.Resolver {
	return modules.NewResolver(surely{files}, func(dir string) map[string]string { return NodeMembers(files, dir) })
}

// jsWanted is what files of a build ask for and its tree has not, with what finds it in another one.
type jsWanted struct {
	stage *modules.Resolver
	// spaces are the workspaces around packages.
	spaces map[string]workspace
	mu     sync.Mutex
	repo   *modules.Resolver // of the tree in which what is missing is looked for, once somebody looks
}

// imports follows what a program reads of JavaScript and TypeScript from some files on, and notes the imports that surely lead to nothing
// and that end it.
func (r *reader) imports(mode modules.Mode, entries []string) {
	w := &jsWanted{stage: Modules(r.files), spaces: map[string]workspace{}}
	g := modules.Follow(modules.Config{Files: surely{r.files}, Resolver: w.stage, Mode: mode, Entries: entries, Named: r.call.Base != "esbuild" && r.call.Base != "bun"})
	for _, l := range g.Lacks {
		if l.Target.Kind == modules.External {
			r.member(w, l)
			continue
		}
		if l.Reach < modules.Startup || l.Target.Open || mode == modules.Check && !checked(l) {
			continue
		}
		r.missing(w.missing(l))
	}
	w.stage.Freeze()
}

// member notes the package of the workspace that an import means, if the package that asks depends on it as one, and the workspace surely
// does not have it: an install may have gone on without.
func (r *reader) member(w *jsWanted, l modules.Lack) {
	name := modules.NameOf(l.Import.Spec)
	if l.Reach < modules.Startup || modules.Relative(l.Import.Spec) || strings.ContainsAny(name, ":#~") {
		return
	}
	at := w.stage.Package(l.From.File)
	manifest := w.stage.JSON(path.Join(at, packageJSON))
	if !slices.ContainsFunc(dependencyKinds[:3], func(kind string) bool {
		return ofWorkspace(name, manifest.Str(kind, name))
	}) || r.around(w, at).has(name) {
		return
	}
	m := w.missing(l)
	m.Path, m.What = name, "what is imported"
	m.Find = func(tree Files, from string) string {
		repo := w.in(tree)
		defer w.mu.Unlock()
		source, _ := modules.Wanted(repo, l.From.File, from, l.Import.Spec)
		if source == "" {
			return ""
		}
		return repo.Package(source)
	}
	r.missing(m)
}

// around gives the workspace that a package is of. Of none, or one of which not all is known, it is not complete.
func (r *reader) around(w *jsWanted, dir string) workspace {
	have, ok := w.spaces[dir]
	if !ok {
		root := upward(dir, func(dir string) bool { p, ok := r.nodePackage(dir); return ok && len(r.allGlobsOf(p)) > 0 })
		if p, ok := r.nodePackage(root); ok {
			have = r.workspace(p, r.allGlobsOf(p))
		}
		w.spaces[dir] = have
	}
	return have
}

// allGlobsOf gives the members of the workspace of which a package is the root.
func (r *reader) allGlobsOf(p nodePackage) []string {
	globs := p.globs()
	if data, ok := r.text(path.Join(p.dir, pnpmWorkspace)); ok {
		if doc, err := document.YAML(data); err == nil {
			globs = append(globs, doc.Texts("packages")...)
		}
	}
	return globs
}

// checked reports whether a compiler that looks at all files fails of an import that leads to nothing: in a source of TypeScript, and of
// what no declaration may stand for.
func checked(l modules.Lack) bool {
	return syntax.IsTyped(l.From.File) && !syntax.IsDeclaration(l.From.File) && !l.From.Source.Unchecked && slices.Contains([]string{"", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".json"}, ending(l.Import.Spec))
}

// ending gives the ending of a name, "" for one that is no ending of a file: `./user.service`.
func ending(spec string) string {
	e := path.Ext(spec)
	if slices.Contains([]string{".css", ".scss", ".sass", ".less", ".styl", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".vue", ".svelte", ".astro", ".mdx", ".md", ".html",
		".txt", ".graphql", ".gql", ".sql", ".wasm", ".node", ".yaml", ".yml", ".glsl", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".json"}, e) {
		return e
	}
	return ""
}

// in gives the resolver of the tree in which what is missing is looked for, for who unlocks it afterwards.
func (w *jsWanted) in(tree Files) *modules.Resolver {
	w.mu.Lock()
	if w.repo == nil {
		w.repo = Modules(tree)
	}
	return w.repo
}

// missing is an import that leads to nothing.
func (w *jsWanted) missing(l modules.Lack) Missing {
	from, spec := l.From.File, l.Import.Spec
	at := ""
	if len(l.Target.Tried) > 0 {
		_, at = modules.Topmost(l.Target.Tried[0], l.Target.Tried[0], w.stage.Absent)
	}
	return Missing{
		Kind: Source, Path: at, What: "what is imported", Root: from,
		Because: []Line{{File: from, Line: l.From.Source.Position(l.Import.Start).Line, Text: l.From.Source.Text(l.Import.Start, l.Import.End)}},
		Find: func(tree Files, root string) string {
			repo := w.in(tree)
			defer w.mu.Unlock()
			source, at := modules.Wanted(repo, from, root, spec)
			if source == "" || !w.stage.Absent(at) {
				return ""
			}
			source, _ = modules.Topmost(source, at, w.stage.Absent)
			return source
		},
	}
}

// runsSource follows a file of JavaScript or TypeScript that is run.
func (r *reader) runsSource(p string) {
	for _, e := range append([]string{""}, nodeEndings...) {
		if file := p + e; r.is(file) && syntax.IsSource(file) {
			r.imports(modules.Run, []string{file})
			return
		}
	}
}

// bundles follows what a bundler begins with.
func (r *reader) bundles(entries ...string) {
	entries = slices.DeleteFunc(entries, func(p string) bool { return p == "" || !syntax.IsSource(p) || !r.is(p) })
	if len(entries) > 0 {
		r.imports(modules.Bundle, entries)
	}
}

// esbuild bundles what its words name. bun build takes its words in the same way.
func (r *reader) esbuild() {
	if !r.known() || r.call.Base == "esbuild" && !r.options.Has("--bundle") || r.options.Has("--no-bundle") {
		return
	}
	words := r.words
	if r.call.Base == "bun" {
		words = words[1:]
	}
	if slices.ContainsFunc(r.call.Args, func(w shell.Word) bool {
		text := strings.Replace(w.Text, "=", ":", 1)
		return strings.HasPrefix(text, "--alias:") || strings.HasPrefix(text, "--external:.") || strings.HasPrefix(text, "--external:*") || strings.HasPrefix(text, "--resolve-extensions:")
	}) {
		return
	}
	var entries []string
	for _, w := range words {
		if p := r.abs(w.Text); syntax.IsSource(p) {
			r.need(Missing{Kind: Source, Path: p, What: "what is bundled"})
			entries = append(entries, p)
		}
	}
	r.bundles(entries...)
}

// entry is a literal by which a configuration of a bundler names what it begins with.
var entry = lazyre.New(`\b(?:entry|input|entryPoints)\s*:\s*(?:\[\s*|\{\s*[\w'"]+\s*:\s*)?['"]([^'"*{}]+\.[mc]?[jt]sx?)['"]`)

// replaces reports whether a configuration may put something else in the place of a file, or do without it. An alias does so with names
// alone, which count where the configuration of the compiler has them, too.
func replaces(c command.NodeConfig) bool {
	return slices.ContainsFunc([]string{"ReplacementPlugin", "IgnorePlugin", "IgnoreFiles", "resolveId"}, func(name string) bool { return strings.Contains(c.Text, name) })
}

// configured follows the entry that a configuration names, if it names one, and nothing in it says where else names lead.
func (r *reader) configured(c command.NodeConfig) {
	if found := entry().FindAllStringSubmatch(c.Text, -1); len(found) == 1 && !replaces(c) {
		r.bundles(path.Join(path.Dir(c.File), found[0][1]))
	}
}

// tsup bundles what its words name, or its configuration.
func (r *reader) tsup() {
	if !r.known() || r.options.Has("--no-bundle", "--no-config") {
		return
	}
	var entries []string
	for _, w := range r.words {
		if p := r.abs(w.Text); syntax.IsSource(p) {
			r.need(Missing{Kind: Source, Path: p, What: "what is bundled"})
			entries = append(entries, p)
		}
	}
	if c, _ := r.configuration("tsup.config", "the configuration of tsup", "--config"); len(entries) == 0 {
		r.configured(c)
	} else if !replaces(c) && !strings.Contains(c.Text, "bundle") {
		r.bundles(entries...)
	}
}

// nextFiles are the names of the files of an app directory that next builds.
var nextFiles = []string{"page", "layout", "route", "template", "loading", "error", "not-found", "default", "global-error"}

// nextPages follows the pages that next builds.
func (r *reader) nextPages(c command.NodeConfig) {
	if replaces(c) || strings.Contains(c.Text, "pageExtensions") {
		return
	}
	var entries []string
	for _, root := range []string{r.dir, path.Join(r.dir, "src")} {
		for _, name := range []string{"app", "pages"} {
			r.walk(path.Join(root, name), func(p string) {
				stem, _, _ := strings.Cut(path.Base(p), ".")
				if syntax.IsSource(p) && !syntax.IsDeclaration(p) && (name == "pages" || slices.Contains(nextFiles, stem)) && strings.Count(path.Base(p), ".") == 1 {
					entries = append(entries, p)
				}
			})
		}
	}
	r.bundles(entries...)
}

// maxWalked bounds the files that a walk sees.
const maxWalked = 50000

// walk gives the files that surely lie below a directory.
func (r *reader) walk(dir string, file func(p string)) {
	left := maxWalked
	var below func(dir string, depth int)
	below = func(dir string, depth int) {
		entries, _ := r.files.List(dir)
		for _, e := range entries {
			p := path.Join(dir, e.Name())
			switch left--; {
			case left <= 0 || depth > 64 || e.Name() == "node_modules" || strings.HasPrefix(e.Name(), "."):
			case e.IsDir():
				below(p, depth+1)
			case e.Type().IsRegular():
				file(p)
			}
		}
	}
	below(dir, 0)
}
