package builds

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// within checks what holds of every answer: it is the same twice, on lines of files that were given, and notes are one line.
func within(t *testing.T, files map[string][]byte, read func(r *Reader) ([]Build, []Note)) {
	t.Helper()
	found, notes := read(inMemory(files))
	again, notesAgain := read(inMemory(files))
	require.Equal(t, show(found, notes), show(again, notesAgain), "it gives the same twice")
	onLine := func(file string, line int) {
		data, ok := files[file]
		require.True(t, ok, file)
		breaks := strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(data))
		assert.True(t, line >= 0 && line <= strings.Count(breaks, "\n")+1, "%s:%d", file, line)
	}
	for _, b := range found {
		onLine(b.File, b.Line)
	}
	for _, n := range notes {
		onLine(n.File, n.Line)
		assert.NotContains(t, n.Text, "\n")
	}
}

func FuzzSkaffold(f *testing.F) {
	f.Add([]byte("apiVersion: skaffold/v4\nbuild:\n  artifacts:\n  - image: a{{.X}}\n    context: b\n    docker: {dockerfile: D, buildArgs: {A: '{{.B}}'}}\nprofiles:\n- build: {artifacts: [{image: c}]}\n"))
	f.Add([]byte("a: &a {image: x}\n---\napiVersion: skaffold/v1\nbuild: {artifacts: [*a, {<<: *a}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		within(t, map[string][]byte{"skaffold.yaml": data}, func(r *Reader) ([]Build, []Note) { return r.skaffold(t.Context(), []string{"skaffold.yaml"}) })
	})
}

func FuzzGoReleaser(f *testing.F) {
	f.Add([]byte("dockers:\n- dockerfile: a/Dockerfile\n- {}\ndockers_v2: [{dockerfile: b}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		within(t, map[string][]byte{".goreleaser.yaml": data}, func(r *Reader) ([]Build, []Note) { return r.goreleaser(t.Context(), []string{".goreleaser.yaml"}) })
	})
}

// FuzzBakeOverride reads files that Bake lays over each other, and one that is read with them.
func FuzzBakeOverride(f *testing.F) {
	f.Add([]byte("target \"a\" {\n context = \"x\"\n}\n"), []byte("target \"a\" {\n args = { A = V }\n}\nvariable \"V\" { default = \"1\" }\n"), []byte(`{"target": {"b": {"inherits": ["a"], "target": "${V}"}}}`))
	f.Add([]byte("V = [for x in range(9): x]\n"), []byte("group \"g\" { targets = [\"g\", \"a\"] }\n"), []byte(`{"target": {"a": {"matrix": {"x": "${V}"}, "name": "a-${x}"}}}`))
	f.Fuzz(func(t *testing.T, base, over, other []byte) {
		files := map[string][]byte{"docker-bake.hcl": base, "docker-bake.override.hcl": over, "x.bake.json": other}
		within(t, files, func(r *Reader) ([]Build, []Note) { return r.bake(t.Context(), sortedKeys(files)) })
	})
}

// FuzzComposeGuard holds what is let through to the library: no scalar, port range or mapping that would cost more than the
// budget, with aliases followed, and no more spent than that.
func FuzzComposeGuard(f *testing.F) {
	f.Add("services: {a: {build: ., ports: ['1-9:1-9']}}\n", 1)
	f.Add("x-a: &a {b: '${A:-${B}}'}\nservices: {c: *a, d: {<<: *a}}\n", 1)
	f.Add("- '${A:?}'\n", 500)
	f.Fuzz(func(t *testing.T, text string, times int) {
		text = strings.Repeat(text, max(1, min(times, 1000)))
		b := budget.New(composeLimits)
		if _, err := checkCompose([]byte(text), b); err != nil {
			return
		}
		require.NoError(t, b.Err())
		docs, err := safeyaml.Parse([]byte(text), nil)
		require.NoError(t, err)
		var visit func(n *yaml.Node)
		visit = func(n *yaml.Node) {
			if n.Kind == yaml.AliasNode {
				n = n.Alias
			}
			require.LessOrEqual(t, int64(strings.Count(n.Value, "$"))*int64(len(n.Value))/64, composeLimits.Steps)
			for _, c := range n.Content {
				visit(c)
			}
		}
		for _, d := range docs {
			visit(d)
		}
	})
}

// FuzzEnv holds the size that is foreseen of a file of variables against what Compose's library makes of it.
func FuzzEnv(f *testing.F) {
	for _, text := range []string{"A=x\nB=$A$A\nC=${B}${B}\n", "A=\"x\ny\"\nB=${A}\n", "A='$A'\nexport A=$A$A$A\n", "A: b\n", "A=${A:-${B}}\n", "A=\"${A}\nB=${A}\"\nC=$A$A\n"} {
		f.Add(text, 1)
		f.Add(text, 5)
	}
	f.Fuzz(func(t *testing.T, text string, times int) {
		text = strings.Repeat(text, max(1, min(times, 30)))
		b := budget.New(budget.Limits{Bytes: 1 << 20, Steps: 1 << 20})
		if checkEnv([]byte(text), map[string]int64{}, b) != nil {
			return
		}
		env, err := dotenv.Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		made := 0
		for k, v := range env {
			made += len(k) + len(v)
		}
		assert.LessOrEqual(t, made, 1<<20+len(text))
	})
}
