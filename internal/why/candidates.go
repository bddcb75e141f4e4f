package why

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// candidates gives what may repair a finding, the likeliest first.
func (r *Repairer) candidates(ctx context.Context, f finding.Finding) ([]candidate, error) {
	var out []candidate
	switch f.Rule {
	case finding.ImportNotInImage, finding.ModuleNotInImage, finding.EntrypointNotInImage, finding.DataFileNotInImage, finding.PathNotInImage, finding.BuildFails,
		finding.StepInputMissing, finding.WorkspaceMemberMissing, finding.ImportNotInStage:
		out = append(out, r.declareCandidates()...)
		if s := r.stage(); s != nil && f.Hint.Programs != "" {
			at := site{Stage: s}.afterCopies()
			out = append(out, candidate{title: "put " + f.Hint.Programs + " on PATH", edits: []edit.Edit{r.dockerfileEdit(at, 0, "ENV PATH="+f.Hint.Programs+":$PATH")}})
		}
		out = append(out, r.madeCandidates(f)...)
		out = append(out, r.installCandidates(f)...)
		if out = append(out, r.projectCandidates(f)...); f.Hint.Command != "" {
			return out, nil
		}
		if f.ContextPath == "" {
			named, err := r.namedCandidates(ctx, f)
			return slices.Concat(out, named, r.meetCandidates(f)), err
		}
		if f.Rule == finding.BuildFails {
			more, stage, err := r.sourceCandidates(ctx, f)
			if out = append(out, more...); err != nil || stage {
				return out, err
			}
		}
		more, err := r.contextCandidates(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	case finding.EntrypointNotRunnable:
		out = slices.Concat(r.ownerCandidates(f), r.modeCandidates(f), r.listCandidates(f), r.environmentCandidates(f), r.lineEndCandidates(f))
	case finding.ImportNotReachable:
		// Where the install comes too early it fails, wherever else the module is searched.
		if out = slices.Concat(r.installCandidates(f), r.versionCandidates(f), r.environmentCandidates(f), r.optionCandidates(f)); len(out) == 0 {
			out = slices.Concat(r.meantCandidates(f), r.destinationCandidates(f), r.searchPathCandidates(f))
		}
	case finding.NameNotExported:
		return r.exportCandidates(f)
	case finding.EnvMissing, finding.EnvMismatch:
		if f.Hint.EnvName != "" && f.Hint.EnvValue != "" {
			out = append(out, r.setEnv(f.Hint.EnvName, f.Hint.EnvValue, fmt.Sprintf("set %s", f.Hint.EnvName)))
		}
	case finding.PathForbidden:
		out = append(out, r.forbidCandidates(f.ContextPath)...)
	case finding.UntrackedInImage, finding.SecretInImage:
		names := f.Files
		if len(names) == 0 {
			names = []string{f.ContextPath}
		}
		out = append(out, r.forbidCandidates(names...)...)
	}
	return out, nil
}

// contextCandidates give edits that bring a path of the context into the image: of its ignore file, and of what copies.
func (r *Repairer) contextCandidates(ctx context.Context, f finding.Finding) ([]candidate, error) {
	out, copied, err := r.ignoreCandidates(ctx, f)
	if err != nil || !copied || f.Rule == finding.BuildFails {
		return out, err
	}
	more, err := r.copyCandidates(f)
	return slices.Concat(out, r.misplacedCandidates(f), more), err
}

// namedCandidates are contextCandidates of a path of a named context.
func (r *Repairer) namedCandidates(ctx context.Context, f finding.Finding) ([]candidate, error) {
	named := r.named(f.Hint.Context)
	if named == nil {
		return nil, nil
	}
	of := *r
	of.main, of.excluded = named, nil
	f.ContextPath = f.Hint.Source
	return of.contextCandidates(ctx, f)
}

// named gives a named context that the image is built from, nil if there is none of that name.
func (r *Repairer) named(name string) *simulate.Context {
	if r.Image == nil || name == "" {
		return nil
	}
	for _, s := range r.Image.Sources {
		if s.Context.Name == name {
			return s.Context
		}
	}
	return nil
}

// maxExplained bounds the files whose way through the ignore file is looked at.
const maxExplained = 2000

// patternSyntax are the characters that mean something in a pattern of an ignore file, or end its line.
const patternSyntax = `*?[]\^!#{}|` + "\n\r"

// ignoreCandidates gives edits of the ignore file that may let a path in. copied tells whether some of it is let in as it
// is, so that the fault lies, or lies also, with the instructions.
func (r *Repairer) ignoreCandidates(ctx context.Context, f finding.Finding) (out []candidate, copied bool, err error) {
	p := f.ContextPath
	files, err := simulate.FilesBelow(r.main.FS, p)
	if err != nil {
		return nil, false, err
	}
	if r.main.Ignore == nil {
		return nil, len(files) > 0, nil
	}
	wanted := files
	if len(f.Files) > 0 && f.Rule == finding.ModuleNotInImage {
		wanted = f.Files
	}
	say, err := r.ignoreVerdicts(wanted[:min(len(wanted), maxExplained)])
	if err != nil {
		return nil, false, err
	}
	if len(say.deciders) == 0 {
		// A file that arrives empty is let in by one question and kept out by another: a repeated exclusion does that.
		for _, n := range sortedLines(say.repeats) {
			out = append(out, r.removeIgnoreLines("remove the repeated line "+say.repeats[n].Text, n))
		}
		return out, say.copied, nil
	}
	lines := sortedLines(say.deciders)
	last := lines[len(lines)-1]
	if !strings.ContainsAny(p, patternSyntax) && p != "." && strings.TrimSpace(p) == p {
		// Where what is in a directory is excluded, and not the directory itself, only a line that matches what is in it helps.
		patterns := []string{"!" + p}
		if fi, err := r.main.FS.Lstat(p); err == nil && fi.IsDir() {
			patterns = []string{"!" + p + "/", "!" + p + "/**"}
		}
		for _, pattern := range patterns {
			out = append(out, candidate{
				title: fmt.Sprintf("re-include %s after the line that excludes it", p),
				edits: []edit.Edit{r.ignoreEdit(last+1, 0, pattern)},
			})
		}
	}
	out = append(out, r.negationCandidates(say.useless, last, p)...)
	if len(lines) == 1 {
		out = append(out, candidate{more: func() ([]candidate, error) { return r.narrower(ctx, say.deciders[last], p) }})
	}
	out = append(out, r.removeIgnoreLines("remove "+lineTexts(say.deciders), lines...))
	return out, say.copied, nil
}

// ignoreVerdicts are the lines of the ignore file that have a say about files, by their numbers: those that keep one out, negations that
// bring none back, and exclusions that repeat another. copied tells that one of the files is let in.
type ignoreVerdicts struct {
	deciders, useless, repeats map[int]*dockerctx.Line
	copied                     bool
}

func (r *Repairer) ignoreVerdicts(files []string) (ignoreVerdicts, error) {
	say := ignoreVerdicts{map[int]*dockerctx.Line{}, map[int]*dockerctx.Line{}, map[int]*dockerctx.Line{}, false}
	for _, file := range files {
		t, err := r.main.Explain(file)
		if err != nil {
			return say, err
		}
		say.copied = say.copied || t.Included
		if !t.Included && t.Decisive != nil {
			say.deciders[t.Decisive.Number] = t.Decisive
		}
		for _, s := range t.Steps {
			switch {
			case s.Effect != dockerctx.EffectNone:
			case s.Line.Negated && !t.Included:
				say.useless[s.Line.Number] = s.Line
			case !s.Line.Negated && s.Reason == dockerctx.Repeated:
				say.repeats[s.Line.Number] = s.Line
			}
		}
	}
	return say, nil
}

// negationCandidates make something of negations that bring nothing back: one that stands before the last line that excludes moves
// behind it, one of a directory brings back what is below.
func (r *Repairer) negationCandidates(useless map[int]*dockerctx.Line, last int, p string) (out []candidate) {
	for _, n := range sortedLines(useless) {
		if l := useless[n]; n < last {
			out = append(out, candidate{
				title: fmt.Sprintf("move %s after the line that excludes %s", strings.TrimSpace(l.Text), p),
				edits: []edit.Edit{r.ignoreEdit(n, 1, ""), r.ignoreEdit(last, 0, strings.TrimSpace(l.Text))},
			})
		} else if dir, ok := strings.CutPrefix(l.Pattern, "!"); ok && !strings.ContainsAny(dir, "*?[") {
			out = append(out, candidate{
				title: fmt.Sprintf("make %s re-include what is below it", strings.TrimSpace(l.Text)),
				edits: []edit.Edit{r.ignoreEdit(n, 1, "!"+dir+"/**")},
			})
		}
	}
	return out
}

func sortedLines(m map[int]*dockerctx.Line) []int {
	var out []int
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func lineTexts(m map[int]*dockerctx.Line) string {
	var out []string
	for _, n := range sortedLines(m) {
		out = append(out, strings.TrimSpace(m[n].Text))
	}
	return strings.Join(out, ", ")
}

// maxNarrowed bounds the paths that stand in for a pattern.
const maxNarrowed = 4

// narrower gives patterns in the place of one that excludes too much: anchored at the root, or the other things that it
// excludes by name.
func (r *Repairer) narrower(ctx context.Context, l *dockerctx.Line, p string) ([]candidate, error) {
	var out []candidate
	text := strings.TrimSpace(l.Text)
	if rest, ok := strings.CutPrefix(text, "**/"); ok && rest != "" {
		out = append(out, candidate{
			title: fmt.Sprintf("make %s match at the root of the context only", text),
			edits: []edit.Edit{r.ignoreEdit(l.Number, 1, "/"+rest)},
		})
	}
	excluded, err := r.excludedBy(ctx, l)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, e := range excluded {
		if simulate.Within(e, p) || simulate.Within(p, e) || len(others) > maxNarrowed {
			continue
		}
		if !slices.ContainsFunc(others, func(o string) bool { return simulate.Within(e, o) }) {
			others = append(others, e)
		}
	}
	if len(others) == 0 || len(others) > maxNarrowed || slices.ContainsFunc(others, func(o string) bool { return strings.ContainsAny(o, patternSyntax) }) {
		return out, nil
	}
	return append(out, candidate{
		title: fmt.Sprintf("exclude the rest of what %s matches instead", text),
		edits: []edit.Edit{r.ignoreEdit(l.Number, 1, strings.Join(others, "\n"))},
	}), nil
}

// excludedBy gives what a line of the ignore file excludes. The context is walked once for all lines, and again for one that
// excludes very much.
func (r *Repairer) excludedBy(ctx context.Context, l *dockerctx.Line) ([]string, error) {
	const most = 2000
	if r.excluded == nil {
		r.excluded = map[int][]string{}
		err := r.main.WalkIgnored(false, func(e dockerctx.IgnoredEntry) error {
			if e.Line != nil && len(r.excluded[e.Line.Number]) < most {
				r.excluded[e.Line.Number] = append(r.excluded[e.Line.Number], e.Path)
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	if len(r.excluded[l.Number]) < most {
		return r.excluded[l.Number], nil
	}
	var all []string
	err := r.main.WalkIgnored(false, func(e dockerctx.IgnoredEntry) error {
		if e.Line != nil && e.Line.Number == l.Number {
			all = append(all, e.Path)
		}
		return ctx.Err()
	})
	return all, err
}

func (r *Repairer) removeIgnoreLines(title string, lines ...int) candidate {
	c := candidate{title: title}
	for _, n := range slices.Backward(lines) {
		c.edits = append(c.edits, r.ignoreEdit(n, 1, ""))
	}
	return c
}

// forbidCandidates keep out of the context what must not be in the image.
func (r *Repairer) forbidCandidates(names ...string) []candidate {
	end := 1
	if r.main.Ignore != nil {
		end = len(r.main.Ignore.Lines) + 1
	}
	if len(names) > maxForbidden {
		return nil
	}
	var lines []string
	for _, name := range names {
		name = strings.TrimSuffix(name, "/")
		if name == "" || strings.ContainsAny(name, patternSyntax) {
			return nil
		}
		lines = append(lines, name)
	}
	return []candidate{{
		title: fmt.Sprintf("exclude %s from the context", strings.Join(names, ", ")),
		edits: []edit.Edit{r.ignoreEdit(end, 0, strings.Join(lines, "\n"))},
	}}
}

// maxForbidden bounds the lines that are offered for an ignore file at once.
const maxForbidden = 4

// ignorePath gives where the ignore file of the context lies, or would lie.
func (r *Repairer) ignorePath() string {
	if r.main.Name != simulate.MainContext {
		return r.real(filepath.Join(r.main.Dir, ".dockerignore"))
	}
	name := filepath.Join(r.Subject.Options.Context, ".dockerignore")
	if i, df := r.main.Ignore, r.plan.Dockerfile; i != nil && df.Path != "" && i.Name == df.Name+".dockerignore" {
		name = df.Path + ".dockerignore"
	}
	return r.real(name)
}

// dockerfilePath gives where the Dockerfile lies; "" for one from standard input.
func (r *Repairer) dockerfilePath() string {
	if r.plan.Dockerfile.Path == "" {
		return ""
	}
	return r.real(r.plan.Dockerfile.Path)
}

// real makes a path absolute. An edit goes to the file that a link leads to, and not in the place of the link.
func (r *Repairer) real(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	if r.Subject.Options.Open == nil || r.depth > 0 {
		if target, err := filepath.EvalSymlinks(abs); err == nil {
			return target
		}
	}
	return abs
}

func (r *Repairer) ignoreEdit(line, remove int, insert string) edit.Edit {
	name := simulate.Shown(r.main.Dir, ".dockerignore")
	if r.main.Ignore != nil {
		name = r.main.Ignore.Name
	}
	return edit.Edit{File: name, Path: r.ignorePath(), Line: line, Remove: remove, Insert: insert}
}

func (r *Repairer) dockerfileEdit(line, remove int, insert string) edit.Edit {
	return edit.Edit{File: r.plan.Dockerfile.Name, Path: r.dockerfilePath(), Line: line, Remove: remove, Insert: insert}
}

// contextName gives a file's name relative to the main context, if it lies in it.
func (r *Repairer) contextName(name string) (string, bool) {
	dir := r.real(r.Subject.Options.Context)
	rel, err := filepath.Rel(dir, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return path.Clean(filepath.ToSlash(rel)), true
}

// joinContext gives where a file of a context lies.
func joinContext(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
