package program

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// TestScripts runs testdata/*.txtar: sections entrypoint and cmd, files of the image by their absolute path, want as the
// table writes it, and via with the chain of places that led to each entry.
func TestScripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			require.NoError(t, err)
			in := Input{Workdir: "/app"}
			tree := mapFiles{files: map[string]string{}}
			sections := map[string]string{}
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "/") {
					tree.files[f.Name] = string(f.Data)
					continue
				}
				require.Contains(t, []string{"entrypoint", "cmd", "want", "via"}, f.Name)
				sections[f.Name] = strings.TrimSpace(string(f.Data))
			}
			in.Entrypoint, in.Cmd, in.Files = instruction(sections["entrypoint"]), instruction(sections["cmd"]), tree
			in.Entrypoint.Origin = shell.Origin{File: "Dockerfile", Line: 1}
			in.Cmd.Origin = shell.Origin{File: "Dockerfile", Line: 2}
			entries, notes := Analyze(in)
			checkEntries(t, entries, notes)
			assert.Equal(t, sections["want"], strings.Join(lines(entries, notes), "\n"))
			var chains []string
			for _, e := range entries {
				chain := cmp.Or(e.Path, e.Module)
				if n := len(e.Places); n > 0 {
					chain = e.Places[n-1]
				}
				for _, o := range append(e.Via, e.Origin) {
					chain += fmt.Sprintf(" < %s:%d", o.File, o.Line)
				}
				chains = append(chains, chain)
			}
			assert.Equal(t, sections["via"], strings.Join(chains, "\n"))
		})
	}
}

func TestOriginHoldsTheLine(t *testing.T) {
	entries, _ := Analyze(Input{
		Cmd:   Command{Args: []string{"/run.sh"}},
		Files: mapFiles{files: map[string]string{"/run.sh": "#!/bin/sh\n\n  exec   python main.py\n"}},
	})
	require.Len(t, entries, 2)
	assert.Equal(t, shell.Origin{File: "/run.sh", Line: 3, Text: "exec python main.py", InImage: true}, entries[1].Origin)
	assert.Equal(t, "/main.py", entries[1].Path)
}

func TestNothingKnown(t *testing.T) {
	entries, notes := Analyze(Input{Cmd: Command{Args: []string{"python", "main.py"}}, Workdir: "/app"})
	assert.Equal(t, []string{"/app/main.py @/app"}, lines(entries, notes))
}

func TestHostileScriptsEnd(t *testing.T) {
	for name, script := range map[string]string{
		"branches":  "#!/bin/sh\n" + strings.Repeat("if grep x y; then A=$((RANDOM)); else export B=1; fi\n", 3000),
		"loops":     "#!/bin/sh\n" + strings.Repeat("for a in 1 2 3 4 5 6 7 8 9; do\n", 30) + "echo\n" + strings.Repeat("done\n", 30),
		"recursion": "#!/bin/sh\nf() { f; f; }\nf\n",
		"doubling":  "#!/bin/sh\nA=aaaaaaaaaaaaaaaa\n" + strings.Repeat("A=$A$A\n", 64) + "python $A\n",
		"braces":    "#!/bin/sh\necho {1..100000000} {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\n",
		"eval":      "#!/bin/sh\nA='eval \"$A\"'\neval \"$A\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			entries, notes := Analyze(Input{
				Cmd:   Command{Args: []string{"/run.sh"}},
				Files: mapFiles{files: map[string]string{"/run.sh": script}},
			})
			checkEntries(t, entries, notes)
			assert.NotEmpty(t, entries)
		})
	}
}
