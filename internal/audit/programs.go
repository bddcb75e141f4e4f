package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/languages"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// checkPrograms follows what the image starts, through the image, and reports what the repository could satisfy and the image cannot.
func checkPrograms(p *pass) error {
	if p.main == nil {
		return nil
	}
	c := newProgramCheck(p)
	entries := c.started(true)
	if err := c.follow(entries); err != nil {
		return err
	}
	c.addProgram()
	c.reportNotInPath()
	for i, l := range languages.All {
		if c.followed[i].Programs > 0 {
			c.checkSearchPath(l.SearchPath)
		}
	}
	if err := c.reportAll(); err != nil {
		return err
	}
	for i, l := range languages.All {
		if l.Runs {
			c.reportSliver(l, c.followed[i].Files)
		}
	}
	c.report.Unchecked = c.unchecked()
	return nil
}

// unchecked names the programs that are started and that nobody could follow, where nothing else is said of them.
func (c *programCheck) unchecked() (out []string) {
	for _, e := range c.scripts {
		source := slices.ContainsFunc(languages.All, func(l lang.Language) bool { return l.Of == e.Lang && l.Source(e.Path) })
		told := slices.ContainsFunc(c.report.Findings, func(f finding.Finding) bool { return f.ImagePath == e.Path })
		if (source || e.Lang == program.Other) && !told && !slices.Contains(c.viaSource, e.Path) && e.Kind == program.Script && len(out) < maxNamed {
			out = append(out, e.Path)
		}
	}
	return out
}

// programCheck is one run over what an image starts.
type programCheck struct {
	*pass
	// programs are those of each language, in the order of languages.All, followed what became of them.
	programs []lang.Programs
	// products are programs that a step makes, viaSource those of them that were followed by way of their sources.
	products  []lang.Entry
	viaSource []string
	followed  []*lang.Followed
	runAt     map[*program.Run]finding.Position
	// written are the files that the entry scripts write when the container starts.
	written map[string]shell.Origin
	// made are the places in which known programs may make files then.
	made []program.Made
	// scripts are started and not known to be in the image.
	scripts []program.Entry
}

func newProgramCheck(p *pass) *programCheck {
	c := &programCheck{pass: p, runAt: map[*program.Run]finding.Position{}, written: map[string]shell.Origin{}}
	for _, l := range languages.All {
		c.programs = append(c.programs, l.Look(p.build))
	}
	return c
}

// started gives what the image starts, and what the policy adds, without what is known not to be in the image. With tell it
// reports what was not understood, and remembers what is missing.
func (c *programCheck) started(tell bool) []lang.Entry {
	var all []lang.Entry
	var notes []shell.Note
	runs := c.runs()
	for i, result := range c.results(runs) {
		r := runs[i]
		c.runAt[&r.Run] = r.at
		maps.Copy(c.written, result.Written)
		c.made = append(c.made, result.Made...)
		for _, s := range result.Entries {
			if s.Kind == program.File {
				c.there([]lang.Entry{{Entry: s, Run: &r.Run}})
			} else {
				all = append(all, lang.Entry{Entry: s, Run: &r.Run})
			}
		}
		for _, n := range result.Notes {
			if !slices.Contains(notes, n) && r.told() {
				notes = append(notes, n)
			}
		}
	}
	if tell {
		c.reportUntold(all, notes)
	}
	for _, r := range c.health() {
		entries, _ := program.Analyze(r.Input)
		for _, s := range entries {
			s.Health = true
			all = append(all, lang.Entry{Entry: s, Run: &r.Run})
		}
	}
	for i, command := range c.subject.Policy.Entrypoints {
		r := &program.Run{Input: c.ownStart()}
		r.Entrypoint = program.Command{}
		r.Cmd = program.Command{Args: []string{"/bin/sh", "-c", command}, Origin: shell.Origin{Text: command}}
		if asked := c.required("entrypoints", i); len(asked) > 0 {
			r.Cmd.Origin.File, r.Cmd.Origin.Line = asked[0].File, asked[0].Line
		}
		more, _ := program.Analyze(r.Input)
		for _, s := range more {
			all = append(all, lang.Entry{Entry: s, Run: r})
		}
	}
	return c.there(all)
}

// results gives what each of the runs starts.
func (c *programCheck) results(runs []*run) []program.Result {
	if c.pass.started == nil {
		for _, r := range runs {
			c.pass.started = append(c.pass.started, program.Follow(r.Input))
		}
	}
	return c.pass.started
}

// there leaves out what is known not to be in the image, and remembers it.
func (c *programCheck) there(entries []lang.Entry) []lang.Entry {
	return slices.DeleteFunc(entries, func(e lang.Entry) bool {
		if e.Kind != program.File && (e.Kind != program.Script || c.build.Tree.Stat(e.Path) == shell.Regular) {
			return false
		}
		if e.Run.Mounted(e.Path) {
			c.assumeMounted(e.Run)
		} else {
			c.addScript(e.Entry)
			c.products = append(c.products, e)
		}
		return true
	})
}

// of gives the entries that are written in a language.
func of(l lang.Language, entries []lang.Entry) (out []lang.Entry) {
	for _, e := range entries {
		if e.Lang == l.Of {
			out = append(out, e)
		}
	}
	return out
}

// follow follows the programs of each language.
func (c *programCheck) follow(entries []lang.Entry) error {
	c.followed = make([]*lang.Followed, len(languages.All))
	c.report.Started = started(entries)
	c.followCompiled()
	for round := 0; round == 0 || len(entries) > 0 && round < maxStarters; round++ {
		var starts []lang.Start
		for i, l := range languages.All {
			if round > 0 && len(of(l, entries)) == 0 {
				continue
			}
			c.followed[i] = c.programs[i].Follow(of(l, entries))
			starts = append(starts, c.followed[i].Starts...)
			if err := c.ctx.Err(); err != nil {
				return err
			}
		}
		entries = c.startedBy(starts)
	}
	for _, f := range c.followed {
		c.report.Modules += f.Modules
		c.report.Imports += f.Imports
		c.needs.Expect(len(f.Files))
		c.report.Followed = slices.Grow(c.report.Followed, len(f.Files))
		for _, file := range f.Files {
			c.report.Followed = append(c.report.Followed, simulate.Shown(c.main.Dir, file.Path))
			c.needs.Add(file.Path, func() need.Reason {
				ask := file.Ask()
				return need.Reason{At: ask.At, Place: ask.Place(), Why: "the program imports it"}
			})
		}
		for _, r := range f.Hidden {
			c.assumeMounted(r)
		}
	}
	return nil
}

// followCompiled follows the sources of programs that are not in the image before a step makes them, where a language can tell them.
func (c *programCheck) followCompiled() {
	for i, l := range languages.All {
		follower, ok := c.programs[i].(interface{ Compiled([]lang.Entry) []string })
		if !ok {
			continue
		}
		found := follower.Compiled(of(l, c.products))
		c.report.Started = append(c.report.Started, found...)
		c.viaSource = append(c.viaSource, found...)
	}
}

// maxNamed bounds the programs that a report names.
const maxNamed = 10

// started names the programs that are followed, in the order in which they are started.
func started(entries []lang.Entry) (out []string) {
	for _, e := range entries {
		name := cmp.Or(e.Module, e.Path)
		if e.Attr != "" {
			name += ":" + e.Attr
		}
		if e.Kind != program.File && name != "" && len(out) < maxNamed && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// maxStarters bounds how often a program that another one starts is followed for what it starts in turn, maxStarted how many
// commands of programs are followed.
const (
	maxStarters = 5
	maxStarted  = 256
)

// startedBy gives what programs start in turn. A script that is nowhere is left out: it may be made before.
func (c *programCheck) startedBy(starts []lang.Start) (out []lang.Entry) {
	for _, s := range starts[:min(len(starts), maxStarted)] {
		r := &program.Run{Input: s.Run.Input, Mounts: s.Run.Mounts}
		r.Entrypoint, r.Workdir = program.Command{}, s.Workdir
		r.Cmd = program.Command{Args: s.Args, Origin: shell.Origin{File: s.Ask.At.File, Line: s.Ask.At.Line, Text: s.Ask.Text}}
		entries, _ := program.Analyze(r.Input)
		for _, e := range entries {
			e.Conditional = e.Conditional || s.Ask.Reach < need.Startup
			if known := c.build.Tree.Stat(e.Path); e.Kind == program.Script && known != shell.Regular && c.counterpart(e.Path, known == shell.Absent, false) == "" {
				continue
			}
			out = append(out, lang.Entry{Entry: e, Run: r})
		}
	}
	return c.there(out)
}

// reportAll reports what was found, in a fixed order.
func (c *programCheck) reportAll() error {
	for i, f := range c.followed {
		for _, n := range f.Needs {
			if err := c.reportNeed(n, c.programs[i]); err != nil {
				return err
			}
		}
		c.reportHidden(f.Hides)
		for _, r := range f.Reads {
			if err := c.reportRead(r, c.programs[i]); err != nil {
				return err
			}
		}
		faults := f.Faults
		if c.subject.Verbose {
			faults = append(faults, f.Cycles()...)
		}
		for _, fault := range faults {
			c.reportFault(fault, c.programs[i])
		}
	}
	for _, e := range c.scripts {
		if c.subject.Policy.Require.EntrypointExists {
			continue
		}
		if err := c.reportScript(e); err != nil {
			return err
		}
	}
	return c.unread()
}

func (c *programCheck) unread() error {
	for _, p := range c.programs {
		if err := p.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Usage tells who uses a module, of those that what the image starts reaches.
type Usage struct {
	// Module is its name as the program imports it; "" if nothing imports it.
	Module string
	// Imports are the sites that import it, or something below it if it is a package; sorted by place.
	Imports []finding.Place
	// Exports are the names that it offers, if it is in the image.
	Exports []string
	// Findings are what a check of the image says about it, the worst first.
	Findings []finding.Finding
}

// IsSource reports whether a path is that of a source file of a language whose programs are followed.
func IsSource(path string) bool {
	return slices.ContainsFunc(languages.All, func(l lang.Language) bool { return l.Source(path) })
}

// Omitted are what may be left out at the end of a file's name where a program asks for it by a path.
func Omitted() (out []string) {
	for _, l := range languages.All {
		out = append(out, l.Omitted...)
	}
	return out
}

// Importers finds the imports of a module, named by its path in the main context.
func Importers(m *simulate.Image, main *simulate.Context, s Subject, contextPath string) (*Usage, error) {
	c := newProgramCheck(s.lookingOnly(m, main))
	if err := c.follow(c.started(false)); err != nil {
		return nil, err
	}
	u := &Usage{}
	for i, p := range c.programs {
		used := p.Usage(contextPath)
		if u.Module == "" {
			u.Module, u.Exports = used.Module, used.Exports
		}
		for _, ask := range used.Asks {
			u.Imports = append(u.Imports, ask.Place())
		}
		for _, n := range c.followed[i].Needs {
			if !simulate.Within(n.Source, contextPath) && !simulate.Within(contextPath, n.Source) {
				continue
			}
			if err := c.reportNeed(n, p); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(u.Imports, func(a, b finding.Place) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	u.Imports = slices.CompactFunc(u.Imports, func(a, b finding.Place) bool { return a.File == b.File && a.Line == b.Line })
	u.Findings = c.report.Findings
	slices.SortStableFunc(u.Findings, finding.Compare)
	return u, c.unread()
}

// lookingOnly is a pass over an image of the subject from which nothing is reported.
func (s Subject) lookingOnly(m *simulate.Image, main *simulate.Context) *pass {
	if s.Policy == nil {
		s.Policy = &policy.Image{}
	}
	if s.Facts == nil {
		s.Facts = view.NewFacts()
	}
	return newPass(context.Background(), s, m, main, &finding.ImageReport{})
}

// ModulePath gives the path in the main context of the directory or file of a module, by the name under which the
// program imports it. ok is false if it is nowhere.
func ModulePath(m *simulate.Image, main *simulate.Context, s Subject, name string) (contextPath string, ok bool, err error) {
	c := newProgramCheck(s.lookingOnly(m, main))
	entries := c.started(false)
	for i, l := range languages.All {
		if contextPath, ok = c.programs[i].Locate(name, of(l, entries)); ok {
			break
		}
	}
	return contextPath, ok, c.unread()
}

// Foreign says of a module that is not the project's own whose it is, with the place that declares it. It gives "" for a name that
// nobody is known to provide.
func Foreign(m *simulate.Image, main *simulate.Context, name string) (sentence string, place *finding.Place, err error) {
	c := newProgramCheck(Subject{}.lookingOnly(m, main))
	for _, p := range c.programs {
		if sentence, place = p.Provider(name); sentence != "" {
			break
		}
	}
	return sentence, place, c.unread()
}

// trail gives how the program comes to something: from the command through the modules to the site.
func trail(a need.Ask) []string {
	parts := append(slices.Clone(a.Way), fmt.Sprintf("%s:%d", a.At.File, a.At.Line))
	if len(parts) > 8 {
		parts = append(append(parts[:4:4], "..."), parts[len(parts)-3:]...)
	}
	return parts
}

// way says how, and how surely, the program comes to something.
func way(a need.Ask) string {
	when := map[need.Reach]string{
		need.Startup: "It is needed to start", need.Conditional: "It is needed if a condition holds at run time", need.Lazy: "It is needed when a function runs", need.Guarded: "It is optional",
	}[a.Reach]
	switch {
	case a.Reach == need.Lazy && a.Branch:
		when = "It is needed if the entry script takes the branch that starts it"
	case a.Reach == need.Lazy && a.Literal:
		when = "A framework imports it by name"
	}
	return fmt.Sprintf("%s: %s.", when, strings.Join(trail(a), " -> "))
}
