package why

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// later tells of what stands behind the instruction that copied something and may take it away or hide it: a RUN that names
// its path, and a volume that is mounted over it when the container runs.
func (e *Explainer) later(a *Answer, p string, r *simulate.Reach, copied []simulate.Copied) {
	if len(copied) == 0 {
		return
	}
	last := copied[len(copied)-1]
	at := last.Entry.Path
	if n, err := e.Image.Tree.Lstat(at); a.Verdict == Lost && err == nil && n.Op > int32(last.Op) {
		a.step("replaces it", instruction(finding.RoleCopies, e.Image.Plan.Ops[n.Op].Location))
	}
	for _, op := range e.Image.Plan.Ops {
		if op.ID <= last.Op || op.Kind != dockerfile.OpExec || !slices.Contains(e.Image.Opaque, op.ID) {
			continue
		}
		if e.Image.RemovedBy(at, last.Op) == op {
			continue // that is told already
		}
		var removed []string
		for _, f := range r.Missing() {
			if gone := strings.TrimSuffix(at, strings.TrimPrefix(last.Entry.ContextPath, p)) + strings.TrimPrefix(f, p); e.Image.RemovedBy(gone, last.Op) == op {
				removed = append(removed, gone)
			}
		}
		if len(removed) > 0 {
			what := removed[0]
			if more := len(removed) - 1; more > 0 {
				what += fmt.Sprintf(" and %d more", more)
			}
			a.step(fmt.Sprintf("removes %s, judging by its command: the step was not run", what), instruction(finding.RoleRemoves, op.Location))
			continue
		}
		if s := e.Image.Script(op); s != nil && s.MayTake(at) {
			a.step("this step names it, or a directory above it, and may change or remove it", instruction(finding.RoleCopies, op.Location))
		}
	}
	volumes := e.Image.Plan.ConfigSources.Volumes
	for _, volume := range slices.Sorted(maps.Keys(volumes)) {
		loc := volumes[volume]
		if at == volume || strings.HasPrefix(at, strings.TrimSuffix(volume, "/")+"/") {
			a.step(fmt.Sprintf("a volume is mounted at %s at run time: a new one starts with the files of the image, an existing one hides them", volume),
				instruction(finding.RoleSets, loc))
		}
	}
}

// searched names the entry of a search path that leads to Python code that is in the image.
func (e *Explainer) searched(a *Answer, r *simulate.Reach) {
	at := ""
	for _, f := range r.Files {
		if l, ok := r.Found[f]; ok && audit.IsSource(f) {
			at = l.Path
			break
		}
	}
	if at == "" {
		return
	}
	for _, kv := range e.Image.Plan.Config.Env {
		value, ok := strings.CutPrefix(kv, "PYTHONPATH=")
		loc := e.Image.Plan.ConfigSources.Env["PYTHONPATH"]
		if !ok || loc.IsZero() {
			continue
		}
		for dir := range strings.SplitSeq(value, ":") {
			if path.IsAbs(dir) && strings.HasPrefix(at, strings.TrimSuffix(path.Clean(dir), "/")+"/") {
				a.step(fmt.Sprintf("PYTHONPATH has %s, which leads to it", dir), instruction(finding.RoleSearchPath, loc))
				return
			}
		}
	}
}
