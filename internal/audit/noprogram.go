package audit

import (
	"fmt"
	"path"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// noProgram reports a step that is started by a program which is surely not there, and whether it is: nothing else of it comes about. A
// shell is one where the instruction is no list.
func (p *pass) noProgram(op *dockerfile.Op, seen map[string]bool) bool {
	sight := p.image.Sight(op)
	if sight == nil || len(op.Exec.Args) == 0 || !path.IsAbs(op.Exec.Args[0]) || sight.Stat(op.Exec.Args[0]) != shell.Absent {
		return false
	}
	name := op.Exec.Args[0]
	if seen[name] {
		return true
	}
	seen[name] = true
	f := finding.Finding{
		Rule: finding.StepInputMissing, Severity: finding.Error, ImagePath: name, Subject: position(op.Location), About: finding.About{Name: name},
		Assumptions: p.assumptions(p.opaqueBefore(op)), Summary: fmt.Sprintf("this step runs %s, which is not in the stage", name),
		Detail: "The stage starts from scratch, so it has only the programs that are copied into it.",
	}
	root, _ := op.Root()
	if base := need.BaseOf(p.image.Plan, root); base != nil {
		f.Detail = fmt.Sprintf("The image %s has no such program.", need.BaseName(base))
	}
	if command.IsShell(path.Base(name)) {
		f.Detail += " Run it in a stage that has a shell, and copy the result."
	}
	p.add(p.subject.judge(f, true))
	return true
}
