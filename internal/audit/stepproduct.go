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
	made, by, ok := p.product(op, path.Base(m.Path))
	if !ok {
		return
	}
	f := p.ofInput(input{op: op, m: m, at: m.Path, sure: true})
	f.Hint = finding.Hint{Step: op.ID + 1, Stage: stageOf(by), Made: made}
	detail := p.chain(&f, op, m)
	f.Related = append(f.Related, instruction(finding.RoleCopies, by))
	for _, d := range append(detail, fmt.Sprintf("%s:%d creates %s in another stage, and no COPY before this step brings it.", by.File, by.Range.Start.Line, made)) {
		f.Detail += " " + d
	}
	f.Detail = f.Detail[1:]
	p.add(p.subject.judge(f, true))
}

// product gives a path of a name that a step of another stage writes, as its words say, with the instruction.
func (p *pass) product(op *dockerfile.Op, name string) (at string, by dockerfile.Location, ok bool) {
	at, by, ok = writes(p.image, name, func(o *dockerfile.Op) bool { return o != op && !p.follows(o, op) && !p.follows(op, o) })
	for _, unused := range p.unusedStages() {
		if !ok {
			at, by, ok = writes(unused, name, func(o *dockerfile.Op) bool {
				return !slices.ContainsFunc(p.image.Plan.Ops, func(have *dockerfile.Op) bool { return have.Location == o.Location })
			})
		}
	}
	return at, by, ok
}
