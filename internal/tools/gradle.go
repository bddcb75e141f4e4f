package tools

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// The facts are those of Gradle 4.4, and of the documentation of 7 to 9.

const gradleValued = "-p --project-dir -b --build-file -c --settings-file -g --gradle-user-home -I --init-script -x --exclude-task --include-build --console --warning-mode --max-workers " +
	"-D -P --project-cache-dir --priority"

// gradleWrapper is gradlew: a jar beside it, and a file that names the release.
func (r *reader) gradleWrapper() {
	script := r.call.S.Abs(r.call.Name.Text)
	data, ok := r.text(script)
	if !ok || !strings.Contains(string(data), "gradle-wrapper.jar") || strings.Contains(string(data), "curl ") || strings.Contains(string(data), "wget ") {
		return
	}
	home := path.Join(path.Dir(script), "gradle", "wrapper")
	r.need(Missing{Path: path.Join(home, "gradle-wrapper.jar"), What: "the program of the wrapper"})
	r.need(Missing{Path: path.Join(home, "gradle-wrapper.properties"), What: "what names the release of Gradle"})
	properties, _ := r.text(path.Join(home, "gradle-wrapper.properties"))
	major := 0
	if m := gradleRelease().FindSubmatch(properties); m != nil {
		major, _ = strconv.Atoi(string(m[1]))
	}
	r.gradleProject(major)
}

// gradle is gradle, of whatever release.
func (r *reader) gradle() { r.gradleProject(0) }

var (
	gradleRelease = lazyre.New(`distributionUrl=.*/gradle-(\d+)\.`)
	gradleBuild   = lazyre.New(`^\s*(?:includeBuild\s*\(?\s*|apply\s*\(?\s*from\s*[:=]\s*)["']([^"']+)["']`)
	gradleInclude = lazyre.New(`^\s*include\s*\(?((?:\s*["'][\w:.-]+["']\s*,?)+)\s*\)?\s*$`)
)

// gradleProject reads the settings and the build of the root. They are programs: one that decides anything is not read.
func (r *reader) gradleProject(major int) {
	if !r.known() || r.options.Has("--version", "-v", "-h", "--help", "-b", "--build-file", "-c", "--settings-file") {
		return
	}
	root := upward(r.dir, func(dir string) bool {
		return !r.absent(path.Join(dir, "settings.gradle")) || !r.absent(path.Join(dir, "settings.gradle.kts"))
	})
	if root == "" {
		return
	}
	r.gradleCatalog(root)
	var includes []string
	decides, builds := false, false
	for _, name := range []string{"settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts"} {
		file := path.Join(root, name)
		data, ok := r.text(file)
		if !ok || gradleDecides().Match(data) {
			decides = decides || !ok && !r.absent(file) || ok && strings.HasPrefix(name, "settings")
			continue
		}
		n, comment := 0, false
		for text := range strings.SplitSeq(string(data), "\n") {
			n++
			comment = comment && !strings.Contains(text, "*/") || strings.Contains(text, "/*") && !strings.Contains(text, "*/")
			if comment {
				continue
			}
			because := []Line{{File: file, Line: n, Text: strings.TrimSpace(text)}}
			if m := gradleBuild().FindStringSubmatch(text); m != nil {
				builds = true
				r.gradleFile(root, m[1], because)
			} else if m := gradleInclude().FindStringSubmatch(text); m != nil && strings.HasPrefix(name, "settings") {
				for project := range strings.FieldsFuncSeq(m[1], func(c rune) bool { return strings.ContainsRune(`"', `+"\t", c) }) {
					includes = append(includes, strings.Trim(project, ":"))
					if at := path.Join(root, strings.ReplaceAll(project, ":", "/")); major >= 9 {
						r.need(Missing{Kind: Member, Path: at, Dir: true, What: "the directory of the project " + project, Because: because})
					}
				}
			}
		}
	}
	if !decides && !builds {
		r.gradleBuilds(root, includes)
	}
}

var (
	gradleAlias   = lazyre.New(`(?m)(?:^|\{)\s*(?:alias|(?:\w*[iI]mplementation|api|compileOnly|runtimeOnly|\w+Only|annotationProcessor|ksp|kapt)\s*\(?\s*(?:platform|enforcedPlatform)?)\s*\(?\s*libs\.[a-z]`)
	gradleOwnLibs = lazyre.New(`\blibs\s*=|\blibs\s*:|(?:val|def|var)\s+libs\b`)
	gradleNames   = lazyre.New(`versionCatalogs|\bfrom\s*\(|includeBuild|\bplugins\s*\{`)
)

// gradleCatalog looks for the catalog of versions in its usual place, which the build of the root takes a plug-in from.
func (r *reader) gradleCatalog(root string) {
	for _, name := range []string{"settings.gradle", "settings.gradle.kts"} {
		file := path.Join(root, name)
		if data, ok := r.text(file); !ok && !r.absent(file) || gradleNames().Match(data) {
			return // it may be made there, or have another name
		}
	}
	builds, _ := r.glob(root, "*/build.gradle*")
	builds = slices.DeleteFunc(builds, func(file string) bool { return path.Base(path.Dir(file)) == "buildSrc" })
	for _, file := range append([]string{path.Join(root, "build.gradle"), path.Join(root, "build.gradle.kts")}, builds...) {
		data, ok := r.text(file)
		if at := gradleAlias().FindIndex(data); ok && at != nil && !gradleOwnLibs().Match(data) {
			n, text := lineAt(data, at[1])
			r.need(Missing{Path: path.Join(root, "gradle", "libs.versions.toml"), What: "the catalog of versions", Because: []Line{{File: file, Line: n, Text: text}}})
		}
	}
}

// gradleDecides finds what may keep a line from being run, or may give it another meaning.
var gradleDecides = lazyre.New(`\bif\s*\(|\.exists\(|projectDir\s*=|\btry\b|\bwhen\s*\(|\?:|\bbuildFileName\b`)

// gradleFile is a build or a script that is included.
func (r *reader) gradleFile(root, name string, because []Line) {
	for _, prefix := range []string{"$rootDir/", "${rootDir}/", "$rootProject.projectDir/", "${rootProject.projectDir}/", "$projectDir/", "${projectDir}/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if strings.Contains(name, "$") || strings.Contains(name, "://") {
		return
	}
	at := path.Join(root, name)
	if path.IsAbs(name) {
		at = name
	}
	r.need(Missing{Path: at, What: "what the build of Gradle includes", Because: because})
}
