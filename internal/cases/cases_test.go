package cases

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/cli"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// Every command tells the same of each case, and it is what the case says.
func TestCases(t *testing.T) {
	for _, c := range loadCases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			c.materialize(t, ".")
			r := check(t)
			assert.ElementsMatch(t, c.finds, told(r))
			if c.refuses == "" && len(c.has)+len(c.lacks) > 0 {
				paths := c.listed(t)
				for _, p := range c.has {
					assert.Contains(t, paths, p)
				}
				for _, p := range c.lacks {
					assert.NotContains(t, paths, p)
				}
			}
			for _, image := range r.Images {
				for _, f := range image.Findings {
					if f.Severity.AtLeast(finding.Warning) {
						oneStory(t, f)
					}
				}
			}
			for _, a := range c.answers {
				a.holds(t)
			}
			c.says(t, true)
			if r.Summary.Errors == 0 || c.unrepaired != "" {
				unrepaired(t, r)
				return
			}
			ask(t, "", "fix", "--write")
			runGit(t, ".", "add", "-A", "-N")
			after := check(t, "--fixes", "none")
			assert.Zero(t, after.Summary.Errors, told(after))
			assert.LessOrEqual(t, after.Summary.Warnings, r.Summary.Warnings, told(after))
			c.says(t, false)
		})
	}
}

// unrepaired holds that what a case says is not repaired is not.
func unrepaired(t *testing.T, r finding.Report) {
	for _, image := range r.Images {
		for _, f := range image.Findings {
			if f.Severity == finding.Error {
				assert.Empty(t, f.Fixes, "%s is repaired", f.Summary)
			}
		}
	}
}

// ask runs a command line where the test is, and gives what it prints.
func ask(t *testing.T, input string, args ...string) (stdout []byte, code int) {
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), cli.Env{Stdout: &out, Stderr: &errs, Given: cli.Given{
		Args: args, Stdin: strings.NewReader(input), Getenv: func(string) string { return "" }, LookupEnv: func(string) (string, bool) { return "", false },
	}})
	require.Less(t, code, 2, "%v: %s", args, errs.Bytes())
	return out.Bytes(), code
}

// check gives what is found.
func check(t *testing.T, args ...string) finding.Report {
	out, _ := ask(t, "", append([]string{"check", "--format", "json"}, args...)...)
	var r finding.Report
	require.NoError(t, json.Unmarshal(out, &r), "%s", out)
	return r
}

// told gives the errors and warnings of a report as lines of want.
func told(r finding.Report) (lines []string) {
	for _, image := range r.Images {
		for _, f := range image.Findings {
			if f.Severity.AtLeast(finding.Warning) {
				lines = append(lines, fmt.Sprintf("%s %s %s:%d %s", f.Severity, f.Rule, f.Subject.File, f.Subject.Line, named(f)))
			}
		}
	}
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	return lines
}

// named gives what a finding is about.
func named(f finding.Finding) string {
	return cmp.Or(f.Module, f.ImagePath, f.ContextPath, strings.Join(f.Files, ","), "-")
}

// message is what the program, the runtime or the builder prints about what a finding says.
func message(f finding.Finding) string {
	switch {
	case f.Rule == finding.BuildFails:
		return "ERROR: failed to compute cache key: " + f.Summary
	case f.Module != "" && path.Ext(f.Subject.File) == ".js":
		return fmt.Sprintf("Error: Cannot find module '%s'\nRequire stack:\n- /app/%s", f.Module, f.Subject.File)
	case f.Module != "":
		return fmt.Sprintf("ModuleNotFoundError: No module named '%s'", f.Module)
	case f.Rule == finding.DataFileNotInImage:
		return fmt.Sprintf("FileNotFoundError: [Errno 2] No such file or directory: '%s'", f.ImagePath)
	case f.Rule == finding.EntrypointNotInImage && strings.Contains(f.Summary, "PATH"):
		before, _, _ := strings.Cut(f.Summary, ",")
		return fmt.Sprintf(`exec: "%s": executable file not found in $PATH`, before[strings.LastIndexByte(before, ' ')+1:])
	case f.Rule == finding.EntrypointNotInImage:
		return fmt.Sprintf("python: can't open file '%s': [Errno 2] No such file or directory", f.ImagePath)
	case f.Rule == finding.EntrypointNotRunnable && f.ImagePath != "":
		return fmt.Sprintf("exec %s: permission denied", f.ImagePath)
	}
	return ""
}

// oneStory holds that why, asked with what would be printed, says that something is wrong, and offers the repair that the check offers.
func oneStory(t *testing.T, f finding.Finding) {
	text := message(f)
	if text == "" || f.Subject.File == ".dockerignore" {
		return
	}
	out, code := ask(t, text, "why", "--traceback", "-", "--format", "json")
	assert.Equal(t, 1, code, text)
	var answers []why.Answer
	require.NoError(t, json.Unmarshal(out, &answers), "%s", out)
	require.Len(t, answers, 1, text)
	assert.False(t, answers[0].Verdict.Good(), "%s: %s", text, answers[0].Summary)
	if len(f.Fixes) > 0 {
		require.NotEmpty(t, answers[0].Fixes, "%s: %s", text, answers[0].Summary)
		assert.Equal(t, f.Fixes[0].Edits, answers[0].Fixes[0].Edits, text)
	}
}

// holds holds that why says so, and that it is not good.
func (a answer) holds(t *testing.T) {
	args, input := []string{"why", a.about}, ""
	if a.traceback {
		args, input = []string{"why", "--traceback", "-"}, a.about
	}
	out, code := ask(t, input, append(args, "--format", "json")...)
	if !a.traceback { // one target has one answer
		out = slices.Concat([]byte("["), out, []byte("]"))
	}
	var answers []why.Answer
	require.NoError(t, json.Unmarshal(out, &answers), "%s", out)
	require.Len(t, answers, 1, a.about)
	assert.Contains(t, answers[0].Summary, a.says, a.about)
	assert.Equal(t, answers[0].Verdict.Good(), code == 0, a.about)
	if a.traceback {
		assert.Equal(t, 1, code, "%s: %s", a.about, answers[0].Summary)
	}
}

// listed gives the paths of the predicted image.
func (c *aCase) listed(t *testing.T) (paths []string) {
	args := []string{"image", "ls", "--format", "json"}
	for _, name := range []string{"file", "target", "build-arg", "build-context"} {
		for _, value := range c.request[name] {
			args = append(args, "--"+name, value)
		}
	}
	out, _ := ask(t, "", append(args, c.context())...)
	var listing struct{ Files []struct{ Path string } }
	require.NoError(t, json.Unmarshal(out, &listing), "%s", out)
	for _, f := range listing.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

func (c *aCase) context() string { return append(slices.Clone(c.request["context"]), ".")[0] }
