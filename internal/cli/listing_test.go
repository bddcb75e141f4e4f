package cli

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/report"
)

// TestListingInParts holds the listings that are written entry by entry against those that are written at once.
func TestListingInParts(t *testing.T) {
	for _, n := range []int{0, 1, 2, partLength, 2*partLength + 1} {
		entries := []report.ContextEntry{}
		for i := range n {
			e := report.ContextEntry{Path: fmt.Sprintf("d/<%d> &\xff", i), Type: "file", Size: int64(i), ArrivesEmpty: i%3 == 0}
			if i%5 == 0 {
				e.Type, e.Link, e.PathBytes = "symlink", "x\ny", "abc"
			}
			entries = append(entries, e)
		}
		var want, got bytes.Buffer
		require.NoError(t, report.ContextList(&want, entries, report.Style{}))
		write(t, &textWriter{out: &got}, entries)
		assert.Equal(t, want.String(), got.String())

		want.Reset()
		got.Reset()
		require.NoError(t, report.JSON(&want, map[string]any{"files": entries}))
		write(t, jsonContext{newJSONWriter(&got)}, entries)
		assert.Equal(t, want.String(), got.String())
	}
}

func write(t *testing.T, w contextWriter, entries []report.ContextEntry) {
	t.Helper()
	for _, e := range entries {
		require.NoError(t, w.write(e))
	}
	require.NoError(t, w.close())
}
