package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// TestCases audits the directories of testdata: each archive has several, by the first part of the name, with a file `want`
// that has a line for each finding: severity, rule, place, and what it is about. `policy` is the image's policy, `git` what git
// tracks, `links` are links to make, as LINK -> TARGET; all three may be missing.
func TestCases(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		require.NoError(t, err)
		cases := map[string]map[string]string{}
		for _, f := range archive.Files {
			dir, file, ok := strings.Cut(f.Name, "/")
			require.True(t, ok, f.Name)
			if cases[dir] == nil {
				cases[dir] = map[string]string{}
			}
			_, twice := cases[dir][file]
			require.False(t, twice, f.Name)
			cases[dir][file] = string(f.Data)
		}
		for dir, files := range cases {
			t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar")+"/"+dir, func(t *testing.T) {
				want, ok := files["want"]
				require.True(t, ok, "a case says what it wants")
				s := subject(t, files)
				r, image, err := audit.Run(t.Context(), s)
				require.NoError(t, err)
				assert.Equal(t, want, findings(t, r))
				if image == nil {
					return
				}
				// What was predicted already is not predicted again, and gives the same.
				s.Image = image
				again, _, err := audit.Run(t.Context(), s)
				require.NoError(t, err)
				assert.Equal(t, r, again)
			})
		}
	}
}

func subject(t *testing.T, files map[string]string) audit.Subject {
	t.Helper()
	dir := t.TempDir()
	s := audit.Subject{Name: "image", Options: dockerfile.Options{Context: dir}, Policy: &policy.Image{}}
	for name, text := range files {
		switch name {
		case "want":
			continue
		case "links":
			for line := range strings.Lines(text) {
				link, target, ok := strings.Cut(strings.TrimSpace(line), " -> ")
				require.True(t, ok, line)
				require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(link)), 0o755))
				require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
			}
		case "policy":
			f, err := policy.Parse("policy", []byte("version: 1\nimages:\n  image:\n    "+strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")+"\n"))
			require.NoError(t, err)
			s.Policy, s.PolicyFile = f.Images["image"], f
			continue
		case "git":
			tracked := strings.Fields(text)
			s.Tracked = func(_, below string) ([]string, bool, error) {
				return slices.DeleteFunc(slices.Clone(tracked), func(f string) bool {
					return below != "." && f != below && !strings.HasPrefix(f, below+"/")
				}), true, nil
			}
			continue
		}
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		if target, ok := strings.CutPrefix(text, "link to "); ok {
			require.NoError(t, os.Symlink(strings.TrimSpace(target), name))
			continue
		}
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return s
}

// findings writes the fields of findings that are no prose.
func findings(t *testing.T, r finding.ImageReport) string {
	var out strings.Builder
	for _, f := range r.Findings {
		data, err := json.Marshal(f)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(data, &fields))
		assert.NotEmpty(t, fields["summary"])
		assert.NotEmpty(t, f.Identity())
		fmt.Fprintf(&out, "%s %s %s:%d", f.Severity, f.Rule, f.Subject.File, f.Subject.Line)
		for _, key := range []string{"module", "contextPath", "imagePath"} {
			if v, ok := fields[key]; ok {
				fmt.Fprintf(&out, " %s=%v", key, v)
			}
		}
		for _, p := range f.Related {
			fmt.Fprintf(&out, " %s=%s:%d", p.Role, p.File, p.Line)
		}
		out.WriteByte('\n')
	}
	return out.String()
}
