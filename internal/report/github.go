package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// maxAnnotations is how many annotations of each kind GitHub shows of a step.
const maxAnnotations = 10

// GitHub writes the findings as workflow commands, which GitHub Actions shows at file and line: of each kind as many as it
// shows, and how many more there are.
func GitHub(out io.Writer, a Audit, _ Style) error {
	w := bufio.NewWriter(out)
	written, more := map[string]int{}, a.allLeft()
	blamed := map[finding.Position]bool{}
	for _, img := range a.Images {
		for _, f := range img.Findings {
			command := map[finding.Severity]string{finding.Error: "error", finding.Warning: "warning"}[f.Severity]
			if command == "" {
				command = "notice"
			}
			if written[command]++; written[command] > maxAnnotations {
				more++
				continue
			}
			p := subject(f, img)
			message := githubMessage(f, img)
			a.annotate(w, command, p, f, img, message)
			// A diff shows the line to blame, and rarely the one that needs what is missing.
			if at := blamedPosition(f, img); (at.File != p.File || at.Line != p.Line) && !blamed[at] && written[command] < maxAnnotations {
				blamed[at] = true
				written[command]++
				a.annotate(w, command, at, f, img, message)
			}
		}
	}
	for i, n := range a.Notices {
		if written["notice"]++; written["notice"] > maxAnnotations {
			a.left.notices += len(a.Notices) - i
			break
		}
		at := "file=" + githubProperty(n.File)
		if n.Line > 0 {
			at += fmt.Sprintf(",line=%d", n.Line)
		}
		fmt.Fprintf(w, "::notice %s,title=NotAudited::%s\n", at, githubData(Text(n.Text)))
	}
	if text := leftOutOf([]leftKind{{more, "finding"}, {a.left.notices, "notice"}}); text != "" {
		fmt.Fprintln(w, "ctxaudit: GitHub shows", maxAnnotations, "annotations of a kind;", text)
	}
	return w.Flush()
}

// annotate writes an annotation about a finding at a place.
func (a Audit) annotate(w io.Writer, command string, p finding.Position, f finding.Finding, img finding.ImageReport, message string) {
	props := []string{"file=" + githubProperty(p.File)}
	if p.Line > 0 {
		props = append(props, fmt.Sprintf("line=%d", p.Line))
	}
	if sp, ok := a.Sources.span(p, f, img); ok {
		start, end := sp.columns()
		// The last column is one that belongs to it.
		props = append(props, fmt.Sprintf("endLine=%d,col=%d,endColumn=%d", p.Line, start, end-1))
	}
	props = append(props, "title="+githubProperty(f.Rule))
	fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(props, ","), githubData(message))
}

// githubMessage is a finding in a few lines of plain text: annotations are not Markdown.
func githubMessage(f finding.Finding, img finding.ImageReport) string {
	lines := []string{Text(f.Summary) + " (image " + Text(img.Name) + ")"}
	if f.Detail != "" {
		lines = append(lines, Text(f.Detail))
	}
	for _, fix := range f.Fixes {
		lines = append(lines, "Fix: "+fixTitle(fix))
	}
	return strings.Join(lines, "\n")
}

// githubData escapes the message of a workflow command.
func githubData(s string) string {
	return strings.NewReplacer("%", "%25", "\n", "%0A").Replace(s)
}

// githubProperty escapes a property of a workflow command.
func githubProperty(s string) string {
	return strings.NewReplacer("%", "%25", ":", "%3A", ",", "%2C").Replace(Text(s))
}
