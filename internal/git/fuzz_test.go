package git

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What git prints is made of names and numbers that a stranger chose.
func FuzzOutput(f *testing.F) {
	for _, seed := range []string{
		"100644 1234 0\ta/b\x00160000 1234 0\tsub\x00", "100644 blob 12 5\ta\x00120000 blob 12 5\t../x\x00040000 tree 12 -\t..\x00",
		".gitignore\x001\x00*.log\x00a.log\x00", "\x00\x00\x00\x00", "12 blob 5\n", "12 missing\n", "x", "100644 blob 12 -1\ta\x00100644 blob 1 BAD\ta\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var names []string
		err := split(bytes.NewReader(data), func(name string) error {
			names = append(names, name)
			return nil
		})
		if err == nil {
			// Every name is there, in its order; what no NUL ends is left out.
			end := bytes.LastIndexByte(data, 0) + 1
			joined := strings.Join(names, "\x00")
			if len(names) > 0 {
				joined += "\x00"
			}
			require.Equal(t, string(data[:end]), joined)
		}
		for _, line := range names {
			if e, ok := parseStaged(line); ok {
				assert.True(t, strings.HasSuffix(line, "\t"+e.name))
			}
			if e, err := parseEntry(line); err == nil {
				assert.True(t, strings.HasSuffix(line, "\t"+e.Name))
				assert.GreaterOrEqual(t, e.Size, int64(0))
			}
		}
		for name, i := range parseIgnored(data) {
			assert.Contains(t, string(data), i.Pattern+"\x00"+name)
			assert.False(t, strings.HasPrefix(i.Pattern, "!"))
		}
		if size, err := parseBatch(string(data)); err == nil {
			assert.True(t, size >= 0 && size <= MaxObject)
		}
	})
}

// A name that passes leads down, on every system.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", ".git/x", "a/../../b", "c:\\x", "a\\..\\b", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !Clean(name) {
			return
		}
		assert.True(t, filepath.IsLocal(name))
		assert.Equal(t, filepath.FromSlash(name), filepath.Clean(filepath.FromSlash(name)), "it is written in one way")
	})
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("[core]\n\tignorecase = true\n[extensions]\nobjectformat=sha256\n"))
	f.Add([]byte("[core \"x\"]\nignorecase\n[Core]ignorecase=\"1\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, value := range settings(data) {
			assert.Equal(t, strings.ToLower(name), name)
			assert.NotContains(t, value, "\n")
			assert.NotContains(t, value, "#")
		}
	})
}
