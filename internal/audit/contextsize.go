package audit

import (
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// checkContextSize holds what the build sends of its context to the builder against the policy.
func checkContextSize(p *pass) error {
	bound := p.subject.Policy.Context
	most, err := policy.ParseSize(bound.MaxSize)
	if p.main == nil || most == 0 && bound.MaxFiles == 0 || err != nil {
		return err
	}
	all, parts, err := p.sent()
	if err != nil {
		return err
	}
	for _, b := range []struct {
		key         string
		beyond, set bool
		want        string
	}{
		{"max-size", most > 0 && all.bytes > most, most > 0, "at most " + finding.Size(most)},
		{"max-files", bound.MaxFiles > 0 && all.files > bound.MaxFiles, bound.MaxFiles > 0, "at most " + count(bound.MaxFiles, "file")},
	} {
		asked := p.required("context", b.key)
		switch {
		case b.beyond:
			f := finding.Finding{
				Rule: finding.ContextTooLarge, About: finding.About{Text: b.key}, Related: asked,
				Summary: fmt.Sprintf("%s would be sent to the builder; the policy allows %s", all, b.want),
			}
			if len(asked) > 0 {
				f.Subject = finding.Position{File: asked[0].File, Line: asked[0].Line}
			}
			f.Detail = "Exclude what the image does not need in the ignore file."
			if most := heaviest(parts, all.bytes); most != "" {
				f.Detail = fmt.Sprintf("Largest: %s. %s", most, f.Detail)
			}
			p.add(f)
		case b.set:
			p.passed(fmt.Sprintf("%s of the context, %s, would be sent", b.want, all), asked...)
		}
	}
	return nil
}

// sent gives how much of the main context the build transfers, and of that each entry of the context's root.
func (p *pass) sent() (all mass, parts []weighed, err error) {
	seen := map[string]bool{}
	by := map[string]int{}
	for _, op := range p.image.Plan.Ops {
		s := p.image.Sources[op.ID]
		if s == nil || s.Context.Name != simulate.MainContext {
			continue
		}
		err := s.Tree.Walk(func(e dockerctx.Entry) error {
			if !e.Mode.IsRegular() || seen[e.Path] {
				return nil
			}
			seen[e.Path] = true
			top, _, below := strings.Cut(e.Path, "/")
			if below {
				top += "/"
			}
			i, ok := by[top]
			if !ok {
				i = len(parts)
				by[top], parts = i, append(parts, weighed{name: top})
			}
			for _, m := range []*mass{&all, &parts[i].mass} {
				m.files, m.bytes = m.files+1, m.bytes+e.Size
			}
			return p.ctx.Err()
		})
		if err != nil {
			return all, nil, err
		}
	}
	return all, parts, nil
}
