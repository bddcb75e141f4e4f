package audit

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// checkImports follows the imports of what the image starts, through the image, and reports what the repository could
// satisfy and the image cannot. Only modules that are in the image are followed: what a missing package would import is
// never asked.
func checkImports(p *pass) error {
	if p.main == nil {
		return nil
	}
	c := newImportCheck(p)
	entries := c.entries()
	for _, e := range entries {
		c.searchDirs = append(c.searchDirs, e.search...)
	}
	for _, e := range entries {
		c.follow(e)
		if err := p.ctx.Err(); err != nil {
			return err
		}
	}
	c.addProgram()
	if len(entries) > 0 {
		c.checkSearchPath()
	}
	return cmp.Or(c.reportAll(), c.unread)
}

// importCheck is one run of the import rules over an image.
type importCheck struct {
	*pass
	tree imageTree
	repo repository
	// manifests are what the repository's manifests declare, and where a top-level module of it was looked for.
	manifests
	// searchDirs are the search paths of all entries.
	searchDirs []lang.SearchDir
	// rootDirs are where the first of them, as many as rooted says, come from in the context.
	rootDirs []string
	rooted   int
	lookedUp map[lookup]*repoModule
	// pathSteps are RUN steps, unknownPaths places of the program, that change the search path in a way that cannot be told.
	pathSteps    []dockerfile.Location
	unknownPaths []finding.Position
	// written are the files that the entry scripts write when the container starts.
	written map[string]shell.Origin

	// unresolved are entries whose module is nowhere.
	unresolved []entry
	// scripts are started and not known to be in the image.
	scripts []program.Entry

	groups  map[string]*missingGroup
	names   map[string]*missingName
	nowhere map[string]imports.Missing
	// inBranch are imports at the start of something that a branch of an entry script starts.
	inBranch map[finding.Position]bool
	// misplaced are relative imports that Python refuses, by their place.
	misplaced map[finding.Position]imports.Missing
	// followed are the imports of each module, by its file, or by its name where it has none.
	followed map[string]int
	cycles   map[finding.Position]bool
}

func newImportCheck(p *pass) *importCheck {
	return &importCheck{
		pass: p, tree: imageTree{p.image.Tree}, repo: newRepository(p.main.FS, p.subject.Facts),
		groups: map[string]*missingGroup{}, names: map[string]*missingName{}, nowhere: map[string]imports.Missing{}, misplaced: map[finding.Position]imports.Missing{}, inBranch: map[finding.Position]bool{},
		followed: map[string]int{}, cycles: map[finding.Position]bool{}, lookedUp: map[lookup]*repoModule{},
	}
}

// missingGroup is a package or module that the image lacks, with all that asks for it.
type missingGroup struct {
	module  string // the topmost name that is missing
	repo    string // where it is in the context
	reach   lang.Reach
	missing []imports.Missing
	// entry is set if it is asked for by the command that the image starts.
	entry *entry
}

// missingName is a name that a module does not export.
type missingName struct {
	missing []imports.Missing
	exports []string
	module  *imports.Module
	// definedIn is a submodule of it that binds the name, "" if none does.
	definedIn string
}

// entry is something that the image starts and that is written in Python.
type entry struct {
	imports.Entry
	search []lang.SearchDir
	start  program.Entry
	run    run
}

// entries gives what the image starts, and what the policy adds.
func (c *importCheck) entries() []entry {
	var started []runEntry
	var all []program.Entry
	var notes []shell.Note
	c.written = map[string]shell.Origin{}
	installed := c.installedDirs()
	for _, r := range c.runs() {
		result := program.Follow(r.input)
		maps.Copy(c.written, result.Written)
		all = append(all, result.Entries...)
		for _, s := range result.Entries {
			started = append(started, runEntry{s, r})
		}
		for _, n := range result.Notes {
			if !slices.Contains(notes, n) && r.told() {
				notes = append(notes, n)
			}
		}
	}
	c.reportUntold(all, notes)
	for i, command := range c.subject.Policy.Entrypoints {
		input := c.ownStart()
		input.Entrypoint = program.Command{}
		input.Cmd = program.Command{Args: []string{"/bin/sh", "-c", command}, Origin: shell.Origin{Text: command}}
		if asked := c.required("entrypoints", i); len(asked) > 0 {
			input.Cmd.Origin.File, input.Cmd.Origin.Line = asked[0].File, asked[0].Line
		}
		more, _ := program.Analyze(input)
		for _, s := range more {
			started = append(started, runEntry{s, run{input: input}})
		}
	}
	installed = append(installed, c.siteDirs()...)
	var out []entry
	for _, r := range started {
		s := r.Entry
		if s.Kind == program.Script && c.tree.Stat(s.Path) != shell.Regular {
			if r.mounted(s.Path) {
				c.assumeMounted(r.run)
			} else {
				c.addScript(s)
			}
			continue
		}
		if s.Lang != program.Python {
			continue
		}
		e := entry{start: s, run: r.run}
		if s.Origin.InImage {
			if o, ok := c.contextPath(c.tree, s.Origin.File); ok {
				s.Origin.File = simulate.Shown(c.main.Dir, o)
			}
		}
		e.Site = lang.Site{File: s.Origin.File, Text: s.Origin.Text, Reach: lang.Startup}
		e.Site.Range.Start.Line = s.Origin.Line
		switch s.Kind {
		case program.Script:
			e.Script, e.Tree = s.Path, c.tree
		case program.Module:
			e.Module, e.Main = s.Module, true
		case program.App:
			e.Module = s.Module
		default:
			continue
		}
		dirs := append(slices.Clone(s.SearchDirs), c.pythonPath(r)...)
		if slices.ContainsFunc(s.Through, func(name string) bool { return command.Is(name, command.ProjectRunner) }) {
			// poetry run imports a declared script from the working directory, uv run installs the project first.
			dirs = append(dirs, path.Join("/", s.Workdir), path.Join("/", s.Workdir, "src"))
			dirs = append(dirs, c.packageDirs(c.tree, path.Join("/", s.Workdir))...)
		}
		if slices.ContainsFunc(dirs, r.mounted) {
			c.assumeMounted(r.run)
			continue
		}
		for _, dir := range dirs {
			e.search = append(e.search, lang.SearchDir{Tree: c.tree, Dir: dir})
		}
		e.search = append(e.search, installed...)
		out = append(out, e)
	}
	return out
}

func origin(l dockerfile.Location) shell.Origin {
	return shell.Origin{File: l.File, Line: l.Range.Start.Line, Text: l.Text}
}

// pythonPath gives the entries of PYTHONPATH as an entry sees it.
func (c *importCheck) pythonPath(s runEntry) []string {
	if s.IgnoreEnv {
		return nil
	}
	value, ok := s.Env["PYTHONPATH"]
	if !ok {
		value, _ = lookupEnv(s.input.Env, "PYTHONPATH")
	}
	var out []string
	for dir := range strings.SplitSeq(value, ":") {
		if dir == "" {
			continue
		}
		if !path.IsAbs(dir) {
			dir = path.Join("/", s.Workdir, dir)
		}
		out = append(out, path.Clean(dir))
	}
	return out
}

// graphKey notes with an image what an entry of it reaches, with all that this depends on but for files.
type graphKey string

// follow follows one entry and sorts what is missing.
func (c *importCheck) follow(e entry) *imports.Graph {
	key := graphKey(fmt.Sprintf("%q %q", e.start.Env, c.image.Plan.Config.Env) + e.Script + " " + e.Module + " " + e.Site.Text)
	prior, _ := c.subject.Sound.Noted(key).(*imports.Graph)
	g := imports.Follow(imports.Config{
		Entries: []imports.Entry{e.Entry}, Search: e.search,
		Strings: imports.FrameworkStrings(func(name string) bool { return c.isSet(e, name) }),
		Sources: c.subject.Facts.Sources, Foreign: manifest.IsStdlib, Context: c.ctx, Prior: prior,
	})
	c.image.Note(key, g)
	for _, name := range sortedKeys(g.Nodes) {
		n := g.Nodes[name]
		c.count(n)
		if o, ok := c.contextPath(n.Module.Tree, n.Module.File); ok && n.Module.File != "" {
			c.report.Followed = append(c.report.Followed, simulate.Shown(c.main.Dir, o))
			c.needs(o, func() need {
				site := imports.Missing{Site: n.Site, From: n.From, Reach: n.Reach}
				if n.From == nil {
					site.Site = e.Site
				}
				return need{c.sitePosition(site), c.sitePlace(site), "the program imports it"}
			})
		}
	}
	for _, site := range g.UnknownPaths {
		c.unknownPaths = append(c.unknownPaths, c.sitePosition(imports.Missing{Site: site, From: g.Nodes[site.Importer]}))
	}
	if e.start.UnknownPath {
		c.unknownPaths = append(c.unknownPaths, c.sitePosition(imports.Missing{Site: e.Site}))
	}
	if len(g.Absent) > 0 {
		c.sortEntry(e)
	}
	if c.subject.Verbose {
		c.reportCycles(g)
	}
	for _, m := range g.Misplaced {
		if m.Reach > lang.Guarded && !e.start.Tolerated {
			c.misplaced[c.sitePosition(m)] = m
		}
	}
	for _, m := range g.Missing {
		if e.lacksMounted(m) {
			c.assumeMounted(e.run)
			continue
		}
		if e.start.Conditional && m.Reach > lang.Lazy {
			c.inBranch[c.sitePosition(m)] = true
		}
		m.Reach = e.reach(m.Reach)
		c.sort(m, g)
	}
	return g
}

// reach is how something is reached that is reached so from the entry: what a branch starts need not be started, and what may
// fail is guarded.
func (e entry) reach(r lang.Reach) lang.Reach {
	if e.start.Conditional {
		r = min(r, lang.Lazy)
	}
	if e.start.Tolerated {
		r = min(r, lang.Guarded)
	}
	return r
}

// count counts a module and its imports; what several entries reach counts once.
func (c *importCheck) count(n *imports.Node) {
	key := cmp.Or(n.Module.File, n.Module.Name)
	have, ok := c.followed[key]
	if !ok {
		c.report.Modules++
	}
	if n.Imports > have || !ok {
		c.report.Imports += n.Imports - have
		c.followed[key] = n.Imports
	}
}

// isSet reports whether the environment that an entry starts in has a variable.
func (c *importCheck) isSet(e entry, name string) bool {
	if _, ok := e.start.Env[name]; ok {
		return true
	}
	_, ok := lookupEnv(e.run.input.Env, name)
	return ok
}

// contextPath gives where a file of a tree stands in the main context.
func (c *importCheck) contextPath(tree lang.Tree, p string) (string, bool) {
	n := c.entryOf(tree, p)
	if n == nil {
		return "", false
	}
	return c.image.Origin(n)
}
