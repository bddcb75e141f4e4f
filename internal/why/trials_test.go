package why

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// Two findings that the same chain of edits repairs are repaired by the same trials.
func TestFindingsShareTrials(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Dockerfile":              "FROM python:3.13\nWORKDIR /app\nCOPY shop ./shop\nCMD [\"python\", \"-m\", \"shop.main\"]\n",
		"shop/__init__.py":        "",
		"shop/main.py":            "import extra.first\n",
		"extra/__init__.py":       "",
		"extra/first.py":          "import more\n",
		"more/__init__.py":        "",
		"beside/not/asked/for.py": "",
	} {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	s := audit.Subject{
		Name: "image", Options: dockerfile.Options{Context: dir},
		Policy: &policy.Image{Require: policy.Require{Modules: []policy.Module{{Path: "extra"}}}},
	}
	r, image, err := audit.Run(t.Context(), s)
	require.NoError(t, err)
	rep, err := NewRepairer(t.Context(), s, r, image)
	require.NoError(t, err)
	rep.First = true
	var tried map[string]*trial
	for _, rule := range []string{finding.ModuleNotInImage, finding.ImportNotInImage} {
		var about []finding.Finding
		for _, f := range r.Findings {
			if f.Rule == rule {
				about = append(about, f)
			}
		}
		require.Len(t, about, 1, rule)
		fixes, _, err := rep.Fixes(t.Context(), about[0])
		require.NoError(t, err)
		require.NotEmpty(t, fixes, rule)
		assert.Len(t, fixes[0].Edits, 2, "it uncovers an import of more")
		if tried == nil {
			tried = maps.Clone(rep.search.trials)
			continue
		}
		assert.Equal(t, len(tried), len(rep.search.trials))
		for files, before := range tried {
			assert.True(t, before == rep.search.trials[files], "it is not done again")
		}
	}
}
