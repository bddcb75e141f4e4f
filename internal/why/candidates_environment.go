package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// environmentCandidates copy an environment of programs to where it was made, and let the variables that name it follow.
func (r *Repairer) environmentCandidates(f finding.Finding) []candidate {
	s := r.stage()
	from, to := f.Hint.Found, f.Hint.Asked
	if s == nil || from == "" || to == "" {
		return nil
	}
	var out []candidate
	for _, c := range r.placeCandidates(from, to) {
		for _, in := range s.Instructions {
			if in.Keyword != "ENV" {
				continue
			}
			for _, w := range in.Syntax().Args {
				text := string(r.plan.Dockerfile.Data[w.Range.Start.Offset:w.Range.End.Offset])
				if fixed := strings.ReplaceAll(text, from, to); fixed != text {
					c.edits = append(c.edits, r.put(w.Range, fixed))
				}
			}
		}
		out = append(out, c)
	}
	return out
}

// versionCandidates give the stages that are built on another minor version of an interpreter that of the image.
func (r *Repairer) versionCandidates(f finding.Finding) []candidate {
	if f.Hint.Asked == "" || f.Hint.Instead == "" {
		return nil
	}
	var edits []edit.Edit
	for _, s := range r.plan.Stages {
		args := s.Syntax().Args
		i := slices.IndexFunc(args, func(w dockerfile.Word) bool { return strings.Contains(w.Text, ":"+f.Hint.Asked) })
		if i < 0 || !s.Reached {
			continue
		}
		at := args[i].Range
		at.Start.Offset += strings.Index(args[i].Text, ":"+f.Hint.Asked) + 1
		edits = append(edits, r.put(dockerctx.Range{Start: at.Start, End: at.End}, f.Hint.Instead+strings.SplitN(args[i].Text, ":"+f.Hint.Asked, 2)[1]))
	}
	if len(edits) == 0 {
		return nil
	}
	return []candidate{{title: fmt.Sprintf("build with version %s, which the image has", f.Hint.Instead), edits: edits}}
}
