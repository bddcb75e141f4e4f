package report

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	gmtext "github.com/yuin/goldmark/text"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// of gives an audit of which a value is all that a repository wrote.
func of(value string) Audit {
	img := finding.ImageReport{
		Name: value, Context: value, Dockerfile: value,
		Findings: []finding.Finding{{
			Rule: "PathNotInImage", Severity: finding.Error, Summary: value, Detail: value, Subject: finding.Position{File: value, Line: 1},
			Related: []finding.Place{{Role: finding.RoleSets, File: value, Line: 1, Text: value, Note: value}}, Files: []string{value}, Tried: []string{value},
		}},
		Passed: []finding.Passed{{Requirement: value, Evidence: []finding.Place{{Role: finding.RoleSets, File: value, Line: 1, Text: value}}}},
	}
	a := Audit{Report: finding.NewReport([]finding.ImageReport{img}), Version: "v1", FailOn: finding.Error, Sources: Sources{value: NewSource(value)}}
	a.Notices = []finding.Notice{{File: value, Line: 1, Text: value}}
	return a
}

func addHostile(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
}

// A text of Markdown is that text: no link, no HTML, no emphasis, no list; and no word of it is one that GitHub would make a
// mention or a reference of.
func FuzzMarkdown(f *testing.F) {
	addHostile(f)
	for _, s := range []string{"1. a", "- a", "a\n---", "a  \\", "@a/b", "a@b.cd", "(https://x.y)", "~~a~~", "[^1]", "[ ] a", "&amp; &#64;a", "#1 GH-2", "**a** __b__ _c_", "`` ` ``", "`@x", "a|b", "$x$"} {
		f.Add(s)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
	f.Fuzz(func(t *testing.T, value string) {
		want := strings.Join(strings.Fields(Text(value)), " ")
		for prefix, kind := range map[string]string{"- ": "list", "para: ": ""} {
			source := []byte(prefix + mdText(value) + "\n")
			var got strings.Builder
			require.NoError(t, ast.Walk(md.Parser().Parse(gmtext.NewReader(source)), func(n ast.Node, enter bool) (ast.WalkStatus, error) {
				if !enter {
					return ast.WalkContinue, nil
				}
				switch n := n.(type) {
				case *ast.Document, *ast.Paragraph, *ast.TextBlock, *ast.CodeSpan:
				case *ast.List, *ast.ListItem:
					require.Equal(t, "list", kind, "%q", source)
					require.Less(t, depth(n), 3, "%q", source)
				case *ast.Text:
					piece := string(n.Segment.Value(source))
					if n.Parent().Kind() != ast.KindCodeSpan {
						require.NotRegexp(t, `(^|\W)@\w|://|#[0-9]`, piece, "%q", source)
						piece = unescaped(piece)
					}
					got.WriteString(piece)
				case *ast.String:
					got.Write(n.Value)
				default:
					require.Fail(t, "markup", "%s in %q", n.Kind(), source)
				}
				return ast.WalkContinue, nil
			}))
			assert.Equal(t, strings.TrimSpace(strings.TrimPrefix(prefix+want, "- ")), strings.TrimSpace(got.String()), "%q", source)
		}
	})
}

// unescaped reads what Markdown reads of a text that has no markup.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func depth(n ast.Node) (d int) {
	for n = n.Parent(); n != nil; n = n.Parent() {
		d++
	}
	return d
}

// A whole report in Markdown has the tables that it has for an honest value, and nothing that nobody meant.
func FuzzMarkdownReport(f *testing.F) {
	addHostile(f)
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	count := func(t *testing.T, value string) (tables, rows, headings int) {
		var b strings.Builder
		require.NoError(t, Markdown(&b, of(value), Style{}))
		source := []byte(b.String())
		require.NoError(t, ast.Walk(md.Parser().Parse(gmtext.NewReader(source)), func(n ast.Node, enter bool) (ast.WalkStatus, error) {
			if !enter {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *east.Table:
				tables++
			case *east.TableRow:
				rows++
				assert.Equal(t, 3, n.ChildCount(), "%q", source)
			case *ast.Heading:
				headings++
			case *ast.Link, *ast.Image, *ast.AutoLink, *east.Strikethrough, *ast.RawHTML:
				t.Errorf("%s in %q", n.Kind(), source)
			case *ast.HTMLBlock:
				if line := n.Lines().At(0); !strings.Contains(string(line.Value(source)), "details>") {
					t.Errorf("HTML in %q", source)
				}
			}
			return ast.WalkContinue, nil
		}))
		return tables, rows, headings
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.TrimSpace(value) == "" {
			t.Skip() // what is not there is left out
		}
		tables, rows, headings := count(t, value)
		wantTables, wantRows, wantHeadings := count(t, "a")
		assert.Equal(t, []int{wantTables, wantRows, wantHeadings}, []int{tables, rows, headings}, "%q", value)
	})
}

// No value brings an element or a script into the page.
func FuzzHTML(f *testing.F) {
	addHostile(f)
	tags := func(t *testing.T, value string) int {
		var b strings.Builder
		require.NoError(t, HTML(&b, of(value), Style{}))
		// The line that is shown has three parts, some of which may be empty.
		return strings.Count(b.String(), "<") - strings.Count(b.String(), `<pre class="source">`)*len("<<<<<<")
	}
	f.Fuzz(func(t *testing.T, value string) {
		if value == "" {
			t.Skip()
		}
		assert.Equal(t, tags(t, "a"), tags(t, value), "%q", value)
	})
}

// What the runner of GitHub Actions reads of a line is one annotation, with the text that was meant.
func FuzzGitHub(f *testing.F) {
	addHostile(f)
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	f.Fuzz(func(t *testing.T, value string) {
		var b strings.Builder
		require.NoError(t, GitHub(&b, of(value), Style{}))
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		require.Len(t, lines, 2)
		for i, line := range lines {
			rest, ok := strings.CutPrefix(line, "::")
			require.True(t, ok)
			command, data, ok := strings.Cut(rest, "::")
			require.True(t, ok)
			name, props, _ := strings.Cut(command, " ")
			assert.Equal(t, []string{"error", "notice"}[i], name)
			for prop := range strings.SplitSeq(props, ",") {
				key, is, _ := strings.Cut(prop, "=")
				assert.Contains(t, []string{"file", "line", "endLine", "col", "endColumn", "title"}, key)
				if key == "file" && value != "" {
					assert.Equal(t, Text(value), unescape.Replace(is))
				}
			}
			assert.Contains(t, unescape.Replace(data), Text(value))
			assert.NotContains(t, line, "##[")
		}
	})
}

// A suite is read back with the cases that it has, by their names.
func FuzzJUnit(f *testing.F) {
	addHostile(f)
	f.Fuzz(func(t *testing.T, value string) {
		var b strings.Builder
		require.NoError(t, JUnit(&b, of(value), Style{}))
		d := xml.NewDecoder(strings.NewReader(b.String()))
		var suites junitSuites
		require.NoError(t, d.Decode(&suites))
		_, err := d.Token()
		for err == nil {
			_, err = d.Token()
		}
		require.Equal(t, io.EOF, err)
		require.Len(t, suites.Suites, 1)
		require.Len(t, suites.Suites[0].Cases, 2)
		for _, c := range suites.Suites[0].Cases {
			assert.Equal(t, Text(value), c.Name)
		}
	})
}
