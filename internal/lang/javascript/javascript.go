// Package javascript follows the programs of a build that are written in JavaScript and TypeScript and run from their sources: what the
// repository resolves, and the image does not.
package javascript

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
	"github.com/ctxaudit/ctxaudit/internal/tools"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Language is JavaScript, and TypeScript.
var Language = lang.Language{
	Name: "JavaScript", Of: program.Node, Source: syntax.IsSource, SearchPath: "NODE_PATH", Omitted: modules.Omitted(),
	Look: func(b *view.Build) lang.Programs { return look(b) },
}

// programs are the programs of a build.
type programs struct {
	*view.Build
	image, repo *modules.Resolver
	graphs      []followed
	groups      map[string]*group
	hidden      []*program.Run
	hides       []lang.Hide
	unread      error
	// absent are dependencies that are installed nowhere where a program searches them, each once.
	absent []lang.Fault
	// sources and imports count the files that compiled programs were followed through, and reading is what they read and the image lacks.
	sources, imports int
	reading          []lang.Read
	// origins are the paths in the build context of files of the image, "" for those that come from elsewhere.
	origins map[string]string
}

// followed is what an entry reaches.
type followed struct {
	entry lang.Entry
	graph *modules.Graph
}

// group is a file or directory that the image lacks, with all that asks for it.
type group struct {
	source, at string
	reach      need.Reach
	asks       []need.Ask
}

func look(b *view.Build) *programs {
	p := &programs{Build: b, groups: map[string]*group{}, origins: map[string]string{}}
	if b.Main == nil {
		return p
	}
	in := steps.Seen{Files: b.Tree.Files}
	p.image = modules.NewResolver(b.Tree, func(dir string) map[string]string { return tools.NodeMembers(in, dir) })
	p.repo = modules.NewResolver(b.Repo, func(dir string) map[string]string { return tools.NodeMembers(b.Repo, dir) })
	return p
}

// Follow implements lang.Programs.
func (c *programs) Follow(started []lang.Entry) *lang.Followed {
	for _, e := range started {
		if e.Kind != program.Script || !syntax.IsSource(e.Path) && path.Ext(e.Path) != "" {
			continue
		}
		if e.Run.Mounted(e.Path) {
			c.mounted(e)
			continue
		}
		g := modules.Follow(modules.Config{
			Files: c.Tree, Resolver: c.image, Entries: []string{e.Path}, Context: c.Context,
			Else: func(from *modules.Node, i syntax.Import, _ modules.Target) string {
				return c.alsoThere(from.File, i.Spec)
			},
		})
		f := followed{e, g}
		c.graphs = append(c.graphs, f)
		for _, l := range g.Lacks {
			c.sort(f, l)
		}
		c.hide(f)
		if c.Context.Err() != nil {
			break
		}
	}
	return c.result()
}

// mounted notes a start whose code is mounted.
func (c *programs) mounted(e lang.Entry) {
	c.hiddenRun(e.Run)
	if c.Tree.Stat(e.Path) == shell.Regular && !e.Conditional && !e.Tolerated {
		c.hides = append(c.hides, lang.Hide{At: e.Path, Mount: over(e.Run, e.Path), Run: e.Run, Ask: c.started(e)})
	}
}

func (c *programs) hiddenRun(r *program.Run) {
	if !slices.Contains(c.hidden, r) {
		c.hidden = append(c.hidden, r)
	}
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

// hide notes the files that a program needs when it starts and over which something is mounted then.
func (c *programs) hide(f followed) {
	run := f.entry.Run
	if len(run.Mounts) == 0 || f.entry.Conditional || f.entry.Tolerated {
		return
	}
	for _, n := range f.graph.Nodes {
		if n.Reach == modules.Startup && run.Mounted(n.File) {
			ask := c.started(f.entry)
			if n.From != nil {
				ask = c.ask(f, modules.Lack{From: n.From, Import: n.Import, Reach: n.Reach})
			}
			c.hides = append(c.hides, lang.Hide{At: n.File, Mount: over(run, n.File), Run: run, Ask: ask})
		}
	}
}

// origin gives where a file of the image stands in the build context, "" if it comes from elsewhere.
func (c *programs) origin(file string) string {
	o, ok := c.origins[file]
	if !ok {
		o, _ = c.ContextPath(c.Tree, file)
		c.origins[file] = o
	}
	return o
}

// wanted gives the file of the build context that a file of the image means by a name, and where it would be in the image; "" if it means
// none.
func (c *programs) wanted(from, spec string) (source, at string) {
	if origin := c.origin(from); origin != "" {
		return modules.Wanted(c.repo, from, "/"+origin, spec)
	}
	return "", ""
}

// alsoThere gives the file of the image that a name means as the build context tells, where the image itself does not.
func (c *programs) alsoThere(from, spec string) string {
	if _, at := c.wanted(from, spec); at != "" && c.Tree.Stat(at) == shell.Regular {
		return at
	}
	return ""
}

// sort decides what a name that leads nowhere means: the repository's own and to be reported, or somebody else's.
func (c *programs) sort(f followed, l modules.Lack) {
	source, at := c.wanted(l.From.File, l.Import.Spec)
	if source == "" {
		c.dependency(f.entry, l.Import.Spec, l.From.File, "/"+c.origin(l.From.File), c.ask(f, l))
		return
	}
	source, at = modules.Topmost(source, at, func(dir string) bool { return c.Tree.Entries(dir) == nil })
	source = view.InContext(source)
	if files, git, err := c.Tracked(source); err != nil || git && len(files) == 0 {
		c.unread = cmp.Or(c.unread, err)
		return // what git does not track somebody makes
	}
	if f.entry.Run.Mounted(at) {
		c.hiddenRun(f.entry.Run)
		return
	}
	g := c.groups[source]
	if g == nil {
		g = &group{source: source, at: at}
		c.groups[source] = g
	}
	ask := c.ask(f, l)
	g.reach = max(g.reach, ask.Reach)
	same := func(have need.Ask) bool { return have.At.File == ask.At.File && have.At.Line == ask.At.Line }
	if i := slices.IndexFunc(g.asks, same); i < 0 {
		g.asks = append(g.asks, ask)
	} else if g.asks[i].Reach < ask.Reach {
		g.asks[i] = ask
	}
}

// started is the command that starts an entry.
func (c *programs) started(e lang.Entry) need.Ask {
	at := finding.Position{File: e.Origin.File, Line: e.Origin.Line}
	if e.Origin.InImage {
		if o := c.origin(e.Origin.File); o != "" {
			at.File = simulate.Shown(c.Main.Dir, o)
		}
	}
	return need.Ask{At: at, Text: e.Origin.Text, Reach: need.Startup}
}

// ask gives a place that asks for something as it is shown.
func (c *programs) ask(f followed, l modules.Lack) need.Ask {
	return c.askAt(f.entry, l, c.origin(l.From.File))
}

// askAt is ask of a source that is a path of the build context; "": it comes from elsewhere.
func (c *programs) askAt(e lang.Entry, l modules.Lack, source string) need.Ask {
	n := l.From
	a := need.Ask{At: finding.At(n.File, n.Source.Range(l.Import)), Text: n.Source.Text(l.Import.Start, l.Import.End), Reach: reach(e, l.Reach), File: n.File}
	if source != "" {
		a.At.File = simulate.Shown(c.Main.Dir, source)
	}
	a.Branch = e.Conditional && l.Reach > modules.Lazy
	for _, w := range n.Way() {
		a.Way = append(a.Way, path.Base(w.File))
	}
	return a
}

// reach is how something is reached that is reached so from an entry: what a branch starts need not be started, and what may fail is
// guarded.
func reach(e lang.Entry, r modules.Reach) need.Reach {
	out := need.Reach(r)
	if e.Conditional {
		out = min(out, need.Lazy)
	}
	if e.Tolerated {
		out = min(out, need.Guarded)
	}
	return out
}

// result gives what was followed and sorted, in a fixed order.
func (c *programs) result() *lang.Followed {
	out := &lang.Followed{Hidden: c.hidden, Hides: c.hides, Faults: c.absent, Reads: c.reading, Modules: c.sources, Imports: c.imports, Programs: len(c.graphs), Cycles: func() []lang.Fault { return nil }}
	seen := map[string]bool{}
	for _, f := range c.graphs {
		for _, n := range f.graph.Nodes {
			if seen[n.File] {
				continue
			}
			seen[n.File] = true
			if n.Source != nil {
				out.Modules++
				out.Imports += n.Imports
				for _, r := range c.reads(f, n) {
					if !slices.ContainsFunc(out.Reads, func(have lang.Read) bool { return have.At == r.At }) {
						out.Reads = append(out.Reads, r)
					}
				}
			}
			if o := c.origin(n.File); o != "" {
				out.Files = append(out.Files, lang.File{Path: o, Ask: func() need.Ask {
					if n.From == nil {
						return c.started(f.entry)
					}
					return c.ask(f, modules.Lack{From: n.From, Import: n.Import, Reach: n.Reach})
				}})
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.groups)) {
		g := c.groups[key]
		slices.SortStableFunc(g.asks, func(a, b need.Ask) int { return -cmp.Compare(a.Reach, b.Reach) })
		out.Needs = append(out.Needs, &need.Need{
			Name: g.source, Source: g.source, At: g.at, Wants: []string{g.at}, Asks: g.asks, Reach: g.reach, Top: true, Ways: c,
		})
	}
	return out
}

// reads gives what a file reads when it is loaded, where the image has nothing.
func (c *programs) reads(f followed, n *modules.Node) (out []lang.Read) {
	if n.Reach != modules.Startup || f.entry.Conditional || f.entry.Tolerated {
		return nil
	}
	workdir := f.graph.Workdir(f.entry.Workdir)
	for _, r := range n.Source.Reads {
		at := readAt(r, path.Dir(n.File), workdir)
		if kind := c.Tree.Stat(at); at == "" || kind == shell.Regular || kind == shell.Directory || f.entry.Run.Mounted(at) {
			continue
		}
		ask := c.ask(f, modules.Lack{From: n, Import: syntax.Import{Start: r.Start, End: r.End}, Reach: n.Reach})
		out = append(out, lang.Read{At: at, Dir: r.Dir, Ask: ask})
	}
	return out
}

// OwnSource implements need.Ways.
func (*programs) OwnSource(p string) bool { return syntax.IsSource(p) }

// Err implements lang.Programs.
func (c *programs) Err() error { return c.unread }

// Steered implements need.Ways: a path from the file that asks leads where it leads.
func (*programs) Steered() string { return "" }

// Elsewhere implements need.Ways.
func (*programs) Elsewhere(*need.Need) (at dockerfile.Location, ok bool) { return at, false }

// Made implements need.Ways.
func (*programs) Made(p string) bool {
	base := path.Base(p)
	return strings.Contains(base, ".gen.") || strings.Contains(base, ".generated.") || slices.ContainsFunc(strings.Split(p, "/"), func(name string) bool {
		return name == "dist" || name == "build" || name == "generated" || name == "__generated__" || name == "out" || name == "lib-dist"
	})
}

// Makes implements need.Ways.
func (c *programs) Makes(op *dockerfile.Op, ignored, installs bool) bool {
	return need.PutsSources(c.Build, op, ignored) || installs && slices.ContainsFunc(c.Script(op).Calls, func(call *command.Call) bool {
		return command.Is(call.Base, command.Builder)
	})
}

// Command implements lang.Programs: what packages install is theirs.
func (*programs) Command(string) (target string, ok bool) { return "", false }

// Starts implements lang.Programs: who starts a program names its file.
func (*programs) Starts(lang.Entry) (found bool, files []string) { return true, nil }

// Unreached implements lang.Programs: a file counts at one place alone.
func (*programs) Unreached(*need.Need, string) (advice, searchDir string, searched bool) {
	return "", "", false
}
