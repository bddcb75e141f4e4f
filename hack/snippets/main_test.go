package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSnippets(t *testing.T) {
	page := "# Page\n\n```yaml\n# a/b.yml\nx: 1\n```\n\n```sh\nmake # a/b\n```\n\n```sh\n# Two words\nx\n```\n\n" +
		"```groovy\n// Jenkinsfile\nx\n```\n\n```\n# plain\n```\n\n```sh\n# ../out\n```\n"
	assert.Equal(t, []snippet{{"a/b.yml", "# a/b.yml\nx: 1\n"}, {"Jenkinsfile", "// Jenkinsfile\nx\n"}}, find(page))

	dir := t.TempDir()
	names := []string{filepath.Join(dir, "one.md"), filepath.Join(dir, "two.md")}
	for _, name := range names {
		require.NoError(t, os.WriteFile(name, []byte(page), 0o644))
	}
	require.NoError(t, run(filepath.Join(dir, "out"), names))
	for _, name := range []string{"a/b.yml", "a/two-b.yml", "Jenkinsfile", "two-Jenkinsfile"} {
		assert.FileExists(t, filepath.Join(dir, "out", name))
	}
	assert.Error(t, run(dir, []string{"nowhere.md"}))
}
