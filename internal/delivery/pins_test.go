package delivery

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// uses finds the actions that a text calls, with the comment behind.
var uses = regexp.MustCompile(`(?m)^\s*(?:- )?(?:\{?\s*)?uses:\s*([^\s#}]+)\s*(#.*)?$`)

// mention finds every place where one may be called.
var mention = regexp.MustCompile(`(?m)(^|[\s{,"'-])uses["']?\s*:`)

// pinned is an action by the digest of a commit, with its version in a comment: a tag can be moved to other code.
var pinned = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}$`)

// workflows gives what is run in CI, here or by those who copy it from the documentation.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{".github/workflows/*", "action.yml", "README.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, names, pattern)
		for _, name := range names {
			rel, _ := filepath.Rel(root, name)
			out[rel] = read(t, name)
		}
	}
	return out
}

func TestActionsOfOthersArePinned(t *testing.T) {
	found, versions := 0, map[string]string{}
	for name, text := range workflows(t) {
		assert.Len(t, uses.FindAllString(text, -1), len(mention.FindAllString(text, -1)), "%s calls an action in a way that this test does not read", name)
		for _, m := range uses.FindAllStringSubmatch(text, -1) {
			if m[1] == "./" || m[1] == "ctxaudit/ctxaudit@v1" {
				continue // our own
			}
			found++
			assert.Regexp(t, pinned, m[1], name)
			assert.Regexp(t, `^# v\d+\.\d+\.\d+$`, m[2], "%s: %s without its version", name, m[1])
			action, _, _ := strings.Cut(m[1], "@")
			if other, ok := versions[action]; ok {
				assert.Equal(t, other, m[1]+" "+m[2], "one version of each action")
			}
			versions[action] = m[1] + " " + m[2]
		}
	}
	assert.Greater(t, found, 5)
}

// Every workflow begins with the least that there is, and no job may do more than it is known to need.
func TestWorkflowsMayDoLittle(t *testing.T) {
	more := map[string]map[string]string{
		"action":  {"contents": "read", "security-events": "write"},                                         // upload-sarif
		"release": {"contents": "write", "packages": "write", "id-token": "write", "attestations": "write"}, // the release itself, the image, signatures
		"npm":     {"contents": "read", "id-token": "write"},                                                // trusted publishing
		"pages":   {"pages": "write", "id-token": "write"},
		"pypi":    {"contents": "read", "id-token": "write"},
	}
	names, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	require.NoError(t, err)
	for _, name := range names {
		var w struct {
			On          any
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions map[string]string
				Steps       []struct {
					Uses, Run string
					With      map[string]any
				}
			}
		}
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(data, &w))
		assert.Equal(t, map[string]string{"contents": "read"}, w.Permissions, name)
		assert.NotContains(t, string(data), "pull_request_target")
		for id, job := range w.Jobs {
			if job.Permissions != nil && !(filepath.Base(name) == "ci.yml" && id == "release") {
				assert.Equal(t, more[id], job.Permissions, "%s: %s", name, id)
			}
			for _, step := range job.Steps {
				assert.NotRegexp(t, `\$\{\{`, step.Run, "an expression in a script is pasted into it")
				if strings.HasPrefix(step.Uses, "actions/checkout@") {
					assert.Equal(t, false, step.With["persist-credentials"], "%s: %s leaves a token behind", name, id)
				}
			}
		}
	}
}
