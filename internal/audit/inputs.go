package audit

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
	"github.com/ctxaudit/ctxaudit/internal/tools"
)

// stepRules are the rules by what a step misses.
var stepRules = map[tools.Kind]string{tools.File: finding.StepInputMissing, tools.Member: finding.WorkspaceMemberMissing, tools.Source: finding.ImportNotInStage}

// checkSteps looks for what the programs of RUN steps read and do not find there. Only what the repository has is told: the rest may be
// made before the build, or is the program's own fault.
func checkSteps(p *pass) error {
	var found []input
	seen := map[string]bool{}
	for _, op := range p.image.Plan.Ops {
		if op.Kind != dockerfile.OpExec {
			continue
		}
		script := p.image.Script(op)
		if script == nil || p.image.Before(op.ID) == nil {
			continue
		}
		if p.noProgram(op, seen) || p.main == nil {
			continue
		}
		p.reportOwners(op, script)
		for _, m := range script.Missing {
			if !m.Fails && m.Doubt == "" || m.Spares != "" && p.declares(m.Spares) {
				continue // the step may go on without it
			}
			if m.Refused != "" {
				p.reportRefused(op, m)
				continue
			}
			in, ok := p.inputOf(op, m)
			if !ok {
				p.reportProduct(op, m)
				continue
			}
			i := slices.IndexFunc(found, func(have input) bool { return have.source == in.source })
			if i < 0 {
				found = append(found, in)
			} else if have := &found[i]; in.sure && !have.sure {
				have.sure = true
				if have.m.Later == nil || have.op == in.op { // else that it comes in time for one is not enough for the other
					*have = in
				}
			}
		}
		for _, in := range p.keptFrom(op, script) {
			if !slices.ContainsFunc(found, func(have input) bool { return have.source == in.source }) {
				found = append(found, in)
			}
		}
	}
	for _, in := range found {
		if !in.sure && in.m.Later != nil {
			continue // what comes later is in time
		}
		if err := p.reportInput(in); err != nil {
			return err
		}
	}
	return nil
}

// inputOf tells of what a step misses where the repository has it, and whether the build fails of it; ok is false if nothing is to be said.
func (p *pass) inputOf(op *dockerfile.Op, m steps.Missing) (in input, ok bool) {
	in = input{op: op, m: m, sure: m.Doubt == ""}
	if in.at, in.source, ok = p.lost(op, m); !ok {
		if in.at, in.source, in.above, ok = p.lostAbove(op, m); !ok {
			return in, false
		}
	}
	if in.late = p.later(op, in.at); in.late != nil && m.Lasting {
		return in, false
	}
	if m.Later == nil || (in.late == nil) != m.Never {
		return in, !m.Quiet
	}
	fails, decided := p.failsLater(op, m)
	in.sure = in.sure || fails && m.Call.S.Sure()
	return in, fails || !decided && !m.Quiet
}

// input is what a step misses and the build context has.
type input struct {
	op         *dockerfile.Op
	m          steps.Missing
	at, source string
	late       *dockerfile.Op // copies it after the step, nil if nothing does
	sure       bool           // that the build fails of it
	above      string         // the directory above the build context in which source lies; "" if it is the context's own
}

// failsLater reports whether a later program of the stage surely fails because an earlier one did without something; decided is true if
// none will any more, too.
func (p *pass) failsLater(op *dockerfile.Op, m steps.Missing) (fails, decided bool) {
	var earlier []*command.Call
	for _, next := range p.image.Plan.Ops {
		after := p.follows(next, op)
		if next.Kind != dockerfile.OpExec || !after && next != op && !p.follows(op, next) {
			continue
		}
		script := p.image.Script(next)
		if script == nil {
			return false, false
		}
		begun := after
		for _, c := range script.Calls {
			if begun {
				fails, decided := m.Later(c, earlier)
				if fails && m.Never && !asksAgain(script, c, m.Path) {
					decided = false // it does without
				}
				if decided {
					return fails && c.S.Sure() && c.S.Needed(), true
				}
			}
			begun = begun || c == m.Call
			earlier = append(earlier, c)
		}
	}
	return false, false
}

// declares reports whether an argument of the Dockerfile begins so: it may be given where the image is built.
func (p *pass) declares(prefix string) bool {
	for _, stage := range p.image.Plan.Stages {
		for _, in := range stage.Instructions {
			if in.Keyword == "ARG" && strings.Contains(in.Location.Text, prefix) {
				return true
			}
		}
	}
	return false
}

// asksAgain reports whether a program of a step reads something that may not be there.
func asksAgain(script *steps.Script, c *command.Call, name string) bool {
	return slices.ContainsFunc(script.Missing, func(m steps.Missing) bool { return m.Call == c && m.Path == name })
}

// lost gives where a step looks for what it misses, and where the build context has that; ok is false if it does not.
func (p *pass) lost(op *dockerfile.Op, m steps.Missing) (at, source string, ok bool) {
	if m.Find != nil {
		roots := append(suffixes(m.Root), ".") // nothing of the context is there
		if root, known := p.counterpart(op, m.Root); known {
			roots = []string{root}
		}
		for _, root := range roots {
			if found := m.Find(p.build.Repo, path.Join("/", root)); found != "" {
				rel, _ := below(found, path.Join("/", root))
				at, source = path.Join(m.Root, rel), strings.Trim(found, "/")
				break
			}
		}
		if tracked, git, err := p.build.Tracked(source); source == "" || m.Kind == tools.Source && err == nil && git && len(tracked) == 0 {
			return "", "", false // a source that git does not have somebody makes
		}
		return at, source, true
	}
	for _, at := range append([]string{m.Path}, m.Or...) {
		for _, source := range p.sourcesOf(op, m, at) {
			if fi, err := p.main.FS.Lstat(source); err == nil && (fi.IsDir() || !m.Dir) {
				return at, source, true
			}
		}
	}
	return "", "", false
}

// counterpart gives the directory of the build context that a directory of a file system is a copy of.
func (p *pass) counterpart(op *dockerfile.Op, dir string) (string, bool) {
	rel := ""
	for d := dir; ; d = path.Dir(d) {
		if files, in, ok := p.build.Step(op, d); ok {
			if source, ok := p.build.Origin(files, in); ok {
				return path.Join(source, rel), true
			}
		}
		if d == "/" {
			return "", false
		}
		rel = path.Join(path.Base(d), rel)
	}
}

// sourcesOf gives where the build context may have what is missing at a path, the likeliest first: as the places tell that ask for it,
// the directories around it, what is there later or in other stages and, since people copy into working directories, as the step's words say.
func (p *pass) sourcesOf(op *dockerfile.Op, m steps.Missing, at string) (out []string) {
	if n := len(m.Because); n > 0 {
		asks := m.Because[n-1].File
		if source, ok := p.build.StepPath(op, asks); ok {
			if rel, inside := below(at, path.Dir(asks)); inside {
				out = append(out, path.Join(path.Dir(source), rel))
			}
		}
	}
	source, known := p.counterpart(op, at)
	if known {
		out = append(out, source)
	}
	for _, other := range p.image.Plan.Ops {
		if s := p.image.After(other.ID); s != nil && other.ID != op.ID && (other.Kind == dockerfile.OpFile || other.Kind == dockerfile.OpExec) {
			if n, _, err := s.Tree.Stat(at); err == nil {
				if source, ok := p.image.OriginIn(p.main.Name, n); ok {
					out = append(out, source)
				}
			}
		}
	}
	if dir := path.Join("/", op.Exec.Dir); len(m.Because) == 0 {
		if rel, inside := below(at, dir); inside && dir != "/" {
			out = append(out, rel)
		}
		if !known { // nothing of the context is there
			out = append(out, suffixes(at)...)
		}
	}
	return out
}

// suffixes gives the paths in the build context that may be meant by one of a file system, into which people copy it below some directory:
// the longest first.
func suffixes(p string) (out []string) {
	for rest := strings.Trim(p, "/"); rest != ""; {
		out = append(out, rest)
		_, rest, _ = strings.Cut(rest, "/")
	}
	return out
}

// below gives a path as seen from a directory that it lies in, or from which `..` leads to it.
func below(p, dir string) (string, bool) {
	up := ""
	for dir != "/" && p != dir && !strings.HasPrefix(p, dir+"/") {
		dir, up = path.Dir(dir), path.Join(up, "..")
	}
	return path.Join(up, strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")), true
}

// removedBefore gives the step, or this one, that surely removes what a step reads, where it was there before; nil if none does.
func (p *pass) removedBefore(op *dockerfile.Op, at string) *dockerfile.Op {
	for _, by := range p.image.Plan.Ops {
		before := p.image.Before(by.ID)
		if by.Kind != dockerfile.OpExec || before == nil || by != op && !p.follows(op, by) || !before.Tree.Exists(at) {
			continue
		}
		if p.image.Removes(by, at) {
			return by
		}
	}
	return nil
}

// reportInput reports something that a step reads and does not find.
func (p *pass) reportInput(in input) error {
	if in.above != "" {
		p.reportAbove(in)
		return nil
	}
	op, m, at, source := in.op, in.m, in.at, in.source
	v, err := need.Judge(p.build, &need.Need{Name: source, Source: source})
	if err != nil {
		return err
	}
	f := p.ofInput(in)
	f.ContextPath, f.Hint = source, finding.Hint{Wants: []string{at}, Step: op.ID + 1}
	detail := p.chain(&f, op, m)
	detail = append(detail, fmt.Sprintf("The repository has %s.", source))
	subject := f.Subject
	switch {
	case len(v.Ignored) > 0:
		detail = append(detail, p.explainIgnored(&f, v)...)
	case in.late != nil:
		f.Related = append(f.Related, instruction(finding.RoleCopies, in.late.Location))
		detail = append(detail, fmt.Sprintf("%s:%d copies it, but too late.", in.late.Location.File, in.late.Location.Range.Start.Line))
	case p.removedBefore(op, at) != nil:
		by := p.removedBefore(op, at).Location
		f.Related = append(f.Related, instruction(finding.RoleRemoves, by))
		detail = append(detail, fmt.Sprintf("%s:%d removes it, judging by its command: the step was not run.", by.File, by.Range.Start.Line))
	default:
		detail = append(detail, "No instruction before this step copies it into this stage.")
	}
	f.Subject = subject
	if m.Doubt != "" {
		detail = append(detail, m.Doubt)
	}
	f.Detail = strings.Join(detail, " ")
	p.add(p.subject.judge(f, true))
	return nil
}

// ofInput says what a step reads and does not find.
func (p *pass) ofInput(in input) finding.Finding {
	command := in.m.Call.Shown()
	f := finding.Finding{
		Rule: stepRules[in.m.Kind], Severity: finding.Error, ImagePath: in.at, Subject: position(in.op.Location), Assumptions: p.assumptions(p.opaqueBefore(in.op)),
		Summary: fmt.Sprintf("%s fails: %s is missing at this step (%s)", command, in.at, in.m.What),
		About:   finding.About{Name: command},
	}
	if !in.sure {
		f.Severity = finding.Warning
	}
	if in.m.Doubt != "" {
		f.Summary = fmt.Sprintf("%s does not find %s (%s)", command, in.at, in.m.What)
	}
	return f
}

// reportRefused reports a program of the build context that a step starts and the kernel does not run.
func (p *pass) reportRefused(op *dockerfile.Op, m steps.Missing) {
	source, ok := p.build.StepPath(op, m.Path)
	if !ok {
		return
	}
	command := m.Call.Shown()
	f := finding.Finding{
		Rule: finding.EntrypointNotRunnable, Severity: finding.Error, ContextPath: source, ImagePath: m.Path, Subject: position(op.Location),
		Assumptions: p.assumptions(p.opaqueBefore(op)), Summary: fmt.Sprintf("%s fails: %s %s", command, m.Path, m.Refused),
		Hint: finding.Hint{Step: op.ID + 1, Returns: m.Returns}, About: finding.About{Name: command},
	}
	detail := p.chain(&f, op, m)
	switch {
	case m.Mode != 0:
		f.Hint.Mode = strconv.FormatUint(uint64(m.Mode), 8)
		detail = append(detail, "The kernel answers: permission denied. Use COPY --chmod="+f.Hint.Mode+", or git update-index --chmod=+x for every clone.")
	case m.Returns:
		detail = append(detail, "The kernel looks for an interpreter whose name ends in a carriage return. Save the file with LF line ends; *.sh text eol=lf in .gitattributes keeps them in every clone.")
	default:
		detail = append(detail, "The kernel answers: no such file or directory.")
	}
	f.Detail = strings.Join(detail, " ")
	p.add(p.subject.judge(f, true))
}

// chain says what leads to what is missing.
func (p *pass) chain(f *finding.Finding, op *dockerfile.Op, m steps.Missing) (detail []string) {
	for _, o := range m.Call.S.Via {
		if o.InImage {
			p.asks(f, op, tools.Line{File: o.File, Line: o.Line, Text: o.Text}, "starts it")
		}
	}
	if o := m.Call.S.Here; o.InImage {
		place := p.asks(f, op, tools.Line{File: o.File, Line: o.Line, Text: o.Text}, "starts it")
		detail = append(detail, fmt.Sprintf("%s:%d starts it.", place.File, place.Line))
	}
	for i, l := range m.Because {
		place := p.asks(f, op, l, "asks for it")
		if i == len(m.Because)-1 {
			detail = append(detail, fmt.Sprintf("%s:%d asks for it: %s.", place.File, place.Line, strings.TrimSuffix(place.Text, ".")))
		}
	}
	return detail
}

// asks relates a line of a file of the step's file system, by its name in the build context.
func (p *pass) asks(f *finding.Finding, op *dockerfile.Op, l tools.Line, note string) finding.Place {
	place := finding.Place{Role: finding.RoleReads, File: l.File, Line: l.Line, Text: l.Text, Note: note}
	if source, ok := p.build.StepPath(op, l.File); ok {
		place.File = simulate.Shown(p.main.Dir, source)
	}
	f.Related = append(f.Related, place)
	return place
}

// later gives the instruction of the same stage, after a step, that copies something to a path; nil if none does.
func (p *pass) later(op *dockerfile.Op, at string) *dockerfile.Op {
	for _, next := range p.image.Plan.Ops {
		s := p.image.After(next.ID)
		if s == nil || next.Kind != dockerfile.OpFile || !p.follows(next, op) {
			continue
		}
		if n, _, err := s.Tree.Stat(at); err == nil && n.Op >= 0 && int(n.Op) < len(p.image.Plan.Ops) {
			if by := p.image.Plan.Ops[n.Op]; by.Kind == dockerfile.OpFile {
				return by
			}
		}
	}
	return nil
}

// follows reports whether an operation works on what another one left, in the same stage or in one that starts from it.
func (p *pass) follows(op, before *dockerfile.Op) bool {
	for range p.image.Plan.Ops {
		ref, ok := op.Parent()
		if !ok {
			return false
		}
		if op = p.image.Plan.Ops[ref.Op]; op == before {
			return true
		}
	}
	return false
}

// opaqueBefore gives the operations on whose effects the file system rests that a step finds.
func (p *pass) opaqueBefore(op *dockerfile.Op) (out []int) {
	for _, id := range p.image.Opaque {
		if o := p.image.Plan.Ops[id]; p.follows(op, o) {
			out = append(out, id)
		}
	}
	return out
}
