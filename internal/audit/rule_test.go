package audit

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

func TestRulesAreWhole(t *testing.T) {
	require.NoError(t, Validate(Rules()))
	for _, r := range Rules() {
		found, ok := FindRule(r.Name)
		require.True(t, ok)
		assert.Equal(t, r.Name, found.Name)
		assert.Contains(t, r.Doc(), "Bad", "%s shows no bad example", r.Name)
		assert.Contains(t, r.Doc(), "Good", "%s shows no good example", r.Name)
	}
	pages, err := docs.ReadDir("rules")
	require.NoError(t, err)
	assert.Len(t, pages, len(Rules()), "a page without a rule")
}

func TestValidateRefuses(t *testing.T) {
	for name, r := range map[string]Rule{
		"no CamelCase": {"build-fails", "t", finding.Error, nil},
		"no title":     {finding.BuildFails, "", finding.Error, nil},
		"no severity":  {finding.BuildFails, "t", "", nil},
		"no page":      {"NoSuchPage", "t", finding.Error, nil},
	} {
		assert.Error(t, Validate([]Rule{r}), name)
	}
	assert.Error(t, Validate([]Rule{Rules()[0], Rules()[0]}), "twice")
}

func TestMalformedFindingsPanic(t *testing.T) {
	p := &pass{report: &finding.ImageReport{}}
	assert.Panics(t, func() { p.add(finding.Finding{Rule: "NoSuchRule", Summary: "s"}) })
	assert.Panics(t, func() { p.add(finding.Finding{Rule: finding.BuildFails}) })
	assert.NotPanics(t, func() { p.add(finding.Finding{Rule: finding.BuildFails, Summary: "s"}) })
	assert.Equal(t, finding.Error, p.report.Findings[0].Severity, "the rule's own severity")
}

func TestEnvProblem(t *testing.T) {
	yes, no, x := true, false, "x"
	for name, c := range map[string]struct {
		value string
		set   bool
		want  policy.Env
		bad   bool
	}{
		"set":               {"x", true, policy.Env{Set: &yes}, false},
		"not set":           {"", false, policy.Env{Set: &yes}, true},
		"must not be set":   {"", true, policy.Env{Set: &no}, true},
		"rightly not set":   {"", false, policy.Env{Set: &no}, false},
		"equal":             {"x", true, policy.Env{Equals: &x}, false},
		"not equal":         {"y", true, policy.Env{Equals: &x}, true},
		"has entry":         {"/a:/b/", true, policy.Env{Contains: "/b"}, false},
		"part of an entry":  {"/a:/bc", true, policy.Env{Contains: "/b"}, true},
		"matches":           {"v12", true, policy.Env{Matches: "v[0-9]+"}, false},
		"matches in part":   {"v12x", true, policy.Env{Matches: "v[0-9]+"}, true},
		"alternation":       {"ab", true, policy.Env{Matches: "a|b"}, true},
		"two, one not held": {"x", true, policy.Env{Equals: &x, Contains: "/a"}, true},
	} {
		assert.Equal(t, c.bad, envProblem("N", c.value, c.set, c.want) != "", name)
	}
}

func TestStartedFiles(t *testing.T) {
	for _, c := range []struct{ argv, want []string }{
		{[]string{"/bin/server", "-v"}, []string{"/bin/server"}},
		{[]string{"python", "main.py"}, []string{"python", "./main.py"}},
		{[]string{"python3.12", "-u", "/app/main.py"}, []string{"python3.12", "/app/main.py"}},
		{[]string{"python", "-m", "app"}, []string{"python"}},
		{[]string{"/bin/sh", "-c", "exec ./start.sh --port 80"}, []string{"/bin/sh", "./start.sh"}},
		{[]string{"/bin/sh", "-c", "cd /x && node a.js"}, []string{"/bin/sh", "node", "/x/a.js"}},
		{[]string{"sh", "-c", "$CMD"}, []string{"sh"}},
		{[]string{"sh", "-c", "node server.js"}, []string{"sh", "node", "./server.js"}},
		{[]string{"sh", "-c", "((("}, []string{"sh"}},
		{[]string{"sh", "-c", "cd $DIR && node a.js"}, []string{"sh", "node"}},
	} {
		assert.Equal(t, c.want, startedFiles(c.argv, "/app", nil), "%q", c.argv)
	}
}

// A rule is a row of the table, and its page.
func TestNewRule(t *testing.T) {
	was := rules
	defer func() { rules = was }()
	rules = append(slices.Clone(rules), Rule{Name: "ToyRule", Title: "A toy.", Severity: finding.Warning, run: func(p *pass) error {
		p.add(finding.Finding{Rule: "ToyRule", Summary: "a toy is in the house", Subject: p.last()})
		return nil
	}})
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644))
	r, _, err := Run(t.Context(), Subject{Options: dockerfile.Options{Context: dir}, Policy: &policy.Image{}})
	require.NoError(t, err)
	require.Len(t, r.Findings, 1)
	assert.Equal(t, finding.Warning, r.Findings[0].Severity)
	assert.ErrorContains(t, Validate(rules), "ToyRule lacks its page")
}
