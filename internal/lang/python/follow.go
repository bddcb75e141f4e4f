package python

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Follow implements lang.Programs. Only modules that are in the image are followed: what a missing package would import is never
// asked.
func (c *programs) Follow(started []lang.Entry) *lang.Followed {
	c.start(started)
	before := len(c.graphs)
	for _, e := range c.entries[before:] {
		c.graphs = append(c.graphs, followed{e, c.follow(e)})
		if c.Context.Err() != nil {
			break
		}
	}
	out := c.result()
	out.Starts = c.starts(c.graphs[before:])
	return out
}

// starts gives the commands that programs run.
func (c *programs) starts(graphs []followed) (out []lang.Start) {
	for _, f := range graphs {
		if f.graph.ChangesDir {
			continue
		}
		for _, s := range f.graph.Starts {
			out = append(out, lang.Start{
				Args: s.Args, Workdir: f.entry.start.Workdir, Run: f.entry.start.Run,
				Ask: c.ask(imports.Missing{Site: s.Site, From: s.From, Reach: f.entry.reach(s.Site.Reach)}),
			})
		}
	}
	return out
}

// start works out where each entry starts and searches.
func (c *programs) start(started []lang.Entry) {
	dirs := slices.Clone(c.installedDirs())
	dirs = append(dirs, c.siteDirs()...)
	for _, s := range started {
		e := entry{start: s}
		e.Site = need.Site{File: s.Origin.File, Text: s.Origin.Text, Reach: need.Startup}
		if s.Origin.InImage {
			if o, ok := c.ContextPath(c.Tree, s.Origin.File); ok {
				e.Site.File = simulate.Shown(c.Main.Dir, o)
			}
		}
		e.Site.Range.Start.Line = s.Origin.Line
		switch s.Kind {
		case program.Script:
			e.Script, e.Tree = s.Path, c.Tree
		case program.Module:
			e.Module, e.Main = s.Module, true
		case program.App:
			e.Module = s.Module
			if s.Called && s.Attr != "" {
				e.Calls = []string{s.Attr}
			} else if s.Called {
				e.Calls = []string{"app", "application", "create_app", "make_app"} // in the order of flask.cli.find_best_app
			}
		case program.Code:
			e.Code, e.Tree = s.Code, c.Tree
		default:
			continue
		}
		own := c.ownDirs(s)
		if slices.ContainsFunc(own, s.Run.Mounted) {
			c.hide(s.Run)
			c.hideStart(e, own)
			continue
		}
		for _, dir := range own {
			e.search = append(e.search, lang.SearchDir{Tree: c.Tree, Dir: dir})
		}
		e.search = append(e.search, dirs...)
		c.entries = append(c.entries, e)
		c.searchDirs = append(c.searchDirs, e.search...)
	}
}

// hideStart notes what is started itself, where the image has it and something is mounted over it.
func (c *programs) hideStart(e entry, own []string) {
	at := e.Script
	if e.Module != "" {
		var search []lang.SearchDir
		for _, dir := range own {
			search = append(search, lang.SearchDir{Tree: c.Tree, Dir: dir})
		}
		if m := imports.Find(search, e.Module); m != nil {
			at = m.File
		}
	}
	if at == "" || e.start.Conditional || e.start.Tolerated || c.Tree.Stat(at) != shell.Regular || !e.start.Run.Mounted(at) {
		return
	}
	ask := c.ask(imports.Missing{Site: e.Site, Reach: need.Startup})
	c.hiddenStarts = append(c.hiddenStarts, lang.Hide{At: at, Mount: over(e.start.Run, at), Run: e.start.Run, Ask: ask})
}

// over gives what is mounted over a path of the image. Of several mounts the deepest counts.
func over(r *program.Run, at string) (over program.Mount) {
	for _, m := range r.Mounts {
		if m.Hides(at) && len(m.At) > len(over.At) {
			over = m
		}
	}
	return over
}

// hide notes a start whose code is mounted.
func (c *programs) hide(r *program.Run) {
	if !slices.Contains(c.hidden, r) {
		c.hidden = append(c.hidden, r)
	}
}

// pythonPath gives the entries of PYTHONPATH as an entry sees it.
func pythonPath(s lang.Entry) []string {
	if s.IgnoreEnv {
		return nil
	}
	value, ok := s.Env["PYTHONPATH"]
	if !ok {
		value, _ = view.Lookup(s.Run.Env, "PYTHONPATH")
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
func (c *programs) follow(e entry) *imports.Graph {
	key := graphKey(fmt.Sprintf("%q %q %q", e.start.Env, c.Image.Plan.Config.Env, e.Code) + e.Script + " " + e.Module + " " + e.Site.Text)
	prior, _ := c.Prior.Noted(key).(*imports.Graph)
	g := imports.Follow(imports.Config{
		Entries: []imports.Entry{e.Entry}, Search: e.search,
		Strings: imports.FrameworkStrings(e.isSet),
		Sources: Sources(c.Facts), Foreign: manifest.IsStdlib, Context: c.Context, Prior: prior,
	})
	c.Image.Note(key, g)
	for _, site := range g.UnknownPaths {
		c.unknownPaths = append(c.unknownPaths, c.position(imports.Missing{Site: site, From: g.Nodes[site.Importer]}))
	}
	if e.start.UnknownPath {
		c.unknownPaths = append(c.unknownPaths, c.position(imports.Missing{Site: e.Site}))
	}
	if len(g.Absent) > 0 {
		c.sortEntry(e)
	} else {
		c.sortBare(e)
	}
	for _, m := range g.Misplaced {
		if m.Reach > need.Guarded && !e.start.Tolerated {
			c.misplaced[c.position(m)] = m
		}
	}
	for _, m := range g.Missing {
		if e.lacksMounted(m) {
			c.hide(e.start.Run)
			continue
		}
		if e.start.Conditional && m.Reach > need.Lazy {
			c.inBranch[c.position(m)] = true
		}
		m.Reach = e.reach(m.Reach)
		c.sort(m, g)
	}
	return g
}

// reach is how something is reached that is reached so from the entry: what a branch starts need not be started, and what may
// fail is guarded.
func (e entry) reach(r need.Reach) need.Reach {
	if e.start.Conditional {
		r = min(r, need.Lazy)
	}
	if e.start.Tolerated {
		r = min(r, need.Guarded)
	}
	return r
}

// isSet reports whether the environment that an entry starts in has a variable.
func (e entry) isSet(name string) bool {
	if _, ok := e.start.Env[name]; ok {
		return true
	}
	_, ok := view.Lookup(e.start.Run.Env, name)
	return ok
}

// lacksMounted reports whether a missing module would lie below something that is mounted when the entry runs.
func (e entry) lacksMounted(m imports.Missing) bool {
	if len(e.start.Run.Mounts) == 0 {
		return false
	}
	dirs, rest := e.search, m.Module
	if m.Parent != nil {
		dirs, rest = m.Parent.Path, strings.TrimPrefix(m.Module, m.Parent.Name+".")
	}
	top, _, _ := strings.Cut(rest, ".")
	return slices.ContainsFunc(dirs, func(d lang.SearchDir) bool { return e.start.Run.Mounted(path.Join(d.Dir, top)) })
}

// position gives a place in the image as one in the repository, where the file comes from it.
func (c *programs) position(m imports.Missing) finding.Position {
	p := finding.At(m.Site.File, m.Site.Range)
	switch {
	case m.From == nil:
	case m.From.Written(): // where the command stands
		return finding.At(m.From.Site.File, m.From.Site.Range)
	default:
		if o, ok := c.ContextPath(m.From.Module.Tree, m.Site.File); ok {
			p.File = simulate.Shown(c.Main.Dir, o)
		}
	}
	return p
}

// ask gives a place that asks for something as it is shown.
func (c *programs) ask(m imports.Missing) need.Ask {
	a := need.Ask{At: c.position(m), Text: m.Site.Text, Reach: m.Reach, Literal: strings.HasPrefix(m.Site.Text, `"`)}
	a.Branch = c.inBranch[a.At]
	if m.From == nil {
		return a
	}
	a.File = m.From.Module.File
	for _, n := range m.From.Way() {
		name := n.Module.Name
		if n.Written() {
			name = "-c"
		} else if name == "__main__" {
			name = path.Base(n.Module.File)
		}
		if len(a.Way) == 0 || a.Way[len(a.Way)-1] != name {
			a.Way = append(a.Way, name)
		}
	}
	return a
}

func (c *programs) asks(missing []imports.Missing) []need.Ask {
	out := make([]need.Ask, len(missing))
	for i, m := range missing {
		out[i] = c.ask(m)
	}
	return out
}
