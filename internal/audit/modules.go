package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// checkModules holds every required directory of the context against the image: each file that belongs to it must have
// been copied into the image, and with its content.
func checkModules(p *pass) error {
	for i, m := range p.subject.Policy.Require.Modules {
		c := &moduleCheck{pass: p, need: need.Need{Name: m.Path, Source: path.Clean(m.Path), At: m.At}, asked: p.required("require", "modules", i)}
		if len(m.Include)+len(m.Exclude) > 0 {
			c.need.Wanted = func(rel string) bool {
				return (len(m.Include) == 0 || matchesAny(m.Include, rel)) && !matchesAny(m.Exclude, rel)
			}
		}
		if err := c.run(); err != nil {
			return err
		}
	}
	return nil
}

// moduleCheck checks one module.
type moduleCheck struct {
	*pass
	need  need.Need
	asked []finding.Place
	*need.Verdict
}

func (c *moduleCheck) run() error {
	if c.main == nil {
		c.add(finding.Finding{
			Rule: finding.ModuleNotInImage, Severity: finding.Warning, Module: c.need.Name, Subject: c.last(), Related: c.asked,
			Summary: fmt.Sprintf("could not check %s: the build context is remote", c.need.Name),
			Detail:  "The files of a git or HTTP context are unknown until it is fetched.",
		})
		return nil
	}
	var err error
	if c.Verdict, err = need.Judge(c.build, &c.need); err != nil {
		return err
	}
	if len(c.Files) == 0 {
		return c.reportAbsent()
	}
	if !c.Whole() {
		return c.reportMissing()
	}
	return c.reportPassed()
}

func matchesAny(globs []string, p string) bool {
	for _, g := range globs {
		if doublestar.MatchUnvalidated(g, p) {
			return true
		}
	}
	return false
}

func (c *moduleCheck) reportAbsent() error {
	f := finding.Finding{
		Rule: finding.ModuleNotInImage, Module: c.need.Name, ContextPath: c.need.Source, Subject: c.subjectOfPolicy(), Related: c.asked,
		Summary: fmt.Sprintf("%s does not exist in the build context", c.need.Name),
		Detail:  fmt.Sprintf("The build context %s has no file of that module.", c.main.Dir),
	}
	if fi, err := c.main.FS.Lstat(c.need.Source); err == nil && fi.IsDir() {
		f.Summary = fmt.Sprintf("%s has no file that is required", c.need.Name)
		f.Detail = "The directory is empty, or include and exclude leave no file of it."
	} else if near, ok := simulate.NearestInContext(c.main, c.need.Source); ok {
		f.Detail += fmt.Sprintf(" Did you mean %s?", near)
	}
	c.add(f)
	return nil
}

// subjectOfPolicy is the place of the requirement itself, or the end of the stage if flags ask for it.
func (c *moduleCheck) subjectOfPolicy() finding.Position {
	if len(c.asked) > 0 {
		return finding.Position{File: c.asked[0].File, Line: c.asked[0].Line}
	}
	return c.last()
}

func (c *moduleCheck) reportMissing() error {
	missing := c.Verdict.Missing()
	f := finding.Finding{
		Rule: finding.ModuleNotInImage, Module: c.need.Name, ContextPath: c.need.Source, ImagePath: c.need.At, Files: missing,
		Subject: c.subjectOfPolicy(), Related: slices.Clone(c.asked), Assumptions: c.assumptions(c.image.Opaque),
	}
	if c.need.At != "" {
		f.Hint.Wants = []string{path.Clean(c.need.At)}
	}
	switch {
	case len(c.Files) == 1:
		f.Summary = fmt.Sprintf("%s is not in the image: its only file is missing", c.need.Name)
	case len(missing) == len(c.Files):
		f.Summary = fmt.Sprintf("%s is not in the image: all of its %d files are missing", c.need.Name, len(missing))
	default:
		f.Summary = fmt.Sprintf("%s is incomplete in the image: %d of %s missing", c.need.Name, len(missing), count(len(c.Files), "file"))
	}
	var detail []string
	if len(c.Verdict.Emptied) > 0 {
		detail = append(detail, fmt.Sprintf("%s in the image but empty: the ignore file includes the name and excludes the content, "+
			"because BuildKit evaluates it in two ways. Remove the repeated exclusion after the negation.",
			arrive(c.Verdict.Emptied)))
	}
	if len(c.Verdict.Uncopied) > 0 {
		why, err := c.explainUncopied(&f, c.Verdict, c.need.At)
		if err != nil {
			return err
		}
		detail = append(detail, why)
	}
	if len(c.Verdict.Ignored) > 0 {
		detail = append(detail, c.explainIgnored(&f, c.Verdict)...)
	}
	f.Detail = strings.Join(detail, " ")
	c.add(f)
	return nil
}

func arrive(files []string) string {
	if len(files) == 1 {
		return files[0] + " arrives"
	}
	return fmt.Sprintf("%d files are in the image", len(files))
}

// count gives a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// reportPassed shows what lets the module into the image.
func (c *moduleCheck) reportPassed() error {
	evidence := slices.Clone(c.asked)
	copies := map[int32]bool{}
	var dirs []string
	for _, f := range c.Files {
		l := c.Verdict.Found[f]
		for _, s := range c.image.Provenance(l.Node) {
			if s.Op.Kind == dockerfile.OpFile && !copies[s.Node.Op] {
				copies[s.Node.Op] = true
				evidence = append(evidence, instruction(finding.RoleCopies, s.Op.Location))
			}
		}
		if d := path.Dir(l.Path); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
		t, err := c.main.Explain(f)
		if err != nil {
			return err
		}
		evidence = append(evidence, c.ignoreEvidence(t)...)
	}
	evidence = append(evidence, c.searchPath(dirs)...)
	c.passed(fmt.Sprintf("module %s is in the image (%s)", c.need.Name, count(len(c.Files), "file")), evidence...)
	return nil
}

// ignoreEvidence gives the lines that had a say about a file that was let in.
func (c *moduleCheck) ignoreEvidence(t *dockerctx.Trail) []finding.Place {
	var out []finding.Place
	for _, s := range t.Steps {
		switch {
		case s.Effect == dockerctx.EffectExcludes:
			out = append(out, c.ignoreLine(finding.RoleExcludes, s.Line, ""))
		case s.Effect == dockerctx.EffectReincludes:
			out = append(out, c.ignoreLine(finding.RoleReincludes, s.Line, ""))
		case s.Reason == dockerctx.Repeated:
			out = append(out, c.ignoreLine(finding.RoleRedundant, s.Line, sentence(s)))
		case s.Line.Negated:
			out = append(out, c.ignoreLine(finding.RoleNoEffect, s.Line, noEffect(s, t)))
		}
	}
	return out
}

// searchPathVariables are the settings by which interpreters find modules.
var searchPathVariables = []string{"PYTHONPATH", "NODE_PATH", "RUBYLIB", "PERL5LIB", "CLASSPATH"}

// searchPath gives the instructions that put a directory above the files on a search path.
func (c *moduleCheck) searchPath(dirs []string) []finding.Place {
	var out []finding.Place
	for _, name := range searchPathVariables {
		value, ok := c.build.Env(name)
		loc := c.image.Plan.ConfigSources.Env[name]
		if !ok || loc.IsZero() {
			continue
		}
		for _, entry := range strings.Split(value, ":") {
			if path.IsAbs(entry) && slices.ContainsFunc(dirs, func(d string) bool { return rootedWithin(d, entry) }) {
				place := instruction(finding.RoleSearchPath, loc)
				place.Note = fmt.Sprintf("%s has %s", name, entry)
				out = append(out, place)
				break
			}
		}
	}
	return out
}

// rootedWithin is simulate.Within for absolute paths.
func rootedWithin(p, dir string) bool {
	dir = path.Clean(dir)
	return dir == "/" || simulate.Within(p, dir)
}

// nodeAt gives an entry of the image, links followed; nil if it is not known to exist. What an instruction copied from
// where it cannot be seen exists all the same, or the build would fail.
func (p *pass) nodeAt(imagePath string) *rootfs.Node {
	n, _, err := p.image.Tree.Stat(imagePath)
	if err != nil || n.Kind == rootfs.KindUnknown && n.Op < 0 {
		return nil
	}
	return n
}
