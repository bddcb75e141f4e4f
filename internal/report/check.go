package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// JSON writes a record as indented JSON with a final line end. Every value is exact; what a terminal or a CI system would
// obey is escaped.
func JSON(w io.Writer, v any) error {
	screen := JSONScreen(w)
	e := json.NewEncoder(screen)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	return screen.Flush()
}

// Check writes an audit as text: the findings of each image with the lines that matter, then one line of totals.
func Check(out io.Writer, a Audit, s Style) error {
	w := bufio.NewWriter(out)
	var clean []int
	first := true
	for i, img := range a.Images {
		if isClean(img) && !s.Verbose {
			clean = append(clean, i)
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		a.checkImage(w, img, a.of(i), s)
	}
	if !s.Quiet && len(clean) > 0 {
		if !first {
			fmt.Fprintln(w)
		}
		a.cleanImages(w, clean, s)
	}
	if !s.Verbose && a.Summary.Notes > 0 {
		if len(a.Images) > 0 && !(s.Quiet && first) {
			fmt.Fprintln(w)
		}
		a.notes(w, s)
	}
	if text := a.left.leftOut(); text != "" {
		fmt.Fprintf(w, "\n%s\n", s.dim(text))
	}
	if !s.Quiet {
		fmt.Fprintln(w)
		total(w, a.Report, s)
	}
	return w.Flush()
}

func (a Audit) checkImage(w io.Writer, img finding.ImageReport, l leftOfImage, s Style) {
	about := brief(img)
	if s.Verbose {
		about = describe(img, "", Name, Text)
	}
	fmt.Fprint(w, s.bold(Name(img.Name)), "  ", s.dim(about), "\n")
	told := map[string]bool{}
	for i, f := range img.Findings {
		if f.Severity == finding.Note && !s.Verbose {
			continue // with those of other images
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		if told[f.Detail] && !s.Verbose {
			f.Detail = ""
		}
		told[f.Detail] = true
		a.finding(w, f, img, s)
	}
	left := l
	if !s.Verbose {
		left = leftOfImage{findings: l.findings} // the rest is counted, if at all
	}
	if text := left.leftOut(); text != "" {
		fmt.Fprintf(w, "\n  %s\n", s.dim(text))
	}
	if s.Quiet {
		return
	}
	var rest strings.Builder
	holds(&rest, img, l, s)
	if len(img.Findings) > 0 && rest.Len() > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, rest.String())
}

// maxStarts bounds the programs that a line names.
const maxStarts = 3

// starts names what an image starts.
func starts(names []string) string {
	if len(names) == 0 {
		return "what the image starts"
	}
	text := strings.Join(names[:min(len(names), maxStarts)], ", ")
	if more := len(names) - maxStarts; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return Text(text)
}

// holds writes what was found to be right, and what that rests on.
func holds(w io.Writer, img finding.ImageReport, l leftOfImage, s Style) {
	ok := s.green("ok")
	if img.Modules > 0 {
		text := count(img.Imports, "import") + " in " + count(img.Modules, "module") + " followed, started from " + starts(img.Started)
		// Beside findings "ok" would be read as the verdict.
		first, rest := ok+" ", "   "
		if len(img.Findings) > 0 {
			first, rest = "", ""
		}
		for i, line := range wrap(text, s.wide(5)) {
			if i > 0 {
				first = rest
			}
			fmt.Fprintf(w, "  %s%s\n", first, line)
		}
	}
	if len(img.Unchecked) > 0 {
		for _, line := range wrap("not followed: "+starts(img.Unchecked)+" (a step makes it, or the base image has it)", s.wide(2)) {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	switch n := len(img.Passed) + l.passed; {
	case s.Verbose:
		for _, p := range img.Passed {
			fmt.Fprintf(w, "  %s %s\n", ok, Text(p.Requirement))
			places(w, p.Evidence, s)
		}
	case n > 0:
		fmt.Fprintf(w, "  %s %s met\n", ok, count(n, "requirement"))
	}
	if len(img.Findings)+img.Shared+len(img.Passed)+img.Modules == 0 {
		fmt.Fprintf(w, "  %s the build would succeed\n", ok)
	}
	for _, text := range aside(img, l) {
		fmt.Fprintf(w, "  %s\n", s.dim(text))
	}
	if s.Verbose {
		suppressed(w, img.Suppressed, s)
		assumptions(w, img.Assumptions, s)
	}
}

// suppressed tells which findings do not count, and why.
func suppressed(w io.Writer, list []finding.Suppressed, s Style) {
	for _, x := range list {
		fmt.Fprintf(w, "    %s\n", s.dim(fmt.Sprintf("%s: %s (%s: %s)", Name(x.Finding.Rule), Text(x.Finding.Summary), At(x.File, x.Line), Text(x.Reason))))
	}
}

// describe says what an image is built from. name and text make values fit, file stands before the Dockerfile.
func describe(img finding.ImageReport, file string, name, text func(string) string) string {
	var parts []string
	if img.Dockerfile != "" {
		parts = append(parts, file+name(img.Dockerfile))
	}
	if img.Target != "" {
		parts = append(parts, "target "+name(img.Target))
	}
	context := "context " + name(img.Context)
	if img.ContextReason != "" {
		context += " (" + text(img.ContextReason) + ")"
	}
	parts = append(parts, context)
	if img.IgnoreFile != "" {
		parts = append(parts, "ignore file "+name(img.IgnoreFile))
	}
	if len(img.Sources) > 0 {
		parts = append(parts, text(builtBy(img.Sources)))
	}
	return strings.Join(parts, ", ")
}

// builtBy says which files describe the build of an image.
func builtBy(sources []finding.Source) string {
	out := "built by " + At(sources[0].File, sources[0].Line)
	if n := len(sources) - 1; n > 0 {
		out += fmt.Sprintf(" and %d more", n)
	}
	return out
}

// assumptions writes what the answers rest on.
func assumptions(w io.Writer, list []finding.Assumption, s Style) {
	for _, a := range list {
		text := "assumed: " + assumption(a)
		if a.Kind == finding.AssumedBase {
			text = "base: " + Text(strings.TrimPrefix(a.Meaning, "the image "))
		}
		for i, line := range wrap(text, s.wide(4)) {
			fmt.Fprintf(w, "  %s%s\n", strings.Repeat("  ", min(i, 1)), s.dim(line))
		}
	}
}

func total(w io.Writer, r finding.Report, s Style) {
	line := count(r.Summary.Errors, "error") + ", " + count(r.Summary.Warnings, "warning")
	if r.Summary.Notes > 0 {
		line += ", " + count(r.Summary.Notes, "note")
	}
	line += " in " + count(r.Summary.Images, "image")
	switch {
	case r.Summary.Errors > 0:
		line = s.red(line)
	case r.Summary.Warnings > 0:
		line = s.yellow(line)
	default:
		line = s.green(line)
	}
	fmt.Fprintln(w, line)
}
