package why_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/countfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// To answer for one path, or for a module of the program, only the directories on its way are read, however many there are
// beside them. That holds too where an edit is searched and tried that brings it in.
func TestWhyReadsOnlyWhatMatters(t *testing.T) {
	ask := func(areas int, target string, want why.Verdict) map[string]int {
		dir := t.TempDir()
		write := func(name, text string) {
			name = filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		}
		for i := range areas {
			for j := range 5 {
				write(fmt.Sprintf("area%d/mod%d/deep/file.txt", i, j), "x")
				write(fmt.Sprintf("area%d/mod%d/deep/file.log", i, j), "x")
			}
		}
		write("shop/__init__.py", "")
		write("shop/main.py", "import json\nfrom shop import cart\n")
		write("shop/cart.py", "")
		write("Dockerfile", "FROM scratch AS a\nCOPY . /src/\nFROM scratch\nWORKDIR /app\nCOPY --from=a /src /app\nCMD [\"python\", \"-m\", \"shop.main\"]\n")
		write(".dockerignore", "**/*.log\narea1/mod4\n")
		var c countfs.Counter
		opt := dockerfile.Options{Context: dir, Open: c.Open}
		m, err := simulate.Build(t.Context(), opt)
		require.NoError(t, err)
		e := &why.Explainer{Image: m, Subject: audit.Subject{Name: "image", Options: opt}}
		e.Main, err = m.MainContext(dir)
		require.NoError(t, err)
		a, err := e.Explain(t.Context(), target)
		require.NoError(t, err)
		assert.Equal(t, want, a.Verdict)
		if want == why.Ignored || want == why.PartlyThere {
			require.Len(t, a.Fixes, 1)
			assert.Equal(t, 1, a.Fixes[0].AddsCount)
		}
		_, read := c.Take()
		return read
	}
	for _, tt := range []struct {
		target string
		want   why.Verdict
		dirs   int // that may be read
	}{
		{"area1/mod2/deep/file.txt", why.InImage, 5},
		{"/app/area1/mod2/deep/file.txt", why.InImage, 5},
		{"shop.cart", why.InImage, 3},
		{"shop/cart.py", why.InImage, 3},
		{"area1/mod2/deep/file.log", why.Ignored, 5},
		{"area1/mod2", why.PartlyThere, 5},
	} {
		few, many := ask(3, tt.target, tt.want), ask(60, tt.target, tt.want)
		assert.Equal(t, few, many, "%s: what is read does not depend on what lies beside", tt.target)
		assert.LessOrEqual(t, len(many), tt.dirs, "%s: the way to it and no more: %v", tt.target, many)
	}
}
