package builds

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCloudBuild(t *testing.T) { runTable(t, "testdata/cloudbuild_*.txtar") }

func TestCloudBuildName(t *testing.T) {
	for name, want := range map[string]bool{
		"cloudbuild.yaml": true, "a/cloudbuild.json": true, "a/cloudbuild-release.yml": true, "ci.cloudbuild.yaml": true, ".cloudbuild/deploy.yaml": true,
		"cloud-build/x.yml": true, "cloudbuild/deep/x.yaml": false, "cloudbuilder.yaml": false, "cloudbuild.txt": false, "mycloudbuild/x.yaml": false,
	} {
		assert.Equal(t, want, cloudBuildName().MatchString(name), name)
	}
}

func TestSkaffold(t *testing.T) { runTable(t, "testdata/skaffold*.txtar") }

// Whatever these files hold, what is found lies on lines of them, and nothing that is not known is in it.
func FuzzServices(f *testing.F) {
	f.Add("cloudbuild.yaml", "substitutions: {_A: $_B, _B: $_A}\nsteps:\n- name: docker\n  dir: $_A\n  args: [build, -f, '${_A}/x', .]\n")
	f.Add("sub/cloudbuild.json", `{"steps": [{"name": "gcr.io/kaniko-project/executor", "args": ["--context", "a", "--dockerfile=b"]}]}`)
	f.Add("skaffold.yaml", "apiVersion: skaffold/v1\nbuild: {artifacts: [{image: 'a{{b', context: ../x, docker: {dockerfile: y}}]}\n---\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		if !IsSource(name) || bakeName().MatchString(name) || composeName().MatchString(name) || workflowName().MatchString(name) || strings.Contains(text, unknownPart) {
			t.Skip("another kind")
		}
		r := inMemory(map[string][]byte{name: []byte(text)})
		found, notes := r.Builds(t.Context(), []string{name})
		again, notesAgain := r.Builds(t.Context(), []string{name})
		assert.Equal(t, show(found, notes), show(again, notesAgain))
		last := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
		for _, b := range found {
			assert.True(t, b.Line > 0 && b.Line <= last, "line %d of %d", b.Line, last)
			assert.True(t, word(b.Context+b.Dockerfile+b.Target+b.Name).known())
		}
		for _, n := range notes {
			assert.True(t, n.Line >= 0 && n.Line <= last, "line %d of %d", n.Line, last)
		}
	})
}
