package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

func TestSpan(t *testing.T) {
	img := finding.ImageReport{Dockerfile: "Dockerfile", IgnoreFile: ".dockerignore"}
	for _, c := range []struct{ reason, file, line, module, want string }{
		// The bars are where the finding begins and, if that is known, ends.
		{"the name in a from import", "a.py", "from a.b import |monitoring", "a.b.monitoring", "monitoring"},
		{"the module behind from", "a.py", "    |from shop.monitoring import x  # why", "shop.monitoring", "shop.monitoring"},
		{"the last part of a relative one", "a.py", "|from .monitoring import x", "shop.monitoring", "monitoring"},
		{"not a part of another name", "a.py", "|import xshop, shop", "shop", "shop"},
		{"a statement without the name, less its comment", "a.py", "|import os  # shop", "shop", "import os"},
		{"a call", "a.py", "|__import__(name)", "shop", "__import__"},
		{"an ignore line", ".dockerignore", "|  **/x/  ", "", "**/x/"},
		{"an instruction, less its continuation", "Dockerfile", "|ENV A=1 \\", "", "ENV A=1"},
		{"a setting", "Dockerfile", "ENV A=1 |B=\"x y\"| C=3", "", "B=\"x y\""},
		{"a setting on a line of its own", "Dockerfile", "    |B='x y'| C=3", "", "B='x y'"},
		{"no column", "x.yaml", "  a: b", "", "a: b"},
		{"other letters", "a.py", "x = 'é'; |import größe", "größe", "import größe"},
	} {
		column := strings.IndexByte(c.line, '|') + 1
		line := strings.Replace(c.line, "|", "", 1)
		p := finding.Position{File: c.file, Line: 2, Column: column}
		if end := strings.IndexByte(line, '|'); end >= 0 {
			p.EndLine, p.EndColumn = 2, end+1
			line = strings.Replace(line, "|", "", 1)
		}
		s := Sources{c.file: NewSource("first\r\n" + line + "\r\nlast")}
		got, ok := s.span(p, finding.Finding{Module: c.module}, img)
		if assert.True(t, ok, c.reason) {
			want := c.want
			if c.reason == "other letters" {
				want = "größe"
			}
			assert.Equal(t, want, got.Line[got.Start:got.End], c.reason)
		}
	}
	_, ok := Sources{}.span(finding.Position{File: "gone", Line: 1}, finding.Finding{}, img)
	assert.False(t, ok)
}

// Whatever a finding says and whatever the line holds, the span lies in the line and on whole characters.
func FuzzSpan(f *testing.F) {
	f.Add("a.py", "from a import b # x", 6, 1, 20, "a.b")
	f.Add("Dockerfile", "ENV A=\"b\\", 5, 2, 4, "")
	f.Add(".dockerignore", " \xff\t!x", 3, 0, 0, "")
	f.Fuzz(func(t *testing.T, file, line string, column, endLine, endColumn int, module string) {
		if strings.ContainsAny(line, "\n\r") {
			t.Skip()
		}
		s := Sources{file: NewSource(line + "\n" + line)}
		p := finding.Position{File: file, Line: 1, Column: column, EndLine: endLine, EndColumn: endColumn}
		sp, ok := s.span(p, finding.Finding{Module: module}, finding.ImageReport{Dockerfile: "Dockerfile"})
		if !ok {
			return
		}
		if sp.Start < 0 || sp.End <= sp.Start || sp.End > len(sp.Line) {
			t.Fatalf("%d to %d of %q", sp.Start, sp.End, sp.Line)
		}
		if last, end, _ := s.region(p, sp); last < 1 || last > 2 || end < 1 || end > len(line)+1 {
			t.Fatalf("a region that ends at %d:%d", last, end)
		}
		text, from, to := Style{Width: 60}.crop(sp, 10)
		if from > to || to > 60 || width(text) > 60 {
			t.Fatalf("%q: mark from %d to %d", text, from, to)
		}
	})
}

// An instruction over several lines is one region, the name in an import a part of its line.
func TestRegion(t *testing.T) {
	s := Sources{
		"Dockerfile": NewSource("FROM é\r\n  COPY a \\\r\n    é \\\r\n    c\r\n"),
		"a.py":       NewSource("from a import (\n    b,\n)\n"),
	}
	img := finding.ImageReport{Dockerfile: "Dockerfile"}
	for _, c := range []struct {
		at       finding.Position
		module   string
		line     int
		end      int
		wantText string
	}{
		{finding.Position{File: "Dockerfile", Line: 2, Column: 3, EndLine: 4, EndColumn: 6}, "", 4, 6, "COPY a \\\n    é \\\n    c"},
		{finding.Position{File: "Dockerfile", Line: 1, Column: 1, EndLine: 1, EndColumn: 8}, "", 1, 7, "FROM é"},
		{finding.Position{File: "Dockerfile", Line: 3, Column: 5}, "", 3, 6, "é"},
		{finding.Position{File: "a.py", Line: 1, Column: 1, EndLine: 3, EndColumn: 2}, "a", 1, 7, "a"},
		{finding.Position{File: "a.py", Line: 1, Column: 1, EndLine: 3, EndColumn: 2}, "other", 3, 2, "from a import (\n    b,\n)"},
	} {
		sp, ok := s.span(c.at, finding.Finding{Module: c.module}, img)
		assert.True(t, ok)
		line, end, text := s.region(c.at, sp)
		assert.Equal(t, c.wantText, text)
		assert.Equal(t, c.line, line, text)
		assert.Equal(t, c.end, end, text)
	}
}
