package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/verify"
)

// maxDifferences is how many differences of a kind a text names, and maxExplained how many groups.
const (
	maxDifferences = 100
	maxExplained   = 50
)

// Verify writes what came of holding a built image against its prediction.
func Verify(out io.Writer, r *verify.Report, s Style) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s  %s %s\n", s.bold(Name(r.Name)), Name(r.Built), s.dim(Name(r.Digest)))
	differences(w, s.red("contradicted"), r.Contradicted, s)
	differences(w, s.yellow("open"), r.Open, s)
	if len(r.Unpredicted) > 0 {
		fmt.Fprintf(w, "\n  %s\n", s.bold("present, but not predicted by name"))
	}
	for i, g := range r.Unpredicted {
		if i == maxExplained {
			fmt.Fprintf(w, "    %s\n", s.dim(fmt.Sprintf("and %d more", len(r.Unpredicted)-i)))
			break
		}
		fmt.Fprintf(w, "    %s: %s, %s\n", line(g.By), count(g.Count, "path"), finding.Size(g.Bytes))
		for _, p := range g.Paths {
			fmt.Fprintf(w, "      %s\n", s.dim(Name(p)))
		}
	}
	var given []finding.Assumption
	for _, a := range r.Assumptions {
		if a.Kind == finding.AssumedBase {
			given = append(given, a)
		}
	}
	if len(given) > 0 && len(r.Contradicted)+len(r.Open)+len(r.Unpredicted) > 0 {
		fmt.Fprintln(w)
	}
	assumptions(w, given, s)
	total := fmt.Sprintf("%d paths and settings as predicted, %s, %s", r.Agreed, count(len(r.Contradicted), "contradiction"), count(len(r.Open), "open difference"))
	if len(r.Contradicted) > 0 {
		total = s.red(total)
	} else {
		total = s.green(total)
	}
	fmt.Fprintf(w, "\n%s\n", total)
	return w.Flush()
}

func line(p finding.Place) string { return At(p.File, p.Line) + " " + shorten(Text(p.Text), 60) }

func differences(w io.Writer, title string, list []verify.Difference, s Style) {
	if len(list) > 0 {
		fmt.Fprintf(w, "\n  %s\n", title)
	}
	for i, d := range list {
		if i == maxDifferences {
			fmt.Fprintf(w, "    %s\n", s.dim(fmt.Sprintf("and %d more", len(list)-i)))
			return
		}
		what := Name(d.Path)
		if d.Name != "" {
			what = Name(d.Name)
		}
		switch d.Kind {
		case verify.Absent:
			what += " is missing: predicted as " + Text(d.Predicted)
		case verify.Unexplained:
			what += " is present, and nothing explains it: " + Text(d.Built)
		default:
			what += fmt.Sprintf(": %s is %s, not %s", Text(string(d.Kind)), orNone(d.Built), orNone(d.Predicted))
		}
		if d.Below > 0 {
			what += fmt.Sprintf(", with %s below", count(d.Below, "path"))
		}
		fmt.Fprintf(w, "    %s\n", what)
		if d.Place != nil {
			fmt.Fprintf(w, "      %s\n", s.dim(line(*d.Place)))
		}
		for _, by := range d.By {
			fmt.Fprintf(w, "      %s\n", s.dim("may be changed by "+line(by)))
		}
	}
}

func orNone(v string) string {
	if v == "" {
		return "none"
	}
	return Text(v)
}
