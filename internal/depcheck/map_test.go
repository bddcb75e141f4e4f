package depcheck

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The map of the house has every room, and none that is gone.
func TestArchitectureNamesThePackages(t *testing.T) {
	data, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	page := string(data)
	out, err := exec.Command("go", "list", module+"...").Output()
	require.NoError(t, err)
	have := map[string]bool{}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimPrefix(strings.TrimSpace(name), module)
		have[name] = true
		// A row about a package has those below it by their last names.
		parent, last := name[:max(0, strings.LastIndex(name, "/"))], name[strings.LastIndex(name, "/")+1:]
		if strings.Contains(name, "cmd/") {
			continue
		}
		assert.True(t, strings.Contains(page, "`"+name+"`") || strings.Contains(page, "| `"+parent+"`") && strings.Contains(page, "`"+last+"`"), "docs/architecture.md lacks %s", name)
	}
	for line := range strings.Lines(page) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok && (strings.HasPrefix(cell, "internal/") || strings.HasPrefix(cell, "hack/")) {
			names, _, _ := strings.Cut(cell, " |")
			for name := range strings.SplitSeq(strings.ReplaceAll(names, "`", ""), ", ") {
				assert.True(t, have[name], "docs/architecture.md has %s, which is gone", name)
			}
		}
	}
}
