package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What documentation tells people to type is understood: each command exists, with each of its flags.
func TestCommandsOfDocumentation(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```sh\n(.*?)```")
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		data, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range block.FindAllStringSubmatch(string(data), -1) {
			for line := range strings.Lines(m[1]) {
				at := strings.Index(line, "ctxaudit ")
				if at < 0 || at > 0 && !strings.HasSuffix(line[:at], "| ") && !strings.HasSuffix(line[:at], "&& ") {
					continue
				}
				args := wordsOf(line[at+len("ctxaudit "):])
				seen++
				if end := slices.Index(args, "--"); end >= 0 {
					args = args[:end]
				}
				code, _, errs := ctxaudit(t, nil, append(args, "--help")...)
				assert.Equal(t, exitClean, code, "%s: %s%s", page, line, errs)
			}
		}
	}
	assert.Greater(t, seen, 30)
}

// wordsOf gives the words of a command line up to what ends it, without quotes.
func wordsOf(line string) []string {
	line, _, _ = strings.Cut(line, "\n")
	var words []string
	for _, w := range regexp.MustCompile(`'[^']*'|[^\s']+`).FindAllString(line, -1) {
		if w == "|" || w == "||" || w == "&&" || w == ">" || w == ">>" || strings.HasPrefix(w, "#") || w == "2>&1" {
			break
		}
		words = append(words, strings.Trim(w, "'"))
	}
	return words
}
