package engine

import (
	"context"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// Question is what is asked about images: why targets are in them or not, and what the output of a program says is missing.
type Question struct {
	project.Asked
	Targets []string
	Output  string
	All     bool // see [why.Explainer]
}

// Why answers of each image, which the answers name if there are several. What an image knows nothing of, and another one does, is
// left out.
func (e *Engine) Why(ctx context.Context, q Question) ([]*why.Answer, []finding.Notice, error) {
	found, err := e.World.Disk("auto").Images(ctx, q.Asked)
	if err != nil {
		return nil, nil, err
	}
	var answers []*why.Answer
	known := map[string]bool{}
	for _, s := range found.Subjects {
		x, err := why.NewExplainer(ctx, s)
		if err != nil {
			return nil, found.Notices, err
		}
		x.All = q.All
		some, err := x.Answers(ctx, q.Targets, q.Output)
		if err != nil {
			return nil, found.Notices, err
		}
		for _, answer := range some {
			if len(found.Subjects) > 1 {
				answer.Image = s.Name
			}
			known[answer.Target] = known[answer.Target] || answer.Verdict != why.NotFound
		}
		answers = append(answers, some...)
	}
	return slices.DeleteFunc(answers, func(a *why.Answer) bool { return known[a.Target] && a.Verdict == why.NotFound }), found.Notices, nil
}
