package tools

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
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
		if strings.HasPrefix(w.Text, "/") && strings.ContainsAny(w.Text, ":=") || strings.Contains(w.Text, "=") || w.Text == "true" || w.Text == "false" {
			continue // an option of MSBuild, or what --self-contained is
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
	case ".slnf":
		d.filter(file, data)
	case ".csproj", ".fsproj", ".vbproj":
		doc, err := document.XML(data)
		if err != nil {
			return
		}
		p := &dotnetProject{dotnetBuild: d, file: file, data: data, xml: doc.Get("Project")}
		p.framework()
		p.kits()
		p.imports(p.xml)
		for _, name := range []string{"Directory.Build.props", "Directory.Build.targets", sharedVersions} {
			d.shared(path.Dir(file), name)
		}
		p.references()
		p.packages()
		if d.compiles {
			p.items()
			p.empty()
		}
	}
}

// filter is a part of a solution: the solution must be there, and all of its projects.
func (d *dotnetBuild) filter(file string, data []byte) {
	doc, err := document.JSON(data)
	if err != nil {
		return
	}
	if n := doc.Get("solution", "path"); n.Is() {
		at := path.Join(path.Dir(file), strings.ReplaceAll(n.Text, `\`, "/"))
		d.need(Missing{Path: at, What: "the solution of which it is a part", Because: []Line{{File: file, Line: n.At(), Text: textOf(data, n.At())}}})
		d.read(at)
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
