package why

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Clues answers for what the output of a program or of a build says is missing.
func (e *Explainer) Clues(ctx context.Context, output string) ([]*Answer, error) {
	var out []*Answer
	for _, c := range Clues(output, e.Image.Plan.Config.WorkingDir) {
		a, err := e.clue(ctx, c)
		if err != nil {
			return nil, err
		}
		if a == nil {
			continue
		}
		a.Clue = &c
		out = append(out, a)
	}
	return out, nil
}

// clue answers for one thing; nil if what it is about is not known.
func (e *Explainer) clue(ctx context.Context, c Clue) (*Answer, error) {
	if c.Target == "" {
		if c.Target = e.startsWith(); c.Target == "" {
			return nil, nil
		}
		c.Program = !path.IsAbs(c.Target)
	}
	var a *Answer
	var err error
	switch {
	case c.Program:
		a = &Answer{Steps: []Step{}, Assumptions: []finding.Assumption{}}
		if err = e.program(ctx, a, c.Target); err == nil {
			err = e.asChecked(ctx, a)
		}
	case c.Template:
		a, err = e.template(ctx, c.Target)
	case c.Name != "":
		a, err = e.named(ctx, c)
	default:
		a, err = e.Explain(ctx, c.Target)
	}
	if err != nil {
		return nil, err
	}
	return a, e.failed(ctx, a)
}

// startsWith gives the program that the image starts, as a path of it or by its bare name; "" if a shell starts it, or nothing is known.
func (e *Explainer) startsWith() string {
	config := e.Image.Plan.Config
	args := append(slices.Clone(config.Entrypoint), config.Cmd...)
	if len(args) == 0 || len(args) > 1 && args[1] == "-c" {
		return ""
	}
	if !strings.Contains(args[0], "/") {
		return args[0]
	}
	if path.IsAbs(args[0]) {
		return path.Clean(args[0])
	}
	return path.Join("/", config.WorkingDir, args[0])
}

// named answers for a name that could not be imported from a module: it may be a module below it, or something in it.
func (e *Explainer) named(ctx context.Context, c Clue) (*Answer, error) {
	if below, err := e.Explain(ctx, c.Target+"."+c.Name); err != nil || below.Verdict != NotFound && below.Verdict != Foreign {
		return below, err
	}
	a, err := e.Explain(ctx, c.Target)
	if err == nil {
		a.exported(c.Name)
	}
	return a, err
}

// template answers for a template by its name: of what ends like that in the build context, for the first that is not in the image.
func (e *Explainer) template(ctx context.Context, name string) (a *Answer, err error) {
	var found []string
	if e.Main != nil {
		found = elsewhere("templates/"+name, contextNames(e.Main.FS))
		found = append(found, elsewhere(name, contextNames(e.Main.FS))...)
	}
	for _, p := range append(found, name) {
		if a, err = e.Explain(ctx, p); err != nil || !a.Verdict.Good() {
			return a, err
		}
	}
	return a, nil
}

// failed holds against an answer that something is there what a check finds of it: a step may have missed it, or nobody may read it.
func (e *Explainer) failed(ctx context.Context, a *Answer) error {
	if a.Verdict != InImage && a.Verdict != Foreign || e.Main == nil {
		return nil
	}
	r, image, s, err := e.checked(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Findings, func(f finding.Finding) bool {
		if a.Verdict == Foreign { // what is installed is not searched, all of it
			return f.Rule == finding.ImportNotReachable && f.Module == "" && f.Severity == finding.Error
		}
		return f.Severity.AtLeast(finding.Warning) && slices.Contains(append([]string{a.Target}, a.ImagePaths...), f.ImagePath)
	})
	if i < 0 {
		return nil
	}
	f := r.Findings[i]
	a.Verdict, a.Summary, a.Remedy = NotFound, f.Summary, f.Detail
	return e.repairOne(ctx, a, s, r, image, func(g finding.Finding) bool { return g.Identity() == f.Identity() })
}

// exported tells whether a module that is there has a name.
func (a *Answer) exported(name string) {
	if a.Verdict != InImage {
		return
	}
	if a.Usage == nil {
		a.Verdict = NotFound
		a.Summary = fmt.Sprintf("%s, and neither it nor the repository has a module %s in it", a.Summary, name)
		return
	}
	if slices.Contains(a.Usage.Exports, name) {
		a.step(fmt.Sprintf("%s exports %s now: either the image was built from another state, or a circular import asked for the name too early", a.Usage.Module, name), nil)
		return
	}
	a.Verdict = NotFound
	a.Summary = fmt.Sprintf("%s is in the image, but does not export %s", a.Usage.Module, name)
	if near, ok := suggest.Search(name, a.Usage.Exports, true); ok {
		a.Remedy = fmt.Sprintf("did you mean %s?", near)
	}
}
