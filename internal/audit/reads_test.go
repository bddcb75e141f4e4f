package audit_test

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
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// To check requirements and imports, only the directories that they touch are read, however many there are beside them. To know
// that the build works at all takes a look at each one.
func TestCheckReadsOnlyWhatMatters(t *testing.T) {
	check := func(areas int, sendable bool) map[string]int {
		dir := t.TempDir()
		write := func(name, text string) {
			name = filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		}
		for i := range areas {
			for j := range 5 {
				write(fmt.Sprintf("area%d/mod%d/deep/file.txt", i, j), "x")
			}
		}
		write("shop/__init__.py", "")
		write("shop/main.py", "import json\nfrom shop import cart\n")
		write("shop/cart.py", "")
		write("Dockerfile", "FROM scratch AS a\nCOPY . /src/\nFROM scratch\nWORKDIR /app\nCOPY --from=a /src /app\nCMD [\"python\", \"-m\", \"shop.main\"]\n")
		write(".dockerignore", "**/*.log\n")
		p := &policy.Image{}
		p.Require.Paths = []string{"/app/area1/mod2/deep/file.txt", "/app/shop/cart.py"}
		var c countfs.Counter
		r, _, err := audit.Run(t.Context(), audit.Subject{
			Name: "image", Options: dockerfile.Options{Context: dir, Open: c.Open}, Policy: p, Sendable: sendable,
		})
		require.NoError(t, err)
		assert.Empty(t, r.Findings)
		assert.Equal(t, 3, r.Modules)
		_, read := c.Take()
		return read
	}
	few, many := check(3, true), check(60, true)
	assert.Equal(t, few, many, "what is read does not depend on what lies beside")
	assert.LessOrEqual(t, len(many), 5, "the way to it and no more: %v", many)
	assert.Greater(t, len(check(60, false)), 60*5, "all of the transfer is looked through")
}
