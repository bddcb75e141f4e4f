package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of Maven 3.8.

const mavenValued = "-f --file -pl --projects -P --activate-profiles -s --settings -gs --global-settings -t --toolchains -gt -T --threads -rf --resume-from -l --log-file " +
	"-b --builder -D --define -emp -ep --color"

// mavenPhases are goals that only work in a project.
const mavenPhases = "clean validate initialize generate-sources process-resources compile process-classes test-compile test prepare-package package verify install deploy"

// mavenCompiles are phases, and goals, for which all dependencies must be there.
const mavenCompiles = "compile process-classes test-compile test prepare-package package verify install deploy dependency:resolve dependency:go-offline"

// maxModules bounds how many POMs one build may read.
const maxModules = 2000

// mavenBuild is a build of Maven: the POMs that it reads before it does anything.
type mavenBuild struct {
	r        *reader
	profiles map[string]bool // named by -P; false: switched off
	seen     map[string]bool
	alone    bool // without modules
	resolves bool // dependencies are looked for
}

// maven is mvn.
func (r *reader) maven() {
	if !r.known() || r.options.Has("-v", "--version", "-h", "--help", "-fn", "--fail-never") {
		return
	}
	m := &mavenBuild{r: r, profiles: map[string]bool{}, seen: map[string]bool{}, alone: r.options.Has("-N", "--non-recursive")}
	for _, w := range r.options.All("-P", "--activate-profiles") {
		for id := range strings.SplitSeq(w.Text, ",") {
			id = strings.TrimPrefix(id, "?")
			off := strings.HasPrefix(id, "!") || strings.HasPrefix(id, "-")
			m.profiles[strings.TrimLeft(id, "!-+")] = !off
		}
	}
	for _, option := range []string{"-s", "--settings", "-gs", "--global-settings", "-t", "--toolchains"} {
		for _, w := range r.options.All(option) {
			r.need(Missing{Path: r.abs(w.Text), What: "the settings that are named"})
		}
	}
	pom := path.Join(r.dir, "pom.xml")
	if w, ok := r.options.Last("-f", "--file"); ok {
		if pom = r.abs(w.Text); r.isDir(pom) {
			pom = path.Join(pom, "pom.xml")
		}
	}
	phase := slices.ContainsFunc(r.words, func(p shell.Word) bool {
		return contains(mavenPhases, p.Text) || strings.HasPrefix(p.Text, "dependency:go-offline")
	})
	if phase || r.options.Has("-f", "--file") {
		r.need(Missing{Path: pom, What: "the POM of the project"})
	}
	if phase {
		r.mavenSettings(path.Dir(pom))
	}
	m.resolves = slices.ContainsFunc(r.words, func(p shell.Word) bool { return contains(mavenCompiles, p.Text) })
	m.pom(pom, nil)
}

// mavenSettings looks for what a project tells Maven in its directory .mvn.
func (r *reader) mavenSettings(dir string) {
	if upward(dir, func(dir string) bool { return !r.absent(path.Join(dir, ".mvn")) }) != "" {
		return
	}
	for _, x := range []struct{ name, has, what, doubt string }{
		{".mvn/maven.config", "-", "the options of the project", "Maven runs without them."},
		{".mvn/extensions.xml", "<extension>", "the extensions of the project", "Maven runs without them."},
	} {
		r.missing(Missing{Path: path.Join(dir, x.name), What: x.what + ", " + x.name, Root: dir, Doubt: x.doubt,
			Find: func(tree Files, root string) string { return containing(tree, root, x.name, x.has) }})
	}
}

// pom reads a POM: its parent, if a file of the repository is that, and its modules must be there, whatever is built.
func (m *mavenBuild) pom(file string, because []Line) {
	r := m.r
	data, ok := r.text(file)
	if !ok || m.seen[file] || len(m.seen) > maxModules {
		return
	}
	m.seen[file] = true
	doc, err := document.XML(data)
	if err != nil {
		return
	}
	project := doc.Get("project")
	line := func(n *document.Node) []Line {
		return append(slices.Clone(because), Line{File: file, Line: n.At(), Text: textOf(data, n.At())})
	}
	m.parent(file, project, line)
	if m.resolves && !m.alone {
		for _, n := range project.Every("dependencies", "dependency", "systemPath") {
			rest, ok := strings.CutPrefix(n.Text, "${project.basedir}/")
			if !ok {
				rest, ok = strings.CutPrefix(n.Text, "${basedir}/")
			}
			if ok && !strings.Contains(rest, "$") {
				r.need(Missing{Path: path.Join(path.Dir(file), rest), What: "a dependency", Because: line(n)})
			}
		}
	}
	if m.alone {
		return
	}
	lists := []*document.Node{project}
	lists = append(lists, m.active(project)...)
	for _, in := range lists {
		for _, n := range in.Every("modules", "module") {
			m.module(path.Dir(file), n, line(n))
		}
	}
}

// module is a module of a POM: a directory with a POM, or the file itself.
func (m *mavenBuild) module(dir string, n *document.Node, because []Line) {
	if !n.Is() || n.Text == "" || strings.Contains(n.Text, "${") {
		return
	}
	at := path.Join(dir, strings.ReplaceAll(n.Text, `\`, "/"))
	if !m.r.is(at) && !strings.HasSuffix(at, ".xml") {
		at = path.Join(at, "pom.xml")
	}
	m.r.need(Missing{Kind: Member, Path: at, What: "the POM of the module " + n.Text, Because: because})
	m.pom(at, because)
}

// active gives the profiles of a POM that surely count: those that -P names, else those that are active by default. One that something else
// may activate takes the latter away.
func (m *mavenBuild) active(project *document.Node) (out []*document.Node) {
	var byDefault []*document.Node
	open := false
	for _, p := range project.Every("profiles", "profile") {
		on, named := m.profiles[p.Str("id")]
		activation := p.Get("activation")
		switch {
		case named && on:
			out, open = append(out, p), true
		case named:
		case activation.Str("activeByDefault") == "true" && len(activation.Keys) == 1:
			byDefault = append(byDefault, p)
		case activation != nil && len(activation.Keys) > 0:
			open = true
		}
	}
	if !open {
		out = append(out, byDefault...)
	}
	return out
}

// parent is the POM from which another one inherits. Where no file is that, Maven looks for it in repositories.
func (m *mavenBuild) parent(file string, project *document.Node, line func(*document.Node) []Line) {
	parent := project.Get("parent")
	if parent == nil {
		return
	}
	relative := "../pom.xml"
	if n := parent.Get("relativePath"); n != nil {
		relative = n.Text
	}
	if relative == "" || strings.Contains(relative, "${") {
		return
	}
	dir, id := path.Dir(file), parent.Str("artifactId")
	at := path.Join(dir, relative)
	if m.r.isDir(at) {
		at = path.Join(at, "pom.xml")
	}
	if !m.r.absent(at) {
		m.ancestors(at, line(parent))
		return
	}
	missing := Missing{Path: at, What: "the parent POM " + relative, Because: line(parent), Root: dir, Find: func(tree Files, root string) string {
		for _, p := range []string{path.Join(root, relative), path.Join(root, relative, "pom.xml")} {
			if data, err := tree.Content(p); err == nil {
				if doc, err := document.XML(data); err == nil && doc.Str("project", "artifactId") == id {
					return p
				}
			}
		}
		return ""
	}}
	if v := parent.Str("version"); !strings.HasSuffix(v, "-SNAPSHOT") && !strings.Contains(v, "${") {
		missing.Doubt = "Maven looks for the parent in its repositories, too."
	}
	m.r.missing(missing)
}

// ancestors reads the parents of a parent; its modules are no part of the build.
func (m *mavenBuild) ancestors(file string, because []Line) {
	alone := m.alone
	m.alone = true
	m.pom(file, because)
	m.alone = alone
	delete(m.seen, file)
}

// mavenWrapper is mvnw: it reads which Maven to fetch, whichever of its forms it is.
func (r *reader) mavenWrapper() {
	script := r.call.S.Abs(r.call.Name.Text)
	if script == "" {
		return
	}
	home := path.Dir(script)
	inside := upward(home, func(dir string) bool { return !r.absent(path.Join(dir, ".mvn", "wrapper", "maven-wrapper.properties")) })
	elsewhere := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, ".mvn")) && dir != home })
	if inside == "" && elsewhere == "" {
		r.need(Missing{Path: path.Join(home, ".mvn", "wrapper", "maven-wrapper.properties"), What: "what the wrapper reads, to know which Maven to fetch"})
	}
	r.maven()
}
