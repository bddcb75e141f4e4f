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
		if len(img.Findings) == 0 && !s.Verbose {
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
	if text := a.left.leftOut(); text != "" {
		fmt.Fprintf(w, "\n%s\n", s.dim(text))
	}
	if !s.Quiet {
		fmt.Fprintln(w)
		total(w, a.Report, s)
	}
	return w.Flush()
}

// maxClean is how many images without findings get a line each.
const maxClean = 4

// cleanImages writes the images in which nothing was found: a line each, or a count if there are many.
func (a Audit) cleanImages(w io.Writer, images []int, s Style) {
	if len(images) > maxClean {
		var sum finding.ImageReport
		left, names := 0, []string{}
		for _, i := range images {
			img := a.Images[i]
			sum.Imports, sum.Modules = sum.Imports+img.Imports, sum.Modules+img.Modules
			left += len(img.Passed) + a.of(i).passed
			names = append(names, Name(img.Name))
		}
		shown, more := few(names, maxClean)
		text := strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", more)
		line := strings.Join(append([]string{count(len(images), "image") + " without findings (" + text + ")"}, followed(sum, left)...), ", ")
		for i, part := range wrap(line, s.wide(3)) {
			if i == 0 {
				part = s.green("ok") + " " + part
			} else {
				part = "   " + part
			}
			fmt.Fprintln(w, part)
		}
		return
	}
	for _, i := range images {
		img := a.Images[i]
		parts := followed(img, len(img.Passed)+a.of(i).passed)
		if len(parts) == 0 && img.Shared == 0 {
			parts = []string{"the build would succeed"}
		}
		if img.Modules > 0 {
			parts = append(parts, "started from "+starts(img.Started))
		}
		parts = append(parts, aside(img, a.of(i))...)
		text := strings.Join(parts, ", ")
		line := s.green("ok") + " " + s.bold(Name(img.Name)) + "  " + s.dim(brief(img))
		if 3+width(Name(img.Name))+2+width(brief(img))+2+width(text) <= s.columns() {
			fmt.Fprintf(w, "%s  %s\n", line, text)
			continue
		}
		fmt.Fprintln(w, line)
		paragraph(w, text, "   ", s)
	}
}

// followed says how much of an image was checked.
func followed(img finding.ImageReport, passed int) (parts []string) {
	if img.Modules > 0 {
		parts = append(parts, count(img.Imports, "import")+" in "+count(img.Modules, "module")+" followed")
	}
	if passed > 0 {
		parts = append(parts, count(passed, "requirement")+" met")
	}
	return parts
}

// aside says which findings of an image are not shown with it.
func aside(img finding.ImageReport, l leftOfImage) (parts []string) {
	if img.Shared > 0 {
		parts = append(parts, count(img.Shared, "finding")+" shared with an image above")
	}
	if n := len(img.Suppressed) + l.suppressed; n > 0 {
		parts = append(parts, count(n, "finding")+" suppressed")
	}
	return parts
}

// brief says in a few words what an image is built from.
func brief(img finding.ImageReport) string {
	var parts []string
	if img.Dockerfile != "" {
		parts = append(parts, Name(img.Dockerfile))
	}
	if img.Target != "" {
		parts = append(parts, "target "+Name(img.Target))
	}
	if img.Context != "." {
		parts = append(parts, "context "+Name(img.Context))
	}
	return strings.Join(parts, ", ")
}

func (a Audit) checkImage(w io.Writer, img finding.ImageReport, l leftOfImage, s Style) {
	about := brief(img)
	if s.Verbose {
		about = describe(img, "", Name, Text)
	}
	fmt.Fprint(w, s.bold(Name(img.Name)), "  ", s.dim(about), "\n")
	for i, f := range img.Findings {
		if i > 0 {
			fmt.Fprintln(w)
		}
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
	if len(img.Findings) > 0 {
		fmt.Fprintln(w)
	}
	holds(w, img, l, s)
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
		fmt.Fprintf(w, "  %s %s in %s followed, started from %s\n", ok, count(img.Imports, "import"), count(img.Modules, "module"), starts(img.Started))
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
