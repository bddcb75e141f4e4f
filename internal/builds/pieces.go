package builds

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/makefile"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// piece is text of a file that a shell is given.
type piece struct {
	text string
	line int // at which all of it counts; 0: its own lines do
}

// vars are what a shell knows that is given the piece of a file.
func (p piece) vars(file string) map[string]string {
	if p.line > 0 {
		return nil
	}
	return map[string]string{"0": path.Join(hintRoot, file)}
}

// pieces gives what a file gives to shells: a script all of it, a Makefile its recipes, a workflow its steps, a package.json its scripts.
func (r *Reader) pieces(file, text string, b *budget.Budget) (out []piece) {
	switch {
	case path.Ext(file) == ".sh":
		return []piece{{text: text}}
	case IsWorkflow(file):
		docs, _ := r.documents(file, "workflow")
		unknown := expressions{names: func([]string) (value, bool) { return nil, false }, budget: b}
		for _, doc := range docs {
			doc.each("run", func(run node) { out = append(out, piece{string(unknown.interpolate(run.text())), run.line()}) })
		}
	case path.Base(file) == "package.json":
		docs, _ := r.documents(file, "package")
		for _, doc := range docs {
			for _, p := range doc.at("scripts").pairs() {
				out = append(out, piece{p.value.text(), p.value.line()})
			}
		}
	default:
		return recipes(text, b)
	}
	return out
}

// basesOf gives the directories in which a script or the like may be run, the likelier one first: scripts mostly run at the root of the
// repository, recipes and the scripts of a package in their own directory.
func basesOf(file string) []string {
	bases := []string{".", path.Dir(file)}
	if path.Ext(file) != ".sh" && !IsWorkflow(file) {
		slices.Reverse(bases)
	}
	return slices.Compact(bases)
}

// commands hands over the programs that a script or the like starts, as if it were run in a directory, and gives the files to which they
// write their output. One that is too large, or does not have a word, is passed over.
func (r *Reader) commands(file, base, wanted string, fn func(c *command.Call)) (written []string) {
	text := r.textOf(file)
	if !strings.Contains(text, wanted) {
		return nil
	}
	b := r.part(fileLimits)
	for _, p := range r.pieces(file, text, b) {
		if strings.Contains(p.text, wanted) {
			done := walk(p.text, hintRoot, word(path.Join(hintRoot, base)), p.vars(file), b, fn)
			written = slices.AppendSeq(written, maps.Keys(done.Written()))
		}
	}
	return written
}

// MayMake reports whether a script, a Makefile, a workflow or a package.json has a command that may make what has a name: one that makes
// files and names it, or whose output goes there.
func (r *Reader) MayMake(file, name string) bool {
	names := func(text string) bool { return strings.Contains(text, name) }
	fetches := func(c *command.Call) bool {
		return c.Base == "git" && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Text == "clone" || w.Text == "submodule" })
	}
	makes := false
	written := r.commands(file, path.Dir(file), name, func(c *command.Call) {
		makes = makes || (!command.Is(c.Base, command.Quiet) || fetches(c)) && slices.ContainsFunc(shell.Texts(c.Args), names)
	})
	return makes || slices.ContainsFunc(written, names)
}

// Fills reports whether a script, a Makefile, a workflow or a package.json has a command that copies or moves something into a directory.
func (r *Reader) Fills(file, dir string) bool {
	fills := false
	for _, base := range basesOf(file) {
		r.commands(file, base, dir, func(c *command.Call) {
			if n := len(c.Args); n > 1 && slices.Contains([]string{"cp", "mv", "rsync", "install", "ln"}, c.Base) {
				in, ok := below(hintRoot, c.S.Abs(c.Args[n-1].Text))
				fills = fills || ok && (in == dir || strings.HasPrefix(in, dir+"/"))
			}
		})
	}
	return fills
}

// recipes gives the lines of the recipes of a Makefile, with the variables replaced that have a literal value. A variable that
// is set twice, or from outside of the file, is not known.
func recipes(text string, b *budget.Budget) []piece {
	f := makefile.Parse(text)
	var out []piece
	for _, r := range f.Recipes {
		out = append(out, piece{makefile.Expand(r.Text, func(name string) (string, bool) {
			if v, ok := f.Value(name); ok {
				return v, true
			}
			v, ok := makeVariables[name]
			return v, ok
		}, b), r.Line})
	}
	return out
}

// makeVariables are variables of make itself.
var makeVariables = map[string]string{"CURDIR": "$$PWD", "MAKE": "make"}
