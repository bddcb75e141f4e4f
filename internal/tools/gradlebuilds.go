package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// gradleProjects is a build of several projects, as its settings list them.
type gradleProjects struct {
	*reader
	root     string
	projects []string // by their paths, as "libs:core"
	scripts  []gradleScript
}

// gradleScript is the build script of a project.
type gradleScript struct {
	project, file string
	data          []byte
}

// gradleTasks are tasks that compile the program and what it depends on.
const gradleTasks = "build assemble classes compileJava compileKotlin bootJar bootWar war jar shadowJar installDist distTar distZip check test run bootRun buildFatJar publishToMavenLocal"

// gradleOwn are plugins of Gradle itself.
const gradleOwn = "java java-library application groovy scala war ear maven-publish ivy-publish signing idea eclipse jacoco checkstyle pmd codenarc distribution java-platform " +
	"java-test-fixtures version-catalog base antlr kotlin-dsl java-gradle-plugin groovy-gradle-plugin project-report build-dashboard jvm-test-suite test-report-aggregation"

var (
	gradlePlugin  = lazyre.New("(?m)(?:^|plugins\\s*\\{)\\s*(?:id\\s*\\(?\\s*[\"']([\\w.-]+)[\"']\\s*\\)?|`([\\w.-]+)`)\\s*\\}?\\s*$")
	gradleDepends = lazyre.New(`(?m)(?:^|dependencies\s*\{)\s*(?:implementation|api|compileOnly|runtimeOnly|compile|compileOnlyApi)\s*\(?\s*project\s*\(\s*(?:path\s*[:=]\s*)?["']:([\w:.-]+)["']`)
)

// builds looks at the build scripts of projects that the settings list without deciding anything.
func (r *reader) gradleBuilds(root string, includes []string) {
	b := &gradleProjects{reader: r, root: root, projects: includes}
	for _, project := range append([]string{""}, includes...) {
		for _, name := range []string{"build.gradle", "build.gradle.kts"} {
			file := path.Join(root, strings.ReplaceAll(project, ":", "/"), name)
			if data, ok := r.text(file); ok {
				b.scripts = append(b.scripts, gradleScript{project, file, data})
			}
		}
	}
	b.buildSrc()
	b.depends()
}

// buildSrc is what compiles the plugins and names of the build itself.
func (b *gradleProjects) buildSrc() {
	at := path.Join(b.root, "buildSrc")
	if !b.absent(at) {
		return
	}
	for _, s := range b.scripts {
		for _, m := range gradlePlugin().FindAllSubmatchIndex(s.data, -1) {
			id := submatch(s.data, m, 1) + submatch(s.data, m, 2)
			n, text := lineAt(s.data, m[1])
			if id == "" || contains(gradleOwn, id) {
				continue
			}
			b.missing(Missing{Kind: Member, Path: at, Dir: true, What: "the plugins of the build", Because: []Line{{File: s.file, Line: n, Text: text}}, Root: b.root, Find: func(tree Files, root string) string {
				for _, file := range []string{"groovy/" + id + ".gradle", "kotlin/" + id + ".gradle.kts"} {
					if tree.Stat(path.Join(root, "buildSrc/src/main", file)) == shell.Regular {
						return path.Join(root, "buildSrc")
					}
				}
				return ""
			}})
		}
	}
}

// submatch gives a part of a match; "" if it is not in it.
func submatch(data []byte, m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return string(data[m[2*i]:m[2*i+1]])
}

// depends looks for the directories of projects that another one is compiled with. One that the settings list and that is not there is a
// project without anything to take, or none at all, as the release has it.
func (b *gradleProjects) depends() {
	wanted := map[string]bool{} // projects that are built; "*" for all
	for _, w := range b.words {
		dot := strings.LastIndexByte(w.Text, ':')
		if !contains(gradleTasks, w.Text[dot+1:]) {
			continue
		}
		if dot < 0 {
			wanted["*"] = true
		} else {
			wanted[strings.Trim(w.Text[:dot], ":")] = true
		}
	}
	for again := true; again; { // a project that is built builds what it depends on
		again = false
		for _, s := range b.scripts {
			if !wanted["*"] && !wanted[s.project] {
				continue
			}
			for _, m := range gradleDepends().FindAllSubmatchIndex(s.data, -1) {
				project := submatch(s.data, m, 1)
				if !slices.Contains(b.projects, project) {
					continue
				}
				n, text := lineAt(s.data, m[3])
				b.need(Missing{Kind: Member, Path: path.Join(b.root, strings.ReplaceAll(project, ":", "/")), Dir: true, What: "the project " + project, Because: []Line{{File: s.file, Line: n, Text: text}}})
				again = again || !wanted[project]
				wanted[project] = true
			}
		}
	}
}
