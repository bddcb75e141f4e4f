package report

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// much is an audit of which everything is too much: many images, findings, lines of each, and long texts.
func much(images, findings, items, chars int) Audit {
	long := func(n int) string { return fmt.Sprintf("%d ", n) + strings.Repeat("x y|`", chars/5) }
	a := Audit{Version: "v1", FailOn: finding.Error, Sources: Sources{"f": NewSource(strings.Repeat(long(0)+"\n", 50))}}
	var list []finding.ImageReport
	for i := range images {
		img := finding.ImageReport{Name: fmt.Sprint("image", i), Dockerfile: "Dockerfile", Context: "."}
		for j := range findings {
			f := finding.Finding{
				Rule: "ImportNotInImage", Severity: []finding.Severity{finding.Note, finding.Warning, finding.Error}[j*3/findings],
				Summary: long(j), Detail: long(j), Subject: finding.Position{File: "f", Line: j%50 + 1},
				Fixes: []finding.Fix{{Title: long(j), Edits: []edit.Edit{{File: "f", Line: 1, Insert: long(j)}}}},
			}
			for k := range items {
				f.Related = append(f.Related, finding.Place{Role: finding.RoleExcludes, File: "f", Line: k + 1, Text: long(k), Note: long(k)})
				f.Files = append(f.Files, long(k))
			}
			img.Findings = append(img.Findings, f)
			img.Passed = append(img.Passed, finding.Passed{Requirement: long(j), Evidence: f.Related})
			img.Assumptions = append(img.Assumptions, finding.Assumption{Kind: "run", File: "f", Line: 1, Text: long(j), Meaning: long(j)})
			img.Suppressed = append(img.Suppressed, finding.Suppressed{Finding: f, Reason: long(j), File: "f", Line: 1})
		}
		list = append(list, img)
	}
	a.Report = finding.NewReport(list)
	for i := range findings {
		a.Notices = append(a.Notices, finding.Notice{File: "f", Line: i, Text: long(i)})
	}
	return a
}

// written gives what a format makes of an audit.
func written(t *testing.T, name string, a Audit) string {
	t.Helper()
	f, ok := FindFormat(name)
	require.True(t, ok)
	var b strings.Builder
	require.NoError(t, f.WriteTo(&Screen{W: &b}, a, Style{Verbose: true}))
	return b.String()
}

// However much there is to show, a report ends, and says what is missing.
func TestReportsHaveBounds(t *testing.T) {
	most := map[string]int{"text": 8 << 20, "sarif": 40 << 20, "github": 1 << 20, "gitlab": 40 << 20, "junit": 40 << 20, "markdown": 1 << 20, "html": 24 << 20}
	for _, c := range []struct {
		name                           string
		images, findings, items, chars int
	}{
		{"findings", 1, 6000, 2, 40}, {"images", 2000, 3, 1, 20}, {"places", 1, 30, 3000, 40}, {"texts", 1, 30, 1, 100_000}, {"everything", 5, 300, 100, 1000},
	} {
		a := much(c.images, c.findings, c.items, c.chars)
		for name, limit := range most {
			start := time.Now()
			out := written(t, name, a)
			t.Logf("%s %s: %d bytes in %v", c.name, name, len(out), time.Since(start))
			assert.Less(t, len(out), limit, "%s %s", c.name, name)
			if c.name == "findings" {
				assert.Regexp(t, `not shown: [0-9]+ findings.*--format json has all`, out, name)
			}
		}
		summary, err := MarkdownWithin(a, 100<<10)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(summary), 100<<10)
		assert.Contains(t, string(summary), "ctxaudit: something")
	}
}

// The worst findings are those that are shown, in their order, and what is counted is everything.
func TestTheWorstIsShown(t *testing.T) {
	a := much(2, 900, 1, 10)
	part := a.within(Bounds{Findings: 100, Total: 150})
	require.Len(t, part.Images, 2)
	assert.Equal(t, []int{100, 50}, []int{len(part.Images[0].Findings), len(part.Images[1].Findings)})
	for _, img := range part.Images {
		for i, f := range img.Findings {
			assert.Equal(t, finding.Error, f.Severity)
			assert.Equal(t, fmt.Sprintf("%d ", 600+i), f.Summary[:4])
		}
	}
	assert.Equal(t, 1650, part.allLeft())
	assert.Equal(t, finding.Fingerprints(a.Images[0])[600:700], part.of(0).fingerprints, "a finding is known by the same name")
	assert.Len(t, a.Images[0].Findings, 900, "the audit itself stays as it is")
	assert.Equal(t, a.Summary, part.Summary)
}

// An image without findings is left out before one with some.
func TestImagesWithFindingsAreShown(t *testing.T) {
	a := much(30, 1, 1, 10)
	for i := range 29 {
		a.Images[i].Findings, a.Images[i].Suppressed = nil, nil
	}
	part := a.within(Bounds{Images: 5})
	require.Len(t, part.Images, 6)
	assert.Equal(t, "image29", part.Images[5].Name)
	assert.Equal(t, 24, part.left.images)
}

// JSON leaves out nothing.
func TestJSONIsComplete(t *testing.T) {
	a := much(3, 700, 5, 100)
	var b strings.Builder
	require.NoError(t, JSON(&b, a.Report))
	assert.Equal(t, b.String(), written(t, "json", a))
}

// Twice as much takes twice as long, or less: reports are linear in what there is.
func BenchmarkReports(b *testing.B) {
	for _, n := range []int{2000, 4000, 8000} {
		a := much(1, n, 3, 100)
		for _, f := range Formats() {
			b.Run(fmt.Sprint(f.Name, n), func(b *testing.B) {
				for b.Loop() {
					_ = f.WriteTo(&Screen{W: io.Discard}, a, Style{})
				}
			})
		}
	}
}
