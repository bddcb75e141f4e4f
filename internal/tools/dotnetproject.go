package tools

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// dotnetProject is a project of .NET that is restored or built.
type dotnetProject struct {
	*dotnetBuild
	file string
	data []byte
	xml  *document.Node
}

// line gives the line of the project that a node stands in.
func (p *dotnetProject) line(n *document.Node) []Line {
	return []Line{{File: p.file, Line: n.At(), Text: textOf(p.data, n.At())}}
}

// path gives the path that a word of the project means; "" if it is not one that is known.
func (p *dotnetProject) path(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), `\`, "/")
	for _, here := range p.here() {
		text = strings.TrimPrefix(text, here)
	}
	if text == "" || strings.ContainsAny(text, "$*?;%@") {
		return ""
	}
	return path.Join(path.Dir(p.file), text)
}

// sure gives the nodes of a name, in groups of another, on which nothing decides.
func (p *dotnetProject) sure(group, name string) (out []*document.Node) {
	for _, g := range p.xml.Every(group) {
		for _, n := range g.Every(name) {
			if g.Str("@Condition") == "" && n.Str("@Condition") == "" {
				out = append(out, n)
			}
		}
	}
	return out
}

// above reports whether one of some files may lie in a directory or above it.
func (p *dotnetProject) above(dir string, names ...string) bool {
	return upward(dir, func(dir string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return !p.absent(path.Join(dir, name)) })
	}) != ""
}

// containing gives the nearest file of a name, from a directory on upward, if it has some text; "" if it has not.
func containing(tree Files, dir, name, text string) string {
	at := upward(dir, func(dir string) bool { return tree.Stat(path.Join(dir, name)) == shell.Regular })
	if content, err := tree.Content(path.Join(at, name)); at == "" || err != nil || !strings.Contains(string(content), text) {
		return ""
	}
	return path.Join(at, name)
}

// references are the projects that a project refers to. One that is not there is left out when packages are restored; a build that does
// not restore them again fails of it, and one that uses what it holds, too.
func (p *dotnetProject) references() {
	for _, n := range p.sure("ItemGroup", "ProjectReference") {
		at := p.path(n.Str("@Include"))
		if at == "" {
			continue
		}
		m := Missing{Kind: Member, Path: at, What: "a project that is referred to", Because: p.line(n)}
		switch {
		case !p.compiles:
			m.Doubt, m.Later = "Packages are restored without it, and a build that does not restore them again fails: NETSDK1004.", dotnetSkipsRestore
		case !p.absent(at) || !p.uses(strings.TrimSuffix(path.Base(at), path.Ext(at))):
			m.Doubt = "The build leaves it out with a warning, and mostly fails where it is used."
		}
		p.need(m)
		p.read(at)
		if p.compiles && p.is(at) {
			p.sourceless(at, n)
		}
	}
}

// empty looks for a program without any source, in which nothing starts.
func (p *dotnetProject) empty() {
	text, dir := string(p.data), path.Dir(p.file)
	program := contains("Microsoft.NET.Sdk.Web Microsoft.NET.Sdk.Worker", p.xml.Str("@Sdk")) || strings.Contains(text, "<OutputType>Exe<")
	if path.Ext(p.file) != ".csproj" || !program || strings.Contains(text, "<Compile") || strings.Contains(text, "<Import") || strings.Contains(text, "NoDefaultItems") {
		return
	}
	isSource := func(name string) bool {
		return path.Ext(name) == ".cs" || path.Ext(name) == ".razor" || path.Ext(name) == ".cshtml"
	}
	var any func(files Files, dir string, depth int) bool
	any = func(files Files, dir string, depth int) bool {
		entries, err := (&reader{files: files}).list(dir, func(name string) bool {
			return isSource(name) || path.Ext(name) == "" && name != "bin" && name != "obj"
		})
		return err != nil || depth > maxIncludes || slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
			if e.IsDir() {
				return e.Name() != "bin" && e.Name() != "obj" && any(files, path.Join(dir, e.Name()), depth+1)
			}
			return isSource(e.Name())
		})
	}
	if any(p.files, dir, 0) {
		return
	}
	p.missing(Missing{Kind: Source, Path: path.Join(dir, "*.cs"), What: "the sources of the program, *.cs", Because: p.line(p.xml), Root: dir, Find: func(tree Files, root string) string {
		entries, _ := tree.List(root)
		for _, e := range entries {
			if isSource(e.Name()) && root != "/" {
				return root
			} else if isSource(e.Name()) {
				return path.Join(root, e.Name())
			}
		}
		return ""
	}})
}

// sourceless looks at a project that is there without any source, though another one uses its namespace.
func (p *dotnetProject) sourceless(project string, n *document.Node) {
	dir, isSource := path.Dir(project), func(name string) bool { return path.Ext(name) == ".cs" }
	data, ok := p.text(project)
	entries, err := p.list(dir, func(name string) bool {
		return isSource(name) || path.Ext(name) == "" && name != "bin" && name != "obj"
	})
	if !ok || err != nil || strings.Contains(string(data), "<Compile") || strings.Contains(string(data), "<Protobuf") {
		return
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() && e.Name() != "bin" && e.Name() != "obj" || isSource(e.Name())
	}) ||
		!p.uses(strings.TrimSuffix(path.Base(project), path.Ext(project))) {
		return
	}
	p.missing(Missing{Kind: Source, Path: path.Join(dir, "*.cs"), What: "the sources of a project that is used, *.cs", Because: p.line(n), Root: dir, Find: func(tree Files, root string) string {
		entries, _ := tree.List(root)
		if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isSource(e.Name()) }) {
			return root
		}
		return ""
	}})
}

// dotnetSkipsRestore reports of a program that runs later whether it builds with the packages as they were restored; decided is false if it does
// neither.
func dotnetSkipsRestore(c *command.Call, _ []*command.Call) (skips, decided bool) {
	if c.Base != "dotnet" || len(c.Args) == 0 || !contains("restore build publish test pack run", c.Args[0].Text) {
		return false, false
	}
	return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Text == "--no-restore" }), true
}

var dotnetUsing = lazyre.New(`(?m)^\s*(?:global\s+)?using\s+(?:static\s+)?([\w.]+)\s*;`)

// maxSources bounds how many sources of a project are searched.
const maxSources = 500

// uses reports whether a source of the project uses the namespace of a project that is not there, which no package of its name brings.
func (p *dotnetProject) uses(name string) bool {
	for _, n := range p.sure("ItemGroup", "PackageReference") {
		if first, _, _ := strings.Cut(n.Str("@Include"), "."); first == strings.Split(name, ".")[0] {
			return false
		}
	}
	used, sources := false, 0
	var visit func(dir string) bool
	visit = func(dir string) bool {
		entries, err := p.list(dir, func(name string) bool { return path.Ext(name) == ".cs" })
		if err != nil {
			return false
		}
		for _, e := range entries {
			at := path.Join(dir, e.Name())
			switch {
			case e.IsDir():
				if e.Name() != "bin" && e.Name() != "obj" && !strings.HasPrefix(e.Name(), ".") && !visit(at) {
					return false
				}
			case path.Ext(at) == ".cs":
				data, ok := p.text(at)
				if sources++; !ok || sources > maxSources || strings.Contains(string(data), "namespace "+name) {
					return false // it is its own
				}
				for _, m := range dotnetUsing().FindAllSubmatch(data, -1) {
					used = used || string(m[1]) == name || strings.HasPrefix(string(m[1]), name+".")
				}
			}
		}
		return true
	}
	return visit(path.Dir(p.file)) && used
}

// copied are the items that are copied beside the program, by the metadata that say so.
var copied = []string{"CopyToOutputDirectory", "CopyToPublishDirectory"}

// items looks for the files that are compiled, embedded or copied by their names.
func (p *dotnetProject) items() {
	for _, item := range []struct{ kind, what string }{{"Compile", "a file that is compiled"}, {"EmbeddedResource", "a file that is embedded"}, {"Protobuf", "a definition that is compiled"}, {"Content", ""}, {"None", ""}} {
		for _, n := range p.sure("ItemGroup", item.kind) {
			what := item.what
			if what == "" {
				if slices.ContainsFunc(copied, func(name string) bool { return contains("Always PreserveNewest", n.Str("@"+name)+n.Str(name)) }) {
					what = "a file that is copied beside the program"
				}
			}
			if what != "" && n.Str("@Include") != "" {
				p.need(Missing{Kind: Source, Path: p.path(n.Str("@Include")), What: what, Because: p.line(n)})
			}
		}
	}
}
