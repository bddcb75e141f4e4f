package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/edit"
)

// fixes writes the edits that repair a finding, each with its exact effect; or what was tried in vain.
func fixes(w io.Writer, f audit.Finding, s Style) {
	for _, fix := range f.Fixes {
		var parts []string
		for _, e := range fix.Edits {
			parts = append(parts, describeEdit(e, s))
		}
		fmt.Fprintf(w, "    %s %s (tried: %s)\n", s.green("fix:"), strings.Join(parts, "; "), Effect(fix))
	}
	if len(f.Fixes) == 0 && len(f.Tried) > 0 {
		fmt.Fprintf(w, "    %s\n", s.dim("no edit was found that repairs it; tried:"))
		for _, t := range f.Tried {
			fmt.Fprintf(w, "      %s\n", s.dim("- "+Name(t)))
		}
	}
}

// describeEdit says in a phrase what an edit does.
func describeEdit(e edit.Edit, s Style) string {
	inserted := s.bold(Name(strings.ReplaceAll(e.Insert, "\n", " / ")))
	switch {
	case e.Remove == 0:
		return fmt.Sprintf("insert %s as line %d of %s", inserted, e.Line, Name(e.File))
	case e.Insert == "":
		return fmt.Sprintf("remove %s of %s", lines(e.Line, e.Remove), Name(e.File))
	default:
		return fmt.Sprintf("make %s of %s %s", lines(e.Line, e.Remove), Name(e.File), inserted)
	}
}

func lines(first, n int) string {
	if n == 1 {
		return fmt.Sprintf("line %d", first)
	}
	return fmt.Sprintf("lines %d to %d", first, first+n-1)
}

// Effect says what a fix does to the image.
func Effect(fix audit.Fix) string {
	if fix.AddsCount+fix.RemovesCount == 0 {
		return "no file comes or goes"
	}
	out := "it brings no file"
	if fix.AddsCount > 0 {
		out = fmt.Sprintf("it brings %s, %s", count(fix.AddsCount, "file"), bytes(fix.AddsBytes))
	}
	switch {
	case fix.OthersCount > 0 && fix.OthersCount < fix.AddsCount:
		out += fmt.Sprintf("; of these %s, %s, are not asked for", count(fix.OthersCount, "file"), bytes(fix.OthersBytes))
	case fix.OthersCount == 0 && fix.RemovesCount == 0:
		out += ", nothing else"
	}
	if fix.RemovesCount > 0 {
		out += fmt.Sprintf("; it takes away or replaces %s", count(fix.RemovesCount, "file"))
	}
	return out
}
