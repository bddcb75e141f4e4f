package audit

import (
	"fmt"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// NotFound is what a source says that an image is built from, and that does not exist.
type NotFound struct {
	// What it is: "Dockerfile", "build context", "target".
	What string
	// Path is where it would be, as people know it; Name how the image is called.
	Path, Name string
	// Message is what BuildKit says, of a target.
	Message string
	// Near is what may be meant, "" for nothing.
	Near string
	// Doubt says why the build need not fail, "" if it surely does.
	Doubt string
	// Text is the line that says that the image is built.
	Text string
}

// finding reports it. The source says so first.
func (n NotFound) finding(source finding.Source) finding.Finding {
	f := finding.Finding{
		Rule: finding.BuildNotFound, Severity: finding.Error, ContextPath: n.Path,
		Subject: finding.Position{File: source.File, Line: source.Line},
		Summary: fmt.Sprintf("%s is built from the %s %s, which does not exist", n.Name, n.What, n.Path),
		About:   finding.About{Site: source.File, Name: n.Name},
		Related: []finding.Place{}, Assumptions: []finding.Assumption{}, Fixes: []finding.Fix{},
	}
	if n.What == "Dockerfile" {
		f.Summary = fmt.Sprintf("%s is built from %s, which does not exist", n.Name, n.Path)
	}
	if n.What == "target" {
		f.Summary, f.ContextPath, f.About.Text = n.Name+": "+n.Message, "", n.Message
	}
	if n.Text != "" {
		f.Related = append(f.Related, finding.Place{Role: finding.RoleBuilds, File: source.File, Line: source.Line, Text: n.Text})
	}
	detail := []string{"The build fails."}
	if n.Near != "" {
		detail = append(detail, fmt.Sprintf("Did you mean %s?", n.Near))
	}
	if n.Doubt != "" {
		f.Severity = finding.Warning
		detail = append(detail, "Not certain: "+n.Doubt+".")
	}
	f.Detail = strings.Join(detail, " ")
	return f
}

// BuiltPath reports whether a path is of the kind that a step before the build makes, or that a package manager fetches.
func BuiltPath(p string) bool { return builtPath(p) }
