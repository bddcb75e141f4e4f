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
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// checkModules holds every required directory of the context against the image: each file that belongs to it must have
// been copied into the image, and with its content.
func checkModules(p *pass) error {
	for i, m := range p.subject.Policy.Require.Modules {
		c := &moduleCheck{pass: p, module: m, dir: path.Clean(m.Path), asked: p.required("require", "modules", i)}
		if err := c.run(); err != nil {
			return err
		}
	}
	return nil
}

// moduleCheck checks one module.
type moduleCheck struct {
	*pass
	module policy.Module
	dir    string
	asked  []finding.Place

	// removed is a step that surely removes what an instruction copied, and after which nothing may make it again; nil if none.
	removed *dockerfile.Op
	files   []string // of the module, relative to the context
	reach   *simulate.Reach
}

func (c *moduleCheck) run() error {
	if c.main == nil {
		c.add(finding.Finding{
			Rule: finding.ModuleNotInImage, Severity: finding.Warning, Module: c.module.Path, Subject: c.last(), Related: c.asked,
			Summary: fmt.Sprintf("%s cannot be checked: the build context is remote", c.module.Path),
			Detail:  "What a git or HTTP context holds is not known without fetching it.",
		})
		return nil
	}
	if err := c.collect(); err != nil {
		return err
	}
	if len(c.files) == 0 {
		return c.reportAbsent()
	}
	if err := c.locate(); err != nil {
		return err
	}
	if !c.reach.Whole() {
		return c.reportMissing()
	}
	return c.reportPassed()
}

// collect gives the files that belong to the module.
func (c *moduleCheck) collect() error {
	var all []string
	ok := false
	if c.subject.Tracked != nil {
		var err error
		if all, ok, err = c.subject.Tracked(c.main.Dir, c.dir); err != nil {
			return err
		}
	}
	if !ok || len(all) == 0 {
		var err error
		if all, err = simulate.FilesBelow(c.main.FS, c.dir); err != nil {
			return err
		}
	}
	for _, f := range all {
		rel := strings.TrimPrefix(f, c.dir+"/")
		if c.dir == "." {
			rel = f
		}
		if (len(c.module.Include) == 0 || matchesAny(c.module.Include, rel)) && !matchesAny(c.module.Exclude, rel) {
			// What git tracks and the working tree lacks cannot be in any image that is built here.
			if _, err := c.main.FS.Lstat(f); err == nil {
				c.files = append(c.files, f)
			}
		}
	}
	slices.Sort(c.files)
	return nil
}

func matchesAny(globs []string, p string) bool {
	for _, g := range globs {
		if doublestar.MatchUnvalidated(g, p) {
			return true
		}
	}
	return false
}

// locate finds where the files lie in the image, and why the others do not.
func (c *moduleCheck) locate() error {
	at := c.at
	if c.module.At == "" {
		at = nil
	}
	var err error
	c.reach, err = c.image.Reach(c.main, c.dir, c.files, at)
	return err
}

// at gives where the policy wants a file of the context.
func (c *moduleCheck) at(contextPath string) string {
	if contextPath == c.dir {
		return path.Clean(c.module.At)
	}
	return path.Join(c.module.At, strings.TrimPrefix(contextPath, c.dir+"/"))
}

func (c *moduleCheck) reportAbsent() error {
	f := finding.Finding{
		Rule: finding.ModuleNotInImage, Module: c.module.Path, ContextPath: c.dir, Subject: c.subjectOfPolicy(), Related: c.asked,
		Summary: fmt.Sprintf("%s does not exist in the build context", c.module.Path),
		Detail:  fmt.Sprintf("The build context %s holds no file of that module.", c.main.Dir),
	}
	if fi, err := c.main.FS.Lstat(c.dir); err == nil && fi.IsDir() {
		f.Summary = fmt.Sprintf("%s holds no file that is required", c.module.Path)
		f.Detail = "The directory exists, but it is empty, or no file of it is left once include and exclude are applied."
	} else if near, ok := simulate.NearestInContext(c.main, c.dir); ok {
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
	missing := c.reach.Missing()
	f := finding.Finding{
		Rule: finding.ModuleNotInImage, Module: c.module.Path, ContextPath: c.dir, ImagePath: c.module.At, Files: missing,
		Subject: c.subjectOfPolicy(), Related: slices.Clone(c.asked), Assumptions: c.assumptions(c.image.Opaque),
	}
	if c.module.At != "" {
		f.Hint.Wants = []string{path.Clean(c.module.At)}
	}
	if len(missing) == len(c.files) {
		f.Summary = fmt.Sprintf("%s is not in the image: none of its %s reaches it", c.module.Path, count(len(c.files), "file"))
	} else {
		f.Summary = fmt.Sprintf("%s is not whole in the image: %d of %s missing", c.module.Path, len(missing), count(len(c.files), "file"))
	}
	var detail []string
	if len(c.reach.Emptied) > 0 {
		detail = append(detail, fmt.Sprintf("%s in the image without content: the ignore file's lines let the name through and "+
			"keep the content out, because BuildKit asks them in two ways. Remove the repeated exclusion after the negation.",
			arrive(c.reach.Emptied)))
	}
	if len(c.reach.Uncopied) > 0 {
		why, err := c.explainUncopied(&f)
		if err != nil {
			return err
		}
		detail = append(detail, why)
	}
	if len(c.reach.Ignored) > 0 {
		detail = append(detail, c.explainIgnored(&f)...)
	}
	f.Detail = strings.Join(detail, " ")
	c.add(f)
	return nil
}

func arrive(files []string) string {
	if len(files) == 1 {
		return files[0] + " arrives"
	}
	return fmt.Sprintf("%d files arrive", len(files))
}

// count gives a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// explainIgnored names the lines that keep files out, and those that seem to bring them back and do not.
func (c *moduleCheck) explainIgnored(f *finding.Finding) []string {
	byLine := map[int][]string{}
	lines := map[int]*dockerctx.Line{}
	example := map[int]*dockerctx.Trail{}
	for _, file := range c.reach.Ignored {
		t := c.reach.Trails[file]
		if t.Decisive == nil {
			continue
		}
		n := t.Decisive.Number
		byLine[n], lines[n] = append(byLine[n], file), t.Decisive
		if example[n] == nil {
			example[n] = t
		}
	}
	var detail []string
	first := true
	for _, n := range sortedKeys(byLine) {
		l, t := lines[n], example[n]
		where := ""
		for _, s := range t.Steps {
			if s.Line == l && s.Effect == dockerctx.EffectExcludes {
				where = s.Path
				break
			}
		}
		note := fmt.Sprintf("keeps out %s", where)
		if len(byLine[n]) > 1 || where != byLine[n][0] {
			note += fmt.Sprintf(" (%s of the module)", count(len(byLine[n]), "file"))
		}
		f.Related = append(f.Related, c.ignoreLine(finding.RoleExcludes, l, note))
		detail = append(detail, fmt.Sprintf("%s:%d (%s) %s.", c.main.Ignore.Name, l.Number, strings.TrimSpace(l.Text), note))
		for _, s := range uselessNegations(t) {
			f.Related = append(f.Related, c.ignoreLine(finding.RoleNoEffect, s.Line, fmt.Sprintf("on %s: %s", s.Path, s.Reason)))
			detail = append(detail, fmt.Sprintf("%s:%d (%s) does not bring it back: %s.", c.main.Ignore.Name, s.Line.Number,
				strings.TrimSpace(s.Line.Text), strings.TrimSuffix(sentence(s), ".")))
		}
		if first {
			f.Subject = finding.At(c.main.Ignore.Name, l.Range)
			first = false
		}
	}
	return detail
}

// sentence says why a line had the effect it had.
func sentence(s dockerctx.Step) string {
	text := s.Reason.Sentence()
	if s.Path != "" {
		text = "for " + s.Path + ", " + text
	}
	if s.Same != nil {
		text += fmt.Sprintf(" (line %d)", s.Same.Number)
	}
	return text
}

// uselessNegations gives the negations that match a path or a directory above it and change nothing, each once.
func uselessNegations(t *dockerctx.Trail) []dockerctx.Step {
	var out []dockerctx.Step
	seen := map[int]bool{}
	for _, s := range t.Steps {
		if s.Line.Negated && s.Effect == dockerctx.EffectNone && !seen[s.Line.Number] {
			seen[s.Line.Number] = true
			out = append(out, s)
		}
	}
	return out
}

// explainUncopied tells that files reach the builder and no instruction puts them into the image.
func (c *moduleCheck) explainUncopied(f *finding.Finding) (string, error) {
	f.Subject = c.last()
	copied, err := c.image.CopiedBy(c.main, c.dir, c.reach.Uncopied)
	if err != nil {
		return "", err
	}
	for _, cp := range copied {
		f.Related = append(f.Related, instruction(finding.RoleCopies, c.image.Plan.Ops[cp.Op].Location))
	}
	removes := ""
	if op, cp := c.image.RemovedAgain(copied); op != nil {
		place := instruction(finding.RoleRemoves, op.Location)
		if !c.image.Tree.MayHold(cp.Entry.Path) {
			c.removed = op
		}
		f.Related, f.Subject = append(f.Related, place), position(op.Location)
		removes = fmt.Sprintf("copied to %s, and %s:%d removes it again", cp.Entry.Path, place.File, place.Line)
	}
	files := count(len(c.reach.Uncopied), "file") + " of it is"
	if len(c.reach.Uncopied) > 1 {
		files = count(len(c.reach.Uncopied), "file") + " of it are"
	}
	switch {
	case c.module.At != "":
		return fmt.Sprintf("%s not at %s.", files, c.module.At), nil
	case removes != "":
		return fmt.Sprintf("%s %s.", files, removes), nil
	case len(copied) > 0:
		return fmt.Sprintf("%s copied by an instruction, but not there in the end: a later instruction removes or replaces "+
			"what it copied, or the stage it was copied into is not the one that is built, or not copied from.", files), nil
	default:
		return fmt.Sprintf("%s allowed in by the ignore file, but no COPY or ADD that the image is built from takes it.", files), nil
	}
}

// reportPassed shows what lets the module into the image.
func (c *moduleCheck) reportPassed() error {
	evidence := slices.Clone(c.asked)
	copies := map[int32]bool{}
	var dirs []string
	for _, f := range c.files {
		l := c.reach.Found[f]
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
	c.passed(fmt.Sprintf("module %s is in the image (%s)", c.module.Path, count(len(c.files), "file")), evidence...)
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
			out = append(out, c.ignoreLine(finding.RoleNoEffect, s.Line, fmt.Sprintf("on %s: %s", s.Path, s.Reason)))
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
		value, ok := lookupEnv(c.image.Plan.Config.Env, name)
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
