package builds

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// A source is a row of the table, and nothing else.
func TestNewSource(t *testing.T) {
	was := sources
	defer func() { sources = was }()
	sources = append(slices.Clone(sources), source{"toy", lazyre.New(`(?:^|/)toy\.yaml$`),
		func(_ *Reader, _ context.Context, files []string) ([]Build, []Note) {
			return []Build{{Kind: "toy", File: files[0], Context: "."}}, nil
		}})
	assert.True(t, IsSource("a/toy.yaml"))
	r := inMemory(map[string][]byte{"a/toy.yaml": nil})
	found, notes := r.Builds(t.Context(), []string{"a/toy.yaml"})
	assert.Empty(t, notes)
	assert.Equal(t, []Build{{Kind: "toy", File: "a/toy.yaml", Context: "."}}, found)
}
