package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// lost is a finding with all that one can have, and more than one wants to read.
func lost() finding.Finding {
	f := finding.Finding{
		Rule: finding.ImportNotInImage, Severity: finding.Error, Number: 3, Summary: "shop.jobs is not in the image (12 imports of it)",
		Detail:  strings.Repeat("This is a sentence that says why it is so. ", 20),
		Subject: finding.Position{File: "shop/main.py", Line: 2, Column: 8},
		Related: []finding.Place{
			{Role: finding.RoleExcludes, File: ".dockerignore", Line: 1, Text: "**/jobs", Note: "shop/jobs"},
			{Role: finding.RoleNoEffect, File: ".dockerignore", Line: 3, Text: "!shop/", Note: "shop/ is not excluded"},
		},
		Fixes:       []finding.Fix{{Title: "x", Edits: []edit.Edit{{File: ".dockerignore", Line: 2, Insert: "!shop/jobs/"}}, Adds: []string{"shop/jobs/a.py"}, AddsCount: 1}},
		Assumptions: []finding.Assumption{{Kind: "run", File: "Dockerfile", Line: 2, Text: "RUN x", Meaning: "this step changes nothing"}},
	}
	for i := range 12 {
		f.Related = append(f.Related, finding.Place{Role: finding.RoleImports, File: "shop/main.py", Line: i + 2, Text: "import shop.jobs", Note: "startup"})
	}
	return f
}

func textOf(t *testing.T, s Style, images ...finding.ImageReport) string {
	t.Helper()
	var out bytes.Buffer
	a := Audit{FixCommand: "ctxaudit fix", Report: finding.NewReport(images), Sources: Sources{".dockerignore": NewSource("**/jobs\n\n!shop/\n"), "shop/main.py": NewSource("\nimport shop.jobs\n")}}
	require.NoError(t, Check(&out, a, s))
	return out.String()
}

// A finding takes about ten lines: the verdict, the line to blame, the fix with the command that makes it, then why. The width is kept.
func TestFindingIsShort(t *testing.T) {
	for _, columns := range []int{0, 80, 120} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			text := textOf(t, Style{Width: columns}, finding.ImageReport{Name: "web", Dockerfile: "Dockerfile", Context: ".", Findings: []finding.Finding{lost()}})
			lines := strings.Split(text, "\n")
			of := lines[1 : len(lines)-3]
			assert.LessOrEqual(t, len(of), findingLines+leastReasons, text)
			at := func(part string) int {
				for i, l := range of {
					if strings.Contains(l, part) {
						return i
					}
				}
				t.Fatalf("no %q in\n%s", part, text)
				return 0
			}
			blamed := at("**/jobs")
			fix := at("fix:")
			assert.Less(t, at("is not in the image"), blamed)
			assert.Less(t, blamed, fix)
			assert.LessOrEqual(t, fix, at("ctxaudit fix --finding 3 --write"))
			assert.Less(t, fix, at("This is a sentence"))
			assert.NotContains(t, text, "assumed")
			assert.Equal(t, columns > 0, strings.Contains(text, "^^^"), "marks are for terminals")
			for _, l := range lines {
				assert.LessOrEqual(t, width(l), Style{Width: columns}.columns(), l)
			}
		})
	}
}

// With -v there is all of it, and what it rests on.
func TestVerboseFindingIsWhole(t *testing.T) {
	text := textOf(t, Style{Verbose: true}, finding.ImageReport{Name: "web", Findings: []finding.Finding{lost()}})
	assert.Equal(t, 12, strings.Count(text, "imports it at startup"))
	assert.Equal(t, 20, strings.Count(strings.Join(strings.Fields(text), " "), "This is a sentence that says why it is so."))
	assert.Contains(t, text, "assumed: Dockerfile:2 RUN x: this step changes nothing")
}

// A clean image is a line, and many are a count.
func TestCleanImagesAreShort(t *testing.T) {
	clean := func(n int) (out []finding.ImageReport) {
		for i := range n {
			out = append(out, finding.ImageReport{Name: fmt.Sprintf("image%d", i), Dockerfile: "Dockerfile", Context: ".", Modules: 2, Imports: 7, Started: []string{"app.main"}})
		}
		return out
	}
	assert.Equal(t, "ok image0  Dockerfile  7 imports in 2 modules followed, started from app.main\n\n0 errors, 0 warnings in 1 image\n", textOf(t, Style{}, clean(1)...))
	assert.Equal(t, "ok 20 images without errors or warnings (image0, image1, image2, image3 and 16 more), 140 imports in 40 modules\n   followed\n\n0 errors, 0 warnings in 20 images\n", textOf(t, Style{}, clean(20)...))
	assert.Equal(t, "\n0 errors, 0 warnings in 0 images\n", textOf(t, Style{}))
	assert.Empty(t, textOf(t, Style{Quiet: true}, clean(20)...))
}

// Notes that say the same are one.
func TestEqualNotesAreOne(t *testing.T) {
	var images []finding.ImageReport
	for i := range 5 {
		images = append(images, finding.ImageReport{Name: fmt.Sprintf("image%d", i), Findings: []finding.Finding{
			{Rule: finding.EntrypointUnknown, Severity: finding.Note, Summary: "could not determine it", Detail: "Why.", Subject: finding.Position{File: "Dockerfile", Line: i + 1}},
		}})
	}
	text := textOf(t, Style{}, images...)
	assert.Contains(t, text, "note EntrypointUnknown  Dockerfile:1, Dockerfile:2, Dockerfile:3 and 2 more\n  could not determine it\n")
	assert.Equal(t, 1, strings.Count(text, "could not determine it"))
	assert.Contains(t, text, "5 notes in 5 images")
}
