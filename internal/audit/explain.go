package audit

import (
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// explainIgnored names the lines that keep files out, and those that seem to bring them back and do not.
func (p *pass) explainIgnored(f *finding.Finding, v *need.Verdict) []string {
	byLine := map[int][]string{}
	lines := map[int]*dockerctx.Line{}
	example := map[int]*dockerctx.Trail{}
	for _, file := range v.Ignored {
		t := v.Trails[file]
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
		note := where
		if len(byLine[n]) > 1 || where != byLine[n][0] {
			note += fmt.Sprintf(" (%s of the module)", count(len(byLine[n]), "file"))
		}
		f.Related = append(f.Related, ignoreLineOf(v.Context(), finding.RoleExcludes, l, note))
		detail = append(detail, fmt.Sprintf("%s:%d (%s) excludes %s.", v.Context().Ignore.Name, l.Number, strings.TrimSpace(l.Text), note))
		for _, s := range uselessNegations(t) {
			f.Related = append(f.Related, ignoreLineOf(v.Context(), finding.RoleNoEffect, s.Line, noEffect(s, t)))
			detail = append(detail, fmt.Sprintf("%s:%d (%s) has no effect: %s.", v.Context().Ignore.Name, s.Line.Number,
				strings.TrimSpace(s.Line.Text), strings.TrimSuffix(sentence(s), ".")))
		}
		if first {
			f.Subject = finding.At(v.Context().Ignore.Name, l.Range)
			first = false
		}
	}
	return detail
}

// explainUncopied tells that files reach the builder and no instruction puts them into the image, or at the place that counts.
func (p *pass) explainUncopied(f *finding.Finding, v *need.Verdict, at string) (string, error) {
	f.Subject = p.last()
	gone, err := v.Gone()
	if err != nil {
		return "", err
	}
	for _, cp := range gone.Copied {
		f.Related = append(f.Related, instruction(finding.RoleCopies, p.image.Plan.Ops[cp.Op].Location))
	}
	removes := ""
	if gone.By != nil {
		place := instruction(finding.RoleRemoves, gone.By.Location)
		f.Related, f.Subject = append(f.Related, place), position(gone.By.Location)
		removes = fmt.Sprintf("copied to %s, but %s:%d removes it", gone.From, place.File, place.Line)
	}
	files := count(len(v.Uncopied), "file") + " of it is"
	if len(v.Uncopied) > 1 {
		files = count(len(v.Uncopied), "file") + " of it are"
	}
	switch {
	case at != "":
		return fmt.Sprintf("%s not at %s.", files, at), nil
	case removes != "":
		return fmt.Sprintf("%s %s.", files, removes), nil
	case len(gone.Copied) > 0:
		return fmt.Sprintf("%s copied, but not in the image: a later instruction removes or replaces "+
			"it, or the image does not use the stage that has it.", files), nil
	default:
		return fmt.Sprintf("%s in the build context, but no COPY or ADD of this image copies it.", files), nil
	}
}

// noEffect says in a few words why a line that matches a file, or a directory above it, changes nothing.
func noEffect(s dockerctx.Step, t *dockerctx.Trail) string {
	name := s.Path
	if name != t.Path {
		name += "/"
	}
	if s.Reason == dockerctx.NotExcludedYet {
		return name + " is not excluded"
	}
	return name + ": " + s.Reason.String()
}

// sentence says why a line had the effect it had.
func sentence(s dockerctx.Step) string {
	text := s.Reason.Sentence()
	switch rest, about := strings.CutPrefix(text, "it is "); {
	case s.Path != "" && about:
		text = s.Path + " itself is " + rest
	case s.Path != "":
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
