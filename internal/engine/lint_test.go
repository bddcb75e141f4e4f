package engine

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What ignore lint --fix leaves of a file is every line that it does not remove, byte for byte.
func FuzzWithoutLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), []byte{1, 2})
	f.Add([]byte("\ufeff*\n!a\n"), []byte{1})
	f.Add([]byte("a"), []byte{})
	f.Fuzz(func(t *testing.T, data, numbers []byte) {
		// A byte order mark belongs to the file and not to its first line.
		text, marked := bytes.CutPrefix(data, []byte("\ufeff"))
		lines := bytes.SplitAfter(text, []byte("\n"))
		if len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		var remove []int
		var want []byte
		for _, n := range numbers {
			if n >= 1 && int(n) <= len(lines) {
				remove = append(remove, int(n))
			}
		}
		for i, line := range lines {
			if !slices.Contains(remove, i+1) {
				want = append(want, line...)
			}
		}
		got, err := withoutLines(data, remove)
		require.NoError(t, err)
		if n := len(lines); n > 0 && slices.Contains(remove, n) && !bytes.HasSuffix(data, []byte("\n")) {
			// A file that ends without a line end still does.
			want = bytes.TrimSuffix(bytes.TrimSuffix(want, []byte("\n")), []byte("\r"))
		}
		if marked {
			want = append([]byte("\ufeff"), want...)
		}
		assert.Equal(t, string(want), string(got))
	})
}
