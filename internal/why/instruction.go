package why

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// line explains a line of the Dockerfile or of the ignore file. ok is false if the target names neither.
func (e *Explainer) line(a *Answer, file string, number int) (ok bool, err error) {
	df := e.Image.Plan.Dockerfile.Name
	if file == df || file == path.Base(df) {
		return true, e.instruction(a, number)
	}
	if e.Main != nil && e.Main.Ignore != nil && (file == e.Main.Ignore.Name || file == path.Base(e.Main.Ignore.Name)) {
		return true, e.ignoreLine(a, number)
	}
	if path.Base(file) == ".dockerignore" && e.Main != nil && e.Main.Ignore == nil {
		a.Kind, a.Verdict, a.Summary = "ignore-line", NotFound, fmt.Sprintf("there is no ignore file in %s", e.Main.Dir)
		return true, nil
	}
	return false, nil
}

// instruction explains what an instruction does to the image.
func (e *Explainer) instruction(a *Answer, number int) error {
	a.Kind = "instruction"
	for _, s := range e.Image.Plan.Stages {
		if s.Location.Range.Start.Line <= number && number <= s.Location.Range.End.Line {
			return e.from(a, s)
		}
		for _, in := range s.Instructions {
			if in.Location.Range.Start.Line <= number && number <= in.Location.Range.End.Line {
				return e.explainInstruction(a, s, in)
			}
		}
	}
	a.Verdict = NotFound
	a.Summary = fmt.Sprintf("line %d of %s has no instruction of a stage", number, e.Image.Plan.Dockerfile.Name)
	return nil
}

func (e *Explainer) from(a *Answer, s dockerfile.Stage) error {
	a.step("the stage begins here", instruction(finding.RoleCopies, s.Location))
	if !s.Reached {
		a.Verdict, a.Summary = NoEffect, fmt.Sprintf("the image is not built from the stage at line %d", s.Location.Range.Start.Line)
		return nil
	}
	a.Verdict = HasEffect
	switch {
	case s.BaseStage >= 0:
		a.Summary = fmt.Sprintf("this stage continues the stage %s", s.Base)
	case s.Base == "scratch":
		a.Summary = "this stage starts from scratch"
	default:
		a.Summary = fmt.Sprintf("this stage starts from the image %s, whose files are unknown here", s.Base)
		for _, op := range e.Image.Plan.Ops {
			if about, ok := e.Image.KnownBase(op.ID); ok && op.Location.Stage == s.Index {
				a.Summary = fmt.Sprintf("this stage starts from the image %s, which is %s", s.Base, about)
			}
		}
	}
	return nil
}

func (e *Explainer) explainInstruction(a *Answer, s dockerfile.Stage, in dockerfile.Instruction) error {
	place := instruction(finding.RoleCopies, in.Location)
	if !s.Reached {
		a.Verdict, a.Summary = NoEffect, fmt.Sprintf("%s has no effect: the image is not built from its stage", in.Location.Text)
		a.step("it is in a stage that the image does not use", place)
		return nil
	}
	switch in.Keyword {
	case "COPY", "ADD", "WORKDIR":
		return e.effect(a, in, place)
	case "RUN":
		return e.run(a, in, place)
	default:
		e.setting(a, s, in, place)
	}
	return nil
}

// setting explains an instruction that sets something in the image's configuration.
func (e *Explainer) setting(a *Answer, s dockerfile.Stage, in dockerfile.Instruction, place *finding.Place) {
	src := e.Image.Plan.ConfigSources
	a.step("sets a part of the image's configuration", place)
	var holds []string
	for name, l := range src.Env {
		if within(l, in) {
			holds = append(holds, name)
		}
	}
	final := map[string]dockerfile.Location{"CMD": src.Cmd, "ENTRYPOINT": src.Entrypoint, "USER": src.User, "STOPSIGNAL": src.StopSignal, "SHELL": src.Shell, "HEALTHCHECK": src.Healthcheck}
	last, one := final[in.Keyword]
	switch {
	case in.Keyword == "ENV" && len(holds) > 0:
		a.Verdict, a.Summary = HasEffect, fmt.Sprintf("%s of the image is set here", strings.Join(sorted(holds), ", "))
	case in.Keyword == "ENV" && s.Index != e.Image.Plan.TargetStage && s.Index >= 0:
		a.Verdict, a.Summary = NoEffect, "it does not set the image's environment: a later line or another stage decides"
	case one && within(last, in):
		a.Verdict, a.Summary = HasEffect, fmt.Sprintf("the image's %s is set here", in.Keyword)
	case one || in.Keyword == "ENV":
		a.Verdict, a.Summary = NoEffect, fmt.Sprintf("a later line overrides the image's %s", in.Keyword)
		if one && !last.IsZero() {
			a.step("a later line decides", instruction(finding.RoleSets, last))
		}
	default:
		a.Verdict, a.Summary = HasEffect, fmt.Sprintf("%s affects the build or the configuration, but no file", in.Keyword)
	}
}

// within reports whether a place is an instruction, or a part of it: each setting of an ENV has a place of its own.
func within(l dockerfile.Location, in dockerfile.Instruction) bool {
	at := in.Location.Range
	return l.Stage == in.Location.Stage && at.Start.Offset <= l.Range.Start.Offset && l.Range.End.Offset <= at.End.Offset && !l.IsZero()
}

// effect tells which files an instruction puts into its stage, and which of them are in the image in the end.
func (e *Explainer) effect(a *Answer, in dockerfile.Instruction, place *finding.Place) error {
	var put copied
	for _, op := range e.Image.Plan.Ops {
		if op.Location != in.Location || op.Kind != dockerfile.OpFile && op.Kind != dockerfile.OpMerge {
			continue
		}
		if err := put.count(e, op); err != nil {
			return err
		}
	}
	if in.Keyword == "WORKDIR" {
		a.Verdict, a.Summary = HasEffect, "it creates its directory, from which relative paths start"
		a.step("sets the working directory", place)
		return nil
	}
	a.step(fmt.Sprintf("copies %s (%d B)%s", filesOf(put.made), put.bytes, forExample(put.example)), place)
	switch {
	case e.Failure != nil:
		a.Verdict, a.Summary = BuildFailed, "the build fails, so there is no image"
		a.step(e.Failure.Message, instruction(finding.RoleFails, e.Failure.Location))
	case put.made == 0 && fromElsewhere(in):
		a.Verdict, a.Summary = Unknown, "it copies from a stage or an image what is unknown without building that"
	case put.made == 0:
		a.Verdict, a.Summary = NoEffect, "it copies no file: its sources have none that the ignore file includes"
		e.ignoredSources(a, in)
	case put.left == 0:
		a.Verdict, a.Summary = NoEffect, fmt.Sprintf("it copies %s, but none of them is in the image", filesOf(put.made))
	default:
		a.Verdict, a.Summary = HasEffect, fmt.Sprintf("it copies %s; the image has %d of them", filesOf(put.made), put.left)
		e.ignoredSources(a, in)
	}
	a.Assumptions = e.assumptions()
	return nil
}

// copied is what operations put into a stage, and how many of these files are in the image in the end.
type copied struct {
	made, bytes, left int64
	example           string
}

// count adds what one operation did.
func (c *copied) count(e *Explainer, op *dockerfile.Op) error {
	if st := e.Image.After(op.ID); st != nil {
		err := st.Tree.Scan(func(p string, n *rootfs.Node) error {
			if n.Op == int32(op.ID) && !n.IsDir() {
				c.made++
				c.bytes += n.Size
				c.example = cmp.Or(c.example, p)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if e.Failure != nil {
		return nil
	}
	return e.Image.Tree.Scan(func(_ string, n *rootfs.Node) error {
		for from := n; from != nil && !n.IsDir(); from = from.Source {
			if from.Op == int32(op.ID) {
				c.left++
				break
			}
		}
		return nil
	})
}

// fromElsewhere reports whether an instruction copies from a stage or an image.
func fromElsewhere(in dockerfile.Instruction) bool {
	c, ok := copyOf(in)
	return ok && c.from() != ""
}

func forExample(p string) string {
	if p == "" {
		return ""
	}
	return ", " + p + " first"
}

// filesOf counts files in words.
func filesOf(n int64) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// ignoredSources names the ignore lines that keep out parts of what an instruction reads from the context.
func (e *Explainer) ignoredSources(a *Answer, in dockerfile.Instruction) {
	c, ok := copyOf(in)
	if e.Main == nil || e.Main.Ignore == nil || !ok || c.from() != "" {
		return
	}
	count := map[*dockerctx.Line]int{}
	var order []*dockerctx.Line
	_ = e.Main.WalkIgnored(false, func(entry dockerctx.IgnoredEntry) error {
		if entry.Line == nil || !takes(c.sources, entry.Path) {
			return nil
		}
		if count[entry.Line] == 0 {
			order = append(order, entry.Line)
		}
		count[entry.Line]++
		return nil
	})
	for _, l := range order[:min(len(order), maxListed)] {
		what := fmt.Sprintf("%d entries", count[l])
		if count[l] == 1 {
			what = "1 entry"
		}
		a.step("excludes "+what+" of what it matches", e.place(finding.RoleExcludes, l))
	}
}

// ignoreLine explains what a line of the ignore file keeps out, or brings back.
func (e *Explainer) ignoreLine(a *Answer, number int) error {
	a.Kind = "ignore-line"
	if number > len(e.Main.Ignore.Lines) {
		a.Verdict, a.Summary = NotFound, fmt.Sprintf("%s has %d lines", e.Main.Ignore.Name, len(e.Main.Ignore.Lines))
		return nil
	}
	l := &e.Main.Ignore.Lines[number-1]
	if l.Kind != dockerctx.LinePattern {
		a.Verdict, a.Summary = NoEffect, fmt.Sprintf("line %d of %s is a comment or empty", number, e.Main.Ignore.Name)
		return nil
	}
	first, n, err := decisions(e.Main, number)
	if err != nil {
		return err
	}
	a.step("is evaluated for every path of the context", e.place(finding.RoleExcludes, l))
	verb, other := "excludes", "includes"
	if l.Negated {
		verb, other = "re-includes", "excludes"
	}
	switch {
	case n == 0:
		a.Verdict, a.Summary = NoEffect, fmt.Sprintf("%s:%d (%s) has no effect: without it the same files reach the builder", e.Main.Ignore.Name, number, strings.TrimSpace(l.Text))
	default:
		a.Verdict, a.Summary = HasEffect, fmt.Sprintf("%s:%d (%s) %s %s", e.Main.Ignore.Name, number, strings.TrimSpace(l.Text), verb, filesOf(int64(n)))
		a.Missing, a.MissingCount = first, n
		a.step(fmt.Sprintf("without this line the ignore file %s them", other), nil)
	}
	return nil
}

// decisions counts the files that reach the builder only with, or only without, a line of the ignore file, and gives the first
// of them.
func decisions(c *simulate.Context, line int) (first []string, n int, err error) {
	other, err := without(c, []int{line})
	if err != nil {
		return nil, 0, err
	}
	err = dockerctx.Compare(c.Tree(), other.Tree()).Changed(func(name string) error {
		n++
		if at, _ := slices.BinarySearch(first, name); at < maxListed {
			first = slices.Insert(first, at, name)
			first = first[:min(len(first), maxListed)]
		}
		return nil
	})
	return first, n, err
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
