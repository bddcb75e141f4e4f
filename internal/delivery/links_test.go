package delivery

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
)

// anchors gives the names by which the headings of a page can be linked to, on GitHub and on the site: both make the same of a
// heading that has nothing but letters, digits and blanks.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if name := strings.ToLower(strings.ReplaceAll(m[1], " ", "-")); regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(name) {
			out[name] = true
		}
	}
	return out
}

// Links between pages lead to a file of the repository, and to a heading of it.
func TestLinksLeadSomewhere(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/rules/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		pages = append(pages, names...)
	}
	seen := 0
	for _, page := range pages {
		text := read(t, page)
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			name, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if name != "" {
				target = filepath.Join(filepath.Dir(page), name)
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", page, m[1]) {
				continue
			}
			if anchor != "" {
				// Headings stand outside of blocks of code.
				outside := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(read(t, target), "")
				assert.True(t, anchors(outside)[anchor], "%s links to %s", page, m[1])
			}
		}
	}
	assert.Greater(t, seen, 40)
}
