package builds

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBake(t *testing.T) { runTable(t, "testdata/bake_*.txtar") }

func TestBakeName(t *testing.T) {
	for name, want := range map[string]bool{
		"docker-bake.hcl": true, "docker-bake.json": true, "docker-bake.override.hcl": true, "bake.hcl": true, "release.bake.hcl": true,
		"docker-bake-ci.hcl": true, "bakery.hcl": false, "docker-bake.yaml": false, "main.hcl": false, "x.docker-bake.json": true,
	} {
		assert.Equal(t, want, bakeName().MatchString(name), name)
	}
}

// What Bake says of somebody else's files is a note, whatever they hold, and what it gives is in them.
func FuzzBake(f *testing.F) {
	f.Add(false, `target "a" { args = { A = "${B}" } } variable "B" {}`)
	f.Add(false, "function \"f\" { params = [x]\n result = f(x) }\ntarget \"a\" { context = f(1) }")
	f.Add(false, "target \"a\" { matrix = {x = [1, 2]}\n name = \"a-${x}\"\n inherits = [\"b\"]\n dockerfile = \"${x}/Dockerfile\" }\ntarget \"b\" {}")
	f.Add(false, "a = b\nb = a\ntarget \"c\" { context = target.c.context\n dockerfile = a }")
	f.Add(true, `{"variable": {"V": {"default": "x"}}, "target": {"a": {"args": {"A": "${V}"}, "contexts": {"b": "target:b"}}, "b": {}}}`)
	f.Fuzz(func(t *testing.T, isJSON bool, text string) {
		name := "docker-bake.hcl"
		if isJSON {
			name = "docker-bake.json"
		}
		run := func() ([]Build, []Note) {
			return inMemory(map[string][]byte{name: []byte(text)}).bake(t.Context(), []string{name})
		}
		found, notes := run()
		again, notesAgain := run()
		assert.Equal(t, show(found, notes), show(again, notesAgain), "it gives the same twice")
		lines := strings.Count(text, "\n") + 1
		for _, b := range found {
			assert.Equal(t, name, b.File)
			assert.True(t, b.Line > 0 && b.Line <= lines)
			assert.False(t, remotePath(b.Dockerfile) && !strings.Contains(text, "://") && path.IsAbs(b.Dockerfile))
		}
		for _, n := range notes {
			assert.Equal(t, name, n.File)
			assert.True(t, n.Line >= 0 && n.Line <= lines)
			assert.NotContains(t, n.Text, "\n")
		}
	})
}
