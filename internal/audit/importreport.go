package audit

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// reportAll reports what was sorted, in a fixed order.
func (c *importCheck) reportAll() error {
	for _, key := range sortedKeys(c.groups) {
		if err := c.reportGroup(c.groups[key]); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(c.names) {
		c.reportName(c.names[key])
	}
	for _, e := range c.scripts {
		if c.subject.Policy.Require.EntrypointExists {
			continue
		}
		if err := c.reportScript(e); err != nil {
			return err
		}
	}
	for _, e := range c.unresolved {
		c.reportUnresolved(e)
	}
	for _, key := range sortedKeys(c.nowhere) {
		c.reportNowhere(c.nowhere[key])
	}
	for _, m := range c.misplaced {
		c.reportMisplaced(m)
	}
	return nil
}

// reportGroup reports a package or module that the image lacks, or has where no search path leads.
func (c *importCheck) reportGroup(g *missingGroup) error {
	slices.SortStableFunc(g.missing, func(a, b imports.Missing) int { return -cmp.Compare(a.Reach, b.Reach) })
	check := &moduleCheck{pass: c.pass, module: policy.Module{Path: g.repo}, dir: g.repo}
	if err := check.collect(); err != nil {
		return err
	}
	if err := check.locate(); err != nil {
		return err
	}
	f := finding.Finding{
		Module: g.module, ContextPath: g.repo, Files: check.reach.Missing(),
		Subject: c.sitePosition(g.missing[0]), Assumptions: c.assumptions(c.image.Opaque),
	}
	for _, m := range g.missing {
		f.Related = append(f.Related, c.sitePlace(m))
	}
	sites := count(len(g.missing), "import") + " of it"
	if g.entry != nil {
		sites = "it is what the image starts"
	}
	detail := []string{c.way(g.missing[0])}
	at := c.lies(check, g)
	if at != "" && !c.searched(g, at) {
		f.Rule, f.ImagePath = finding.ImportNotReachable, at
		f.Hint.SearchDir = parentOf(at, g.module)
		f.Summary = fmt.Sprintf("%s is in the image, at %s, and no search path leads to it (%s)", g.module, at, sites)
		detail = append(detail, c.wouldReach(g, at))
	} else {
		if at != "" {
			// It is where it is searched, and what was asked for is not in it.
			return nil
		}
		f.Rule = finding.ImportNotInImage
		f.Hint.Wants = c.wants(g)
		f.Summary = fmt.Sprintf("%s is not in the image (%s)", g.module, sites)
		if len(check.reach.Uncopied) > 0 {
			subject := f.Subject
			why, err := check.explainUncopied(&f)
			if err != nil {
				return err
			}
			f.Subject = subject
			detail = append(detail, fmt.Sprintf("%s is in the repository: %s", g.repo, why))
		}
		if len(check.reach.Ignored) > 0 {
			subject := f.Subject
			detail = append(detail, fmt.Sprintf("%s is in the repository.", g.repo))
			detail = append(detail, check.explainIgnored(&f)...)
			f.Subject = subject
		}
	}
	f.Severity = finding.Error
	if g.reach <= lang.Guarded {
		f.Severity = finding.Warning
		detail = append(detail, "Every import of it is guarded: the program starts without it.")
	}
	reason, silent, err := c.doubt(g, check, f.Rule)
	if err != nil || silent {
		return err
	}
	if reason != "" && f.Severity == finding.Error {
		f.Severity = finding.Warning
		detail = append(detail, reason)
	}
	f.Detail = strings.Join(detail, " ")
	c.add(f)
	return nil
}

// steered gives a place that may put a directory on the search path that is not known; "" if there is none.
func (c *importCheck) steered() string {
	if len(c.pathSteps) > 0 {
		l := c.pathSteps[0]
		return fmt.Sprintf("%s:%d %q", l.File, l.Range.Start.Line, l.Text)
	}
	if len(c.unknownPaths) > 0 {
		return fmt.Sprintf("%s:%d", c.unknownPaths[0].File, c.unknownPaths[0].Line)
	}
	return ""
}

// tracked reports whether git tracks a file or directory of the context, or anything below it; ok is false where there is
// no git to ask.
func (c *importCheck) tracked(p string) (tracked, ok bool, err error) {
	if c.subject.Tracked == nil {
		return false, false, nil
	}
	files, ok, err := c.subject.Tracked(c.main.Dir, p)
	return len(files) > 0, ok, err
}

// lies gives where the missing package is in the image off the search path, "" if it is not there or not whole.
func (c *importCheck) lies(check *moduleCheck, g *missingGroup) string {
	if len(check.reach.Found) == 0 {
		return ""
	}
	for _, f := range check.files {
		if l, ok := check.reach.Found[f]; ok {
			if !strings.HasSuffix(f, ".py") {
				continue
			}
			up := strings.Count(strings.TrimPrefix(f, g.repo), "/")
			at := l.Path
			for range up {
				at = path.Dir(at)
			}
			return at
		}
	}
	return ""
}

// searched reports whether a package lies where a search path leads to it.
func (c *importCheck) searched(g *missingGroup, at string) bool {
	want := "/" + strings.ReplaceAll(g.module, ".", "/")
	dir, ok := strings.CutSuffix(strings.TrimSuffix(at, ".py"), want)
	return ok && slices.ContainsFunc(c.searchDirs, func(d lang.SearchDir) bool { return d.Dir == dir || dir == "" && d.Dir == "/" })
}

// wants gives the places in the image at which a missing package would be found: in its parent package, or in the first
// directories of the search path.
func (c *importCheck) wants(g *missingGroup) []string {
	dirs := c.searchDirs
	if p := g.missing[0].Parent; p != nil {
		dirs = p.Path
	}
	var out []string
	for _, d := range dirs {
		at := path.Join(d.Dir, path.Base(g.repo))
		if d.Tree == lang.Tree(c.tree) && d.Note == "" && !slices.Contains(out, at) && len(out) < 3 {
			out = append(out, at)
		}
	}
	return out
}

// parentOf gives the directory that must be on the search path for a module that lies at a path; "" if its own name there is
// another one.
func parentOf(at, module string) string {
	dir, ok := strings.CutSuffix(strings.TrimSuffix(at, ".py"), "/"+strings.ReplaceAll(module, ".", "/"))
	if !ok {
		return ""
	}
	return path.Join("/", dir)
}

// wouldReach says what would put a package that lies somewhere on a search path.
func (c *importCheck) wouldReach(g *missingGroup, at string) string {
	name := g.module[strings.LastIndexByte(g.module, '.')+1:]
	base := strings.TrimSuffix(path.Base(at), ".py")
	var dirs []string
	for _, d := range c.searchDirs {
		if !slices.Contains(dirs, d.Dir) {
			dirs = append(dirs, d.Dir)
		}
	}
	searched := "The search path is " + strings.Join(dirs, ", ") + "."
	if len(dirs) == 0 {
		searched = "The search path has no directory of this image."
	}
	if base != name {
		return fmt.Sprintf("%s Its directory lost its name: it must be called %s.", searched, name)
	}
	parent := path.Dir(at)
	for range strings.Count(g.module, ".") {
		parent = path.Dir(parent)
	}
	return fmt.Sprintf("%s %s on PYTHONPATH would lead to it, or WORKDIR %s if the program searches its working directory.", searched, parent, parent)
}

// reportName reports a name that a module does not export.
func (c *importCheck) reportName(n *missingName) {
	slices.SortStableFunc(n.missing, func(a, b imports.Missing) int { return -cmp.Compare(a.Reach, b.Reach) })
	m := n.missing[0]
	module := m.Module
	if m.Kind == imports.NoModule {
		module = m.Parent.Name
	}
	f := finding.Finding{
		Rule: finding.NameNotExported, Module: module, Subject: c.sitePosition(m), About: finding.About{Name: m.Name},
		Summary: fmt.Sprintf("%s does not export %s (%s)", module, m.Name, count(len(n.missing), "import")),
	}
	for _, m := range n.missing {
		f.Related = append(f.Related, c.sitePlace(m))
	}
	detail := []string{c.way(m)}
	switch {
	case n.definedIn != "":
		if file, ok := c.exportFile(m); ok {
			f.Hint.ExportFile, f.Hint.ExportFrom, f.Hint.ExportName = file, n.definedIn, m.Name
			if data, err := c.repo.Read(file); err == nil {
				f.Hint.ExportLine = imports.BehindImports(data)
			}
		}
		detail = append(detail, fmt.Sprintf("The submodule %s defines it: `from .%s import %s` in the package's __init__.py would export it.", n.definedIn, n.definedIn, m.Name))
	case len(n.exports) > 0:
		detail = append(detail, fmt.Sprintf("It exports %s.", someOf(n.exports, 12)))
	default:
		detail = append(detail, "It exports nothing.")
	}
	f.Severity = finding.Error
	step := c.stepEdits(n.module.File)
	if step == "" && n.module.IsPackage() && m.Name == strings.ToLower(m.Name) {
		// It may be a submodule.
		step = c.mayMakeModules(true, false)
	}
	switch {
	case m.Reach <= lang.Guarded:
		f.Severity = finding.Warning
	case step != "":
		f.Severity = finding.Warning
		detail = append(detail, fmt.Sprintf("It is not proved: the step %q may add it.", step))
	}
	f.Detail = strings.Join(detail, " ")
	c.add(f)
}

// exportFile gives the __init__.py, in the build context, of the package that lacks a name.
func (c *importCheck) exportFile(m imports.Missing) (string, bool) {
	if m.Parent == nil || m.Parent.Kind != imports.Package {
		return "", false
	}
	return c.contextPath(m.Parent.Tree, m.Parent.File)
}

// reportNowhere reports a submodule of a package of the project that exists neither in the image nor in the repository.
func (c *importCheck) reportNowhere(m imports.Missing) {
	if m.Parent.File == "" && m.Parent.Kind != imports.Namespace || m.Parent.Kind == imports.Extension {
		return
	}
	dir := m.Parent.File
	if len(m.Parent.Path) > 0 {
		dir = m.Parent.Path[0].Dir
	}
	if _, ok := c.origin(m.Parent.Tree, dir); !ok && m.Parent.Kind != imports.Plain {
		return
	}
	if m.Parent.Kind == imports.Plain || m.Parent.Kind == imports.Namespace || m.Reach <= lang.Guarded || c.generated(m) {
		return
	}
	c.add(finding.Finding{
		Rule: finding.ImportNotFound, Severity: finding.Warning, Module: m.Module, Subject: c.sitePosition(m), Related: []finding.Place{c.sitePlace(m)},
		Summary: fmt.Sprintf("%s exists neither in the image nor in the repository", m.Module),
		Detail:  fmt.Sprintf("%s The package %s is there, and has no module of that name.", c.way(m), m.Parent.Name),
	})
}

// reportMisplaced reports a relative import that Python refuses. It is a warning: a tool may run a file under another name.
func (c *importCheck) reportMisplaced(m imports.Missing) {
	detail := "It goes beyond the top-level package " + m.From.Module.Name + ": the directory above is not part of it here."
	if m.From.Module.Name == "__main__" {
		detail = "A file that is run as a script has no package that it could be relative to; python -m runs it as part of its package."
	} else if !strings.Contains(m.From.Module.Name, ".") && !m.From.Module.IsPackage() {
		detail = m.From.Module.Name + " is a top-level module here, and has no package that it could be relative to."
	}
	c.add(finding.Finding{
		Rule: finding.ImportNotFound, Severity: finding.Warning, Module: m.Module, Subject: c.sitePosition(m), Related: []finding.Place{c.sitePlace(m)},
		About:   finding.About{Site: c.sitePosition(m).File},
		Summary: fmt.Sprintf("the relative import of %s leads nowhere", m.Module),
		Detail:  c.way(m) + " " + detail,
	})
}

// generated reports whether a module has a name that builds give to files they make, or is one that git ignores.
func (c *importCheck) generated(m imports.Missing) bool {
	name := m.Module[strings.LastIndexByte(m.Module, '.')+1:]
	if generatedName(name) {
		return true
	}
	for _, d := range m.Parent.Path {
		if o, ok := c.origin(d.Tree, d.Dir); ok && c.compiledFrom(o, name) {
			return true
		}
	}
	if c.subject.GitIgnored == nil {
		return false
	}
	var paths []string
	for _, d := range m.Parent.Path {
		if o, ok := c.origin(d.Tree, d.Dir); ok {
			paths = append(paths, path.Join(o, name+".py"), path.Join(o, name, "__init__.py"))
		}
	}
	return len(c.subject.GitIgnored(c.main.Dir, paths)) > 0
}

// namesake gives a file of the image that has the base name of a path and comes from the context.
func (c *importCheck) namesake(p string) string {
	found := ""
	_ = c.image.Tree.Scan(func(at string, n *rootfs.Node) error {
		if n.Kind == rootfs.KindFile && path.Base(at) == path.Base(p) {
			if _, ok := c.image.Origin(n); ok {
				found = at
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}

// reportUnresolved tells of what is started and was found nowhere, so that nobody takes silence for a pass.
func (c *importCheck) reportUnresolved(e entry) {
	f := finding.Finding{
		Rule: finding.EntrypointUnknown, Module: e.Module, Subject: c.sitePosition(imports.Missing{Site: e.Site}),
		Summary: fmt.Sprintf("%s, which the image starts, was found neither in the image nor in the repository", e.Module),
		Detail:  "Its imports are not followed. If it is the project's own, the image's working directory or search path does not lead to it.",
	}
	last := "/" + strings.ReplaceAll(e.Module, ".", "/")
	for _, suffix := range []string{".py", "/__init__.py"} {
		if at := c.namesake(last + suffix); at != "" && suffix == ".py" && strings.HasSuffix(at, last+suffix) {
			f.Detail = fmt.Sprintf("A file that could be it is at %s, where no search path leads.", at)
		}
	}
	c.add(f)
}

// reportCycles reports names that are asked for too early.
func (c *importCheck) reportCycles(g *imports.Graph) {
	for _, cy := range g.Cycles() {
		site := imports.Missing{Site: cy.Site, Reach: lang.Startup, From: g.Nodes[cy.Site.Importer]}
		pendingSite := imports.Missing{Site: cy.Pending, Reach: lang.Startup, From: g.Nodes[cy.Pending.Importer]}
		pending := c.sitePosition(pendingSite)
		if c.cycles[c.sitePosition(site)] {
			continue // another entry comes to it too
		}
		c.cycles[c.sitePosition(site)] = true
		c.add(finding.Finding{
			Rule: finding.ImportCycle, Module: cy.Module, Subject: c.sitePosition(site),
			About:   finding.About{Site: c.sitePosition(site).File, Name: cy.Name},
			Summary: fmt.Sprintf("%s is asked for %s while it is still being imported", cy.Module, cy.Name),
			Detail:  fmt.Sprintf("It has got as far as %s:%d, and binds %s only below.", pending.File, pending.Line, cy.Name),
			Related: []finding.Place{
				c.sitePlace(site), c.sitePlace(pendingSite),
			},
		})
	}
}

// checkSearchPath looks for entries of PYTHONPATH, as this Dockerfile sets it, that lead nowhere.
func (c *importCheck) checkSearchPath() {
	loc := c.image.Plan.ConfigSources.Env["PYTHONPATH"]
	if _, asked := c.subject.Policy.Require.Env["PYTHONPATH"]; loc.IsZero() || asked {
		return
	}
	value, _ := lookupEnv(c.image.Plan.Config.Env, "PYTHONPATH")
	for _, dir := range c.missingDirs(strings.Trim(value, ":")) {
		f := c.pathMissing(finding.SearchPathEntryMissing, dir, fmt.Sprintf("PYTHONPATH has %s, which is no directory of the image", dir), []finding.Place{instruction(finding.RoleSets, loc)})
		f.Subject, f.Severity, f.About.Variable = position(loc), finding.Warning, "PYTHONPATH"
		c.add(f)
	}
}

// sitePosition gives a place in the image as one in the repository, where the file comes from it.
func (c *importCheck) sitePosition(m imports.Missing) finding.Position {
	p := finding.At(m.Site.File, m.Site.Range)
	if m.From != nil {
		if o, ok := c.contextPath(m.From.Module.Tree, m.Site.File); ok {
			p.File = simulate.Shown(c.main.Dir, o)
		}
	}
	return p
}

// sitePlace gives the place of an import with how it is reached.
func (c *importCheck) sitePlace(m imports.Missing) finding.Place {
	p := c.sitePosition(m)
	return finding.Place{Role: finding.RoleImports, File: p.File, Line: p.Line, Text: m.Site.Text, Note: m.Reach.String()}
}

// way tells how the program comes to an import: from the command through the modules to the site.
func (c *importCheck) way(m imports.Missing) string {
	var parts []string
	if m.From != nil {
		for _, n := range m.From.Way() {
			name := n.Module.Name
			if name == "__main__" {
				name = path.Base(n.Module.File)
			}
			if len(parts) == 0 || parts[len(parts)-1] != name {
				parts = append(parts, name)
			}
		}
	}
	p := c.sitePosition(m)
	parts = append(parts, fmt.Sprintf("%s:%d", p.File, p.Line))
	if len(parts) > 8 {
		parts = append(append(parts[:4:4], "..."), parts[len(parts)-3:]...)
	}
	when := map[lang.Reach]string{
		lang.Startup: "It is needed to start", lang.Lazy: "It is needed when a function runs", lang.Guarded: "It is asked for, and can be done without",
	}[m.Reach]
	switch {
	case m.Reach == lang.Lazy && c.inBranch[p]:
		when = "It is needed where a branch of the entry script starts it"
	case m.Reach == lang.Lazy && strings.HasPrefix(m.Site.Text, `"`):
		when = "A string names it, which a framework imports"
	}
	return fmt.Sprintf("%s: %s.", when, strings.Join(parts, " -> "))
}

// someOf lists names, the first few.
func someOf(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
