package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// finding writes one finding as text: what is wrong and where, the line to blame, what repairs it, and then, as far as there is room,
// why.
func (a Audit) finding(w io.Writer, f finding.Finding, img finding.ImageReport, s Style) {
	var head, rest strings.Builder
	fmt.Fprintf(&head, "  %s %s", s.severity(f.Severity), s.bold(Text(f.Rule)))
	if f.Subject.File != "" {
		fmt.Fprintf(&head, "  %s", s.cyan(position(f.Subject)))
	}
	fmt.Fprintln(&head)
	paragraph(&head, f.Summary, "    ", s)
	related := a.blamed(&head, f, img, s)
	a.fixes(&head, f, s)
	a.reasons(&rest, f, related, findingLines-strings.Count(head.String(), "\n"), s)
	fmt.Fprint(w, head.String(), rest.String())
}

// findingLines is how many lines a finding takes unless all of it is asked for, about; leastReasons are how many of these are left for
// what the reader is told beside the line to blame and the repair.
const findingLines, leastReasons = 10, 3

// blamed writes the line that is at fault, and gives the other lines that have a part in it.
func (a Audit) blamed(w io.Writer, f finding.Finding, img finding.ImageReport, s Style) []finding.Place {
	at, label, related := blamedPosition(f, img), "", slices.Clone(f.Related)
	sp, found := a.Sources.span(at, f, img)
	i := slices.IndexFunc(related, func(p finding.Place) bool { return p.File == at.File && p.Line == at.Line })
	if i >= 0 {
		label, related = role(related[i]), slices.Delete(related, i, i+1)
	}
	switch {
	case !found && label != "":
		places(w, []finding.Place{f.Related[i]}, s)
	case !found:
	case s.Width == 0:
		// Where nobody looks at a terminal there is no mark below the line: one line is one place.
		placeRows(w, []row{{At(at.File, at.Line), Text(strings.TrimSpace(sp.Line)), label}}, s)
	default:
		if at != f.Subject {
			fmt.Fprintf(w, "    %s\n", s.cyan(position(at)))
		}
		excerpt(w, at.Line, f.Severity, sp, label, s)
	}
	return related
}

// reasons writes, in about so many lines, why it is so, which other lines have a part in it, and which images have it, too.
func (a Audit) reasons(w io.Writer, f finding.Finding, related []finding.Place, room int, s Style) {
	if s.Verbose {
		paragraph(w, f.Detail, "    ", s)
		places(w, related, s)
	} else {
		room = max(room, leastReasons)
		shown, _ := fewImports(related)
		detail := firstSentences(unsaid(f), max(1, room-min(len(shown), leastReasons-1)), s)
		for _, line := range detail {
			fmt.Fprintf(w, "    %s\n", line)
		}
		places(w, shown[:min(len(shown), max(room-len(detail), 1))], s)
	}
	if len(f.Images) > 0 {
		names, more := few(f.Images, maxStarts)
		text := "Also in " + strings.Join(names, ", ")
		if more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		paragraph(w, text+".", "    ", s)
	}
	if !s.Verbose {
		return
	}
	for _, as := range f.Assumptions {
		paragraph(w, "assumed: "+assumption(as), "    ", s)
	}
	for _, file := range f.Files {
		fmt.Fprintf(w, "      - %s\n", Name(file))
	}
}

// unsaid gives the detail of a finding without the sentence that says of the line to blame what is shown with it.
func unsaid(f finding.Finding) string {
	i, ok := f.Blamed()
	if !ok {
		return f.Detail
	}
	p := f.Related[i]
	said := fmt.Sprintf("%s:%d (%s) excludes %s.", p.File, p.Line, p.Text, p.Note)
	return strings.TrimSpace(strings.Replace(f.Detail, said, "", 1))
}

// paragraph writes running text with an indent before each of its lines.
func paragraph(w io.Writer, text, indent string, s Style) {
	for _, line := range wrap(Text(text), s.wide(len(indent))) {
		fmt.Fprintf(w, "%s%s\n", indent, line)
	}
}

// firstSentences gives the lines of as many sentences as fit into so many of them; of the first one all that fits.
func firstSentences(text string, most int, s Style) []string {
	lines := wrap(Text(text), s.wide(4))
	for len(lines) > most {
		end := strings.LastIndex(strings.TrimSuffix(text, "."), ". ")
		if end < 0 {
			lines = lines[:most]
			lines[most-1] = cutRight(lines[most-1], s.wide(6)) + " …"
			break
		}
		text = text[:end+1]
		lines = wrap(Text(text), s.wide(4))
	}
	return lines
}

// excerpt writes a line of a file and marks a part of it:
//
//	7 | **/monitoring/
//	  | ^^^^^^^^^^^^^^ excludes
func excerpt(w io.Writer, line int, severity finding.Severity, sp span, label string, s Style) {
	number := fmt.Sprint(line)
	gutter := strings.Repeat(" ", len(number))
	text, from, to := s.crop(sp, len(number)+9)
	mark := strings.Repeat("^", max(1, to-from))
	fmt.Fprintf(w, "      %s %s\n", s.dim(number+" |"), text)
	fmt.Fprintf(w, "      %s %s%s", s.dim(gutter+" |"), strings.Repeat(" ", from), s.mark(severity, mark))
	switch room := s.Width - (len(number) + 9 + to + 1); {
	case label == "":
	case width(label) <= room:
		fmt.Fprint(w, " ", s.mark(severity, label))
	default:
		// The label goes below its mark, or as far left as it must to fit.
		at := max(0, min(from, s.Width-(len(number)+9)-width(label)))
		for _, line := range wrap(label, max(20, s.Width-(len(number)+9)-at)) {
			fmt.Fprintf(w, "\n      %s %s%s", s.dim(gutter+" |"), strings.Repeat(" ", at), s.mark(severity, line))
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
	room := max(s.columns()-margin, 20)
	if width(before)+width(marked) > room {
		before = cutLeft(before, max(0, room-width(marked)))
	}
	marked = cutRight(marked, room-width(before))
	after = cutRight(after, room-width(before)-width(marked))
	return strings.TrimRight(before+marked+after, " "), width(before), width(before) + width(marked)
}
