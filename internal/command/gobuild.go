package command

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// goOutput is the program that go build surely makes, of whatever content, in a directory that it makes, too.
func goOutput(c *Call) ([]Effect, bool) {
	file := c.goProgram()
	if file == "" || c.run == nil || !c.S.Needed() || !c.S.Sure() || c.S.Masked {
		return nil, false
	}
	if kind := c.run.Stat(file); kind != shell.Absent && kind != shell.Regular {
		return nil, false // in a directory it is called after its package
	}
	return []Effect{
		{Kind: MakesDir, Path: path.Dir(file), Parents: true},
		{Kind: Writes, Path: file, Unknown: true},
		{Kind: SetsMode, Path: file, Text: "0755"},
	}, false
}

// goProgram gives the file that go build writes; "" if it is not known.
func (c *Call) goProgram() string {
	if len(c.Args) == 0 || c.Args[0].Text != "build" {
		return ""
	}
	o := Parse(c.Args[1:], goValued+" -o")
	out, given := o.Last("-o")
	only := len(o.Operands) < 2 || strings.HasSuffix(o.Operands[0].Text, ".go")
	if !given || !out.Known() || strings.HasSuffix(out.Text, "/") || !only || o.Has("-C", "-n", "-buildmode", "-h", "-help", "--help") {
		return ""
	}
	if slices.ContainsFunc(o.Operands, func(w shell.Word) bool { return !w.Known() || strings.Contains(w.Text, "...") }) ||
		slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.HasPrefix(strings.TrimLeft(w.Text, "-"), "buildmode=") }) {
		return ""
	}
	if file := c.S.Abs(out.Text); file != "/dev/null" {
		return file
	}
	return ""
}

// goBuild adds where the program goes, unless the step itself creates that file: the working directory if no option says it, where it is
// called after its package.
func (p *print) goBuild(o Options) {
	out, given := o.Last("-o")
	switch list, _ := goOutput(p.call); {
	case !given:
		p.add(here, o)
		if name := p.goName(o.Operands[1:]); name != "" {
			p.below(name)
		}
	case len(list) == 0:
		p.word(out)
	}
}

// goName gives the name that go build has for a program by itself: that of its first file, of its directory, or of its module without the
// version.
func (p *print) goName(operands []shell.Word) string {
	at := "."
	if len(operands) > 0 {
		if at = operands[0].Text; !operands[0].Known() || strings.Contains(at, "...") || !strings.HasPrefix(at, ".") && path.Ext(at) != ".go" {
			return ""
		}
	}
	if path.Ext(at) == ".go" {
		return strings.TrimSuffix(path.Base(at), ".go")
	}
	if at = path.Clean(at); at != "." {
		return path.Base(at)
	}
	text, _, _ := p.file(path.Join(p.dir, "go.mod"))
	name := modfile.ModulePath([]byte(text))
	if before, _, versioned := module.SplitPathVersion(name); versioned {
		name = before
	}
	if name == "" {
		return ""
	}
	return path.Base(name)
}
