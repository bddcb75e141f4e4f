package project

import (
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// problem is why a build cannot be followed.
type problem struct {
	text string
	// what is missing, "" for nothing, and its path relative to the root.
	what, path string
}

// refuse tells of a build that cannot be followed: of one that fails because what it is built from is missing as of an image that
// has this fault, of another one that it is not audited.
func (d *discovery) refuse(b builds.Build, opt dockerfile.Options, p *problem) {
	if p.what == "" || b.Variable || p.what != "target" && d.comes(p.path) {
		name := b.Name
		if name == "" {
			name = "an image"
		}
		d.notice(b.File, b.Line, "%s is not audited: %s", name, p.text)
		return
	}
	df := p.path
	if p.what == "build context" {
		df = path.Join(p.path, "Dockerfile")
	}
	name := nameOf(b, df)
	source := finding.Source{Kind: b.Kind, File: d.shown(b.File), Line: b.Line}
	missing := &audit.NotFound{
		What: p.what, Path: filepath.ToSlash(filepath.Join(d.root, p.path)), Name: name, Doubt: d.doubt(b, p), Text: d.line(b.File, b.Line),
	}
	if p.what == "target" {
		missing.Message = p.text
	} else {
		missing.Near = d.near(p)
	}
	s := d.state.Subject(name, opt, &policy.Image{})
	s.Discovered, s.Sources, s.NotFound = true, []finding.Source{source}, missing
	for i, have := range d.Absent {
		if have.NotFound.Path == missing.Path && have.NotFound.What == missing.What && have.NotFound.Message == missing.Message && have.Sources[0].File == source.File {
			if !slices.Contains(have.Sources, source) { // a file may be in several lists of Compose files
				d.Absent[i].Sources = append(have.Sources, source)
			}
			return
		}
	}
	s.Name = d.freeName(s)
	d.Absent = append(d.Absent, s)
}

// comes reports whether a path that is missing here is one that something brings before a build: git ignores it, a submodule has
// it, or it has a name of what is built or fetched. One with the separators of Windows is not looked for.
func (d *discovery) comes(p string) bool {
	if strings.ContainsRune(p, '\\') || audit.BuiltPath(p) || slices.ContainsFunc(strings.Split(p, "/"), func(dir string) bool { return slices.Contains(vendored, dir) }) {
		return true
	}
	var names []string
	for dir := p; dir != "." && !strings.HasPrefix(dir, ".."); dir = path.Dir(dir) {
		names = append(names, dir, dir+"/")
	}
	if len(d.state.world.Ignored(d.root, names)) > 0 {
		return true
	}
	if d.state.Clean != nil {
		modules, _ := d.state.Clean.Submodules(d.root)
		return slices.ContainsFunc(modules, func(m string) bool { return p == m || strings.HasPrefix(p, m+"/") })
	}
	return false
}

// exampleDirs are directories that hold what is shown, and not what is built.
var exampleDirs = []string{"example", "examples", "sample", "samples", "demo", "demos", "docs", "doc", "template", "templates", "test", "tests", "contrib"}

// exampleWords are those of the names of files that show how it is done, or that something else fills in.
var exampleWords = []string{"example", "sample", "template"}

// doubt says why a build from what is missing here need not fail, "" if it surely does.
func (d *discovery) doubt(b builds.Build, p *problem) string {
	dirs := strings.Split(path.Dir(b.File), "/")
	switch {
	case b.Doubt != "":
		return b.Doubt
	case b.Prepared:
		return "a step before the build may make it"
	case slices.ContainsFunc(dirs, func(dir string) bool { return slices.Contains(exampleDirs, strings.ToLower(dir)) }):
		return "the file that says so lies among examples"
	case slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(path.Base(b.File)), func(c rune) bool { return strings.ContainsRune(".-_", c) }),
		func(word string) bool { return slices.Contains(exampleWords, word) }):
		return "the file that says so has the name of an example"
	}
	if p.what == "target" {
		return ""
	}
	if dir := d.existsFrom(b, p.path); dir != "" {
		return "it exists as seen from " + dir + ", and the file may be laid over a Compose file there"
	}
	if !d.literal(b, p.path) {
		return "its name is put together, and variables may say another one"
	}
	if at := d.spoken(p.path); at != "" {
		return at + " speaks of it and may make it"
	}
	return ""
}

// existsFrom gives the root, or a directory in it, from which what a Compose file names exists, which is read in the directory of the first
// file that it is laid over; "" for none, and for other sources.
func (d *discovery) existsFrom(b builds.Build, missing string) string {
	rel, err := filepath.Rel(filepath.FromSlash(path.Dir(b.File)), filepath.FromSlash(missing))
	fsys, opened := d.state.Directory(d.root)
	if b.Kind != "compose" || err != nil || opened != nil {
		return ""
	}
	entries, err := fsys.ReadDir(".")
	if err != nil {
		return ""
	}
	dirs := []string{"."}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			dirs = append(dirs, e.Name())
		}
	}
	for _, dir := range dirs {
		if at := filepath.Join(dir, rel); filepath.IsLocal(at) && dir != path.Dir(b.File) && d.state.Exists(filepath.Join(d.root, at)) {
			return filepath.ToSlash(filepath.Join(d.root, dir))
		}
	}
	return ""
}

// literal reports whether a source has every name of a path as it is, or lies there itself.
func (d *discovery) literal(b builds.Build, missing string) bool {
	data, err := d.state.read(filepath.Join(d.root, filepath.FromSlash(b.File)), maxConfig)
	own := strings.Split(path.Dir(b.File), "/")
	return err == nil && !slices.ContainsFunc(strings.Split(missing, "/"), func(name string) bool {
		return !strings.EqualFold(name, "Dockerfile") && !slices.Contains(own, name) && !strings.Contains(string(data), name)
	})
}

// spoken gives the first script or Makefile, or the page about the repository, that has a command or a line with the name of what is missing which may make it, "" for none.
func (d *discovery) spoken(missing string) string {
	name := path.Base(missing)
	if slices.Contains([]string{"Dockerfile", "dockerfile"}, name) {
		name = path.Base(path.Dir(missing)) + "/" + name
	}
	const page = "README.md"
	if data, err := d.state.ReadFile(filepath.Join(d.root, page)); err == nil {
		for line := range strings.Lines(string(data)) {
			if strings.Contains(line, name) && fetches().MatchString(line) {
				return d.shown(page)
			}
		}
	}
	for _, file := range d.scripts[:min(len(d.scripts), maxSpoken)] {
		if d.sources.MayMake(file, name) {
			return d.shown(file)
		}
	}
	return ""
}

// maxSpoken bounds the scripts that are read for what they may make.
const maxSpoken = 400

// near gives what may be meant by what is missing: the only Dockerfile of its directory, or a directory beside it whose name differs
// little; "" for none.
func (d *discovery) near(p *problem) string {
	dir := path.Dir(p.path)
	fsys, err := d.state.Directory(filepath.Join(d.root, filepath.FromSlash(dir)))
	if err != nil {
		return ""
	}
	entries, err := fsys.ReadDir(".")
	if err != nil {
		return ""
	}
	var found []string
	for _, e := range entries {
		like := p.what == "Dockerfile" && e.Type().IsRegular() && IsDockerfile(e.Name()) || p.what != "Dockerfile" && e.IsDir() && plain(e.Name()) == plain(path.Base(p.path))
		if like {
			found = append(found, path.Join(dir, e.Name()))
		}
	}
	if len(found) != 1 {
		return ""
	}
	return filepath.ToSlash(filepath.Join(d.root, found[0]))
}

// plain leaves out of a name in which names of the same thing differ.
func plain(name string) string {
	name = strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
	return strings.TrimSuffix(name, "s")
}

// line gives a line of a file of the repository.
func (d *discovery) line(file string, line int) string {
	data, err := d.state.read(filepath.Join(d.root, filepath.FromSlash(file)), maxConfig)
	lines := strings.Split(string(data), "\n")
	if err != nil || line < 1 || line > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[line-1])
}

// missingAs gives the problem that something is missing.
func (d *discovery) missingAs(what, at, text string) *problem {
	rel, err := filepath.Rel(d.root, at)
	if err != nil || !filepath.IsLocal(rel) {
		return &problem{text: text}
	}
	return &problem{text: text, what: what, path: filepath.ToSlash(rel)}
}

// noTarget reports whether a build fails because its Dockerfile does not have its target, and gives what BuildKit says.
func noTarget(err error) (message string, ok bool) {
	var refused *dockerfile.Error
	if errors.As(err, &refused) && refused.NoTarget {
		return refused.Message, true
	}
	return "", false
}

// fetches recognises a line of a text that tells people to make files or to fetch them.
var fetches = lazyre.New(`\b(git (clone|submodule)|cp|mv|ln)\b`)
