package mutate

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/overlay"
)

// excluded are mutations of the ignore file: one line more, for what the start imports, or for what its command reads.
func (b *broken) excluded(startup []string) (out []mutation) {
	add := func(kind, p string, things []string) { out = append(out, b.without(kind, p, things)) }
	for _, f := range startup {
		add("exclude what is imported", f, names(f))
		if dir := path.Dir(f); dir != "." && path.Dir(dir) != "." {
			add("exclude what is imported", "**/"+path.Base(dir)+"/", append(names(dir), names(f)...))
		}
	}
	for _, word := range b.words() {
		at := path.Join("/", b.image.Plan.Config.WorkingDir, word)
		if path.IsAbs(word) {
			at = word
		}
		if p := b.contextOf(at); p != "" && slices.Contains([]string{".ini", ".conf", ".cfg", ".yaml", ".yml", ".json", ".toml", ".py", ".sh"}, path.Ext(p)) {
			add("exclude what the command names", p, []string{path.Base(p)})
		}
	}
	return out
}

// without is an image whose ignore file has one line more.
func (b *broken) without(kind, pattern string, things []string) mutation {
	var before []byte
	name := path.Join(b.subject.Options.Context, ".dockerignore")
	if i := b.main.Ignore; i != nil {
		before = i.Bytes()
		if b.ignorePath() != "" {
			name = b.ignorePath()
		}
	}
	changed := append(append(slices.Clone(before), '\n'), pattern+"\n"...)
	return mutation{kind: kind, what: pattern, file: pattern, files: overlay.Files{absolute(name): changed}, things: things}
}

// inputsOfTools are files that build tools read, by kinds: patterns of their names, between blanks.
var inputsOfTools = []struct{ kind, names string }{
	{"manifest", "package.json pnpm-workspace.yaml go.mod go.work Cargo.toml pom.xml build.gradle build.gradle.kts settings.gradle settings.gradle.kts " +
		"*.csproj *.fsproj *.sln *.slnx composer.json Gemfile *.gemspec pyproject.toml setup.py setup.cfg requirements*.txt Makefile CMakeLists.txt Pipfile Rakefile"},
	{"lock", "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb go.sum go.work.sum Cargo.lock uv.lock poetry.lock composer.lock Gemfile.lock " +
		"packages.lock.json Pipfile.lock pdm.lock"},
	{"configuration", "tsconfig*.json .npmrc .yarnrc.yml .yarnrc vite.config.* next.config.* webpack.config.* rollup.config.* postcss.config.* tailwind.config.* nest-cli.json angular.json " +
		"turbo.json nx.json lerna.json babel.config.* .babelrc svelte.config.* nuxt.config.* astro.config.* global.json NuGet.config nuget.config Directory.*.props Directory.*.targets " +
		"rust-toolchain.toml gradle.properties libs.versions.toml ecosystem.config.* schema.prisma"},
	{"script", "mvnw gradlew *.sh maven-wrapper.properties gradle-wrapper.jar gradle-wrapper.properties artisan"},
	{"patch", "*.patch"},
}

// manifestOf gives the kind of a file that build tools read, by its name; "" for any other.
func manifestOf(base string) string {
	for _, row := range inputsOfTools {
		for pattern := range strings.FieldsSeq(row.names) {
			if ok, err := path.Match(pattern, base); ok && err == nil {
				return row.kind
			}
		}
	}
	return ""
}

// maxAlike bounds the files of one name that are kept out.
const maxAlike = 4

// inputs are mutations of the ignore file: one line more, for what build tools read.
func (b *broken) inputs() (out []mutation) {
	alike := map[string]int{}
	for _, p := range b.sent {
		kind, key := manifestOf(path.Base(p)), path.Base(p)
		if kind == "script" || kind == "patch" || strings.HasPrefix(path.Ext(key), ".cs") {
			key = path.Ext(key)
		}
		if kind == "" || !b.asked(kind, p) {
			continue
		}
		if alike[key]++; alike[key] <= maxAlike {
			things := []string{p, path.Base(p)}
			if dir := path.Dir(p); dir != "." {
				things = append(things, dir)
			}
			out = append(out, b.without("exclude a "+kind, p, things))
		}
	}
	return out
}

// asked reports whether a program of a step works in the directory of a file, or above it as in a workspace; a script counts if somebody
// names it.
func (b *broken) asked(kind, p string) bool {
	if kind == "script" {
		named := bytes.Contains(b.image.Plan.Dockerfile.Data, []byte(path.Base(p)))
		return named || slices.ContainsFunc(b.calls, func(c call) bool { return strings.Contains(strings.Join(c.Words(), " "), path.Base(p)) })
	}
	return slices.ContainsFunc(b.calls, func(c call) bool {
		return c.dir != "" && (path.Dir(p) == c.dir || kind == "manifest" && within(p, c.dir) && languageOf(p) == languageOfTool(c.Base))
	})
}
