package report

import (
	"io"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// gitlabIssue is an entry of GitLab's Code Quality report, a subset of the Code Climate format.
type gitlabIssue struct {
	Type        string         `json:"type"`
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Categories  []string       `json:"categories"`
	Content     *gitlabBody    `json:"content,omitempty"`
	Location    gitlabLocation `json:"location"`
}

type gitlabBody struct {
	Body string `json:"body"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
	End   int `json:"end"`
}

// GitLab writes the findings as GitLab Code Quality JSON. Fingerprints are unique in it and stay from run to run, so
// that a merge request shows what is new and what is gone.
func GitLab(w io.Writer, a Audit, _ Style) error {
	issues := []gitlabIssue{}
	for k, img := range a.Images {
		prints := a.of(k).fingerprints
		for i, f := range img.Findings {
			p := subject(f, img)
			line := max(p.Line, 1)
			issue := gitlabIssue{
				Type: "issue", CheckName: f.Rule, Fingerprint: prints[i], Severity: gitlabSeverity(f.Severity), Categories: []string{"Bug Risk"},
				Description: Text(f.Summary), Location: gitlabLocation{utf8Only(p.File), gitlabLines{line, line}},
			}
			if f.Detail != "" {
				issue.Content = &gitlabBody{mdText(f.Detail)}
			}
			issues = append(issues, issue)
		}
		// There is no other place in the format to say it.
		if text := a.of(k).leftOut(); text != "" {
			issues = append(issues, gitlabIssue{
				Type: "issue", CheckName: "ReportTooLong", Fingerprint: finding.Fingerprints(finding.ImageReport{Name: img.Name, Findings: []finding.Finding{{Rule: "ReportTooLong"}}})[0],
				Severity: gitlabSeverity(finding.Note), Categories: []string{"Bug Risk"}, Description: text, Location: gitlabLocation{utf8Only(img.Dockerfile), gitlabLines{1, 1}},
			})
		}
	}
	return JSON(w, issues)
}

func gitlabSeverity(s finding.Severity) string {
	switch s {
	case finding.Error:
		return "critical"
	case finding.Warning:
		return "minor"
	default:
		return "info"
	}
}
