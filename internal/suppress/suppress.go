// Package suppress silences findings that somebody has decided to live with: by comments in the files that they point at,
// and by the configuration. Each needs a reason; one without it, one whose day has passed and one that silences nothing is
// itself a finding, so that none outlives its cause unseen.
package suppress

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// Input is what suppressions are looked for in.
type Input struct {
	// Policy is the configuration, nil if there is none.
	Policy *policy.File
	// Read gives a file by the name that findings use; ok is false if it cannot be read.
	Read func(file string) (text string, ok bool)
	// Known reports whether there is a rule of that name.
	Known func(rule string) bool
	// Severity gives the severity of the rules about suppressions themselves.
	Severity func(rule string) finding.Severity
	// Reported reports whether findings of a rule were looked for: a suppression of others is not unused.
	Reported func(rule string) bool
	// Today is the day on which suppressions expire.
	Today time.Time
}

// suppression is one decision to live with something.
type suppression struct {
	rules   []string // in lower case; "*" is none: each must be named
	reason  string
	expires string
	file    string
	line    int
	about   string // what it is about, besides the rules
	used    bool
	// matches reports whether it is about a finding, rules apart.
	matches func(image string, f finding.Finding) bool
	// image is the first image that it may be about, where it is reported if nothing else does.
	image int
}

// Apply takes the findings that are suppressed out of the reports, into their Suppressed, and adds what is wrong with the
// suppressions.
func Apply(images []finding.ImageReport, in Input) {
	list := fromPolicy(images, in.Policy)
	list = append(list, comments(images, in.Read)...)
	for _, s := range list {
		s.check(images, in)
	}
	for i := range images {
		img := &images[i]
		var kept []finding.Finding
		for _, f := range img.Findings {
			if by := find(list, img.Name, f); by != nil {
				by.used = true
				img.Suppressed = append(img.Suppressed, finding.Suppressed{Finding: f, Reason: by.reason, File: by.file, Line: by.line})
				continue
			}
			kept = append(kept, f)
		}
		img.Findings = append([]finding.Finding{}, kept...)
	}
	for _, s := range list {
		if !s.used && s.matches != nil && slices.ContainsFunc(s.rules, in.Reported) {
			s.report(images, in.Severity(finding.SuppressionUnused), finding.SuppressionUnused, fmt.Sprintf("this suppression matches no finding (%s)", strings.Join(s.rules, ", ")),
				"The finding is fixed, or has moved. Remove the suppression.")
		}
	}
	for i := range images {
		slices.SortStableFunc(images[i].Findings, finding.Compare)
	}
}

// check reports what is wrong with a suppression, and puts it out of force: then it matches nothing.
func (s *suppression) check(images []finding.ImageReport, in Input) {
	problem := func(rule, summary, detail string) {
		s.report(images, in.Severity(rule), rule, summary, detail)
		s.matches = nil
	}
	for _, name := range s.rules {
		if !in.Known(name) {
			problem(finding.SuppressionInvalid, fmt.Sprintf("there is no rule %q to suppress", name), "ctxaudit rules lists the rules.")
			return
		}
	}
	switch expires, err := time.Parse(time.DateOnly, s.expires); {
	case strings.TrimSpace(s.reason) == "":
		problem(finding.SuppressionInvalid, "a suppression needs a reason", "It has no effect until it has one: `# ctxaudit: ignore=RULE -- reason`.")
	case len(s.rules) == 0:
		problem(finding.SuppressionInvalid, "a suppression must name a rule", "As in `# ctxaudit: ignore=RULE -- reason`.")
	case s.expires != "" && err != nil:
		problem(finding.SuppressionInvalid, fmt.Sprintf("%q is not a date: want YYYY-MM-DD", s.expires), "")
	case s.expires != "" && !in.Today.Before(expires.AddDate(0, 0, 1)):
		problem(finding.SuppressionExpired, fmt.Sprintf("this suppression expired on %s (%s)", s.expires, s.reason), "It has no effect any more: fix the finding, or renew the suppression.")
	}
}

// report adds a finding about a suppression to the first image that it may be about.
func (s *suppression) report(images []finding.ImageReport, severity finding.Severity, rule, summary, detail string) {
	if len(images) == 0 {
		return
	}
	img := &images[min(s.image, len(images)-1)]
	img.Findings = append(img.Findings, finding.Finding{
		Rule: rule, Severity: severity, Summary: summary, Detail: detail, Subject: finding.Position{File: s.file, Line: s.line},
		About:   finding.About{Site: s.file, Text: strings.TrimSpace(strings.Join(s.rules, ",") + " " + s.about)},
		Related: []finding.Place{}, Assumptions: []finding.Assumption{}, Fixes: []finding.Fix{},
	})
}

func find(list []*suppression, image string, f finding.Finding) *suppression {
	for _, s := range list {
		if s.matches != nil && slices.ContainsFunc(s.rules, func(r string) bool { return strings.EqualFold(r, f.Rule) }) && s.matches(image, f) {
			return s
		}
	}
	return nil
}

// fromPolicy gives the suppressions of the configuration.
func fromPolicy(images []finding.ImageReport, file *policy.File) []*suppression {
	if file == nil {
		return nil
	}
	var out []*suppression
	for i, p := range file.Suppress {
		s := &suppression{
			rules: []string{p.Rule}, reason: p.Reason, expires: p.Expires, file: file.Name, line: file.Line("suppress", i),
			about:   strings.Join([]string{p.Image, p.Module, p.Path}, " "),
			matches: func(image string, f finding.Finding) bool { return about(p, image, f) },
		}
		if p.Rule == "" {
			s.rules = nil
		}
		if at := slices.IndexFunc(images, func(img finding.ImageReport) bool { return p.Image == "" || img.Name == p.Image }); at >= 0 {
			s.image = at
		}
		out = append(out, s)
	}
	return out
}

// about reports whether an entry of the configuration is about a finding: all that it says must hold.
func about(p policy.Suppression, image string, f finding.Finding) bool {
	if p.Image != "" && p.Image != image {
		return false
	}
	if p.Module != "" {
		ok, err := path.Match(p.Module, f.Module)
		if err != nil || !ok {
			return false
		}
	}
	if p.Path == "" {
		return true
	}
	for _, at := range []string{f.ContextPath, f.ImagePath, f.Subject.File} {
		if at != "" && (doublestar.MatchUnvalidated(p.Path, at) || strings.HasPrefix(at, strings.TrimSuffix(p.Path, "/")+"/")) {
			return true
		}
	}
	return false
}
