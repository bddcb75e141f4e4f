package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/audit"
)

// However many images a repository describes, few predictions are held until they are audited.
func TestFewPredictionsAreHeld(t *testing.T) {
	dir := t.TempDir()
	var compose strings.Builder
	compose.WriteString("services:\n")
	const images = maxPredicted + 8
	for i := range images {
		fmt.Fprintf(&compose, "  s%d: {build: {context: ., dockerfile: Dockerfile.%d}}\n", i, i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("Dockerfile.%d", i)), fmt.Appendf(nil, "FROM scratch\nCOPY compose.yaml /%d\n", i), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(compose.String()), 0o644))
	w := NewWorld(t.Context(), dir, false)
	found, err := Discover(t.Context(), w.Disk("no"), dir)
	require.NoError(t, err)
	require.Len(t, found.Subjects, images)
	held := 0
	for _, s := range found.Subjects {
		if s.Image != nil {
			held++
		}
		r, _, err := audit.Run(t.Context(), s)
		require.NoError(t, err)
		assert.Empty(t, r.Findings)
	}
	assert.Equal(t, maxPredicted, held)
}
