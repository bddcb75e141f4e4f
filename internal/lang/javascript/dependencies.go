package javascript

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// packageOf gives the name of the package that an import means, "" if it means a file, an alias or a part of the runtime.
func packageOf(spec string) string {
	if spec == "" || strings.ContainsAny(spec[:1], "./#~$") || strings.Contains(spec, ":") || strings.HasPrefix(spec, "@/") {
		return ""
	}
	parts := strings.SplitN(spec, "/", 3)
	if strings.HasPrefix(spec, "@") {
		if len(parts) < 2 {
			return ""
		}
		return parts[0] + "/" + parts[1]
	}
	if slices.Contains(strings.Fields(builtin), parts[0]) {
		return ""
	}
	return parts[0]
}

// dependency notes a dependency that a program asks for when it starts and that is surely in none of the directories in which Node.js
// searches it: those above a file of the image, which is, or was made of, a source of the repository.
func (c *programs) dependency(e lang.Entry, spec, file, source string, ask need.Ask) {
	name := packageOf(spec)
	if name == "" || source == "/" || ask.Reach != need.Startup || ask.Branch || !c.searched(e) {
		return
	}
	if slices.ContainsFunc(c.absent, func(have lang.Fault) bool { return slices.Contains(have.Exports, name) }) {
		return
	}
	first := ""
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		at := path.Join(dir, "node_modules", name)
		if c.Tree.Stat(at) != shell.Absent || e.Run.Mounted(at) {
			return
		}
		if c.Tree.Stat(path.Join(dir, "package.json")) == shell.Regular && first == "" {
			first = path.Join(dir, "node_modules")
		}
		if dir == "/" {
			break
		}
	}
	manifest := ""
	for dir := path.Dir(source); manifest == ""; dir = path.Dir(dir) {
		if declares := path.Join(dir, "package.json"); c.repo.JSON(declares).Get("dependencies", name).Is() {
			manifest = declares
		}
		if dir == "/" {
			break
		}
	}
	if manifest == "" {
		return
	}
	if first == "" {
		first = path.Join(path.Dir(file), "node_modules")
	}
	source = view.InContext(manifest)
	if i := slices.IndexFunc(c.absent, func(have lang.Fault) bool { return have.File == first && have.Source == source }); i >= 0 {
		c.absent[i].Exports = append(c.absent[i].Exports, name)
		return
	}
	c.absent = append(c.absent, lang.Fault{
		Kind: lang.NotInstalled, Module: name, Exports: []string{name}, File: first, Source: source, Asks: []need.Ask{ask},
	})
}

// searched reports whether an entry finds packages in directories node_modules and nowhere else: bun and deno fetch what they lack, and the
// packages of yarn's Plug'n'Play lie in archives.
func (c *programs) searched(e lang.Entry) bool {
	own := slices.ContainsFunc([]string{"/.yarnrc.yml", "/.pnp.cjs", "/.pnp.js"}, func(name string) bool { return c.Repo.Stat(name) != shell.Absent })
	set := slices.ContainsFunc(e.Run.Env, func(kv string) bool {
		return strings.HasPrefix(kv, "NODE_PATH=") || strings.HasPrefix(kv, "NODE_OPTIONS=")
	})
	fetches := strings.Contains(e.Origin.Text, "bun") || strings.Contains(e.Origin.Text, "deno")
	return !own && !set && !fetches && e.Env["NODE_PATH"] == "" && e.Env["NODE_OPTIONS"] == "" && syntax.IsSource(e.Path)
}
