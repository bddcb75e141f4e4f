package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
)

// The facts are those of TypeScript 5, vite 6, next 15, turbo 2, lerna 9 and prisma 6.

const (
	tscValued    = "-p --project --outDir --rootDir --target -t --module -m --lib --declarationDir --tsBuildInfoFile --jsx --moduleResolution"
	viteValued   = "-c --config --base --outDir --mode -m --port --host -l --logLevel --assetsDir --ssr --minify"
	prismaValued = "--schema --config --generator"
	tsconfig     = "tsconfig.json"
)

// tsc compiles the files that a tsconfig.json names, or those of its words.
func (r *reader) tsc() {
	if !r.known() || r.options.Has("--version", "-v", "--help", "-h", "--init") {
		return
	}
	build := r.options.Has("-b", "--build", "--b")
	named := slices.Concat(r.options.All("-p", "--project"), r.options.All("-b", "--build", "--b"))
	switch w := append(named, r.words...); {
	case len(named) > 0 && (!build || named[0].Text != ""):
		r.tsProject(r.abs(w[0].Text), nil, build, map[string]bool{})
		r.tsChecked(r.abs(w[0].Text), build)
	case build && len(r.words) > 0:
		for _, w := range r.words {
			r.tsProject(r.abs(w.Text), nil, true, map[string]bool{})
		}
	case len(r.words) > 0:
		for _, w := range r.words {
			p := r.abs(w.Text)
			r.need(Missing{Kind: Source, Path: p, Or: []string{p + ".ts", p + ".tsx", p + ".d.ts"}, What: "the file that is compiled"})
			if syntax.IsTyped(p) && r.is(p) && !r.options.Has("--noCheck", "--noResolve") {
				r.imports(modules.Check, []string{p})
			}
		}
	default:
		dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, tsconfig)) })
		if dir == "" {
			r.need(Missing{Path: path.Join(r.dir, tsconfig), What: "the configuration of the compiler"})
			return
		}
		r.tsProject(path.Join(dir, tsconfig), nil, build, map[string]bool{})
		r.tsChecked(path.Join(dir, tsconfig), build)
	}
}

// tsChecked follows the program of a configuration of the compiler, if that is what it compiles. Of a build the projects follow each other.
func (r *reader) tsChecked(file string, build bool) {
	if file != "" && !build {
		if r.isDir(file) {
			file = path.Join(file, tsconfig)
		}
		r.tsProgram(file)
	}
}

// tsProject reads a tsconfig.json: what it extends, the projects that it refers to, and the files that it lists must be there.
func (r *reader) tsProject(file string, because []Line, build bool, seen map[string]bool) {
	if file == "" || seen[file] || len(seen) > maxPackages {
		return
	}
	seen[file] = true
	if r.isDir(file) {
		r.tsProject(path.Join(file, tsconfig), because, build, seen)
		return
	}
	m := Missing{Path: file, What: "the configuration of the compiler", Because: because}
	if path.Ext(file) != ".json" {
		m.Or = []string{file + ".json"}
	}
	r.need(m)
	data, ok := r.text(file)
	if !ok {
		return
	}
	doc, err := document.JSON(data)
	if err != nil {
		return
	}
	at := func(n *document.Node) []Line {
		return append(slices.Clone(because), Line{File: file, Line: n.At(), Text: textOf(data, n.At())})
	}
	dir := path.Dir(file)
	for _, n := range doc.List("extends") {
		r.tsExtends(dir, n.Text, at(n), seen)
	}
	for _, ref := range doc.List("references") {
		n := ref.Get("path")
		if !n.Is() {
			continue
		}
		to := path.Join(dir, n.Text)
		if path.Ext(to) != ".json" {
			r.need(Missing{Path: path.Join(to, tsconfig), What: "the configuration of a project that is referred to", Because: at(n)})
			to = path.Join(to, tsconfig)
		}
		if build || path.Ext(n.Text) == ".json" {
			r.tsProject(to, at(n), build, seen)
		}
	}
	for _, n := range doc.List("files") {
		r.need(Missing{Kind: Source, Path: path.Join(dir, n.Text), What: "a file that is compiled", Because: at(n)})
	}
	if build {
		r.tsProgram(file)
	}
}

// tsExtends reads the configuration that another one extends, if it is named by a path.
func (r *reader) tsExtends(dir, name string, because []Line, seen map[string]bool) {
	if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") && !path.IsAbs(name) {
		return // a package
	}
	to := path.Join(dir, name)
	if path.IsAbs(name) {
		to = name
	}
	if path.Ext(to) != ".json" && !r.is(to) {
		to += ".json"
	}
	if seen[to] {
		return
	}
	seen[to] = true
	r.need(Missing{Path: to, What: "the configuration that is extended", Because: because})
	data, ok := r.text(to)
	if !ok {
		return
	}
	doc, err := document.JSON(data)
	if err != nil {
		return
	}
	for _, n := range doc.List("extends") {
		r.tsExtends(path.Dir(to), n.Text, append(slices.Clone(because), Line{File: to, Line: n.At(), Text: textOf(data, n.At())}), seen)
	}
}

// bundled is a program that reads the configuration of the compiler if it is there, and what that extends.
func (r *reader) bundled() {
	if file := path.Join(r.dir, tsconfig); r.is(file) {
		data, _ := r.text(file)
		doc, err := document.JSON(data)
		if err != nil {
			return
		}
		for _, n := range doc.List("extends") {
			r.tsExtends(r.dir, n.Text, []Line{{File: file, Line: n.At(), Text: textOf(data, n.At())}}, map[string]bool{})
		}
	}
}

// next is next build.
func (r *reader) next() {
	if r.sub() != "build" || !r.known() || len(r.words) > 1 {
		return
	}
	r.bundled()
	c, _ := r.configuration("next.config", "the configuration of next")
	r.need(Missing{Kind: Source, Path: path.Join(r.dir, "app"), Or: []string{path.Join(r.dir, "pages"), path.Join(r.dir, "src/app"), path.Join(r.dir, "src/pages")}, Dir: true, What: "the pages that next builds"})
	r.nextPages(c)
}

// turbo is turbo run and turbo prune.
func (r *reader) turbo() {
	sub := r.sub()
	if sub == "" || !r.known() {
		return
	}
	root := upward(r.dir, func(dir string) bool {
		return !r.absent(path.Join(dir, "turbo.json")) || !r.absent(path.Join(dir, "turbo.jsonc"))
	})
	if sub != "prune" {
		if root == "" && sub != "login" && sub != "link" && sub != "telemetry" && sub != "gen" {
			r.need(Missing{Path: path.Join(r.dir, "turbo.json"), Or: []string{path.Join(r.dir, "turbo.jsonc")}, What: "the configuration of turbo"})
		} else if root != "" {
			r.turboRuns(root)
		}
		return
	}
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) })
	if dir == "" {
		r.need(Missing{Path: path.Join(r.dir, packageJSON), What: "the package.json"})
		return
	}
	var locks []string
	for _, name := range []string{"package-lock.json", pnpmLock, "yarn.lock", "bun.lock", "bun.lockb"} {
		locks = append(locks, path.Join(dir, name))
	}
	p, ok := r.nodePackage(dir)
	if !ok {
		return
	}
	for i, manager := range []string{"npm", "pnpm", "yarn", "bun"} {
		if strings.HasPrefix(p.json.Str("packageManager"), manager+"@") { // it is the first that is told
			locks[0], locks[i] = locks[i], locks[0]
			break
		}
	}
	r.need(Missing{Path: locks[0], Or: locks[1:], What: "the lock file, which turbo prune reads"})
	if strings.HasPrefix(p.json.Str("packageManager"), "pnpm@") {
		if r.need(Missing{Path: path.Join(dir, pnpmWorkspace), What: "the members of the workspace, which turbo prune reads"}); r.absent(path.Join(dir, pnpmWorkspace)) {
			return
		}
	}
	w := r.workspace(p, r.allGlobs(p))
	for _, name := range append(r.options.All("--scope"), r.words[1:]...) {
		if w.complete && !slices.ContainsFunc(w.members, func(m nodePackage) bool { return m.name() == name.Text }) {
			r.missing(w.lacks(name.Text))
		}
	}
}

// lerna needs its configuration for all that it does.
func (r *reader) lerna() {
	if sub := r.sub(); sub == "run" || sub == "bootstrap" || sub == "exec" {
		r.need(Missing{Path: path.Join(r.dir, "lerna.json"), What: "the configuration of lerna"})
		p, ok := r.nodePackage(r.dir)
		if sub != "run" || !ok || len(r.words) < 2 || r.options.Has("--no-bail", "--since", "--ignore", "--include-dependencies") {
			return
		}
		globs := r.allGlobs(p)
		if data, ok := r.text(path.Join(r.dir, "lerna.json")); ok {
			if doc, err := document.JSON(data); err == nil {
				globs = append(globs, doc.Texts("packages")...)
			}
		}
		if list, ok := r.selected(r.workspace(p, globs).members, "--scope"); ok {
			r.runIn(list, r.words[1].Text, nil)
		}
	}
}

// prisma reads the schema for all that it does to it.
func (r *reader) prisma() {
	switch r.sub() {
	case "generate", "validate", "format", "db", "migrate":
	default:
		return
	}
	if w, given := r.options.Last("--schema"); given {
		r.need(Missing{Path: r.abs(w.Text), What: "the schema"})
		return
	}
	for _, ext := range []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs"} {
		if !r.absent(path.Join(r.dir, "prisma.config"+ext)) || !r.absent(path.Join(r.dir, ".config/prisma"+ext)) {
			return // it may name another one
		}
	}
	if p, ok := r.nodePackage(r.dir); ok {
		if n := p.json.Get("prisma", "schema"); n.Is() {
			r.need(Missing{Path: path.Join(r.dir, n.Text), What: "the schema", Because: []Line{p.line(n)}})
			return
		}
	} else if !r.absent(path.Join(r.dir, packageJSON)) {
		return
	}
	r.need(Missing{Path: path.Join(r.dir, "prisma/schema.prisma"), Or: []string{path.Join(r.dir, "schema.prisma"), path.Join(r.dir, "prisma/schema")}, What: "the schema"})
}
