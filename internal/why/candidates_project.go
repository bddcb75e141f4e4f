package why

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// withoutProject are the options by which an installer leaves out the project itself.
var withoutProject = []string{"--no-install-project", "--no-install-workspace", "--no-root", "--no-self"}

// projectCandidates install the project as a step installs what it depends on, once all of it is copied.
func (r *Repairer) projectCandidates(f finding.Finding) (out []candidate) {
	if f.Hint.Command == "" {
		return nil
	}
	for i := range r.plan.Stages {
		s := site{Stage: &r.plan.Stages[i]}
		at := s.afterCopies()
		for _, in := range s.Instructions {
			words := strings.Fields(in.Location.Text)
			with := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return slices.Contains(withoutProject, word) })
			behind := in.Location.Range.End.Line < at
			if in.Keyword != "RUN" || len(with) == len(words) || !behind || strings.Contains(in.Location.Text, "<<") || s.changesUser(in.Location.Range.End.Line, at) {
				continue
			}
			out = append(out, candidate{
				title: fmt.Sprintf("install the project, which makes %s", f.Hint.Command),
				edits: []edit.Edit{r.dockerfileEdit(at, 0, strings.Join(with, " "))},
			})
		}
	}
	return out
}

// optionCandidates take an option out of a step.
func (r *Repairer) optionCandidates(f finding.Finding) (out []candidate) {
	if f.Hint.Without == "" {
		return nil
	}
	option := regexp.MustCompile(`\s` + regexp.QuoteMeta(f.Hint.Without) + `\b`)
	for _, s := range r.plan.Stages {
		for _, in := range s.Instructions {
			at := in.Location.Range
			text := string(r.plan.Dockerfile.Data[at.Start.Offset:at.End.Offset])
			if fixed := option.ReplaceAllString(text, ""); in.Keyword == "RUN" && fixed != text {
				out = append(out, candidate{title: fmt.Sprintf("do without %s", f.Hint.Without), edits: []edit.Edit{r.put(at, fixed)}})
			}
		}
	}
	return out
}

// ownerCandidates give what is copied to a user.
func (r *Repairer) ownerCandidates(f finding.Finding) (out []candidate) {
	s, ok := r.site(f)
	if !ok || f.Hint.Owner == "" || r.Image == nil {
		return nil
	}
	before := r.Image.Before(r.plan.Ops[f.Hint.Step-1].ID)
	if before == nil {
		return nil
	}
	n, _, err := before.Tree.Stat(f.ImagePath)
	if err != nil || n.Op < 0 {
		return nil
	}
	in, ok := r.instructionOf(r.plan.Ops[n.Op])
	c, isCopy := copyOf(in)
	if _, set := c.Flag("chown"); !ok || !isCopy || set || in.Location.Stage != s.Index {
		return nil
	}
	at := dockerctx.Range{Start: c.Args[0].Range.Start, End: c.Args[0].Range.Start}
	return []candidate{{
		title: fmt.Sprintf("give %s what line %d of %s copies", f.Hint.Owner, at.Start.Line, in.Location.File), edits: []edit.Edit{r.put(at, "--chown="+f.Hint.Owner+" ")},
	}}
}

// changesUser reports whether another user is set between two lines.
func (s site) changesUser(from, to int) bool {
	for _, in := range s.Instructions {
		if l := in.Location.Range.Start.Line; in.Keyword == "USER" && l > from && l < to {
			return true
		}
	}
	return false
}
