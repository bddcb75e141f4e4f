// Package tools knows what the programs of build steps read: manifests, locks, members of workspaces, scripts, sources. It says which of
// that a tree surely does not have at the point where a program is started, and which scripts a program starts.
//
// A program is a row of the table in table.go, its knowledge a function beside those of its kind. Each was tried with the real tool;
// tests ask it again. Where versions of a tool differ, and the version is not known, the mildest counts.
package tools

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Files is the tree that a program sees.
type Files interface {
	shell.Files
	shell.Lister
}

// Kind is what sort of thing a program reads.
type Kind uint8

// The kinds of what is read.
const (
	File   Kind = iota // a file or directory: a lock, a script, a patch
	Member             // the manifest of another package of the repository
	Source             // what is compiled
)

// Line is a line of a file that asks for something.
type Line struct {
	File string // absolute, in the tree
	Line int    // from 1; 0 if it is not known
	Text string
}

// Missing is something that a program reads and that is surely not there.
type Missing struct {
	Kind Kind
	// Path is where it is looked for, Or are the other places at which it would do; absolute.
	Path string
	Or   []string
	// Dir tells that a directory is looked for.
	Dir bool
	// What it is, as a noun: "the lock file", "the manifest of the workspace member @x/api".
	What string
	// Find looks for it in another tree, where it is only known by its name: below a directory of it that stands for Root. It gives "" if it
	// is not there. nil: Path is where it is.
	Find func(tree Files, root string) string
	Root string
	// Because are the lines that lead to it, that of the nearest file last; none if the words of the command name it.
	Because []Line
	// Doubt says, as a sentence, why the program may do without it; "" if it surely fails.
	Doubt string
	// Later decides the doubt where what is missing comes too late, if it is not nil: of each program that the stage starts afterwards it
	// says whether that surely fails; decided is true where it does, or where none will any more. earlier are those that were started before.
	Later func(c *command.Call, earlier []*command.Call) (fails, decided bool)
	// Never tells that Later decides where nothing brings what is missing at all, and only of a program that reads it, too.
	Never bool
	// Quiet tells that the doubt is not worth a word unless Later decides that a program fails.
	Quiet bool
	// Lasting tells that it does no harm where it comes later.
	Lasting bool
	// Spares is how the names of variables begin with which the program does without; "" if there are none.
	Spares string
	// Refused says of a program that is there, as the rest of a sentence, why the kernel does not run it; "" if it is not there.
	Refused string
	// Mode are the permissions with which it would run it, Returns tells that its lines must end in LF.
	Mode    fs.FileMode
	Returns bool
}

// Script is a text that a program hands to a shell.
type Script struct {
	Dir  string
	Text string
	// At is where it is written.
	At Line
}

// Reading is what is known of what a program reads.
type Reading struct {
	Missing []Missing
	Scripts []Script
	// Runs tells that the program itself does nothing but hand the scripts to a shell.
	Runs bool
}

// Read gives what is known of what a program reads in a tree. Nothing is known of a program that is in no row of the table.
func Read(c *command.Call, files Files) Reading {
	if strings.Contains(c.Name.Text, "/") {
		if m := Started(c, c.S.Abs(c.Name.Text), files); m != nil {
			return Reading{Missing: m}
		}
	}
	module := command.IsPython(c.Base) && len(c.Args) > 1 && c.Args[0].Text == "-m"
	if module { // it may be a program, too
		program := *c
		program.Name, program.Base, program.Args = c.Args[1], c.Args[1].Text, c.Args[2:]
		if program.Base == "build" {
			program.Base = "pyproject-build"
		}
		c = &program
	}
	if program := command.OfPackage(c); program != nil {
		c = program
	}
	t, known := find(c)
	if !known && module && c.Name.Known() && c.S.Dir != "" {
		r := &reader{call: c, files: files, dir: c.S.Dir}
		r.pythonModule(c.Name.Text)
		return r.out
	}
	if !known || c.S.Dir == "" && !t.anywhere {
		return Reading{}
	}
	r, ok := newReader(c, t, files)
	if !ok {
		return Reading{}
	}
	t.read(r)
	return r.out
}

// newReader is the reader of what a program reads, which has a row; ok is false if it is not known where that works.
func newReader(c *command.Call, t tool, files Files) (r *reader, ok bool) {
	r = &reader{call: c, files: files, dir: c.S.Dir, free: t.free, options: command.Parse(c.Args, t.valued+" "+t.free)}
	if given := r.options.All(strings.Fields(t.dir)...); len(given) > 0 {
		if r.dir = c.S.Abs(given[len(given)-1].Text); r.dir == "" {
			return nil, false
		}
	}
	r.words = r.options.Operands
	return r, true
}

// Shell gives what is missing of a script that a shell is given: the script itself, and what a wrapper of a build tool reads.
func Shell(c *command.Call, file string, files Files) []Missing {
	if m := Started(c, file, files); m != nil {
		return m
	}
	return Read(c, files).Missing
}

// reader looks at what one program reads.
type reader struct {
	call    *command.Call
	files   Files
	dir     string // in which the program works
	free    string // see [tool]
	options command.Options
	words   []shell.Word // the operands
	out     Reading
}

// sub gives the subcommand, "" if there is none or it is not known.
func (r *reader) sub() string {
	if len(r.words) == 0 || !r.words[0].Known() {
		return ""
	}
	return r.words[0].Text
}

// known reports whether all words of the call are known but those of which what it reads does not depend.
func (r *reader) known() bool {
	for i, w := range r.call.Args {
		if !w.Known() && !r.isFree(w.Text) && (i == 0 || !contains(r.free, r.call.Args[i-1].Text)) {
			return false
		}
	}
	return true
}

// isFree reports whether a word is an option with a value of which what is read does not depend.
func (r *reader) isFree(word string) bool {
	for option := range strings.FieldsSeq(r.free) {
		if prefix, any := strings.CutSuffix(option, "*"); strings.HasPrefix(word, option+"=") || any && strings.HasPrefix(word, prefix) {
			return true
		}
	}
	return false
}

// abs gives the path that a name means in the directory in which the program works; "" if that is not known.
func (r *reader) abs(name string) string {
	switch {
	case name == "" || strings.Contains(name, shell.Hole):
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	}
	return path.Join(r.dir, name)
}

// is reports whether a file is surely there, absent whether surely nothing is.
func (r *reader) is(p string) bool     { return r.files.Stat(p) == shell.Regular }
func (r *reader) isDir(p string) bool  { return r.files.Stat(p) == shell.Directory }
func (r *reader) absent(p string) bool { return r.files.Stat(p) == shell.Absent }

// list gives what a directory holds. It is an error if more of what is wanted may be there.
func (r *reader) list(dir string, wanted func(name string) bool) ([]fs.DirEntry, error) {
	entries, err := r.files.List(dir)
	more := (*shell.Partial)(nil)
	if !errors.As(err, &more) {
		return entries, err
	}
	for _, name := range more.Names {
		if shown := strings.NewReplacer("*", "x", "?", "x").Replace(name); strings.Trim(name, "*?") == "" || strings.Contains(name, "[") || wanted(shown) {
			return nil, err
		}
	}
	return entries, nil
}

// text gives what a file surely holds.
func (r *reader) text(p string) ([]byte, bool) {
	data, err := r.files.Content(p)
	return data, err == nil
}

// need notes a file, or what is Missing of it, if it is surely at none of its places.
func (r *reader) need(m Missing) {
	if m.Path == "" || !r.absent(m.Path) || slices.ContainsFunc(m.Or, func(p string) bool { return !r.absent(p) }) {
		return
	}
	r.missing(m)
}

// maxNoted bounds what is noted of one program, of which fewer are told.
const maxNoted = 500

// missing notes what is surely not there.
func (r *reader) missing(m Missing) {
	if len(r.out.Missing) >= maxNoted {
		return
	}
	for _, have := range r.out.Missing {
		if have.Path == m.Path && have.What == m.What {
			return
		}
	}
	r.out.Missing = append(r.out.Missing, m)
}

// runs notes a script that the program starts.
func (r *reader) runs(s Script) { r.out.Scripts = append(r.out.Scripts, s) }

// upward gives the nearest directory, from one on to the root, of which something holds; "" if it holds of none.
func upward(dir string, holds func(dir string) bool) string {
	for {
		if holds(dir) {
			return dir
		}
		if dir == "/" {
			return ""
		}
		dir = path.Dir(dir)
	}
}

// lineAt gives the line, from 1, in which a byte stands, and its text.
func lineAt(data []byte, offset int) (line int, text string) {
	line = bytes.Count(data[:min(max(offset, 0), len(data))], []byte("\n")) + 1
	return line, textOf(data, line)
}

// textOf gives the text of a line, from 1, without white space around it.
func textOf(data []byte, line int) string {
	for range line - 1 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return ""
		}
		data = data[i+1:]
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return string(bytes.TrimSpace(text))
}

// sortedKeys gives the keys of a map in their order.
func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// glob gives the paths that a pattern means below a directory, in which `**` stands for any directories; known is false if there may
// be others.
func (r *reader) glob(dir, pattern string) (found []string, known bool) {
	first, rest, more := strings.Cut(path.Clean(pattern), "/")
	switch {
	case first == "..":
		return r.glob(path.Dir(dir), rest)
	case !strings.ContainsAny(first, "*?[{"):
		at := path.Join(dir, first)
		switch kind := r.files.Stat(at); {
		case kind == shell.Absent:
			return nil, true
		case kind == shell.Unknown:
			return nil, false
		case !more:
			return []string{at}, true
		case kind == shell.Regular:
			return nil, true
		}
		return r.glob(at, rest)
	}
	known = true
	entries, err := r.list(dir, func(name string) bool {
		if name == "node_modules" || strings.HasPrefix(name, ".") && !strings.HasPrefix(first, ".") {
			return false // no workspace has a member of that name
		}
		ok, err := path.Match(first, name)
		return ok || err != nil || first == "**"
	})
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	}
	if first == "**" && more {
		found, known = r.glob(dir, rest)
	}
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		if first == "**" {
			if !e.IsDir() || e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			below, all := r.glob(at, pattern)
			found, known = append(found, below...), known && all
			continue
		}
		if ok, err := path.Match(first, e.Name()); err != nil || !ok || e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(first, ".") {
			known = known && err == nil
			continue
		}
		switch {
		case !more:
			found = append(found, at)
		case e.IsDir() || e.Type()&fs.ModeSymlink != 0:
			below, all := r.glob(at, rest)
			found, known = append(found, below...), known && all
		}
	}
	return found, known
}
