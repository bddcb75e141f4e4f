package tools

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// maxDirectives bounds what one go generate is followed through.
const maxDirectives = 200

// goGeneration follows go generate: the directives of all files, whatever constrains those, each in the directory of its file.
type goGeneration struct {
	*reader
	count int
	// stopped tells that a directive is none that is known: what follows may find what it made.
	stopped bool
}

// generates follows the files and packages that the words of the command name.
func (r *reader) generates(args []shell.Word) {
	if r.options.Has("-run", "-skip", "-n") {
		return
	}
	if len(args) == 0 {
		args = []shell.Word{{Text: "."}}
	}
	g := &goGeneration{reader: r}
	for _, w := range args {
		dir, all := strings.CutSuffix(w.Text, "/...")
		switch at := r.abs(dir); {
		case strings.HasSuffix(w.Text, ".go"):
			g.file(at)
		case dir == "." || strings.HasPrefix(dir, "./") || strings.HasPrefix(dir, "../") || path.IsAbs(dir):
			g.dir(at, all, true)
		default:
			return
		}
	}
}

// dir follows the files of a package and, if all are meant, those below it.
func (g *goGeneration) dir(dir string, all, top bool) {
	if g.stopped || !top && !g.absent(path.Join(dir, gomod)) {
		return
	}
	entries, err := g.list(dir, isGoSource)
	if err != nil {
		g.stopped = true
		return
	}
	for _, e := range entries {
		if !e.IsDir() && path.Ext(e.Name()) == ".go" {
			g.file(path.Join(dir, e.Name()))
		}
	}
	for _, e := range entries {
		if name := e.Name(); all && e.IsDir() && name != "testdata" && name != "vendor" && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") {
			g.dir(path.Join(dir, name), true, false)
		}
	}
}

// file follows the directives of a file.
func (g *goGeneration) file(file string) {
	data, ok := g.text(file)
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		directive, is := strings.CutPrefix(text, "//go:generate")
		if g.stopped || !is || directive == strings.TrimLeft(directive, " \t") {
			continue
		}
		if g.count++; strings.ContainsAny(directive, "$\"\\") || strings.HasPrefix(strings.TrimSpace(directive), "-") || g.count > maxDirectives {
			g.stopped = true
			return
		}
		var words []string
		for word := range strings.FieldsSeq(directive) {
			quoted, _ := shell.Quote(word)
			words = append(words, quoted)
		}
		g.runs(Script{Dir: path.Dir(file), Text: strings.Join(words, " "), At: Line{File: file, Line: n, Text: strings.TrimSpace(text)}})
	}
	g.stopped = g.stopped || !ok
}
