package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// reportOwners reports a step whose chmod or chown the kernel refuses: its user is not root, and the file belongs to somebody else.
func (p *pass) reportOwners(op *dockerfile.Op, script *steps.Script) {
	before := p.image.Before(op.ID)
	user, err := account.Of(op.Exec.User, before.Tree)
	if err != nil || user.Root() {
		return
	}
	for i, call := range script.Calls {
		if call.Base != "chmod" && call.Base != "chown" || !call.S.Sure() || !call.S.Needed() || len(call.S.Through) > 0 {
			continue
		}
		effects, _ := call.Effects()
		for _, e := range effects {
			n, at, err := before.Tree.Stat(e.Path)
			if err != nil || n.Kind == rootfs.KindUnknown || n.Unsure || n.Op < 0 || user.Owns(n) != account.No || handled(script.Calls[:i], at) {
				continue
			}
			if by := p.image.Plan.Ops[n.Op]; by.Kind != dockerfile.OpFile {
				continue
			}
			p.reportOwner(op, call, n, at)
			return
		}
	}
}

// handled reports whether one of some programs may have put something else at a path.
func handled(calls []*command.Call, at string) bool {
	return slices.ContainsFunc(calls, func(c *command.Call) bool {
		return c.Footprint().Unknown || len(c.S.Through) > 0 || c.Base == "chown" || slices.ContainsFunc(c.Words(), func(w string) bool { return strings.Contains(w, path.Base(at)) })
	})
}

func (p *pass) reportOwner(op *dockerfile.Op, call *command.Call, n *rootfs.Node, at string) {
	by := p.image.Plan.Ops[n.Op].Location
	f := finding.Finding{
		Rule: finding.EntrypointNotRunnable, Severity: finding.Error, ImagePath: at, Subject: position(op.Location),
		Assumptions: p.assumptions(p.opaqueBefore(op)), Hint: finding.Hint{Step: op.ID + 1, Owner: op.Exec.User}, About: finding.About{Name: call.Shown()},
		Summary: fmt.Sprintf("%s fails: the step runs as %s, and %s belongs to another user", call.Shown(), op.Exec.User, at),
		Related: []finding.Place{instruction(finding.RoleCopies, by)},
		Detail: fmt.Sprintf("The kernel answers: operation not permitted. What is copied without --chown belongs to root, whatever USER says. "+
			"COPY --chown=%s gives it away; a step before USER may change it.", op.Exec.User),
	}
	f.ContextPath, _ = p.image.OriginIn(p.main.Name, n)
	p.add(p.subject.judge(f, true))
}
