package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/steps"
	"github.com/ctxaudit/ctxaudit/internal/tools"
)

// run explains a RUN step: what it starts, what that reads and finds where, what it does not find, and what the step makes.
func (e *Explainer) run(a *Answer, in dockerfile.Instruction, place *finding.Place) error {
	op := e.stepAt(in)
	var script *steps.Script
	if op != nil {
		script = e.Image.Script(op)
	}
	if script == nil {
		a.Verdict, a.Summary = Unknown, fmt.Sprintf("what %s does is unknown without running it", in.Location.Text)
		a.step("every answer assumes what this step adds, changes or removes", place)
		return nil
	}
	e.reads(a, op, script, place)
	fails := ""
	for _, m := range script.Missing {
		if sentence := fmt.Sprintf("%s does not find %s (%s)", m.Call.Shown(), m.Path, m.What); m.Fails && fails == "" {
			fails = sentence
			a.step(sentence+", and the step fails", e.because(op, m.Because))
		} else {
			a.step(sentence, e.because(op, m.Because))
		}
	}
	made, err := e.makes(a, op)
	if err != nil {
		return err
	}
	may, unknown := mayWrite(script)
	if len(may) > 0 {
		a.step("it may change what is at "+listed(may), nil)
	}
	if len(unknown) > 0 {
		a.step(fmt.Sprintf("%s is unknown: any file may change", listed(unknown)), nil)
	}
	switch {
	case fails != "":
		a.Verdict, a.Summary = BuildFailed, fails
	case made > 0:
		a.Verdict, a.Summary = HasEffect, fmt.Sprintf("this step creates or changes %s", filesOf(int64(made)))
	case len(may)+len(unknown) == 0 && !script.Missed:
		a.Verdict, a.Summary = NoEffect, "this step changes no known file"
	default:
		a.Verdict, a.Summary = Unknown, "what this step creates is unknown without running it"
	}
	a.Assumptions = e.assumptions()
	return nil
}

// stepAt gives the operation of a RUN instruction, nil if there is none.
func (e *Explainer) stepAt(in dockerfile.Instruction) *dockerfile.Op {
	i := slices.IndexFunc(e.Image.Plan.Ops, func(op *dockerfile.Op) bool {
		return op.Kind == dockerfile.OpExec && (op.Location == in.Location || slices.Contains(op.Also, in.Location))
	})
	if i < 0 {
		return nil
	}
	return e.Image.Plan.Ops[i]
}

// reads tells which files the programs of a step read, and where they come from.
func (e *Explainer) reads(a *Answer, op *dockerfile.Op, script *steps.Script, place *finding.Place) {
	files := e.Image.Sight(op)
	for _, c := range script.Calls {
		if c.Wraps {
			continue
		}
		found := &finder{Sight: files}
		if files != nil {
			tools.Read(c, found)
		}
		at := c.S.Dir
		if at == "" {
			at = "an unknown directory"
		}
		sentence := fmt.Sprintf("starts %s in %s", c.Shown(), at)
		if len(found.paths) > 0 {
			sentence += ", which finds " + e.origins(op, found.paths)
		}
		if len(a.Steps) == maxListed {
			a.step(fmt.Sprintf("and starts %d programs in all", len(script.Calls)), nil)
			return
		}
		a.step(sentence, place)
		place = nil
	}
	if len(a.Steps) == 0 {
		a.step("starts no known program", place)
	}
}

// origins lists paths that a step finds, each with what it is of the build context.
func (e *Explainer) origins(op *dockerfile.Op, paths []string) string {
	var out []string
	for _, p := range paths {
		if from, ok := e.origin(op, p); ok {
			p += " (" + from + ")"
		}
		out = append(out, p)
	}
	return listed(out)
}

// origin gives the path in the build context of what a step finds at a path.
func (e *Explainer) origin(op *dockerfile.Op, p string) (string, bool) {
	tree, in, ok := e.Image.Seen(op, p)
	if !ok {
		return "", false
	}
	n, _, err := tree.Stat(in)
	if err != nil {
		return "", false
	}
	return e.Image.Origin(n)
}

// makes tells what a step surely makes or changes, and counts it.
func (e *Explainer) makes(a *Answer, op *dockerfile.Op) (int, error) {
	after := e.Image.After(op.ID)
	if after == nil {
		return 0, nil
	}
	var made []string
	err := after.Tree.Scan(func(p string, n *rootfs.Node) error {
		if n.Op == int32(op.ID) && !n.Implied && n.Kind != rootfs.KindUnknown {
			made = append(made, p)
		}
		return nil
	})
	if len(made) > 0 {
		a.step("it creates or changes "+listed(made), nil)
	}
	return len(made), err
}

// mayWrite gives where programs of a step may write, as far as is known of them, and those of which nothing is known. Programs whose
// effects are known are left out.
func mayWrite(script *steps.Script) (paths, unknown []string) {
	for _, c := range script.Calls {
		if _, all := c.Effects(); all || c.Wraps || c.Builtin {
			continue
		}
		f := c.Footprint()
		if f.Unknown {
			if !slices.Contains(unknown, c.Base) {
				unknown = append(unknown, c.Base)
			}
			continue
		}
		for _, p := range f.Paths {
			if !slices.Contains(paths, p) {
				paths = append(paths, p)
			}
		}
	}
	slices.Sort(paths)
	return paths, unknown
}

// because gives the place that asks for what is missing, nil if the words of the command do.
func (e *Explainer) because(op *dockerfile.Op, lines []tools.Line) *finding.Place {
	if len(lines) == 0 {
		return nil
	}
	l := lines[len(lines)-1]
	file := l.File
	if from, ok := e.origin(op, file); ok {
		file = from
	}
	return &finding.Place{Role: finding.RoleReads, File: file, Line: l.Line, Text: l.Text}
}

// listed joins the first of some names.
func listed(names []string) string {
	text := strings.Join(names[:min(len(names), maxListed)], ", ")
	if more := len(names) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// finder notes the files that a program finds.
type finder struct {
	steps.Sight
	paths []string
}

// Stat implements [shell.Files].
func (f *finder) Stat(p string) shell.FileKind {
	kind := f.Sight.Stat(p)
	if kind == shell.Regular && !slices.Contains(f.paths, p) {
		f.paths = append(f.paths, p)
	}
	return kind
}
