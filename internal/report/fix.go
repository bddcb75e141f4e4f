package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// fixes writes the edits that repair a finding, each with its exact effect; or what was tried in vain.
func (a Audit) fixes(w io.Writer, f finding.Finding, s Style) {
	for _, fix := range f.Fixes {
		apply := ""
		if f.Number > 0 && a.FixCommand != "" {
			apply = fmt.Sprintf("run: %s --finding %d --write", Text(a.FixCommand), f.Number)
		}
		writeFix(w, "    ", fix, apply, s)
	}
	if len(f.Fixes) > 0 || len(f.Tried) == 0 {
		return
	}
	if !s.Verbose {
		fmt.Fprintf(w, "    %s\n", s.dim(fmt.Sprintf("no fix found; %s simulated (-v lists them)", count(len(f.Tried), "edit"))))
		return
	}
	fmt.Fprintf(w, "    %s\n", s.dim("no fix found; simulated:"))
	for _, t := range f.Tried {
		fmt.Fprintf(w, "      %s\n", s.dim("- "+Text(t)))
	}
}

// writeFix writes a fix with its exact effect and, if that is known, the command that makes it.
func writeFix(w io.Writer, indent string, fix finding.Fix, apply string, s Style) {
	fmt.Fprintf(w, "%s%s %s", indent, s.green("fix:"), editTitle(fix, s))
	column := len(indent) + 5 + width(editTitle(fix, Style{}))
	for _, part := range []string{"(simulated: " + Effect(fix) + ")", apply} {
		switch {
		case part == "":
		case column+1+width(part) <= s.columns():
			column += 1 + width(part)
			fmt.Fprint(w, " ", s.dim(part))
		default:
			column = len(indent) + 5 + width(part)
			fmt.Fprintf(w, "\n%s     %s", indent, s.dim(part))
		}
	}
	fmt.Fprintln(w)
}

// editTitle says what the edits of a fix do.
func editTitle(fix finding.Fix, s Style) string {
	var parts []string
	for _, e := range fix.Edits {
		parts = append(parts, describeEdit(e, s))
	}
	return strings.Join(parts, "; ")
}

// fixTitle says what a fix does and what it was seen to bring.
func fixTitle(fix finding.Fix) string {
	return editTitle(fix, Style{}) + " (simulated: " + Effect(fix) + ")"
}

// change is what a fix makes of a file.
type change struct{ file, before, after string }

// maxChanged is the largest file of which what a fix makes is shown, in bytes: each finding would show it again.
const maxChanged = 128 << 10

// changes gives what a fix makes of each file; ok is false if one of them could not be read.
func (a Audit) changes(fix finding.Fix) (list []change, ok bool) {
	edits := map[string][]edit.Edit{}
	for _, e := range fix.Edits {
		if edits[e.File] == nil {
			list = append(list, change{file: e.File})
		}
		edits[e.File] = append(edits[e.File], e)
	}
	for i := range list {
		c := &list[i]
		before, read := a.Sources[c.file]
		if !read || len(before.text) > maxChanged {
			return nil, false
		}
		after, err := edit.Apply([]byte(before.text), edits[c.file])
		if err != nil {
			return nil, false
		}
		c.before, c.after = before.text, string(after)
	}
	return list, true
}

// What is shown of a difference: so many lines, of so many characters.
const maxDiff, maxDiffLine = 60, 200

// diff gives the lines of a difference in the unified format.
func (c change) diff() []string {
	text := strings.TrimSuffix(string(edit.Unified(Name(c.file), []byte(c.before), []byte(c.after))), "\n")
	lines, more := few(strings.Split(text, "\n"), maxDiff)
	for i := range lines {
		lines[i] = sentence(clip(strings.TrimSuffix(lines[i], "\r"), maxDiffLine))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more lines", more))
	}
	return lines
}

// describeEdit says in a phrase what an edit does.
func describeEdit(e edit.Edit, s Style) string {
	inserted := s.bold(Text(clip(strings.ReplaceAll(e.Insert, "\n", " / "), maxDiffLine)))
	switch {
	case e.Remove == 0:
		return fmt.Sprintf("insert %s as line %d of %s", inserted, e.Line, Name(e.File))
	case e.Insert == "":
		return fmt.Sprintf("remove %s of %s", lines(e.Line, e.Remove), Name(e.File))
	default:
		return fmt.Sprintf("change %s of %s to %s", lines(e.Line, e.Remove), Name(e.File), inserted)
	}
}

func lines(first, n int) string {
	if n == 1 {
		return fmt.Sprintf("line %d", first)
	}
	return fmt.Sprintf("lines %d to %d", first, first+n-1)
}

// Effect says what a fix does to the image.
func Effect(fix finding.Fix) string {
	var parts []string
	if fix.AddsCount > 0 {
		parts = append(parts, "adds "+count(fix.AddsCount, "file"))
		if fix.AddsBytes > 0 { // what a step makes has no known size
			parts[0] += ", " + finding.Size(fix.AddsBytes)
		}
	}
	if fix.MovesCount > 0 {
		parts = append(parts, "moves "+count(fix.MovesCount, "file"))
	}
	switch {
	case len(parts) == 0 && fix.RemovesCount == 0:
		return "no known file added or removed"
	case len(parts) == 0:
		parts = append(parts, "adds no file")
	case fix.OthersCount > 0 && fix.OthersCount < fix.AddsCount:
		parts[0] += fmt.Sprintf(", including %s (%s)", count(fix.OthersCount, "other"), finding.Size(fix.OthersBytes))
	case fix.OthersCount == 0 && fix.RemovesCount == 0:
		parts[len(parts)-1] += ", nothing else"
	}
	if fix.RemovesCount > 0 {
		parts = append(parts, "removes or replaces "+count(fix.RemovesCount, "file"))
	}
	return strings.Join(parts, "; ")
}
