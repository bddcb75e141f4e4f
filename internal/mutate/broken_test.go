package mutate

import (
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// broken is an image that is clean, and broken in one way after the other.
type broken struct {
	subject audit.Subject
	report  finding.ImageReport
	image   *simulate.Image
	main    *simulate.Context
	files   map[string]simulate.File
	// sent are the files of the context that a step or the image sees, sorted.
	sent []string
	// calls are the programs of its steps.
	calls []call
	// python tells that what is started is Python, and surely imports what it is said to.
	python bool
}

// call is a program of a step, with the directory of the context in which it works; "" if there is none.
type call struct {
	*command.Call
	dir string
}

// look finds what steps see and start.
func (b *broken) look() {
	sent := map[string]bool{}
	note := func(_ string, n *rootfs.Node) error {
		if p, ok := b.image.Origin(n); ok && !n.IsDir() {
			sent[p] = true
		}
		return nil
	}
	must(b.image.Tree.Scan(note))
	for _, op := range b.image.Plan.Ops {
		before := b.image.Before(op.ID)
		if op.Kind != dockerfile.OpExec || before == nil {
			continue
		}
		must(before.Tree.Scan(note))
		if script := b.image.Script(op); script != nil {
			for _, c := range script.Calls {
				b.calls = append(b.calls, call{c, b.workdir(before.Tree, c.S.Dir)})
			}
		}
	}
	b.sent = slices.Sorted(maps.Keys(sent))
	b.python = slices.ContainsFunc(b.report.Followed, func(f string) bool { return strings.HasSuffix(f, ".py") })
}

// languages are what images are built with, by the programs of their steps; that of the product first.
var languages = []struct{ name, programs string }{
	{"go", "go"}, {"rust", "cargo"}, {"jvm", "mvn mvnw gradle gradlew"}, {"net", "dotnet"}, {"php", "composer"}, {"ruby", "bundle bundler"},
	{"node", "npm pnpm yarn bun node tsc"},
}

// languageOfTool gives the language that a program builds, "" if it is none of those.
func languageOfTool(name string) string {
	for _, l := range languages {
		if slices.Contains(strings.Fields(l.programs), name) {
			return l.name
		}
	}
	return ""
}

// language gives what an image is built with, "" if that is not known.
func (b *broken) language() string {
	if b.python {
		return "python"
	}
	for _, l := range languages {
		if slices.ContainsFunc(b.calls, func(c call) bool { return c.dir != "" && slices.Contains(strings.Fields(l.programs), c.Base) }) {
			return l.name
		}
	}
	return ""
}

// languageOf gives the language whose tools read a file, "" if its name does not tell.
func languageOf(file string) string {
	for _, l := range []struct{ name, files string }{
		{"go", "*.go go.*"}, {"rust", "*.rs Cargo.*"}, {"jvm", "pom.xml *.gradle *.gradle.kts mvnw gradlew maven-* gradle* libs.versions.toml"},
		{"net", "*.csproj *.fsproj *.sln *.slnx Directory.* global.json [Nn]u[Gg]et.config"}, {"php", "composer.* artisan"}, {"ruby", "Gemfile* *.gemspec Rakefile"},
		{"python", "*.py pyproject.toml requirements*.txt setup.cfg uv.lock poetry.lock Pipfile*"},
		{"node", "*.ts *.tsx *.js *.jsx *.mjs *.cjs *.mts *.vue *.svelte package*.json tsconfig*.json yarn.lock pnpm-* bun.lock* .npmrc .yarnrc* *.json"},
	} {
		for pattern := range strings.FieldsSeq(l.files) {
			if ok, err := path.Match(pattern, path.Base(file)); ok && err == nil {
				return l.name
			}
		}
	}
	return ""
}

// workdir gives the directory of the context from which a directory of a tree was copied, by a file of it.
func (b *broken) workdir(tree *rootfs.Tree, dir string) string {
	n, _, err := tree.Stat(path.Join("/", dir))
	if err != nil || n == nil || dir == "" {
		return ""
	}
	children, err := n.Children()
	must(err)
	for _, c := range children {
		if p, ok := b.image.Origin(c.Node); ok && !c.Node.IsDir() {
			return path.Dir(p)
		}
	}
	return ""
}

// must is for what cannot fail in a directory that was read before.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// started gives what the image starts.
func (b *broken) started() []program.Entry {
	cfg := b.image.Plan.Config
	entries, _ := program.Analyze(program.Input{
		Entrypoint: program.Command{Args: cfg.Entrypoint}, Cmd: program.Command{Args: cfg.Cmd}, Env: cfg.Env, Workdir: cfg.WorkingDir,
	})
	return entries
}

// words are those of the command that the image is started with.
func (b *broken) words() (out []string) {
	for _, w := range append(slices.Clone(b.image.Plan.Config.Entrypoint), b.image.Plan.Config.Cmd...) {
		out = append(out, strings.Fields(w)...)
	}
	return out
}

// contextOf gives what of the build context lies at a path of the image, "" if nothing of it does.
func (b *broken) contextOf(at string) string { return b.files[at].Context }

// startup gives some of the files that the start cannot do without.
func (b *broken) startup(most int) (out []string, err error) {
	var all []string
	for _, shown := range b.report.Followed {
		p := strings.TrimPrefix(shown, filepath.ToSlash(path.Clean(b.main.Dir))+"/")
		// A directory without an empty __init__.py is a package all the same.
		if info, err := b.main.FS.Lstat(p); err == nil && (info.Size() > 0 || path.Base(p) != "__init__.py") && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	step := max(1, len(all)/most)
	for i := 0; i < len(all) && len(out) < most; i += step {
		u, err := audit.Importers(b.image, b.main, b.subject, all[i])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(u.Imports, func(p finding.Place) bool { return p.Note == "startup" }) {
			out = append(out, all[i])
		}
	}
	return out, nil
}

func (b *broken) ignorePath() string {
	if i, df := b.main.Ignore, b.image.Plan.Dockerfile; i != nil && i.Name == df.Name+".dockerignore" {
		return df.Path + ".dockerignore"
	}
	return ""
}

func absolute(name string) string {
	abs, err := filepath.Abs(name)
	if err != nil {
		panic(err) // there is a working directory
	}
	return abs
}

// without is a directory in which a file is not.
type without struct {
	dockerctx.FS
	gone string
}

func (w without) missing(name string) bool { return within(path.Clean(name), w.gone) }

func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	if w.missing(name) {
		return nil, fs.ErrNotExist
	}
	entries, err := w.FS.ReadDir(name)
	return slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return w.missing(path.Join(name, e.Name())) }), err
}

func (w without) Lstat(name string) (fs.FileInfo, error) {
	if w.missing(name) {
		return nil, fs.ErrNotExist
	}
	return w.FS.Lstat(name)
}

// plain is a directory in which a file is no program.
type plain struct {
	dockerctx.FS
	file string
}

type plainInfo struct{ fs.FileInfo }

func (i plainInfo) Mode() fs.FileMode { return i.FileInfo.Mode() &^ 0o111 }

func (p plain) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := p.FS.ReadDir(name)
	entries = slices.Clone(entries)
	for i, e := range entries {
		if path.Join(name, e.Name()) == p.file {
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			entries[i] = fs.FileInfoToDirEntry(plainInfo{info})
		}
	}
	return entries, err
}

func (p plain) Lstat(name string) (fs.FileInfo, error) {
	info, err := p.FS.Lstat(name)
	if err == nil && path.Clean(name) == p.file {
		info = plainInfo{info}
	}
	return info, err
}
