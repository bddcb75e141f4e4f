package report

import (
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
)

// Audit is the record that every format of an audit is made from.
type Audit struct {
	finding.Report
	// Version of ctxaudit, for the formats that name the tool.
	Version string
	// FixCommand is the command line that repairs what this audit finds, without the finding's number; "" if there is none to show.
	FixCommand string
	// FailOn is the least severity that fails the audit.
	FailOn finding.Severity
	// Rules are all rules, in their order.
	Rules []Rule
	// Sources are the files that findings point into, as far as they could be read.
	Sources Sources
	// Views are the files of each image and its context, in the order of Images; only if [Format.NeedsViews].
	// An image that could not be predicted has none: nil.
	Views []*inventory.Inventory

	left left // what this part of the audit leaves out
}

// Rule is what a format tells of a rule.
type Rule struct {
	Name, Title string
	// Severity is what its findings have unless the rule is less sure.
	Severity finding.Severity
	// Doc gives its page, in Markdown.
	Doc func() string
}

// Failed reports whether the audit fails.
func (a Audit) Failed() bool { return a.Worst(a.FailOn) }

// Format is a way to write an audit.
type Format struct {
	Name string
	// Title says in a few words what it is for.
	Title string
	Write func(io.Writer, Audit, Style) error
	// NeedsViews asks for the files of the images, which cost a walk over everything.
	NeedsViews bool
	// Bounds are how much it shows.
	Bounds Bounds
	// Commands tells that its lines are commands of GitHub Actions.
	Commands bool
}

// WriteTo writes an audit to a screen.
func (f Format) WriteTo(s *Screen, a Audit, style Style) error {
	s.Commands = f.Commands
	err := f.Write(s, a.within(f.Bounds), style)
	if flushed := s.Flush(); err == nil {
		err = flushed
	}
	s.Commands = false
	return err
}

// forPrograms are bounds for what is uploaded. GitHub's code scanning stores 5,000 results of a run and 100 places of each, and
// takes 10 MB, compressed.
var forPrograms = Bounds{Images: 1000, Findings: 5000, Total: 5000, Items: 99, Chars: 2000, Bytes: 8 << 20}

// Formats gives every format, the default first.
func Formats() []Format { return formats }

var formats = []Format{
	{Name: "text", Title: "for people, the default", Write: Check, Bounds: Bounds{Images: 200, Findings: 200, Total: 1000, Items: 100, Chars: 2000, Bytes: 2 << 20}},
	{Name: "json", Title: "for programs", Write: func(w io.Writer, a Audit, _ Style) error { return JSON(w, a.Report) }},
	{Name: "sarif", Title: "SARIF 2.1.0, for code scanning", Write: SARIF, Bounds: forPrograms},
	{Name: "github", Title: "GitHub Actions annotations", Write: GitHub, Commands: true, Bounds: Bounds{Items: 5, Chars: 1000}},
	{Name: "gitlab", Title: "GitLab Code Quality", Write: GitLab, Bounds: forPrograms},
	{Name: "junit", Title: "JUnit XML, one case per requirement", Write: JUnit, Bounds: forPrograms},
	{Name: "checkstyle", Title: "Checkstyle XML", Write: Checkstyle, Bounds: forPrograms},
	{Name: "rdjson", Title: "for reviewdog", Write: RDJSON, Bounds: forPrograms},
	{Name: "markdown", Title: "a report to paste into an issue", Write: Markdown, Bounds: markdownBounds},
	{Name: "html", Title: "one self-contained page", Write: HTML, NeedsViews: true, Bounds: Bounds{Images: 200, Findings: 500, Total: 2000, Items: 100, Chars: 2000, Bytes: 4 << 20}},
}

// FindFormat gives a format by its name.
func FindFormat(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// blamedPosition gives the line to blame for a finding: where it is shown if none is known.
func blamedPosition(f finding.Finding, img finding.ImageReport) finding.Position {
	if i, ok := f.Blamed(); ok {
		if p := f.Related[i]; p.File != f.Subject.File || p.Line != f.Subject.Line {
			return finding.Position{File: p.File, Line: p.Line}
		}
	}
	return subject(f, img)
}

// rulePage gives the address of a rule's page, "" for a rule that is not ours.
func (a Audit) rulePage(name string) string {
	for _, r := range a.Rules {
		if r.Name == name {
			return homepage + "/blob/main/docs/rules/" + name + ".md"
		}
	}
	return ""
}

// subject gives where a finding is shown: its own place, else the first related one, else the file that the image is
// built from, because annotations and alerts must stand somewhere.
func subject(f finding.Finding, img finding.ImageReport) finding.Position {
	if f.Subject.File != "" {
		return f.Subject
	}
	if len(f.Related) > 0 {
		return finding.Position{File: f.Related[0].File, Line: f.Related[0].Line}
	}
	return finding.Position{File: img.Dockerfile}
}
