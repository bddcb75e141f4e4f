package policy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "4096": 4096, "50MB": 50_000_000, "1.5 GiB": 1536 << 20, "2k": 2000, "3KiB": 3072, "7 B": 7} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"MB", "-1", "5 iB", "10 TB", "1,5MB"} {
		_, err := ParseSize(text)
		assert.Error(t, err, text)
	}
}
