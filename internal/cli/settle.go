package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/baseline"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/suppress"
)

// maxBaseline bounds a baseline, in bytes: it has a few hundred for each finding.
const maxBaseline = 64 << 20

// settle gives findings the severity that the configuration wants, takes out those that are suppressed, and those that the
// baseline has.
func (a *app) settle(images []finding.ImageReport, subjects []audit.Subject, f *checkFlags) error {
	if err := a.suppress(images, subjects, f.buildkitChecks); err != nil {
		return err
	}
	if f.baseline == "" {
		return nil
	}
	if f.updateBaseline {
		data, err := baseline.Take(images).Bytes()
		if err != nil {
			return err
		}
		if err := a.writeNamed(f.baseline, data); err != nil {
			return fmt.Errorf("writing baseline: %w", err)
		}
	}
	data, err := a.readNamed(f.baseline, maxBaseline)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("baseline %s does not exist; --update-baseline writes it", f.baseline)
	}
	if err != nil {
		return fmt.Errorf("reading baseline: %w", err)
	}
	b, err := baseline.Parse(f.baseline, data)
	if err != nil {
		return err
	}
	if b.Outdated() {
		a.tellf("ctxaudit: the baseline %s is one of version 1, which the next release will not read; --update-baseline rewrites it", f.baseline)
	}
	known, gone := b.Apply(images)
	if known > 0 {
		a.tellf("ctxaudit: not shown: %s of the baseline %s", findings(known), f.baseline)
	}
	if len(gone) > 0 {
		a.tellf("ctxaudit: no longer found: %s of the baseline %s; --update-baseline takes them out", findings(len(gone)), f.baseline)
	}
	return nil
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

// suppress applies severities and suppressions. The images are all of one configuration, or of none.
func (a *app) suppress(images []finding.ImageReport, subjects []audit.Subject, lints bool) error {
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
		Policy: file, Known: isRule, Severity: ruleSeverity, Today: time.Now(),
		Reported: func(rule string) bool {
			if strings.HasPrefix(rule, "Ignore") {
				return false // by ignore lint
			}
			_, ours := audit.FindRule(rule)
			return ours || lints
		},
		Read: func(name string) (string, bool) { return a.readSource(name, contexts[name]) },
	})
	return suppress.Severities(images, file, isRule)
}

func ruleSeverity(name string) finding.Severity {
	r, _ := audit.FindRule(name)
	return r.Severity
}

// isRule reports whether there is a rule, or a check of BuildKit, of that name.
func isRule(name string) bool {
	_, ok := audit.FindRule(name)
	return ok || slices.ContainsFunc(dockerfile.LintRules(), func(r string) bool { return strings.EqualFold(r, name) })
}

// readSource reads a file by the name that findings use: relative to where ctxaudit was started, unless the context was
// named by an absolute path.
func (a *app) readSource(file, context string) (string, bool) {
	name := filepath.FromSlash(file)
	if filepath.IsAbs(context) && !filepath.IsAbs(name) {
		name = filepath.Join(context, name)
	}
	data, err := a.world.Read(name, maxSource)
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
