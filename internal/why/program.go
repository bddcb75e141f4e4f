package why

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// program explains a program that is started by its bare name: it is looked up in PATH, and nowhere else.
func (e *Explainer) program(ctx context.Context, a *Answer, name string) error {
	a.Kind, a.Target = "program", name
	if e.Failure != nil {
		a.Verdict, a.Summary = BuildFailed, fmt.Sprintf("the build fails, so no image has %s", name)
		a.step(e.Failure.Message, instruction(finding.RoleFails, e.Failure.Location))
		return nil
	}
	value, known := "", false
	for _, kv := range e.Image.Plan.Config.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			value, known = v, true
		}
	}
	mayHold := false
	for dir := range strings.SplitSeq(value, ":") {
		if !path.IsAbs(dir) {
			continue
		}
		n, at, err := e.Image.Tree.Stat(path.Join(dir, name))
		if err == nil && !n.IsDir() && !e.Image.Supposed(n) {
			return e.imagePath(ctx, a, path.Join(dir, name))
		}
		mayHold = mayHold || err != nil && e.Image.Tree.MayHold(at)
	}
	a.Verdict, a.Summary = NotFound, fmt.Sprintf("no directory of PATH has %s", name)
	if mayHold || !known {
		a.Verdict, a.Summary = Unknown, fmt.Sprintf("no directory of PATH is known to have %s: the base image or a step must provide it", name)
	}
	sentence := fmt.Sprintf("PATH is %s", value)
	if loc := e.Image.Plan.ConfigSources.Env["PATH"]; !loc.IsZero() {
		a.step(sentence, instruction(finding.RoleSets, loc))
	} else if known {
		a.step(sentence, nil)
	}
	if e.Main != nil {
		if sentence, place, err := audit.Foreign(e.Image, e.Main, strings.ReplaceAll(name, "-", "_")); err != nil {
			return err
		} else if place != nil {
			a.step(sentence, place)
		}
	}
	beside := path.Join("/", e.Image.Plan.Config.WorkingDir, name)
	if n, _, err := e.Image.Tree.Stat(beside); err == nil && !n.IsDir() {
		a.Remedy = fmt.Sprintf("%s is in the working directory, which is not searched: start it as ./%s", beside, name)
	}
	a.Assumptions = e.assumptions()
	return nil
}
