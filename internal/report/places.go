package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// maxImports is how many imports of one module text shows.
const maxImports = 4

// fewImports leaves out imports beyond the first few, those that are most certain kept first.
func fewImports(list []finding.Place) (shown []finding.Place, more int) {
	keep := map[int]bool{}
	for _, reach := range []string{"startup", "conditional", "lazy", "guarded"} {
		for i, p := range list {
			if p.Role == finding.RoleImports && p.Note == reach && len(keep) < maxImports {
				keep[i] = true
			}
		}
	}
	for i, p := range list {
		if p.Role != finding.RoleImports || keep[i] {
			shown = append(shown, p)
		} else {
			more++
		}
	}
	return shown, more
}

// maxAssumed is how many assumptions one line names.
const maxAssumed = 3

func assumed(list []finding.Assumption, left int) string {
	var parts []string
	for _, a := range list[:min(len(list), maxAssumed)] {
		parts = append(parts, fmt.Sprintf("%s:%d %s", Name(a.File), a.Line, shorten(Text(a.Text), 60)))
	}
	if more := len(list) - len(parts) + left; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// assumption is one in full.
func assumption(a finding.Assumption) string {
	return fmt.Sprintf("%s:%d %s: %s", Name(a.File), a.Line, Text(a.Text), Text(a.Meaning))
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

// At gives a place as people write it.
func At(file string, line int) string { return position(finding.Position{File: file, Line: line}) }

func position(p finding.Position) string {
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
func places(w io.Writer, list []finding.Place, s Style) {
	var all []row
	for _, p := range list {
		if p.Role == roleMore {
			all = append(all, row{note: role(p)})
			continue
		}
		all = append(all, row{placeName(p), Text(p.Text), role(p)})
	}
	placeRows(w, all, s)
}

// row is a line of a file with what is said of it; one without where is said of all.
type row struct{ where, text, note string }

// placeRows writes rows in columns. Where one does not fit, what is said of it goes below.
func placeRows(w io.Writer, list []row, s Style) {
	wide, text := 0, 0
	for _, r := range list {
		wide = max(wide, width(r.where))
		text = max(text, min(width(r.text), maxPlaceText))
	}
	const indent = 6
	room := max(10, s.columns()-indent-wide-2)
	text = min(text, room)
	for _, r := range list {
		if r.where == "" {
			fmt.Fprintf(w, "      %s\n", s.dim(r.note))
			continue
		}
		line := pad(r.where, wide) + "  " + pad(cutRight(r.text, room), text)
		if r.note == "" {
			fmt.Fprintf(w, "      %s\n", strings.TrimRight(line, " "))
			continue
		}
		if unpadded := strings.TrimRight(line, " "); indent+width(line)+2+width(r.note) > s.columns() && indent+width(unpadded)+2+width(r.note) <= s.columns() {
			line = unpadded
		}
		if indent+width(line)+2+width(r.note) <= s.columns() {
			fmt.Fprintf(w, "      %s  %s\n", line, s.dim(r.note))
			continue
		}
		fmt.Fprintf(w, "      %s\n", strings.TrimRight(line, " "))
		left := min(wide+2, 20)
		for _, part := range wrap(r.note, s.wide(indent+left)) {
			fmt.Fprintf(w, "      %s%s\n", strings.Repeat(" ", left), s.dim(part))
		}
	}
}

// maxPlaceText is the width to which the text of lines is aligned.
const maxPlaceText = 48
