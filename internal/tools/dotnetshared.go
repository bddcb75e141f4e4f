package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// sharedProps are the properties, and sharedVersions the versions of packages, that all projects below a directory share.
const (
	sharedProps    = "Directory.Build.props"
	sharedVersions = "Directory.Packages.props"
)

var (
	dotnetFramework = lazyre.New(`<TargetFrameworks?>\s*\$\((\w+)\)\s*</TargetFrameworks?>`)
	fileAbove       = lazyre.New(`^\$\(\[MSBuild\]::GetPathOfFileAbove\(\s*'?([\w.]+)'?\s*,\s*'?\$\(MSBuildThisFileDirectory\)\.\.[\\/]?'?\s*\)\)$`)
)

// framework looks for the properties that a project shares with others, if they say for which framework it is built.
func (p *dotnetProject) framework() {
	marker, text, dir := "<TargetFramework", string(p.data), path.Dir(p.file)
	if m := dotnetFramework().FindStringSubmatch(text); m != nil && !strings.Contains(text, "<"+m[1]+">") && strings.Count(text, "<TargetFramework") == 1 {
		marker = "<" + m[1] + ">"
	} else if strings.Contains(text, "TargetFramework") {
		return
	}
	if !strings.HasPrefix(p.xml.Str("@Sdk"), "Microsoft.NET.Sdk") || strings.Contains(text, "<Import") || p.gives(dir, marker) {
		return
	}
	doubt := ""
	if !p.compiles {
		doubt = "A project that is built for nothing that is known may be restored all the same; its build fails."
	}
	p.missing(Missing{Path: path.Join(dir, sharedProps), What: "the framework for which it is built, in " + sharedProps, Doubt: doubt, Because: p.line(p.xml), Root: dir,
		Find: func(tree Files, root string) string { return containing(tree, root, sharedProps, marker) }})
}

// gives reports whether what projects share above a directory may set a property.
func (p *dotnetProject) gives(dir, marker string) bool {
	return slices.ContainsFunc([]string{sharedProps, "Directory.Build.targets"}, func(name string) bool {
		at := upward(dir, func(dir string) bool { return !p.absent(path.Join(dir, name)) })
		data, ok := p.text(path.Join(at, name))
		return at != "" && (!ok || strings.Contains(string(data), "<Import") || strings.Contains(string(data), marker))
	})
}

// kits looks for what tells the versions of the SDKs of a project that are packages.
func (p *dotnetProject) kits() {
	const global = "global.json"
	dir := path.Dir(p.file)
	names := strings.Split(p.xml.Str("@Sdk"), ";")
	for _, n := range p.xml.Every("Sdk") {
		if n.Str("@Version") == "" {
			names = append(names, n.Str("@Name"))
		}
	}
	for _, name := range names {
		if name == "" || strings.HasPrefix(name, "Microsoft.NET.Sdk") || strings.ContainsAny(name, "/$") || p.above(dir, global) {
			continue
		}
		p.missing(Missing{Path: path.Join(dir, global), What: "the version of the SDK " + name + ", in " + global, Because: p.line(p.xml), Root: dir, Find: func(tree Files, root string) string {
			at := containing(tree, root, global, "msbuild-sdks")
			if data, err := tree.Content(at); at != "" && err == nil {
				if doc, err := document.JSON(data); err == nil && doc.Get("msbuild-sdks", name).Is() {
					return at
				}
			}
			return ""
		}})
	}
}

// shared reads the nearest file of a name above a project, which the project takes in.
func (d *dotnetBuild) shared(dir, name string) {
	at := upward(dir, func(dir string) bool { return !d.absent(path.Join(dir, name)) })
	d.imported(path.Join(at, name))
}

// imported reads a file that projects take in.
func (d *dotnetBuild) imported(file string) {
	data, ok := d.text(file)
	if !ok || d.seen[file] || len(d.seen) > maxModules {
		return
	}
	d.seen[file] = true
	if doc, err := document.XML(data); err == nil && doc.Get("Project") != nil {
		p := &dotnetProject{dotnetBuild: d, file: file, data: data, xml: doc.Get("Project")}
		p.imports(p.xml)
	}
}

// imports looks for what a file takes in before anything is done with it.
func (p *dotnetProject) imports(in *document.Node) {
	for _, n := range slices.Concat(in.Every("Import"), p.sure("ImportGroup", "Import")) {
		text := n.Str("@Project")
		if n.Str("@Condition") != "" || n.Str("@Sdk") != "" {
			continue
		}
		if m := fileAbove().FindStringSubmatch(strings.TrimSpace(text)); m != nil {
			p.aboveIt(m[1], n)
			continue
		}
		at := p.path(text)
		p.need(Missing{Path: at, What: "what the project imports", Because: p.line(n)})
		if path.Ext(at) == ".props" || path.Ext(at) == ".targets" {
			p.imported(at)
		}
	}
}

// aboveIt looks for a file above the one that imports it; where there is none, the import names nothing, which MSBuild refuses.
func (p *dotnetProject) aboveIt(name string, n *document.Node) {
	dir := path.Dir(path.Dir(p.file))
	if p.above(dir, name) {
		p.imported(path.Join(upward(dir, func(dir string) bool { return !p.absent(path.Join(dir, name)) }), name))
		return
	}
	p.missing(Missing{Path: path.Join(dir, name), What: "what the project imports, " + name, Because: p.line(n), Root: dir,
		Find: func(tree Files, root string) string { return containing(tree, root, name, "<Project") }})
}

// here are the properties that hold the directory of a file.
func (p *dotnetProject) here() []string {
	if strings.HasSuffix(p.file, "proj") {
		return []string{"$(MSBuildThisFileDirectory)", "$(MSBuildProjectDirectory)", "$(ProjectDir)"}
	}
	return []string{"$(MSBuildThisFileDirectory)"}
}

// packages looks for what tells which packages are meant, and for where they are taken from.
func (p *dotnetProject) packages() {
	list := p.sure("ItemGroup", "PackageReference")
	if len(list) == 0 || !p.restores {
		return
	}
	p.sources(path.Dir(p.file), list[0])
	i := slices.IndexFunc(list, func(n *document.Node) bool {
		return n.Get("@Version") == nil && n.Get("Version") == nil && n.Str("@Include") != ""
	})
	dir := path.Dir(p.file)
	if i < 0 || p.above(dir, sharedVersions, sharedProps, "Directory.Build.targets") || strings.Contains(string(p.data), "<Import") {
		return
	}
	p.missing(Missing{Path: path.Join(dir, sharedVersions), What: "the versions of packages, in " + sharedVersions, Because: p.line(list[i]), Root: dir,
		Doubt: "Before .NET 10 the lowest version of each package is taken without it.",
		Find:  func(tree Files, root string) string { return containing(tree, root, sharedVersions, "PackageVersion") }})
}

// nugetConfigs are the names of the settings of NuGet.
var nugetConfigs = []string{"nuget.config", "NuGet.config", "NuGet.Config"}

// publicFeed finds what everybody's NuGet looks through, or what .NET is developed with.
var publicFeed = lazyre.New(`(?i)nuget\.org|dnceng|dotnet\.myget|^$`)

// sources looks for the settings of NuGet, and for the directories in which packages are searched, as they name them.
func (p *dotnetProject) sources(dir string, first *document.Node) {
	if w, ok := p.options.Last("--configfile"); ok {
		p.need(Missing{Path: p.abs(w.Text), What: "the settings of NuGet"})
		return
	}
	upward(dir, func(dir string) bool {
		for _, name := range nugetConfigs {
			file := path.Join(dir, name)
			data, ok := p.text(file)
			doc, err := document.XML(data)
			if !ok || err != nil || doc.Get("configuration", "disabledPackageSources", "add") != nil {
				continue
			}
			for _, n := range doc.Get("configuration").Every("packageSources", "add") {
				value := strings.ReplaceAll(n.Str("@value"), `\`, "/")
				if value == "" || strings.Contains(value, ":") || strings.ContainsAny(value, "%$~") || path.IsAbs(value) {
					continue
				}
				p.need(Missing{Path: path.Join(dir, value), Dir: true, What: "a source of packages", Because: []Line{{File: file, Line: n.At(), Text: textOf(data, n.At())}}})
			}
		}
		return false
	})
	if p.above(dir, nugetConfigs...) || p.options.Has("-s", "--source") {
		return
	}
	p.missing(Missing{Path: path.Join(dir, nugetConfigs[0]), What: "the settings of NuGet", Because: p.line(first), Root: dir,
		Doubt: "Packages that only its own sources have are not found without it.", Find: func(tree Files, root string) string {
			for _, name := range nugetConfigs {
				at := containing(tree, root, name, "<packageSources")
				data, err := tree.Content(at)
				if at == "" || err != nil {
					continue
				}
				doc, bad := document.XML(data)
				if bad == nil && slices.ContainsFunc(doc.Get("configuration").Every("packageSources", "add"), func(n *document.Node) bool { return !publicFeed().MatchString(n.Str("@value")) }) {
					return at
				}
			}
			return ""
		}})
}
