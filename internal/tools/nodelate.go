package tools

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// packageOf are the packages that bring programs, as far as nobody else brings one of that name.
var packageOf = map[string]string{
	"tsc": "typescript", "tsup": "tsup", "tsx": "tsx", "ts-node": "ts-node", "vite": "vite", "vitest": "vitest", "next": "next", "nuxt": "nuxt", "nuxi": "nuxi",
	"astro": "astro", "nest": "@nestjs/cli", "ng": "@angular/cli", "webpack": "webpack-cli", "rollup": "rollup", "esbuild": "esbuild", "swc": "@swc/cli",
	"babel": "@babel/cli", "parcel": "parcel", "react-scripts": "react-scripts", "vue-cli-service": "@vue/cli-service", "vue-tsc": "vue-tsc", "turbo": "turbo",
	"prisma": "prisma", "drizzle-kit": "drizzle-kit", "remix": "@remix-run/dev", "svelte-kit": "@sveltejs/kit", "storybook": "storybook", "unbuild": "unbuild",
	"rimraf": "rimraf", "cpx": "cpx", "cross-env": "cross-env", "dotenv": "dotenv-cli", "tsc-alias": "tsc-alias", "graphql-codegen": "@graphql-codegen/cli",
}

// pnpmHoists are settings with which programs of one member are there for all.
var pnpmHoists = regexp.MustCompile(`(?mi)^\s*(shamefully-?hoist|public-?hoist-?pattern|node-?linker|hoist-?pattern|hoist|virtual-?store-?dir|modules-?dir|bin)\b`)

// pnpmLate looks for members that the lock file has and whose manifests are not there yet: pnpm installs without them, and a program of
// one that starts later does not find what it depends on.
func (r *reader) pnpmLate(dir string, w workspace) {
	lock := path.Join(dir, pnpmLock)
	data, ok := r.text(lock)
	doc, err := document.YAML(data)
	if !ok || err != nil {
		return
	}
	for _, name := range []string{".npmrc", pnpmWorkspace} {
		if text, ok := r.text(path.Join(dir, name)); !ok && !r.absent(path.Join(dir, name)) || pnpmHoists.Match(text) {
			return
		}
	}
	has := func(importer *document.Node, name string) bool {
		return slices.ContainsFunc(strictKinds, func(kind string) bool { return importer.Get(kind, name) != nil })
	}
	importers := doc.Get("importers")
	for name, importer := range importers.All() {
		member := path.Join(dir, name)
		if name == "." || len(r.out.Missing) >= maxMissing || !r.absent(path.Join(member, packageJSON)) {
			continue
		}
		m := Missing{
			Kind: Member, Path: path.Join(member, packageJSON), What: "the package.json of a workspace member", Quiet: true,
			Because: []Line{importerLine(lock, data, name)},
			Doubt:   "pnpm installs without it, and a program that it depends on is not found later.",
		}
		m.Later = func(c *command.Call, earlier []*command.Call) (fails, decided bool) {
			brings, known := packageOf[c.Base]
			switch {
			case c.Base == "pnpm" && len(c.Args) > 0 && contains("install i ci add", c.Args[0].Text):
				return false, true
			case !known || c.S.Dir != member || !has(importer, brings) || has(importers.Get("."), brings):
				return false, false
			}
			return !slices.ContainsFunc(earlier, func(c *command.Call) bool { return installsGlobally(c, brings) }), true
		}
		r.missing(m)
	}
}

// importerLine gives the line of a lock file at which a member begins.
func importerLine(lock string, data []byte, name string) Line {
	l := Line{File: lock}
	for i, line := range strings.Split(string(data), "\n") {
		if strings.Trim(line, " '\":{}") == name {
			return Line{lock, i + 1, strings.TrimSpace(line)}
		}
	}
	return l
}

// installsGlobally reports whether a program makes those of a package programs of the system, or may do so.
func installsGlobally(c *command.Call, name string) bool {
	if !contains("npm pnpm yarn bun", c.Base) {
		return false
	}
	o := command.Parse(c.Args, "")
	return (o.Has("-g", "--global") || len(c.Args) > 0 && c.Args[0].Text == "global") &&
		slices.ContainsFunc(o.Operands, func(w shell.Word) bool { return !w.Known() || w.Text == name || strings.HasPrefix(w.Text, name+"@") })
}

// pnpmFiltered notes the scripts that pnpm runs in all members, or in those that --filter names, by their names or directories. Of other
// filters nothing is told.
func (r *reader) pnpmFiltered(words []shell.Word) {
	dir, _, globs, ok := r.pnpmRoot()
	if !ok || len(words) == 0 || r.options.Has("-w", "--workspace-root", "--filter-prod", "--no-bail") {
		return
	}
	w := r.workspace(nodePackage{dir: dir}, globs)
	if len(r.options.All("--filter", "-F")) == 0 { // all, -r
		r.runIn(w.members, words[0].Text, words[1:])
		return
	}
	for _, filter := range r.options.All("--filter", "-F") {
		if strings.ContainsAny(filter.Text, ".*!{}[]^") && !strings.HasPrefix(filter.Text, "./") || strings.Contains(filter.Text, "...") {
			continue
		}
		for _, m := range w.members {
			named := m.name() == filter.Text || strings.HasSuffix(m.name(), "/"+filter.Text) || strings.HasPrefix(filter.Text, "./") && m.dir == r.abs(filter.Text)
			if named && m.json.Get("scripts", words[0].Text).Is() {
				r.runScript(m, words[0].Text, words[1:])
			}
		}
	}
	r.out.Runs = r.out.Runs && len(r.options.All("--filter", "-F")) == 1
}
