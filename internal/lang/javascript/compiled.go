package javascript

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// compilers are the programs that make one file of each source, bundlers those that make one of many, with what these import, or scripts that may.
var (
	compilers = lazyre.New(`\b(tsc|tspc|swc|nest build|nest-cli)\b`)
	bundlers  = lazyre.New(`\b(webpack|rollup|vite|esbuild|ncc|tsup|tsdown|parcel|bun|pkg|rspack|rsbuild|unbuild|node|noEmit)\b`)
)

// compiled is a program that the image starts as what a compiler made of a source of the repository.
type compiled struct {
	source string // the source, as a path of the repository
	// from is the directory of the sources in the repository, and to that of the products in the image.
	from, to string
}

// compiledOf gives the source of a program that a compiler makes, as the configurations of the repository tell; ok is false if they do not.
func (c *programs) compiledOf(program string) (out compiled, ok bool) {
	project, base := "", ""
	for dir := path.Dir(program); ; dir = path.Dir(dir) {
		manifest := path.Join(dir, "package.json")
		if o := c.origin(manifest); c.Tree.Stat(manifest) == shell.Regular && o != "" {
			project, base = path.Dir("/"+o), dir
			break
		}
		if dir == "/" {
			return out, false
		}
	}
	build := c.repo.JSON(path.Join(project, "package.json")).Str("scripts", "build")
	nest := c.repo.JSON(path.Join(project, "nest-cli.json"))
	if !compilers().MatchString(build) || bundlers().MatchString(build) || nest.Get("compilerOptions", "webpack") != nil || nest.Get("compilerOptions", "builder") != nil {
		return out, false
	}
	for _, name := range []string{"tsconfig.build.json", "tsconfig.json"} {
		file := path.Join(project, name)
		if c.Repo.Stat(file) != shell.Regular {
			continue
		}
		outDir, at := c.repo.Option(file, "compilerOptions", "outDir")
		if !outDir.Is() {
			continue
		}
		products := path.Join(at, outDir.Text)
		rel, within := strings.CutPrefix(path.Join(project, strings.TrimPrefix(program, base)), products+"/")
		if !within {
			continue
		}
		to := path.Join(base, strings.TrimPrefix(products, project))
		roots := []string{path.Join(project, "src"), project}
		if rootDir, at := c.repo.Option(file, "compilerOptions", "rootDir"); rootDir.Is() {
			roots = []string{path.Join(at, rootDir.Text)}
		}
		stem := strings.TrimSuffix(rel, path.Ext(rel))
		for _, root := range roots {
			for _, ext := range []string{".ts", ".mts", ".cts", ".tsx", ".js"} {
				if source := path.Join(root, stem+ext); c.Repo.Stat(source) == shell.Regular {
					return compiled{source, root, to}, true
				}
			}
		}
	}
	return out, false
}

// Compiled follows the sources of programs that compilers make: what these compile is there with them, their dependencies and what they read
// need not be. It gives the programs whose sources it found.
func (c *programs) Compiled(started []lang.Entry) (followed []string) {
	for _, e := range started {
		program, ok := c.compiledOf(e.Path)
		if !ok || c.mayBundle() || e.Run.Mounted(e.Path) || slices.Contains(followed, e.Path) {
			continue
		}
		g := modules.Follow(modules.Config{Files: c.Repo, Resolver: c.repo, Entries: []string{program.source}, Context: c.Context, Named: true})
		followed = append(followed, e.Path)
		at := func(n *modules.Node) (file string, ok bool) { // what is made of it
			rel, within := strings.CutPrefix(n.File, program.from+"/")
			return path.Join(program.to, rel), within
		}
		for _, l := range g.Lacks {
			if _, ok := at(l.From); ok { // nobody installs packages among what a compiler makes
				c.dependency(e, l.Import.Spec, program.to, l.From.File, c.askAt(e, l, view.InContext(l.From.File)))
			}
		}
		for _, n := range g.Nodes {
			file, ok := at(n)
			c.sources, c.imports = c.sources+1, c.imports+n.Imports
			if !ok || n.Source == nil || n.Reach != modules.Startup || e.Conditional || e.Tolerated {
				continue
			}
			for _, r := range n.Source.Reads {
				if p := readAt(r, path.Dir(file), g.Workdir(e.Workdir)); p != "" && c.Tree.Stat(p) == shell.Absent && !e.Run.Mounted(p) {
					ask := c.askAt(e, modules.Lack{From: n, Import: syntax.Import{Start: r.Start, End: r.End}, Reach: n.Reach}, view.InContext(n.File))
					c.reading = append(c.reading, lang.Read{At: p, Dir: r.Dir, Ask: ask})
				}
			}
		}
	}
	return followed
}

// mayBundle reports whether a step of the build starts a bundler, or a script that may be one, or is not known: then a program may have its
// dependencies within itself.
func (c *programs) mayBundle() bool {
	return slices.ContainsFunc(c.Image.Plan.Ops, func(op *dockerfile.Op) bool {
		if op.Kind != dockerfile.OpExec {
			return false
		}
		s := c.Image.Script(op)
		return s == nil || s.Missed || slices.ContainsFunc(s.Calls, func(call *command.Call) bool {
			text := call.Base
			if slices.Contains([]string{"npx", "npm", "pnpm", "pnpx", "yarn", "bunx"}, text) { // they start what their words name
				text += " " + strings.Join(call.Words(), " ")
			}
			return bundlers().MatchString(text)
		})
	})
}

// readAt gives where a file reads that lies in a directory; "" if that is not known, or the read need not happen.
func readAt(r syntax.Read, own, workdir string) string {
	from := own
	if r.From == syntax.Workdir {
		from = workdir
	}
	switch {
	case r.Flags != 0 || from == "" && !path.IsAbs(r.Path):
		return ""
	case path.IsAbs(r.Path):
		return r.Path
	}
	return path.Join("/", from, r.Path)
}
