package report

import (
	"encoding/xml"
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// The part of Checkstyle's XML that its readers know.
type (
	checkstyleFiles struct {
		XMLName xml.Name         `xml:"checkstyle"`
		Version string           `xml:"version,attr"`
		Files   []checkstyleFile `xml:"file"`
	}
	checkstyleFile struct {
		Name   string            `xml:"name,attr"`
		Errors []checkstyleError `xml:"error"`
	}
	checkstyleError struct {
		Line     int    `xml:"line,attr,omitempty"`
		Column   int    `xml:"column,attr,omitempty"`
		Severity string `xml:"severity,attr"`
		Message  string `xml:"message,attr"`
		Source   string `xml:"source,attr"`
	}
)

// Checkstyle writes the findings as Checkstyle does, one file after the other, each finding at its own place.
func Checkstyle(w io.Writer, a Audit, _ Style) error {
	out := checkstyleFiles{Version: "4.3"}
	index := map[string]int{}
	for _, img := range a.Images {
		for _, f := range img.Findings {
			p := subject(f, img)
			at, ok := index[p.File]
			if !ok {
				at = len(out.Files)
				index[p.File] = at
				out.Files = append(out.Files, checkstyleFile{Name: Text(p.File)})
			}
			e := checkstyleError{Line: p.Line, Severity: string(f.Severity), Message: githubMessage(f, img), Source: "ctxaudit." + Text(f.Rule)}
			if sp, ok := a.Sources.span(p, f, img); ok {
				e.Column, _ = sp.columns()
			}
			if f.Severity == finding.Note {
				e.Severity = "info"
			}
			out.Files[at].Errors = append(out.Files[at].Errors, e)
		}
	}
	return writeXML(w, out)
}

// writeXML writes a document with its head and a final line end.
func writeXML(w io.Writer, document any) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
