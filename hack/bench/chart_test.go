package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The chart shows the numbers of the page that it stands on.
func TestChartIsThatOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	require.NoError(t, err)
	want, err := chart(string(page))
	require.NoError(t, err)
	have, err := os.ReadFile("../../docs/performance.svg")
	require.NoError(t, err)
	assert.Equal(t, want, string(have), "go run ./hack/bench -chart docs/performance.md")
	assert.Contains(t, string(page), "](performance.svg)")
	_, err = chart("## The whole context\n\n| | | |\n")
	assert.Error(t, err)
}
