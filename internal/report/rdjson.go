package report

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// The part of the Reviewdog Diagnostic Format that an audit needs. Columns are bytes of UTF-8, from 1.
type (
	rdReport struct {
		Source      rdSource       `json:"source"`
		Severity    string         `json:"severity,omitempty"`
		Diagnostics []rdDiagnostic `json:"diagnostics"`
	}
	rdSource struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	rdDiagnostic struct {
		Message     string         `json:"message"`
		Location    rdLocation     `json:"location"`
		Severity    string         `json:"severity"`
		Code        rdCode         `json:"code"`
		Suggestions []rdSuggestion `json:"suggestions,omitempty"`
		Related     []rdRelated    `json:"relatedLocations,omitempty"`
	}
	rdCode struct {
		Value string `json:"value"`
		URL   string `json:"url,omitempty"`
	}
	rdLocation struct {
		Path  string   `json:"path"`
		Range *rdRange `json:"range,omitempty"`
	}
	rdRange struct {
		Start rdPosition  `json:"start"`
		End   *rdPosition `json:"end,omitempty"`
	}
	rdPosition struct {
		Line   int `json:"line"`
		Column int `json:"column,omitempty"`
	}
	rdSuggestion struct {
		Range rdRange `json:"range"`
		Text  string  `json:"text"`
	}
	rdRelated struct {
		Message  string     `json:"message"`
		Location rdLocation `json:"location"`
	}
)

var rdSeverities = map[finding.Severity]string{finding.Error: "ERROR", finding.Warning: "WARNING", finding.Note: "INFO"}

// RDJSON writes the findings for reviewdog. Each is at the line to blame, which is the one that a change has touched, with the fix as a
// suggestion where that is an edit of the same file.
func RDJSON(w io.Writer, a Audit, _ Style) error {
	out := rdReport{Source: rdSource{"ctxaudit", homepage}, Diagnostics: []rdDiagnostic{}}
	for _, img := range a.Images {
		for _, f := range img.Findings {
			out.Diagnostics = append(out.Diagnostics, a.rdDiagnostic(f, img))
		}
	}
	return JSON(w, out)
}

func (a Audit) rdDiagnostic(f finding.Finding, img finding.ImageReport) rdDiagnostic {
	p := blamedPosition(f, img)
	d := rdDiagnostic{Message: githubMessage(f, img), Location: rdLocation{Path: p.File}, Severity: rdSeverities[f.Severity], Code: rdCode{f.Rule, a.rulePage(f.Rule)}}
	if p.Line > 0 {
		d.Location.Range = &rdRange{Start: rdPosition{Line: p.Line}}
	}
	if sp, ok := a.Sources.span(p, f, img); ok {
		d.Location.Range = &rdRange{rdPosition{p.Line, sp.Start + 1}, &rdPosition{p.Line, sp.End + 1}}
	}
	for _, rel := range f.Related {
		if rel.Role == roleMore || rel.File == p.File && rel.Line == p.Line {
			continue
		}
		at := rdLocation{Path: rel.File}
		if rel.Line > 0 {
			at.Range = &rdRange{Start: rdPosition{Line: rel.Line}}
		}
		d.Related = append(d.Related, rdRelated{role(rel), at})
	}
	for _, fix := range f.Fixes {
		changes, ok := a.changes(fix)
		if !ok || len(changes) != 1 || changes[0].file != p.File || !utf8.ValidString(changes[0].after) {
			continue
		}
		before := changes[0].before
		r := replacement(before, changes[0].after)
		end := rdPosition{r.DeletedRegion.EndLine, 1}
		if r.DeletedRegion.EndColumn > 1 { // the end of a last line without a line end
			end.Column = len(before) - strings.LastIndexByte(before, '\n')
		}
		d.Suggestions = append(d.Suggestions, rdSuggestion{Range: rdRange{rdPosition{r.DeletedRegion.StartLine, 1}, &end}, Text: r.InsertedContent.Text})
	}
	return d
}
