package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the golden files; read them before you commit them")

// goldens are the files that hold the outage example's report in each format.
var goldens = map[string]string{
	"text": "outage.txt", "json": "outage.json", "sarif": "outage.sarif", "github": "outage.github.txt",
	"checkstyle": "outage.checkstyle.xml", "rdjson": "outage.rdjson",
	"gitlab": "outage.gitlab.json", "junit": "outage.junit.xml", "markdown": "outage.md", "html": "outage.html",
}

// example extracts a part of the outage example and works in it.
func example(t *testing.T, part string) {
	t.Helper()
	a, err := txtar.ParseFile("../../testdata/outage.txtar")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, part+"/"); ok {
			p := filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
			require.NoError(t, os.WriteFile(p, f.Data, 0o644))
		}
	}
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	t.Chdir(dir)
}

// ctxaudit runs a command line in this process, with an environment that is empty but for what is given.
func ctxaudit(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), Env{Stdout: &out, Stderr: &errs, Given: Given{
		Args: args, Stdin: strings.NewReader(""),
		Getenv: func(k string) string { return env[k] }, LookupEnv: func(k string) (string, bool) { v, ok := env[k]; return v, ok },
	}})
	return code, out.String(), errs.String()
}

func TestGoldenFormats(t *testing.T) {
	dir, err := filepath.Abs("testdata/golden")
	require.NoError(t, err)
	for format, name := range goldens {
		t.Run(format, func(t *testing.T) {
			example(t, "broken")
			code, got, errs := ctxaudit(t, nil, "check", "--format", format)
			assert.Empty(t, errs)
			assert.Equal(t, exitFindings, code)
			file := filepath.Join(dir, name)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

// hard is a project whose names and texts are full of what the formats use as syntax.
func hard(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("GIT_CEILING_DIRECTORIES", "/")
	files := map[string]string{
		".ctxaudit.yaml": "images:\n  'we|rd <b>&\"]]> `x` [1](2)':\n    require:\n      paths: ['/a|b`c<d>&[e](f)', \"/日本語/\\u0007\", '/x::y,z%0A']\n      env: {MODE: {equals: \"a|b\"}}\n      workdir: /w*_*w\n",
		"Dockerfile":     "FROM scratch\nENV A=1 \\\n    MODE=\"x y\" B=`q`\nWORKDIR /ok\nCOPY [\"sp ace:%|`x.py\", \"/日本/\"]\n",
		"sp ace:%|`x.py": "import nothing\n",
	}
	for name, data := range files {
		require.NoError(t, os.WriteFile(name, []byte(data), 0o644))
	}
}

// suppressed is the outage example with its finding suppressed, by a comment and by the configuration.
func suppressed(t *testing.T) {
	t.Helper()
	example(t, "broken")
	data, err := os.ReadFile(".dockerignore")
	require.NoError(t, err)
	data = bytes.Replace(data, []byte("**/monitoring/"), []byte("# ctxaudit: ignore=ImportNotInImage -- it is | `mounted`\n**/monitoring/"), 1)
	require.NoError(t, os.WriteFile(".dockerignore", data, 0o644))
	data, err = os.ReadFile(".ctxaudit.yaml")
	require.NoError(t, err)
	data = append(data, "suppress: [{rule: ModuleNotInImage, reason: 'mounted <b>'}]\n"...)
	require.NoError(t, os.WriteFile(".ctxaudit.yaml", data, 0o644))
	code, _, _ := ctxaudit(t, nil, "check")
	require.Equal(t, exitClean, code)
}

// both runs a test on the outage example and on the project with the hard names.
func both(t *testing.T, format string, fn func(t *testing.T, out string)) {
	t.Helper()
	schemas, err := filepath.Abs("testdata/schema")
	require.NoError(t, err)
	t.Setenv("SCHEMAS", schemas)
	for name, setup := range map[string]func(*testing.T){
		"outage": func(t *testing.T) { example(t, "broken") }, "suppressed": suppressed, "repaired": func(t *testing.T) { example(t, "repaired") }, "hard": hard,
	} {
		t.Run(name, func(t *testing.T) {
			setup(t)
			code, out, errs := ctxaudit(t, nil, "check", "--format", format)
			require.Empty(t, errs)
			require.NotEqual(t, exitCouldNot, code)
			fn(t, out)
		})
	}
}

// The judge is the schema that OASIS publishes.
func TestSARIFIsValid(t *testing.T) {
	both(t, "sarif", func(t *testing.T, out string) {
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		schema, err := c.Compile(filepath.Join(os.Getenv("SCHEMAS"), "sarif-2.1.0.json"))
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		require.NoError(t, err)
		assert.NoError(t, schema.Validate(doc))
	})
}

// The judge is the schema by which Jenkins reads reports, applied by libxml2.
func TestJUnitIsValid(t *testing.T) {
	xmllint := tool(t, "xmllint")
	both(t, "junit", func(t *testing.T, out string) {
		require.NoError(t, os.WriteFile("junit.xml", []byte(out), 0o644))
		msg, err := exec.Command(xmllint, "--noout", "--schema", filepath.Join(os.Getenv("SCHEMAS"), "junit.xsd"), "junit.xml").CombinedOutput()
		assert.NoError(t, err, "%s", msg)
		var any struct{ XMLName xml.Name }
		assert.NoError(t, xml.Unmarshal([]byte(out), &any))
	})
}

// What is written as JSON is what the schema in docs says.
func TestJSONIsAsItsSchemaSays(t *testing.T) {
	schema, err := filepath.Abs("../../docs/report.schema.json")
	require.NoError(t, err)
	both(t, "json", func(t *testing.T, out string) {
		compiled, err := jsonschema.NewCompiler().Compile(schema)
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		require.NoError(t, err)
		assert.NoError(t, compiled.Validate(doc))
		doc.(map[string]any)["images"] = "none"
		assert.Error(t, compiled.Validate(doc))
	})
}

// Checkstyle's readers want files with errors, each with a severity of theirs.
func TestCheckstyleIsRead(t *testing.T) {
	both(t, "checkstyle", func(t *testing.T, out string) {
		var read struct {
			Files []struct {
				Name   string `xml:"name,attr"`
				Errors []struct {
					Severity string `xml:"severity,attr"`
					Message  string `xml:"message,attr"`
					Line     int    `xml:"line,attr"`
				} `xml:"error"`
			} `xml:"file"`
		}
		require.NoError(t, xml.Unmarshal([]byte(out), &read))
		for _, f := range read.Files {
			assert.NotEmpty(t, f.Name)
			for _, e := range f.Errors {
				assert.Contains(t, []string{"error", "warning", "info"}, e.Severity)
				assert.NotEmpty(t, e.Message)
			}
		}
	})
}

// A suggestion of reviewdog, made by hand in the file of its diagnostic, is the fix.
func TestRDJSONSuggestsTheFix(t *testing.T) {
	example(t, "broken")
	_, out, _ := ctxaudit(t, nil, "check", "--format", "rdjson")
	var read struct {
		Diagnostics []struct {
			Location struct {
				Path  string
				Range struct{ Start struct{ Line, Column int } }
			}
			Severity    string
			Suggestions []struct {
				Range struct{ Start, End struct{ Line, Column int } }
				Text  string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &read))
	require.Len(t, read.Diagnostics, 2)
	for _, d := range read.Diagnostics {
		assert.Equal(t, ".dockerignore", d.Location.Path)
		assert.Equal(t, 7, d.Location.Range.Start.Line, "the line to blame")
		assert.Equal(t, "ERROR", d.Severity)
		require.Len(t, d.Suggestions, 1)
		assert.Equal(t, "!shop_backend/app/services/monitoring/\n", d.Suggestions[0].Text)
		assert.Equal(t, 8, d.Suggestions[0].Range.Start.Line)
	}
}

// A template sees the record.
func TestTemplate(t *testing.T) {
	example(t, "broken")
	code, out, errs := ctxaudit(t, nil, "check", "--format", `{{range .Images}}{{range .Findings}}{{.Rule}} {{place .Subject.File .Subject.Line}};{{end}}{{end}}{{json .Summary.Errors}}`)
	assert.Equal(t, exitFindings, code)
	assert.Empty(t, errs)
	assert.Equal(t, "ModuleNotInImage .dockerignore:7;ImportNotInImage shop_backend/app/main.py:1;2\n", out)
	for _, bad := range []string{"{{", "{{.Nothing}}", "{{nothing}}"} {
		code, _, errs := ctxaudit(t, nil, "check", "--format", bad)
		assert.Equal(t, exitCouldNot, code, bad)
		assert.Contains(t, errs, "template", bad)
	}
}

// tool gives the path of a program of somebody else that judges our output. Where it is not installed the test is
// skipped, but not in CI.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("CTXAUDIT_JUDGES") == "require" {
		t.Fatalf("%s is not installed", names[0])
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// What GitLab asks of a report stands in its documentation under "Code Quality report format".
func TestGitLabHasWhatItsDocumentationAsks(t *testing.T) {
	both(t, "gitlab", func(t *testing.T, out string) {
		assert.False(t, strings.HasPrefix(out, "\ufeff"), "GitLab refuses a byte order mark")
		var issues []struct {
			Description, Fingerprint, Severity string
			CheckName                          string `json:"check_name"`
			Location                           struct {
				Path  string
				Lines struct{ Begin *int }
			}
		}
		d := json.NewDecoder(strings.NewReader(out))
		require.NoError(t, d.Decode(&issues))
		_, err := d.Token()
		assert.Equal(t, io.EOF, err, "one array and nothing else")
		prints := map[string]bool{}
		for _, i := range issues {
			assert.NotEmpty(t, i.Description)
			assert.NotEmpty(t, i.CheckName)
			assert.Contains(t, []string{"info", "minor", "major", "critical", "blocker"}, i.Severity)
			assert.False(t, prints[i.Fingerprint], "a fingerprint is unique")
			prints[i.Fingerprint] = true
			assert.NotEmpty(t, i.Location.Path)
			assert.False(t, strings.HasPrefix(i.Location.Path, "./"), "GitLab asks for paths without ./")
			require.NotNil(t, i.Location.Lines.Begin)
			assert.Positive(t, *i.Location.Lines.Begin)
		}
	})
}

// GitLab's format is a part of Code Climate's. The judge is a TypeScript compiler with the type
// that is published for that.
func TestGitLabIsCodeClimate(t *testing.T) {
	tsc := tool(t, "tsc")
	real, err := filepath.EvalSymlinks(tsc)
	require.NoError(t, err)
	modules := filepath.Join(filepath.Dir(real), "..", "..")
	both(t, "gitlab", func(t *testing.T, out string) {
		require.NoError(t, os.Symlink(modules, "node_modules"))
		check := func(report string) ([]byte, error) {
			program := "import type { Issue } from 'codeclimate-types'\n" +
				"export const report: (Issue & Required<Pick<Issue, 'severity' | 'fingerprint'>>)[] = " + report
			require.NoError(t, os.WriteFile("report.ts", []byte(program), 0o644))
			return exec.Command(tsc, "--noEmit", "--strict", "--skipLibCheck", "--lib", "es5", "--module", "esnext", "--moduleResolution", "bundler", "report.ts").CombinedOutput()
		}
		msg, err := check(out)
		assert.NoError(t, err, "%s", msg)
		if strings.HasSuffix(t.Name(), "/outage") {
			_, err = check(strings.Replace(out, `"check_name"`, `"checkName"`, 1))
			assert.Error(t, err, "a wrong key is noticed")
		}
	})
}

// The judge is a CommonMark parser with GitHub's tables: what was meant as a table, a code span or plain text must come
// out as such.
func TestMarkdownIsWhatItSeems(t *testing.T) {
	both(t, "markdown", func(t *testing.T, out string) {
		md := goldmark.New(goldmark.WithExtensions(extension.GFM))
		root := md.Parser().Parse(text.NewReader([]byte(out)))
		tables, rows := 0, 0
		require.NoError(t, ast.Walk(root, func(n ast.Node, enter bool) (ast.WalkStatus, error) {
			if !enter {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *extast.Table:
				tables++
				for row := n.FirstChild(); row != nil; row = row.NextSibling() {
					rows++
					assert.Equal(t, 3, row.ChildCount(), "a row with another number of cells")
				}
			case *ast.Link, *ast.Image, *ast.AutoLink, *extast.Strikethrough:
				t.Errorf("%s that nobody meant", n.Kind())
			case *ast.RawHTML:
				t.Errorf("HTML that nobody meant")
			}
			return ast.WalkContinue, nil
		}))
		assert.Equal(t, strings.Count(out, "| --- | --- | --- |"), tables, "tables that are none")
		assert.Equal(t, tables, strings.Count(out, "\n| --- |"))
		assert.Positive(t, rows)
	})
}

var annotation = regexp.MustCompile(`^::(error|warning|notice) file=[^,:]+(,[a-zA-Z]+=[^,:]*)*::[^\n]+$`)

func TestGitHubAnnotationsAndSummary(t *testing.T) {
	both(t, "github", func(t *testing.T, out string) {
		for line := range strings.Lines(out) {
			assert.Regexp(t, annotation, strings.TrimSuffix(line, "\n"))
		}
	})
	example(t, "broken")
	summary := filepath.Join(t.TempDir(), "summary.md")
	require.NoError(t, os.WriteFile(summary, []byte("# Tests\n"), 0o644))
	ctxaudit(t, map[string]string{"GITHUB_STEP_SUMMARY": summary}, "check", "--format", "github")
	got, err := os.ReadFile(summary)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(got), "# Tests\n## ❌ ctxaudit"), "the report is added: %s", got)
}

// Several formats at once, each to its own place.
func TestSeveralFormats(t *testing.T) {
	example(t, "broken")
	code, out, errs := ctxaudit(t, nil, "check", "--format", "sarif=out.sarif", "--format", "text", "--format", "junit=out.xml")
	assert.Equal(t, exitFindings, code)
	assert.Empty(t, errs)
	_, alone, _ := ctxaudit(t, nil, "check")
	assert.Equal(t, alone, out)
	_, sarif, _ := ctxaudit(t, nil, "check", "--format", "sarif")
	got, err := os.ReadFile("out.sarif")
	require.NoError(t, err)
	assert.Equal(t, sarif, string(got))

	for _, bad := range [][]string{
		{"--format", "text", "--format", "json"}, {"--format", "sarif=a", "--format", "json=a"}, {"--format", "sarif="}, {"--format", "yaml"},
	} {
		code, out, errs := ctxaudit(t, nil, append([]string{"check"}, bad...)...)
		assert.Equal(t, exitCouldNot, code, "%v", bad)
		assert.Empty(t, out)
		assert.Contains(t, errs, "--format")
	}
	code, _, errs = ctxaudit(t, nil, "check", "--format", "sarif=no/such/dir/x")
	assert.Equal(t, exitCouldNot, code)
	assert.Contains(t, errs, "writing the sarif report")
}
