package builds

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWorkflows(t *testing.T) { runTable(t, "testdata/workflow_*.txtar") }

func TestExpressions(t *testing.T) {
	names := expressions{names: func(path []string) (value, bool) {
		switch strings.Join(path, ".") {
		case "matrix.os":
			return "linux", true
		case "matrix.n":
			return 3.0, true
		case "matrix.none":
			return nil, true
		}
		return nil, false
	}}
	for in, want := range map[string]string{
		"a": "a", "${{ matrix.os }}": "linux", "x-${{matrix.os}}-${{ matrix['n'] }}": "x-linux-3", "${{ 'it''s }}' }}": "it's }}",
		"${{ matrix.os == 'LINUX' && 'a' || 'b' }}": "a", "${{ matrix.os != 'linux' && 'a' || 'b' }}": "b",
		"${{ matrix.none || 'default' }}": "default", "${{ !matrix.none }}": "true", "${{ github.ref }}": "?", "${{ github.ref || 'x' }}": "?",
		"${{ false && github.ref }}": "false", "${{ github.ref && false }}": "false", "${{ format('{0}-{1}', matrix.os, 1) }}": "linux-1",
		"${{ format('{0}', github.sha) }}": "?", "${{ fromJSON('1') }}": "?", "${{ (true) }}": "true", "${{ 1 < 2 }}": "?", "${{ }}": "?",
		"${{ unclosed": "?", "a${{ matrix.os": "a?", "${{ matrix.os matrix.os }}": "?", "${{ '": "?", "${{ a( }}": "?", "${{ 1e }}": "?",
	} {
		assert.Equal(t, want, strings.ReplaceAll(string(names.interpolate(in)), unknownPart, "?"), in)
	}
}

func TestMakesFiles(t *testing.T) {
	for in, want := range map[string]bool{
		"echo x >> $GITHUB_OUTPUT": false, `echo "a=b" >> "$GITHUB_ENV"`: false, "docker login -u x": false, "make": true, "echo x > file": true,
		"npm ci && npm run build": true, "if [ -n x ]; then echo y; fi": false, "x='": true, "git diff > /dev/null 2>&1": false, "": false,
	} {
		assert.Equal(t, want, makesFiles(in, nil), in)
	}
}

// Whatever a workflow holds, what is found lies on lines of it, and it gives the same twice.
func FuzzWorkflows(f *testing.F) {
	f.Add("jobs:\n  a:\n    steps:\n      - run: docker build -f x/Dockerfile .\n")
	f.Add("jobs: {a: {strategy: {matrix: {x: [1, 2], include: [{x: 3}]}}, steps: [{uses: docker/build-push-action@v1, with: {context: \"${{ matrix.x }}\"}}]}}")
	f.Add("on: workflow_call\njobs: &j\n  a: {<<: *j, steps: [{run: \"cd a && docker build .\\n\"}]}")
	f.Fuzz(func(t *testing.T, text string) {
		const name = ".github/workflows/x.yml"
		run := func() ([]Build, []Note) {
			return inMemory(map[string][]byte{name: []byte(text)}).workflows(t.Context(), []string{name})
		}
		found, notes := run()
		again, notesAgain := run()
		assert.Equal(t, show(found, notes), show(again, notesAgain))
		last := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
		for _, b := range found {
			assert.True(t, b.Line > 0 && b.Line <= last, "line %d of %d", b.Line, last)
			for _, s := range []string{b.Context, b.Dockerfile, b.Target} {
				assert.True(t, word(s).known() || strings.Contains(text, unknownPart), s)
			}
		}
		for _, n := range notes {
			assert.True(t, n.Line >= 0 && n.Line <= last, "line %d of %d", n.Line, last)
		}
	})
}
