package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// The part of JUnit XML that an audit needs. The structures of github.com/jstemmer/go-junit-report write a time="" that
// schemas refuse, and time is something that a report of the same bytes for the same input has not.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Failure   *junitFailure `xml:"failure,omitempty"`
		SystemOut *junitText    `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		junitText
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// JUnit writes one suite for each image and one case for each requirement. A finding below the severity that fails the
// audit is a case that passes, and says so in its output.
func JUnit(w io.Writer, a Audit, _ Style) error {
	out := junitSuites{Name: "ctxaudit"}
	for i, img := range a.Images {
		s := junitSuite{Name: Text(img.Name)}
		for _, p := range []junitProperty{{"context", img.Context}, {"dockerfile", img.Dockerfile}, {"target", img.Target}, {"ignore-file", img.IgnoreFile}, {"left-out", a.of(i).leftOut()}} {
			if p.Value != "" {
				s.Properties = append(s.Properties, junitProperty{p.Name, Text(p.Value)})
			}
		}
		for _, f := range img.Findings {
			c := junitCase{Name: Text(f.Summary), Classname: Text(img.Name + "." + f.Rule)}
			text := junitText{chain(f, img)}
			if f.Severity.AtLeast(a.FailOn) {
				where := position(subject(f, img))
				c.Failure = &junitFailure{Message: Text(where + ": " + f.Summary), Type: Text(f.Rule), junitText: text}
				s.Failures++
			} else {
				c.SystemOut = &text
			}
			s.Cases = append(s.Cases, c)
		}
		for _, p := range img.Passed {
			c := junitCase{Name: Text(p.Requirement), Classname: Text(img.Name)}
			if len(p.Evidence) > 0 {
				c.SystemOut = &junitText{placeLines(p.Evidence)}
			}
			s.Cases = append(s.Cases, c)
		}
		if img.Modules > 0 && !hasRulePrefix(img.Findings, "Import") {
			s.Cases = append(s.Cases, junitCase{
				Name: fmt.Sprintf("%s in %s followed from what the image starts", count(img.Imports, "import"), count(img.Modules, "module")), Classname: Text(img.Name),
			})
		}
		if len(s.Cases) == 0 { // a suite without cases is a failure to many readers
			s.Cases = append(s.Cases, junitCase{Name: "the build would succeed", Classname: Text(img.Name)})
		}
		s.Tests = len(s.Cases)
		out.Tests, out.Failures = out.Tests+s.Tests, out.Failures+s.Failures
		out.Suites = append(out.Suites, s)
	}
	return writeXML(w, out)
}

func hasRulePrefix(list []finding.Finding, prefix string) bool {
	for _, f := range list {
		if strings.HasPrefix(f.Rule, prefix) {
			return true
		}
	}
	return false
}

// chain is all that is known of a finding, line by line, without markup.
func chain(f finding.Finding, img finding.ImageReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s at %s\n", Name(string(f.Severity)), Text(f.Rule), position(subject(f, img)))
	b.WriteString(placeLines(f.Related))
	for _, line := range wrap(Text(f.Detail), 110) {
		b.WriteString(line + "\n")
	}
	for _, fix := range f.Fixes {
		b.WriteString("fix: " + fixTitle(fix) + "\n")
	}
	for _, as := range f.Assumptions {
		b.WriteString("assumed: " + assumption(as) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func placeLines(list []finding.Place) string {
	var b strings.Builder
	places(&b, list, Style{})
	return b.String()
}
