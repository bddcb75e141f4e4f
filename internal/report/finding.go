package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// finding writes one finding as text: what and where, the line that is to blame with a mark under the exact part, the
// other lines that have a part in it, why, and what repairs it.
func (a Audit) finding(w io.Writer, f finding.Finding, img finding.ImageReport, s Style) {
	fmt.Fprintf(w, "  %s %s", s.severity(f.Severity), s.bold(Text(f.Rule)))
	if f.Subject.File != "" {
		fmt.Fprintf(w, "  %s", s.cyan(position(f.Subject)))
	}
	fmt.Fprintln(w)
	for _, line := range wrap(Text(f.Summary), s.wide(4)) {
		fmt.Fprintf(w, "    %s\n", line)
	}
	related, rest := f.Related, strings.Builder{}
	sp, pointed := a.Sources.span(f.Subject, f, img)
	if pointed {
		label := ""
		related = nil
		for _, p := range f.Related {
			if p.File == f.Subject.File && p.Line == f.Subject.Line && label == "" {
				label = role(p)
				continue
			}
			related = append(related, p)
		}
		excerpt(w, f, sp, label, s)
	}
	a.reasons(&rest, f, related, s)
	if pointed && rest.Len() > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, rest.String())
}

// reasons writes what stands below the line to blame.
func (a Audit) reasons(w io.Writer, f finding.Finding, related []finding.Place, s Style) {
	shown, more := related, 0
	if !s.Verbose {
		shown, more = fewImports(related)
	}
	places(w, shown, s)
	if more > 0 {
		fmt.Fprintf(w, "      %s\n", s.dim(fmt.Sprintf("and %s more (--verbose shows all)", count(more, "import"))))
	}
	for _, line := range wrap(Text(f.Detail), s.wide(4)) {
		fmt.Fprintf(w, "    %s\n", line)
	}
	if len(f.Images) > 0 {
		for _, line := range wrap("So it is in "+Text(strings.Join(f.Images, ", "))+".", s.wide(4)) {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
	fixes(w, f, s)
	if len(f.Assumptions) > 0 {
		for i, line := range wrap("assumed: "+assumed(f.Assumptions, 0), s.wide(6)) {
			fmt.Fprintf(w, "    %s%s\n", strings.Repeat("  ", min(i, 1)), s.dim(line))
		}
	}
	if s.Verbose {
		for _, file := range f.Files {
			fmt.Fprintf(w, "      - %s\n", Name(file))
		}
	}
}

// excerpt writes a line of a file and marks a part of it:
//
//	7 | **/monitoring/
//	  | ^^^^^^^^^^^^^^ excludes
func excerpt(w io.Writer, f finding.Finding, sp span, label string, s Style) {
	number := fmt.Sprint(f.Subject.Line)
	gutter := strings.Repeat(" ", len(number))
	text, from, to := s.crop(sp, len(number)+9)
	mark := strings.Repeat("^", max(1, to-from))
	fmt.Fprintf(w, "\n      %s %s\n", s.dim(number+" |"), text)
	fmt.Fprintf(w, "      %s %s%s", s.dim(gutter+" |"), strings.Repeat(" ", from), s.mark(f.Severity, mark))
	switch room := s.Width - (len(number) + 9 + to + 1); {
	case label == "":
	case s.Width == 0 || width(label) <= room:
		fmt.Fprint(w, " ", s.mark(f.Severity, label))
	default:
		// The label goes below its mark, or as far left as it must to fit.
		at := max(0, min(from, s.Width-(len(number)+9)-width(label)))
		for _, line := range wrap(label, max(20, s.Width-(len(number)+9)-at)) {
			fmt.Fprintf(w, "\n      %s %s%s", s.dim(gutter+" |"), strings.Repeat(" ", at), s.mark(f.Severity, line))
		}
	}
	fmt.Fprintln(w)
}

// crop gives the part of a line that fits beside a margin, with the columns of the marked part in it. Tabs become
// blanks, so that the mark stands where it belongs in every terminal.
func (s Style) crop(sp span, margin int) (text string, from, to int) {
	before, marked, after := Text(sp.Line[:sp.Start]), Text(sp.Line[sp.Start:sp.End]), Text(sp.Line[sp.End:])
	trimmed := strings.TrimLeft(before, " ")
	if trimmed == "" {
		before = ""
	}
	room := s.Width - margin
	if s.Width == 0 {
		room = maxExcerpt
	}
	room = max(room, 20)
	if width(before)+width(marked) > room {
		before = cutLeft(before, max(0, room-width(marked)))
	}
	marked = cutRight(marked, room-width(before))
	after = cutRight(after, room-width(before)-width(marked))
	return strings.TrimRight(before+marked+after, " "), width(before), width(before) + width(marked)
}

// maxExcerpt bounds the line that is shown where no terminal does.
const maxExcerpt = 160
