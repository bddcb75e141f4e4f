package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/imagediff"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
	"github.com/ctxaudit/ctxaudit/internal/verify"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// hostile are values that somebody wrote who wants a terminal, a log or a browser to do something.
var hostile = []string{
	"a\x1b[31mred\x1b]0;title\x07", "a\rb\nc", "::error::x", " \t::add-mask::x", "##[add-mask]x", "a ##[set-env name=PATH]x",
	"##vso[task.setvariable variable=x]y", "a\n::set-output name=x::y", "x \u2028::stop-commands::z", "\u202eevil\u2066", "zero\u200bwidth\u00ad\ufeff",
	"bad\xff\xc3", "\u009b31mC1\x7f", "<script>alert(1)</script><!--", "]]>&lt;\"'`", "|a|`b`|[x](http://y)|@everyone ![i](j)", "https://example.com www.example.com",
	"\U000e0041tag\u3164", "a b ::group::c", "```\n# x\n", "%0A::error::%25", "{{.X}}${{ y }}", "",
}

// fill puts hostile values into everything of a record that is text.
func fill(v reflect.Value, next func() string, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(next())
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(v.Index(i), next, depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				fill(f, next, depth+1)
			}
		}
	}
}

// filled gives a record of which every text is hostile, each another one, beginning with the n-th.
func filled[T any](n int) T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), func() string {
		n++
		return hostile[n%len(hostile)]
	}, 0)
	return v
}

func hostileAudit(n int) Audit {
	a := Audit{Report: filled[finding.Report](n), Version: "v1", FailOn: finding.Error, Sources: Sources{}}
	severities := []finding.Severity{finding.Error, finding.Warning, finding.Note}
	for i := range a.Images {
		img := &a.Images[i]
		view := filled[inventory.Inventory](n + i)
		a.Views = append(a.Views, &view)
		for j := range img.Findings {
			f := &img.Findings[j]
			f.Severity = severities[j%3]
			a.Sources[f.Subject.File] = NewSource(strings.Join(hostile, "\n"))
			f.Subject.Line, f.Subject.Column = n%len(hostile)+1, 0
			for _, fix := range f.Fixes {
				for _, e := range fix.Edits {
					a.Sources[e.File] = NewSource(strings.Join(hostile, "\n"))
				}
			}
		}
	}
	return a
}

// writers are everything that writes a record, with what is to be done to what it writes.
func writers(n int) map[string]func(io.Writer, Style) error {
	out := map[string]func(io.Writer, Style) error{
		"why":  func(w io.Writer, s Style) error { a := filled[why.Answer](n); return Why(w, &a, s) },
		"diff": func(w io.Writer, s Style) error { d := filled[imagediff.Diff](n); return Diff(w, &d, s) },
		"diff markdown": func(w io.Writer, _ Style) error {
			d := filled[imagediff.Diff](n)
			return DiffMarkdown(w, &d)
		},
		"diff html": func(w io.Writer, _ Style) error {
			d := filled[imagediff.Diff](n)
			return DiffHTML(w, &d, "v1")
		},
		"verify":  func(w io.Writer, s Style) error { r := filled[verify.Report](n); return Verify(w, &r, s) },
		"base ls": func(w io.Writer, _ Style) error { return Bases(w, filled[[]Base](n)) },
		"verify --export container-structure-test": func(w io.Writer, _ Style) error {
			c := filled[verify.Checks](n)
			return StructureTest(w, hostile[n%len(hostile)], &c)
		},
		"verify --export script": func(w io.Writer, _ Style) error {
			c := filled[verify.Checks](n)
			return CheckScript(w, hostile[n%len(hostile)], &c)
		},
		"config":       func(w io.Writer, s Style) error { return Config(w, filled[[]ConfigLine](n), s) },
		"context ls":   func(w io.Writer, s Style) error { return ContextList(w, filled[[]ContextEntry](n), s) },
		"context tree": func(w io.Writer, s Style) error { return ContextTree(w, hostile[n%len(hostile)], tree(n), s) },
		"image ls": func(w io.Writer, s Style) error {
			return ImageList(w, func(fn func(ImageEntry) error) error {
				for _, e := range filled[[]ImageEntry](n) {
					e.Type = []string{"file", "dir", "symlink"}[n%3]
					if err := fn(e); err != nil {
						return err
					}
				}
				return nil
			}, s)
		},
		"image tree":  func(w io.Writer, s Style) error { return ImageTree(w, hostile[n%len(hostile)], imageTree(n), s) },
		"ignore lint": func(w io.Writer, s Style) error { return IgnoreLint(w, hostileAudit(n), s) },
		"fix": func(w io.Writer, s Style) error {
			m := mended(n)
			return Mended(w, &m, nil, s)
		},
		"fix --write": func(w io.Writer, s Style) error {
			m, r := mended(n), filled[finding.Report](n)
			return Mended(w, &m, &r, s)
		},
		"fix json": func(w io.Writer, _ Style) error {
			m, r := mended(n), filled[finding.Report](n)
			return MendedJSON(w, &m, &r)
		},
		"why json": func(w io.Writer, _ Style) error { return JSON(w, filled[why.Answer](n)) },
	}
	for _, f := range Formats() {
		out[f.Name] = func(w io.Writer, s Style) error { return f.Write(w, hostileAudit(n), s) }
	}
	return out
}

func mended(n int) why.Mended {
	m := filled[why.Mended](n)
	for i := range m.Changes {
		m.Changes[i].Before, m.Changes[i].After = []byte(strings.Join(hostile, "\n")), []byte(strings.Join(hostile[n%len(hostile):], "\n"))
	}
	return m
}

func tree(n int) []ContextEntry {
	list := filled[[]ContextEntry](n)
	for i := range list {
		list[i].Path = strings.ReplaceAll(list[i].Path, "/", "")
	}
	return list
}

func imageTree(n int) []ImageEntry {
	list := filled[[]ImageEntry](n)
	for i := range list {
		list[i].Path = strings.ReplaceAll(list[i].Path, "/", "")
	}
	return list
}

// screened gives what passes a screen.
func screened(t *testing.T, s *Screen, data []byte) string {
	var b strings.Builder
	s.W = &b
	_, err := s.Write(data)
	require.NoError(t, err)
	require.NoError(t, s.Flush())
	return b.String()
}

// Whatever stands in a record: nothing that is written of it needs a screen.
func TestNoValueDoesAnything(t *testing.T) {
	styles := map[string]Style{
		"plain": {}, "verbose": {Verbose: true}, "terminal": {Color: true, Verbose: true, Width: 60},
	}
	for n := range hostile {
		for name, write := range writers(n) {
			if t.Failed() && n > 0 {
				break
			}
			for styled, style := range styles {
				if styled != "plain" && (strings.HasSuffix(name, "json") || slices.Contains([]string{"sarif", "gitlab", "junit", "html", "markdown"}, name)) {
					continue // a style is nothing to them
				}
				var b strings.Builder
				require.NoError(t, write(&b, style), "%s", name)
				out := b.String()
				require.NotEmpty(t, out)
				want := screened(t, &Screen{Colors: style.Color, Commands: name == "github"}, []byte(b.String()))
				assert.Equal(t, want, out, "%s %s, from %q", name, styled, hostile[(n+1)%len(hostile)])
				for line := range strings.Lines(out) {
					if name == "github" {
						require.Regexp(t, regexp.MustCompile(`^::(error|warning|notice) file=[^:]*::[^\n]*\n$`), line)
					} else {
						assert.NotRegexp(t, `^\s*::`, line, name)
					}
				}
			}
		}
	}
}

// Formats for programs can be read by them, and JSON has every value as it was.
func TestHostileValuesAreReadBack(t *testing.T) {
	for n := range hostile {
		for _, name := range []string{"json", "sarif", "gitlab", "junit", "fix json", "why json"} {
			var b strings.Builder
			require.NoError(t, writers(n)[name](&b, Style{}))
			if name == "junit" {
				var suites junitSuites
				assert.NoError(t, xml.Unmarshal([]byte(b.String()), &suites), name)
				continue
			}
			var v any
			require.NoError(t, json.Unmarshal([]byte(b.String()), &v), name)
		}
		want, a := filled[why.Answer](n), why.Answer{}
		var b strings.Builder
		require.NoError(t, JSON(&b, want))
		require.NoError(t, json.Unmarshal([]byte(b.String()), &a))
		assert.Equal(t, strings.ToValidUTF8(want.Summary, "\ufffd"), strings.ReplaceAll(a.Summary, "\ufffd\ufffd", "\ufffd"))
	}
}

// The test above would notice a renderer that forgets a value.
func TestAForgottenValueIsNoticed(t *testing.T) {
	for _, value := range hostile {
		if fitName(value) || strings.TrimRight(value, "\n") != value {
			continue // it needs none, or only its end does
		}
		assert.NotEqual(t, value, screened(t, &Screen{}, []byte(value)), "%q", value)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ in, text, name string }{
		{"a b", "a b", "a b"},
		{"größe 日本 ⚠️ ©", "größe 日本 ⚠️ ©", "größe 日本 ⚠️ ©"},
		{"a\x1b[31m", `a\x1b[31m`, `"a\x1b[31m"`},
		{"a\nb\r", `a\nb\r`, `"a\nb\r"`},
		{"a\tb", "a    b", `"a\tb"`},
		{"\xff\u0085", `\xff\u0085`, `"\xff\u0085"`},
		{"\u202e\u2066\u200b\u2028", `\u202e\u2066\u200b\u2028`, `"\u202e\u2066\u200b\u2028"`},
		{"a\ufe0f\u3164", `a\ufe0f\u3164`, `"a\ufe0f\u3164"`},
		{"\U000e0001", `\U000e0001`, `"\U000e0001"`},
		{"::error::x", "::error::x", `"::error::x"`},
		{"std::x", "std::x", "std::x"},
		{"##[x] ## [", `#\x23[x] ## [`, `"#\x23[x] ## ["`},
		{"###[", `##\x23[`, `"##\x23["`},
		{`a"b\c`, `a"b\c`, `a"b\c`},
	} {
		assert.Equal(t, c.text, Text(c.in))
		assert.Equal(t, c.name, Name(c.in))
	}
}

// However a text is cut into pieces, a screen lets the same pass, and of that everything.
func FuzzScreen(f *testing.F) {
	for i, s := range hostile {
		f.Add(s+"\x1b[1m::x\r\n", i, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, data string, at int, colors bool) {
		whole := screened(t, &Screen{Colors: colors}, []byte(data))
		var b strings.Builder
		s := Screen{W: &b, Colors: colors}
		if at = max(0, min(at, len(data))); at > 0 {
			fmt.Fprint(&s, data[:at])
		}
		for _, c := range []byte(data[at:]) {
			_, _ = s.Write([]byte{c})
		}
		require.NoError(t, s.Flush())
		assert.Equal(t, whole, b.String())
		assert.Equal(t, whole, screened(t, &Screen{Colors: colors}, []byte(whole)), "it is fit")
		if !colors {
			assert.NotContains(t, whole, "\x1b")
		}
		for line := range strings.Lines(whole) {
			assert.False(t, command(line), "%q", line)
			assert.NotContains(t, line, "##[")
		}
	})
}

// A name is one line that is fit, and two names never look the same.
func FuzzName(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, hostile[(i+1)%len(hostile)])
	}
	f.Add("\"a\"", "a")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []string{Name(a), noCommand(Text(a))} {
			assert.Equal(t, s, screened(t, &Screen{}, []byte(s)))
			assert.NotContains(t, s, "\n")
		}
		if a != b && !strings.HasPrefix(a, `"`) && !strings.HasPrefix(b, `"`) {
			assert.NotEqual(t, Name(a), Name(b))
		}
	})
}
