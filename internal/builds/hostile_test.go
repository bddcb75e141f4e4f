package builds

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What grows without end, or goes deep, is given up in a moment.
func TestHostileSources(t *testing.T) {
	chain := func(n int, line func(i int) string) string {
		var out strings.Builder
		for i := range n {
			out.WriteString(line(i) + "\n")
		}
		return out.String()
	}
	for name, files := range map[string]map[string]string{
		"doubled texts": {"docker-bake.hcl": "A0 = \"x\"\n" + chain(60, func(i int) string { return fmt.Sprintf(`A%d = "${A%d}${A%d}"`, i+1, i, i) }) +
			"target \"a\" {\n  context = A60\n}\n"},
		"doubled lists": {"docker-bake.hcl": "A0 = [1]\n" + chain(60, func(i int) string { return fmt.Sprintf(`A%d = [A%d, A%d]`, i+1, i, i) }) +
			"target \"a\" {\n  args = { A = jsonencode(A60) }\n}\n"},
		"doubled inheritance": {"docker-bake.hcl": "target \"t0\" {\n  args = { A = 1 }\n}\n" +
			chain(40, func(i int) string {
				return fmt.Sprintf("target \"t%d\" {\n  inherits = [\"t%d\", \"t%d\"]\n}", i+1, i, i)
			})},
		"brackets":        {"docker-bake.json": strings.Repeat("[", 100000), "cloudbuild.yaml": "steps: " + strings.Repeat("[", 100000)},
		"doubled aliases": {".github/workflows/x.yml": "a0: &a0 [x]\n" + chain(40, func(i int) string { return fmt.Sprintf("a%d: &a%d [*a%d, *a%d]", i+1, i+1, i, i) }) + "jobs: {x: {strategy: {matrix: {v: *a40, w: *a40, include: *a40}}, steps: *a40}}\n"},
		"expressions":     {".github/workflows/x.yml": "jobs: {x: {steps: [{run: 'docker build ${{ " + strings.Repeat("(!", 50000) + " }}'}]}}\n"},
		"doubled settings": {"cloudbuild.yaml": "steps: [{name: docker, args: [build, '$_A0']}]\nsubstitutions:\n" + chain(6, func(i int) string {
			return fmt.Sprintf("  _A%d: %s", i, strings.Repeat(fmt.Sprintf("${_A%d}", i+1), 100))
		})},
		"doubled macros": {"Makefile": chain(6, func(i int) string { return fmt.Sprintf("A%d = %s", i, strings.Repeat(fmt.Sprintf("$(A%d)", i+1), 100)) }) + "x:\n\tdocker build $(A0)\n"},
		"doubled words":  {"x.sh": "X=xx\n" + strings.Repeat("X=$X$X\n", 60) + "docker build $X\n"},
		"nested loops":   {"x.sh": strings.Repeat("for x in 1 2 3 4 5 6 7 8 9; do ", 30) + "docker build $x" + strings.Repeat("; done", 30) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			data := map[string][]byte{}
			var sources, hints []string
			for f, text := range files {
				data[f] = []byte(text)
				if IsHint(f) {
					hints = append(hints, f)
				} else {
					sources = append(sources, f)
				}
			}
			r := inMemory(data)
			found, notes := r.Builds(t.Context(), sources)
			for _, n := range notes {
				assert.Less(t, len(n.Text), 1000)
			}
			for _, b := range append(found, r.Hints(t.Context(), hints)...) {
				assert.Less(t, len(b.Context), 1<<17)
			}
		})
	}
}
