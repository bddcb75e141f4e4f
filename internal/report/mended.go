package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// maxRepairs is how many repairs text names; the diff has all.
const maxRepairs = 200

// Mended writes repairs as text, then as a unified diff that git apply and patch take; or, if after is given, what is left
// once they were made.
func Mended(out io.Writer, m *why.Mended, after *finding.Report, s Style) error {
	w := bufio.NewWriter(out)
	many := len(m.Reports) > 1
	repairs, more := few(m.Repairs, maxRepairs)
	for _, r := range repairs {
		r = clipped(r, maxAnswerText)
		mark := s.green("fix ")
		if r.Fix == nil {
			mark = s.yellow("none")
		}
		image := ""
		if many {
			image = " (" + Name(r.Image) + ")"
		}
		fmt.Fprintf(w, "%s %d. %s  %s%s\n", mark, r.Number, s.bold(Text(r.Finding.Rule)), s.cyan(position(r.Finding.Subject)), s.dim(image))
		fmt.Fprintf(w, "        %s\n", sentence(r.Finding.Summary))
		if r.Fix != nil {
			fmt.Fprintf(w, "        %s: %s\n", sentence(r.Fix.Title), Effect(*r.Fix))
			continue
		}
		if len(r.Tried) == 0 {
			fmt.Fprintf(w, "        %s\n", s.dim("no edit of the Dockerfile, the ignore file or the sources is known to repair this"))
		}
		for _, t := range fewNames(r.Tried, maxAnswerItems) {
			fmt.Fprintf(w, "        %s\n", s.dim("simulated: "+Text(t)))
		}
	}
	if text := leftOutOf([]leftKind{{more, "repair"}}); text != "" {
		fmt.Fprintln(w, s.dim(text))
	}
	if len(m.Repairs) == 0 {
		fmt.Fprintln(w, "nothing to fix")
	}
	if n := skippedWarnings(m); n > 0 {
		fmt.Fprintln(w, s.dim(count(n, "finding")+" not repaired: --all includes warnings, --finding N a single one"))
	}
	if after == nil {
		for _, c := range m.Changes {
			fmt.Fprintln(w)
			diff(w, string(edit.Unified(Name(c.Name), c.Before, c.After)), s)
		}
		return w.Flush()
	}
	for _, c := range m.Changes {
		fmt.Fprintf(w, "%s %s\n", s.green("wrote"), Name(c.Name))
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	text, _ := FindFormat("text")
	return Check(out, Audit{Report: *after}.within(text.Bounds), s)
}

// skippedWarnings counts the warnings that were not asked for.
func skippedWarnings(m *why.Mended) (n int) {
	asked := map[int]bool{}
	for _, r := range m.Repairs {
		asked[r.Number] = true
	}
	for _, img := range m.Reports {
		for _, f := range img.Findings {
			if f.Severity == finding.Warning && !asked[f.Number] {
				asked[f.Number] = true
				n++
			}
		}
	}
	return n
}

// diff writes a unified diff that git apply and patch take. One with text that must not be shown as it is would be another
// one if it were escaped: it is shown so that nothing takes it.
func diff(w io.Writer, text string, s Style) {
	if !fitLines(text) {
		for line := range strings.Lines(text) {
			fmt.Fprintf(w, "| %s\n", Text(strings.TrimRight(line, "\r\n")))
		}
		fmt.Fprintln(w, s.dim("Do not apply this diff: control characters in it are escaped. Use --write, or --format json for the exact diff."))
		return
	}
	for line := range strings.Lines(text) {
		line, end := strings.TrimSuffix(line, "\n"), "\n"
		switch {
		case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
			line = s.bold(line)
		case strings.HasPrefix(line, "@@"):
			line = s.cyan(line)
		case strings.HasPrefix(line, "+"):
			line = s.green(line)
		case strings.HasPrefix(line, "-"):
			line = s.red(line)
		}
		fmt.Fprint(w, line, end)
	}
}

// fitLines reports whether each line of a text may be shown as it is, whatever its end.
func fitLines(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if line = strings.ReplaceAll(line, "\t", " "); !fitName(line) {
			return false
		}
	}
	return true
}

// MendedJSON writes repairs as JSON: each with its finding and fix, the diff, and what is left if they were made.
func MendedJSON(w io.Writer, m *why.Mended, after *finding.Report) error {
	record := struct {
		Version int             `json:"version"`
		Repairs []why.Repaired  `json:"repairs"`
		Diff    string          `json:"diff"`
		Written bool            `json:"written"`
		After   *finding.Report `json:"after,omitempty"`
	}{Version: 1, Repairs: m.Repairs, Written: after != nil, After: after}
	if record.Repairs == nil {
		record.Repairs = []why.Repaired{}
	}
	for _, c := range m.Changes {
		record.Diff += string(edit.Unified(Name(c.Name), c.Before, c.After))
	}
	return JSON(w, record)
}
