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
		note := fmt.Sprintf("keeps out %s", where)
		if len(byLine[n]) > 1 || where != byLine[n][0] {
			note += fmt.Sprintf(" (%s of the module)", count(len(byLine[n]), "file"))
		}
		f.Related = append(f.Related, ignoreLineOf(v.Context(), finding.RoleExcludes, l, note))
		detail = append(detail, fmt.Sprintf("%s:%d (%s) %s.", v.Context().Ignore.Name, l.Number, strings.TrimSpace(l.Text), note))
		for _, s := range uselessNegations(t) {
			f.Related = append(f.Related, ignoreLineOf(v.Context(), finding.RoleNoEffect, s.Line, fmt.Sprintf("on %s: %s", s.Path, s.Reason)))
			detail = append(detail, fmt.Sprintf("%s:%d (%s) does not bring it back: %s.", v.Context().Ignore.Name, s.Line.Number,
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
		removes = fmt.Sprintf("copied to %s, and %s:%d removes it again", gone.From, place.File, place.Line)
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
		return fmt.Sprintf("%s copied by an instruction, but not there in the end: a later instruction removes or replaces "+
			"what it copied, or the stage it was copied into is not the one that is built, or not copied from.", files), nil
	default:
		return fmt.Sprintf("%s allowed in by the ignore file, but no COPY or ADD that the image is built from takes it.", files), nil
	}
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
