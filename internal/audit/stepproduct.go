package audit

import (
	"fmt"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/steps"
	"github.com/ctxaudit/ctxaudit/internal/tools"
)

// reportProduct reports a file that a step surely fails without, and that only a step of another stage makes.
func (p *pass) reportProduct(op *dockerfile.Op, m steps.Missing) {
	if !m.Fails || m.Doubt != "" || m.Later != nil || m.Kind != tools.File || m.Dir || m.Find != nil || len(m.Or) > 0 {
		return
	}
	made := p.product(op, m.Path)
	if made == nil {
		return
	}
	f := p.ofInput(input{op: op, m: m, at: m.Path, sure: true})
	f.Hint = finding.Hint{Step: op.ID + 1, Made: made.at, MadeIn: made.stage}
	detail := p.chain(&f, op, m)
	f.Related = append(f.Related, instruction(finding.RoleMakes, made.by))
	for _, d := range append(detail, fmt.Sprintf("%s:%d creates %s in another stage, and no COPY before this step brings it.", made.by.File, made.by.Range.Start.Line, made.what)) {
		f.Detail += " " + d
	}
	f.Detail = f.Detail[1:]
	p.add(p.subject.judge(f, true))
}

// product gives what a step of another stage writes under the name of something, as its words say; nil if none does.
func (p *pass) product(op *dockerfile.Op, at string) *product {
	made := p.writes(p.image, at, func(o *dockerfile.Op) bool { return o != op && !p.follows(o, op) && !p.follows(op, o) })
	for _, unused := range p.unusedStages() {
		if made == nil {
			made = p.writes(unused, at, func(o *dockerfile.Op) bool {
				return !slices.ContainsFunc(p.image.Plan.Ops, func(have *dockerfile.Op) bool { return have.Location == o.Location })
			})
		}
	}
	if made == nil || path.Base(made.at) != path.Base(at) {
		return nil
	}
	return made
}
