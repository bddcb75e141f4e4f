package why

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

func (e *Explainer) verdict(a *Answer, p string, r *simulate.Reach, copied []simulate.Copied) error {
	total, missing := len(r.Files), a.MissingCount
	what := p
	if total > 1 {
		what = fmt.Sprintf("%s (%d files)", p, total)
	}
	switch {
	case missing == 0:
		a.Verdict, a.Summary = InImage, fmt.Sprintf("%s is in the image, at %s", what, placeOf(p, r))
	case missing < total:
		a.Verdict, a.Summary = PartlyThere, fmt.Sprintf("%s is only partly in the image: %d of its files are missing", what, missing)
	case len(r.Emptied) == total:
		a.Verdict, a.Summary = Emptied, fmt.Sprintf("%s is in the image, but empty", what)
	case len(r.Ignored) > 0:
		a.Verdict = Ignored
		return e.summarizeIgnored(a, p, what, r.Ignored)
	case len(copied) > 0:
		if op, last := e.Image.RemovedAgain(copied); op != nil {
			place := instruction(finding.RoleRemoves, op.Location)
			a.Verdict, a.Summary = Lost, fmt.Sprintf("%s is not in the image: it is copied to %s, but %s:%d removes it", what, last.Entry.Path, place.File, place.Line)
			a.step("removes it, judging by its command: the step was not run", place)
			break
		}
		a.Verdict, a.Summary = Lost, fmt.Sprintf("%s is not in the image: an instruction copies it, and a later one removes or replaces it", what)
		if stage := e.staysIn(copied); stage != "" {
			a.Summary = fmt.Sprintf("%s is not in the image: it is copied into stage %s, and the image does not copy it from there", what, stage)
		}
	default:
		a.Verdict, a.Summary = NotCopied, fmt.Sprintf("%s is not in the image: it is in the build context, but no COPY or ADD of the image copies it", what)
		e.nearMisses(a, p)
	}
	return nil
}

// placeOf gives where the image has a file, or the directory with all files of one; the place of its first file if they were
// copied apart.
func placeOf(p string, r *simulate.Reach) string {
	at := ""
	for _, f := range r.Files {
		rest, below := strings.CutPrefix(f, p)
		if p == "." {
			rest, below = "/"+f, true
		}
		dir, whole := strings.CutSuffix(r.Found[f].Path, rest)
		if !below || !whole || at != "" && dir != at {
			return r.Found[r.Files[0]].Path
		}
		at = dir
	}
	return cmp.Or(at, "/")
}

// staysIn gives the stage into which something was copied if the image is not built on it, else "".
func (e *Explainer) staysIn(copied []simulate.Copied) string {
	plan := e.Image.Plan
	built := map[int]bool{}
	for i := plan.TargetStage; i >= 0 && i < len(plan.Stages) && !built[i]; i = plan.Stages[i].BaseStage {
		built[i] = true
	}
	stage := ""
	for _, c := range copied {
		at := plan.Ops[c.Op].Location
		if built[at.Stage] {
			return ""
		}
		if stage = at.StageName; stage == "" {
			stage = fmt.Sprint(at.Stage)
		}
	}
	return stage
}

// summarizeIgnored names the lines that are to blame for files that the ignore file keeps out.
func (e *Explainer) summarizeIgnored(a *Answer, p, what string, ignored []string) error {
	lines, err := blame(e.Main, ignored)
	if err != nil {
		return err
	}
	for _, l := range lines {
		a.Blame = append(a.Blame, *e.place(finding.RoleExcludes, l))
	}
	verb := "excludes"
	var at []string
	for _, l := range lines {
		at = append(at, fmt.Sprintf("%s:%d", e.Main.Ignore.Name, l.Number))
	}
	switch len(at) {
	case 0:
		at = []string{"the ignore file"}
	case 1:
	default:
		verb = "together exclude"
	}
	a.Summary = fmt.Sprintf("%s is not in the image: %s %s it from the context", what, strings.Join(at, " and "), verb)
	if len(lines) == 0 || strings.ContainsAny(p, patternSyntax) {
		return nil
	}
	pattern := p
	if fi, err := e.Main.FS.Lstat(p); err == nil && fi.IsDir() {
		pattern += "/"
	}
	last := lines[len(lines)-1].Number
	a.Remedy = fmt.Sprintf("a line !%s after line %d of %s", pattern, last, e.Main.Ignore.Name)
	return nil
}
