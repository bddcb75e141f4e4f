package why_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// Whatever somebody asks about, there is an answer: about that, with a verdict that is one, and a sentence.
func FuzzTarget(f *testing.F) {
	dir := f.TempDir()
	for name, text := range map[string]string{
		"Dockerfile":    "FROM scratch\nENV PYTHONPATH=/srv A=1\nWORKDIR /srv\nCOPY . .\nCMD [\"python\", \"app.py\"]\n",
		".dockerignore": "# x\npkg/m*\n!pkg/main.py\n",
		"app.py":        "import pkg.mod\nfrom pkg import main\n", "pkg/__init__.py": "", "pkg/mod.py": "", "pkg/main.py": "",
	} {
		require.NoError(f, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(f, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	opt := dockerfile.Options{Context: dir}
	image, err := simulate.Build(context.Background(), opt)
	require.NoError(f, err)
	main, err := image.MainContext(dir)
	require.NoError(f, err)
	verdicts := map[why.Verdict]bool{}
	for _, v := range why.Verdicts() {
		verdicts[v.Verdict] = true
	}
	for _, s := range []string{"pkg/mod.py", "pkg.mod", "pkg", "/srv", "/", "$A", "${A}", "$", "Dockerfile:4", "Dockerfile:999999999999999999999", ".dockerignore:2", ".dockerignore:-1", "..", "../x", "a/../..", "\x00", "::error::x", "-", ":1", "pkg.", ".", "~", "*", "[", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if len(target) > 4096 {
			t.Skip()
		}
		e := &why.Explainer{Image: image, Main: main, Subject: audit.Subject{Name: "image", Options: opt, Policy: &policy.Image{}, Image: image}}
		a, err := e.Explain(t.Context(), target)
		if err != nil {
			assert.NotEmpty(t, strings.TrimSpace(err.Error()))
			return
		}
		assert.True(t, verdicts[a.Verdict], "%q: %q", target, a.Verdict)
		assert.NotEmpty(t, a.Summary, "%q", target)
		assert.NotEmpty(t, a.Kind, "%q", target)
		for _, p := range a.Missing {
			assert.True(t, filepath.IsLocal(p), "%q lies outside", p)
		}
	})
}
