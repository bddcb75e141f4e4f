package tools

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of the documentation of .NET 6 to 10.

const dotnetValued = "-c --configuration -o --output -r --runtime -f --framework -v --verbosity -s --source --packages --configfile -a --arch --os --version-suffix --logger -l " +
	"--results-directory --collect --settings --artifacts-path"

// dotnet is dotnet restore, build, publish, test and pack.
func (r *reader) dotnet() {
	sub := r.sub()
	if !r.known() || !contains("restore build publish test pack", sub) || r.options.Has("-h", "--help", "-?") {
		return
	}
	file := ""
	for _, w := range r.words[1:] {
		if strings.HasPrefix(w.Text, "/") && strings.ContainsAny(w.Text, ":=") || strings.Contains(w.Text, "=") {
			continue // an option of MSBuild
		}
		if file != "" {
			return
		}
		if file = r.abs(strings.ReplaceAll(w.Text, `\`, "/")); file == "" {
			return
		}
	}
	d := &dotnetBuild{reader: r, restores: !r.options.Has("--no-restore"), compiles: sub != "restore", seen: map[string]bool{}}
	switch ext := path.Ext(file); {
	case file == "" || r.isDir(file):
		dir := file
		if dir == "" {
			dir = r.dir
		}
		if file = d.only(dir); file == "" {
			return
		}
	case ext == ".dll" || ext == ".exe":
		return
	}
	r.need(Missing{Path: file, What: "what dotnet " + sub + " works on"})
	d.read(file)
}

// dotnetBuild is what one command of dotnet loads.
type dotnetBuild struct {
	*reader
	restores, compiles bool
	seen               map[string]bool
}

// dotnetFiles are the names of what dotnet works on.
var dotnetFiles = []string{"*.sln", "*.slnx", "*.csproj", "*.fsproj", "*.vbproj", "*.proj"}

// only gives the one solution or project of a directory; "" if there is none, or several.
func (d *dotnetBuild) only(dir string) string {
	in := func(files Files, dir string) (found []string, known bool) {
		known = true
		for _, pattern := range dotnetFiles {
			list, all := (&reader{files: files}).glob(dir, pattern)
			found, known = append(found, list...), known && all
		}
		return found, known
	}
	found, known := in(d.files, dir)
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) == 0 && known:
		d.missing(Missing{Path: path.Join(dir, "*.csproj"), Root: dir, What: "the project or solution *.csproj", Find: func(tree Files, root string) string {
			if list, _ := in(tree, root); len(list) > 0 {
				return list[0]
			}
			return ""
		}})
	}
	return ""
}

var solutionProject = lazyre.New(`^Project\("\{[^}]*\}"\)\s*=\s*"[^"]*",\s*"([^"]+proj)"`)

// read reads a solution or a project.
func (d *dotnetBuild) read(file string) {
	data, ok := d.text(file)
	if !ok || d.seen[file] || len(d.seen) > maxModules {
		return
	}
	d.seen[file] = true
	line := func(n int) []Line { return []Line{{File: file, Line: n, Text: textOf(data, n)}} }
	switch path.Ext(file) {
	case ".sln":
		d.solution(file, data, solutionProject(), line)
	case ".slnx":
		if doc, err := document.XML(data); err == nil {
			solution := doc.Get("Solution")
			for _, n := range slices.Concat(solution.Every("Project"), solution.Every("Folder", "Project")) {
				d.project(path.Dir(file), n.Str("@Path"), line(n.At()))
			}
		}
	case ".csproj", ".fsproj", ".vbproj":
		doc, err := document.XML(data)
		if err != nil {
			return
		}
		d.framework(file, data, doc.Get("Project"), line)
		if d.compiles {
			d.references(file, doc.Get("Project"), line)
		}
	}
}

func (d *dotnetBuild) solution(file string, data []byte, pattern *regexp.Regexp, line func(int) []Line) {
	n := 0
	for text := range strings.SplitSeq(string(data), "\n") {
		n++
		if m := pattern.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
			d.project(path.Dir(file), m[1], line(n))
		}
	}
}

// project is a project of a solution: all are restored, whichever are built.
func (d *dotnetBuild) project(dir, name string, because []Line) {
	if name == "" || strings.ContainsAny(name, "$*;") || !d.restores {
		return
	}
	at := path.Join(dir, strings.ReplaceAll(name, `\`, "/"))
	d.need(Missing{Kind: Member, Path: at, What: "a project of the solution", Because: because})
	d.read(at)
}

// framework looks for the properties that a project shares with others, if it does not say itself for which framework it is built.
func (d *dotnetBuild) framework(file string, data []byte, project *document.Node, line func(int) []Line) {
	const shared, marker = "Directory.Build.props", "<TargetFramework"
	text, dir := string(data), path.Dir(file)
	if !strings.HasPrefix(project.Str("@Sdk"), "Microsoft.NET.Sdk") || strings.Contains(text, "TargetFramework") || strings.Contains(text, "<Import") {
		return
	}
	if upward(dir, func(dir string) bool {
		return !d.absent(path.Join(dir, shared)) || !d.absent(path.Join(dir, "Directory.Build.targets"))
	}) != "" {
		return
	}
	doubt := ""
	if !d.compiles {
		doubt = "A project that is built for nothing that is known may be restored all the same; its build fails."
	}
	d.missing(Missing{Path: path.Join(dir, shared), What: "the framework for which it is built, in " + shared, Doubt: doubt, Because: line(project.At()), Root: dir,
		Find: func(tree Files, root string) string {
			at := upward(root, func(dir string) bool { return tree.Stat(path.Join(dir, shared)) == shell.Regular })
			if content, err := tree.Content(path.Join(at, shared)); at == "" || err != nil || !strings.Contains(string(content), marker) {
				return ""
			}
			return path.Join(at, shared)
		}})
}

// references are the projects that a project refers to.
func (d *dotnetBuild) references(file string, project *document.Node, line func(int) []Line) {
	for _, group := range project.Every("ItemGroup") {
		for _, n := range group.Every("ProjectReference") {
			name := n.Str("@Include")
			if name == "" || strings.ContainsAny(name, "$*;%@") || n.Str("@Condition") != "" || group.Str("@Condition") != "" {
				continue
			}
			at := path.Join(path.Dir(file), strings.ReplaceAll(name, `\`, "/"))
			d.need(Missing{Kind: Member, Path: at, What: "a project that is referred to", Because: line(n.At()),
				Doubt: "The build leaves it out with a warning, and mostly fails where it is used."})
			d.read(at)
		}
	}
}
