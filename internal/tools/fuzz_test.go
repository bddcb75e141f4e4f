package tools

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// FuzzRead gives programs hostile trees: it ends, and what it tells is surely not there.
func FuzzRead(f *testing.F) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range archives {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(a.Files[0].Data)) {
			words, _, _ := strings.Cut(line, ";;")
			f.Add(words, txtar.Format(&txtar.Archive{Files: a.Files[1:]}))
		}
	}
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		var files []txtar.File
		for _, file := range txtar.Parse(data).Files {
			if name := path.Clean("/" + file.Name); name != "/" && len(files) < 50 {
				files = append(files, txtar.File{Name: name[1:], Data: file.Data})
			}
		}
		tree := inMemory(files)
		r := command.NewRunner(tree)
		r.Program = func(c *command.Call) {
			for _, m := range Read(c, tree).Missing {
				if m.Find == nil && (tree.Stat(m.Path) != shell.Absent || !path.IsAbs(m.Path)) {
					t.Fatalf("%s is there, or no path", m.Path)
				}
			}
		}
		r.Command(shell.NewState("/app", nil), shell.Words([]string{"/bin/sh", "-c", text}, shell.Origin{}), true)
	})
}
