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
	for i, img := range a.Images {
		if s.Quiet && len(img.Findings) == 0 {
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		a.checkImage(w, img, a.of(i), s)
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
	fmt.Fprint(w, s.bold(Name(img.Name)), "  ", s.dim(describe(img, "", Name, Text)), "\n")
	for i, f := range img.Findings {
		if i > 0 {
			fmt.Fprintln(w)
		}
		a.finding(w, f, img, s)
	}
	if text := l.leftOut(); text != "" {
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
	if img.Modules > 0 {
		fmt.Fprintf(w, "  %s %s in %s followed from %s\n", s.green("ok"), count(img.Imports, "import"), count(img.Modules, "module"), starts(img.Started))
	}
	switch {
	case s.Verbose:
		for _, p := range img.Passed {
			fmt.Fprintf(w, "  %s %s\n", s.green("ok"), Text(p.Requirement))
			places(w, p.Evidence, s)
		}
	case len(img.Passed) > 0:
		verb := "hold"
		n := len(img.Passed) + l.passed
		if n == 1 {
			verb = "holds"
		}
		fmt.Fprintf(w, "  %s %s %s\n", s.green("ok"), count(n, "requirement"), verb)
	case len(img.Findings)+img.Shared == 0 && img.Modules == 0:
		fmt.Fprintf(w, "  %s the build would succeed\n", s.green("ok"))
	}
	if img.Shared > 0 {
		fmt.Fprintf(w, "  %s\n", s.dim("and "+count(img.Shared, "finding")+" that an image above has, too"))
	}
	suppressed(w, img.Suppressed, l.suppressed, s)
	assumptions(w, img.Assumptions, l.assumptions, s)
}

// suppressed tells that findings do not count, and with --verbose which and why.
func suppressed(w io.Writer, list []finding.Suppressed, more int, s Style) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "  %s\n", s.dim(count(len(list)+more, "finding")+" suppressed"))
	if !s.Verbose {
		return
	}
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

func assumptions(w io.Writer, list []finding.Assumption, more int, s Style) {
	var open []finding.Assumption
	for _, a := range list {
		if a.Kind == finding.AssumedBase {
			fmt.Fprintf(w, "  %s\n", s.dim("base: "+Text(strings.TrimPrefix(a.Meaning, "that the image "))))
			continue
		}
		open = append(open, a)
	}
	if list = open; len(list)+more == 0 {
		return
	}
	if !s.Verbose {
		fmt.Fprintf(w, "  %s\n", s.dim("assumed: "+assumed(list, more)))
		return
	}
	for _, a := range list {
		fmt.Fprintf(w, "  %s\n", s.dim("assumed: "+assumption(a)))
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
