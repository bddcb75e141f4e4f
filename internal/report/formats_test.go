package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// small is an audit of two images with one finding of each kind of place: a range over lines, a line, and none.
func small() Audit {
	a := Audit{
		Version: "v1", FailOn: finding.Error,
		Rules: []Rule{
			{"PathForbidden", "t", finding.Error, func() string { return "# PathForbidden\n\nIt tells\nof this.\n\nMore.\n" }},
			{"EnvMissing", "t", finding.Warning, func() string { return "# EnvMissing\n\nOf that.\n" }},
			{"Unused", "t", finding.Note, func() string { panic("a rule that found nothing") }},
		},
		Sources: Sources{
			"Dockerfile":    NewSource("FROM scratch\nCOPY a \\\n  b /\n"),
			".dockerignore": NewSource("x\ny\n"),
		},
	}
	first := finding.ImageReport{
		Name: "web", Context: ".", Dockerfile: "Dockerfile", IgnoreFile: ".dockerignore", Imports: 3, Modules: 2,
		Findings: []finding.Finding{
			{
				Rule: "PathForbidden", Severity: finding.Error, Summary: "s1", Detail: "d1", ImagePath: "/b",
				Subject: finding.Position{File: "Dockerfile", Line: 2, Column: 1, EndLine: 3, EndColumn: 6},
				Related: []finding.Place{{Role: finding.RoleCopies, File: "Dockerfile", Line: 2, Text: "COPY a b /"}},
				Fixes:   []finding.Fix{{Title: "t", Edits: []edit.Edit{{File: ".dockerignore", Line: 3, Insert: "b"}}, AddsCount: 1}},
			},
			{
				Rule: "EnvMissing", Severity: finding.Warning, Summary: "s2", About: finding.About{Variable: "A"}, Subject: finding.Position{File: "Dockerfile", Line: 1},
				Assumptions: []finding.Assumption{{Kind: "base-image", File: "Dockerfile", Line: 1, Text: "FROM scratch", Meaning: "m"}},
			},
		},
		Passed:     []finding.Passed{{Requirement: "r", Evidence: []finding.Place{{Role: finding.RoleSets, File: "Dockerfile", Line: 1}}}},
		Suppressed: []finding.Suppressed{{Finding: finding.Finding{Rule: "EnvMissing", Severity: finding.Warning, Summary: "s3", About: finding.About{Variable: "B"}}, Reason: "why", File: "Dockerfile", Line: 2}},
	}
	second := finding.ImageReport{Name: "job", Dockerfile: "Dockerfile", Findings: []finding.Finding{{Rule: "EnvMissing", Severity: finding.Note, Summary: "s4"}}}
	a.Report = finding.NewReport([]finding.ImageReport{first, second})
	a.Notices = []finding.Notice{{File: "docker-bake.hcl", Line: 7, Text: "n"}}
	return a
}

// decoded gives what a format makes of an audit, as far as it fits into a value.
func decoded[T any](t *testing.T, name string, a Audit) T {
	t.Helper()
	var out T
	require.NoError(t, json.Unmarshal([]byte(written(t, name, a)), &out))
	return out
}

func TestSarifFields(t *testing.T) {
	log := decoded[sarifLog](t, "sarif", small())
	require.Len(t, log.Runs, 1)
	run := log.Runs[0]
	var rules []string
	for _, r := range run.Tool.Driver.Rules {
		rules = append(rules, r.ID)
	}
	assert.Equal(t, []string{"PathForbidden", "EnvMissing"}, rules, "those that found something")
	assert.Equal(t, "It tells of this.", run.Tool.Driver.Rules[0].FullDescription.Text)

	prints := map[string]bool{}
	for _, r := range run.Results {
		assert.Equal(t, rules[r.RuleIndex], r.RuleID)
		prints[r.PartialFingerprints[fingerprintName]] = true
	}
	assert.Len(t, prints, len(run.Results), "each has its own")

	region := run.Results[0].Locations[0].PhysicalLocation.Region
	require.NotNil(t, region)
	assert.Equal(t, sarifRegion{StartLine: 2, StartColumn: 1, EndLine: 3, EndColumn: 6, Snippet: &sarifText{Text: "COPY a \\\n  b /"}}, *region)
	require.Len(t, run.Results[0].Fixes, 1)
	change := run.Results[0].Fixes[0].ArtifactChanges[0]
	assert.Equal(t, ".dockerignore", change.ArtifactLocation.URI)
	assert.Equal(t, sarifReplacement{sarifRegion{StartLine: 3, StartColumn: 1, EndLine: 3, EndColumn: 1}, sarifText{Text: "b\n"}}, change.Replacements[0])

	var levels []string
	suppressed := 0
	for _, r := range run.Results {
		levels = append(levels, r.Level)
		suppressed += len(r.Suppressions)
	}
	assert.Equal(t, []string{"error", "warning", "warning", "note"}, levels)
	assert.Equal(t, 1, suppressed)
}

func TestGitLabFields(t *testing.T) {
	a := small()
	issues := decoded[[]gitlabIssue](t, "gitlab", a)
	var got []string
	for _, i := range issues {
		got = append(got, i.CheckName+" "+i.Severity)
	}
	assert.Equal(t, []string{"PathForbidden critical", "EnvMissing minor", "EnvMissing info"}, got)
	assert.Equal(t, gitlabLocation{"Dockerfile", gitlabLines{2, 2}}, issues[0].Location)
	assert.Equal(t, finding.Fingerprints(a.Images[0])[0], issues[0].Fingerprint)
	assert.Equal(t, "Dockerfile", issues[2].Location.Path, "what stands nowhere is shown somewhere")
}

func TestJUnitFields(t *testing.T) {
	var out junitSuites
	require.NoError(t, xml.Unmarshal([]byte(written(t, "junit", small())), &out))
	assert.Equal(t, 1, out.Failures, "a warning does not fail this audit")
	require.Len(t, out.Suites, 2)
	web := out.Suites[0]
	assert.Equal(t, "web", web.Name)
	assert.Equal(t, 4, web.Tests, "two findings, a requirement and the imports")
	require.NotNil(t, web.Cases[0].Failure)
	assert.Equal(t, "PathForbidden", web.Cases[0].Failure.Type)
	assert.Nil(t, web.Cases[1].Failure)
	assert.Contains(t, web.Properties, junitProperty{"ignore-file", ".dockerignore"})
}

func TestGitHubFields(t *testing.T) {
	var commands []string
	for line := range strings.Lines(written(t, "github", small())) {
		command, _, _ := strings.Cut(strings.TrimPrefix(line, "::"), "::")
		commands = append(commands, command)
	}
	assert.Equal(t, []string{
		"error file=Dockerfile,line=2,endLine=2,col=1,endColumn=6,title=PathForbidden",
		"warning file=Dockerfile,line=1,endLine=1,col=1,endColumn=12,title=EnvMissing",
		"notice file=Dockerfile,title=EnvMissing",
		"notice file=docker-bake.hcl,line=7,title=NotAudited",
	}, commands)
}

func TestJSONIsTheReport(t *testing.T) {
	a := small()
	got := decoded[finding.Report](t, "json", a)
	var want finding.Report
	data, err := json.Marshal(a.Report)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &want))
	assert.Equal(t, want, got)
	assert.Equal(t, finding.Summary{Errors: 1, Warnings: 1, Notes: 1, Images: 2, Imports: 3, Modules: 2, Suppressed: 1}, got.Summary)
}

// What people read names every finding, its rule and its place.
func TestFormatsForPeopleLeaveNothingOut(t *testing.T) {
	for _, name := range []string{"text", "markdown", "html"} {
		text := written(t, name, small())
		for _, want := range []string{"PathForbidden", "EnvMissing", "s1", "s2", "s4", "d1", "Dockerfile:2", "web", "job"} {
			assert.Contains(t, text, want, name)
		}
	}
}

// The same audit gives the same bytes.
func TestFormatsAreTheSameEachTime(t *testing.T) {
	for _, f := range Formats() {
		var first, second strings.Builder
		require.NoError(t, f.Write(&first, small(), Style{}))
		require.NoError(t, f.Write(&second, small(), Style{}))
		assert.Equal(t, first.String(), second.String(), f.Name)
	}
}

// A format is a row of the table, and nothing else.
func TestNewFormat(t *testing.T) {
	was := formats
	defer func() { formats = was }()
	formats = append(slices.Clone(formats), Format{Name: "toy", Title: "a toy", Bounds: Bounds{Images: 1}, Write: func(w io.Writer, a Audit, _ Style) error {
		_, err := fmt.Fprintf(w, "%d images, %d not shown\n", len(a.Images), a.Summary.Images-len(a.Images))
		return err
	}})
	f, ok := FindFormat("toy")
	require.True(t, ok)
	var out strings.Builder
	r := finding.NewReport([]finding.ImageReport{{Name: "a"}, {Name: "b"}})
	require.NoError(t, f.WriteTo(&Screen{W: &out}, Audit{Report: r}, Style{}))
	assert.Equal(t, "1 images, 1 not shown\n", out.String())
}
