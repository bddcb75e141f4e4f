package suppress

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
)

func known(rule string) bool { _, ok := audit.FindRule(rule); return ok }

// A comment is about the next line that is neither empty nor a comment, and about all that points at it.
func TestCommentIsAboutTheNextLine(t *testing.T) {
	text := "# ctxaudit: ignore=PathForbidden,EnvMissing expires=2099-01-01 -- because -- of this\n\n# another\nCOPY a b\nCOPY c d\n"
	images := []finding.ImageReport{{Name: "one", Dockerfile: "Dockerfile", Findings: []finding.Finding{
		{Rule: finding.PathForbidden, Summary: "stands there", Subject: finding.Position{File: "Dockerfile", Line: 4}},
		{Rule: finding.EnvMissing, Summary: "is copied there", Related: []finding.Place{{Role: finding.RoleCopies, File: "Dockerfile", Line: 4}}},
		{Rule: finding.PathForbidden, Summary: "stands elsewhere", Subject: finding.Position{File: "Dockerfile", Line: 5}},
		{Rule: finding.EnvMismatch, Summary: "another rule", Subject: finding.Position{File: "Dockerfile", Line: 4}},
	}}}
	Apply(images, Input{
		Known: known, Reported: known, Today: time.Date(2099, 1, 1, 23, 0, 0, 0, time.UTC),
		Read: func(string) (string, bool) { return text, true },
	})
	assert.Len(t, images[0].Findings, 2)
	if assert.Len(t, images[0].Suppressed, 2) {
		assert.Equal(t, "because -- of this", images[0].Suppressed[0].Reason)
		assert.Equal(t, 1, images[0].Suppressed[0].Line)
	}
}

// One comment at one of several imports does not silence the finding about all of them.
func TestCommentAtOneImportOfMany(t *testing.T) {
	f := finding.Finding{Rule: finding.ImportNotInImage, Subject: finding.Position{File: "a.py", Line: 2}, Related: []finding.Place{
		{Role: finding.RoleImports, File: "a.py", Line: 2}, {Role: finding.RoleImports, File: "b.py", Line: 1},
	}}
	assert.False(t, pointsAt(f, "a.py", 2))
	f.Related = f.Related[:1]
	assert.True(t, pointsAt(f, "a.py", 2))
	assert.False(t, pointsAt(f, "a.py", 0))
}

// Whatever a file holds, what is read of it stands at a line of it that is a comment, and nothing is read of other lines.
func FuzzComments(f *testing.F) {
	f.Add("# ctxaudit: ignore=A -- b\nx")
	f.Add("\t#ctxaudit:ignore=,=,expires= --\r\n# ctxaudit:")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		last := 0
		for _, s := range inFile("f", text, 0) {
			if s.line <= last || s.line > len(lines) {
				t.Fatalf("line %d of %d, after %d", s.line, len(lines), last)
			}
			last = s.line
			trimmed := strings.TrimSpace(lines[s.line-1])
			if !strings.HasPrefix(trimmed, "#") && !strings.HasPrefix(trimmed, "//") || !strings.Contains(trimmed, "ctxaudit:") {
				t.Fatalf("line %d is no comment of ours: %q", s.line, trimmed)
			}
			if !strings.Contains(trimmed, s.reason) || !strings.Contains(trimmed, s.expires) {
				t.Fatalf("%q and %q are not in %q", s.reason, s.expires, trimmed)
			}
		}
	})
}
