package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// maxAnswerText is the length of one text of an answer, maxAnswerItems of one list in it that was not asked for in full.
const maxAnswerText, maxAnswerItems = 2000, 100

// Why writes an explanation: the verdict, then the chain, then what it would take.
func Why(out io.Writer, answer *why.Answer, s Style) error {
	w := bufio.NewWriter(out)
	a := clipped(*answer, maxAnswerText)
	steps, moreSteps := few(a.Steps, maxAnswerItems)
	fixes, moreFixes := few(a.Fixes, maxAnswerItems)
	tried, moreTried := few(a.Tried, maxAnswerItems)
	if a.Image != "" {
		fmt.Fprintf(w, "%s: ", s.bold(Name(a.Image)))
	}
	if a.Clue != nil {
		fmt.Fprintf(w, "%s\n", s.dim(Text(a.Clue.Line)))
	}
	verdict := sentence(a.Summary)
	summary := s.red(verdict)
	switch a.Verdict {
	case why.InImage, why.Set, why.HasEffect:
		summary = s.green(verdict)
	case why.Unknown, why.PartlyThere, why.EmptyDir, why.Remote, why.NoEffect, why.Foreign:
		summary = s.yellow(verdict)
	}
	fmt.Fprintln(w, summary)
	helps(w, &a, fixes, tried, s)
	for _, st := range steps {
		indent := "  "
		if st.Place != nil {
			where := At(st.Place.File, st.Place.Line)
			fmt.Fprintf(w, "  %s  %s\n", s.cyan(where), cutRight(Text(st.Place.Text), max(20, s.columns()-4-width(where))))
			indent = "    "
		}
		for _, line := range wrap(Text(st.Sentence), s.wide(len(indent))) {
			fmt.Fprintf(w, "%s%s\n", indent, s.dim(line))
		}
	}
	if a.Verdict != why.InImage || len(a.ImagePaths) > 1 {
		listed(w, "in the image:", a.ImagePaths, 0)
	}
	switch {
	case a.Kind == "ignore-line":
		listed(w, "these:", a.Missing, a.MissingCount)
	case a.MissingCount > 1 || a.Verdict == why.PartlyThere:
		listed(w, "not in the image:", a.Missing, a.MissingCount)
	}
	if a.Usage != nil {
		usage(w, a.Usage, s)
	}
	if len(a.Assumptions) > 0 {
		for i, line := range wrap("assuming that none of these changes it: "+assumed(a.Assumptions, 0), s.wide(4)) {
			fmt.Fprintf(w, "  %s%s\n", strings.Repeat("  ", min(i, 1)), s.dim(line))
		}
	}
	if text := leftOutOf([]leftKind{{moreSteps, "step"}, {moreFixes, "repair"}, {moreTried, "simulated edit"}}); text != "" {
		fmt.Fprintf(w, "  %s\n", s.dim(text))
	}
	return w.Flush()
}

// helps writes what would help, or what was simulated in vain.
func helps(w io.Writer, a *why.Answer, fixes []finding.Fix, tried []string, s Style) {
	for _, fix := range fixes {
		writeFix(w, "  ", fix, "", s)
	}
	if a.Remedy != "" {
		for i, line := range wrap(Text(a.Remedy), s.wide(7)) {
			if i == 0 {
				line = s.green("fix:") + " " + line
			} else {
				line = "     " + line
			}
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	if len(tried) > 0 {
		fmt.Fprintf(w, "  %s\n", s.dim("no fix found; simulated:"))
		for _, t := range tried {
			fmt.Fprintf(w, "    %s\n", s.dim("- "+Text(t)))
		}
	}
}

// listed writes some paths of total under a title; nothing if there are none.
func listed(w io.Writer, title string, paths []string, total int) {
	if len(paths) == 0 {
		return
	}
	fmt.Fprintf(w, "  %s\n", title)
	for _, p := range paths {
		fmt.Fprintf(w, "    %s\n", Name(p))
	}
	if total > len(paths) {
		fmt.Fprintf(w, "    and %d more\n", total-len(paths))
	}
}

// usage writes who imports a module and what it exports.
func usage(w *bufio.Writer, u *why.Usage, s Style) {
	if u.Count == 0 {
		fmt.Fprintf(w, "  nothing that the image starts imports %s\n", Name(u.Module))
	} else {
		fmt.Fprintf(w, "  %s is imported in %s:\n", Name(u.Module), count(u.Count, "place"))
	}
	places(w, u.Imports, s)
	if more := u.Count - len(u.Imports); more > 0 {
		fmt.Fprintf(w, "      and %d more (--all shows them)\n", more)
	}
	if len(u.Exports) == 0 {
		return
	}
	for _, line := range wrap("exports "+Text(strings.Join(u.Exports, ", ")), s.wide(2)) {
		fmt.Fprintf(w, "  %s\n", s.dim(line))
	}
}
