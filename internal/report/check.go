package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/audit"
)

// JSON writes a record as indented JSON with a final line end.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Check writes an audit as text: the findings of each image with the lines that matter, then one line of totals.
func Check(out io.Writer, r audit.Report, s Style) error {
	w := bufio.NewWriter(out)
	for i, img := range r.Images {
		if s.Quiet && len(img.Findings) == 0 {
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		checkImage(w, img, s)
	}
	if !s.Quiet {
		fmt.Fprintln(w)
		total(w, r, s)
	}
	return w.Flush()
}

func checkImage(w io.Writer, img audit.ImageReport, s Style) {
	fmt.Fprint(w, s.bold(Name(img.Name)), "  ", s.dim(describe(img)), "\n")
	for _, f := range img.Findings {
		finding(w, f, s)
	}
	if s.Quiet {
		return
	}
	if img.Modules > 0 {
		fmt.Fprintf(w, "  %s %s in %s followed from what the image starts\n", s.green("ok"), count(img.Imports, "import"), count(img.Modules, "module"))
	}
	switch {
	case s.Verbose:
		for _, p := range img.Passed {
			fmt.Fprintf(w, "  %s %s\n", s.green("ok"), Name(p.Requirement))
			places(w, p.Evidence, s)
		}
	case len(img.Passed) > 0:
		verb := "hold"
		if len(img.Passed) == 1 {
			verb = "holds"
		}
		fmt.Fprintf(w, "  %s %s %s\n", s.green("ok"), count(len(img.Passed), "requirement"), verb)
	case len(img.Findings) == 0 && img.Modules == 0:
		fmt.Fprintf(w, "  %s the build would succeed\n", s.green("ok"))
	}
	assumptions(w, img.Assumptions, s)
}

func describe(img audit.ImageReport) string {
	var parts []string
	if img.Dockerfile != "" {
		parts = append(parts, Name(img.Dockerfile))
	}
	if img.Target != "" {
		parts = append(parts, "target "+Name(img.Target))
	}
	context := "context " + Name(img.Context)
	if img.ContextReason != "" {
		context += " (" + img.ContextReason + ")"
	}
	parts = append(parts, context)
	if img.IgnoreFile != "" {
		parts = append(parts, "ignore file "+Name(img.IgnoreFile))
	}
	return strings.Join(parts, ", ")
}

func finding(w io.Writer, f audit.Finding, s Style) {
	sev := string(f.Severity)
	switch f.Severity {
	case audit.Error:
		sev = s.red(sev)
	case audit.Warning:
		sev = s.yellow(sev)
	default:
		sev = s.cyan(sev)
	}
	fmt.Fprintf(w, "  %s %s", sev, s.bold(f.Rule))
	if f.Subject.File != "" {
		fmt.Fprintf(w, "  %s", s.cyan(position(f.Subject)))
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "    %s\n", f.Summary)
	shown, more := f.Related, 0
	if !s.Verbose {
		shown, more = fewImports(f.Related)
	}
	places(w, shown, s)
	if more > 0 {
		fmt.Fprintf(w, "      %s\n", s.dim(fmt.Sprintf("and %s more (--verbose shows all)", count(more, "import"))))
	}
	if f.Detail != "" {
		for _, line := range wrap(f.Detail, 110) {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
	fixes(w, f, s)
	if len(f.Assumptions) > 0 {
		fmt.Fprintf(w, "    %s\n", s.dim("assumed: "+assumed(f.Assumptions)))
	}
	if s.Verbose {
		for _, file := range f.Files {
			fmt.Fprintf(w, "      - %s\n", Name(file))
		}
	}
}

// maxImports is how many imports of one module text shows.
const maxImports = 8

// fewImports leaves out imports beyond the first few, those that are most certain kept first.
func fewImports(list []audit.Place) (shown []audit.Place, more int) {
	keep := map[int]bool{}
	for _, reach := range []string{"startup", "lazy", "guarded"} {
		for i, p := range list {
			if p.Role == audit.RoleImports && p.Note == reach && len(keep) < maxImports {
				keep[i] = true
			}
		}
	}
	for i, p := range list {
		if p.Role != audit.RoleImports || keep[i] {
			shown = append(shown, p)
		} else {
			more++
		}
	}
	return shown, more
}

// maxAssumed is how many assumptions one line names.
const maxAssumed = 3

func assumed(list []audit.Assumption) string {
	var parts []string
	for _, a := range list[:min(len(list), maxAssumed)] {
		parts = append(parts, fmt.Sprintf("%s:%d %s", Name(a.File), a.Line, shorten(Name(a.Text), 60)))
	}
	if more := len(list) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// shorten cuts a text that is longer than most bytes at the last blank before.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if i := strings.LastIndexByte(text[:most], ' '); i > 0 {
		return text[:i] + " ..."
	}
	return text[:most] + "..."
}

func position(p audit.Position) string {
	out := Name(p.File)
	if p.Line > 0 {
		out += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			out += fmt.Sprintf(":%d", p.Column)
		}
	}
	return out
}

// places writes lines with their part, aligned.
func places(w io.Writer, list []audit.Place, s Style) {
	wide, text := 0, 0
	where := make([]string, len(list))
	for i, p := range list {
		where[i] = Name(p.File)
		if p.Line > 0 {
			where[i] += fmt.Sprintf(":%d", p.Line)
		}
		wide = max(wide, len(where[i]))
		text = max(text, min(len(Name(p.Text)), 48))
	}
	for i, p := range list {
		note := string(p.Role)
		if p.Note != "" {
			note += ": " + p.Note
		}
		line := fmt.Sprintf("%-*s  %-*s  ", wide, where[i], text, Name(p.Text))
		fmt.Fprintf(w, "      %s%s\n", line, s.dim(note))
	}
}

func assumptions(w io.Writer, list []audit.Assumption, s Style) {
	if len(list) == 0 {
		return
	}
	if !s.Verbose {
		fmt.Fprintf(w, "  %s\n", s.dim(fmt.Sprintf("assumed: %s", assumed(list))))
		return
	}
	for _, a := range list {
		fmt.Fprintf(w, "  %s\n", s.dim(fmt.Sprintf("assumed: %s:%d %s: %s", Name(a.File), a.Line, Name(a.Text), a.Meaning)))
	}
}

func total(w io.Writer, r audit.Report, s Style) {
	line := fmt.Sprintf("%s, %s in %s", count(r.Summary.Errors, "error"), count(r.Summary.Warnings, "warning"), count(r.Summary.Images, "image"))
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

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// bytes gives a size as people read it.
func bytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
}

// wrap breaks a text at blanks into lines of at most so many bytes, where it can.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
