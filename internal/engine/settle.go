package engine

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/suppress"
)

// Suppress applies severities and suppressions. The images are all of one configuration, or of none.
func (e *Engine) Suppress(images []finding.ImageReport, subjects []audit.Subject, lints bool) error {
	var file *policy.File
	contexts := map[string]string{}
	for i, s := range subjects {
		if s.PolicyFile != nil {
			file = s.PolicyFile
		}
		if i < len(images) {
			contexts[images[i].Dockerfile], contexts[images[i].IgnoreFile] = images[i].Context, images[i].Context
			for _, name := range images[i].Followed {
				contexts[name] = images[i].Context
			}
		}
	}
	suppress.Apply(images, suppress.Input{
		Policy: file, Known: IsRule, Severity: ruleSeverity, Today: time.Now(),
		Reported: func(rule string) bool {
			if strings.HasPrefix(rule, "Ignore") {
				return false // by ignore lint
			}
			_, ours := audit.FindRule(rule)
			return ours || lints
		},
		Read: func(name string) (string, bool) { return e.ReadSource(name, contexts[name]) },
	})
	return suppress.Severities(images, file, IsRule)
}

func ruleSeverity(name string) finding.Severity {
	r, _ := audit.FindRule(name)
	return r.Severity
}

// IsRule reports whether there is a rule, or a check of BuildKit, of that name.
func IsRule(name string) bool {
	_, ok := audit.FindRule(name)
	return ok || slices.ContainsFunc(dockerfile.LintRules(), func(r string) bool { return strings.EqualFold(r, name) })
}

// MaxSource bounds the files that are read to show lines of them, in bytes.
const MaxSource = 4 << 20

// ReadSource reads a file by the name that findings use: relative to where ctxaudit was started, unless the context was
// named by an absolute path.
func (e *Engine) ReadSource(file, context string) (string, bool) {
	name := filepath.FromSlash(file)
	if filepath.IsAbs(context) && !filepath.IsAbs(name) {
		name = filepath.Join(context, name)
	}
	data, err := e.World.Read(name, MaxSource)
	return string(data), err == nil
}

// addLints adds BuildKit's own warnings to a report.
func addLints(r *finding.ImageReport, image *simulate.Image) {
	for _, w := range image.Plan.Warnings {
		detail := w.Description
		if w.URL != "" {
			detail = strings.TrimSpace(detail + " " + w.URL)
		}
		r.Findings = append(r.Findings, finding.Finding{
			Rule: w.Rule, Severity: finding.Warning, Summary: w.Message, Detail: detail,
			Subject: finding.At(image.Plan.Dockerfile.Name, w.Range),
			About:   finding.About{Site: image.Plan.Dockerfile.Name, Text: w.Text},
			Related: []finding.Place{}, Assumptions: []finding.Assumption{}, Fixes: []finding.Fix{},
		})
	}
	slices.SortStableFunc(r.Findings, finding.Compare)
}
