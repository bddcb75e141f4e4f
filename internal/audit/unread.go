package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// ignoreName is how an ignore file is called, and how the name ends of one that is for a single Dockerfile.
const ignoreName = ".dockerignore"

// checkUnread looks for ignore files that somebody wrote for this build and that BuildKit does not read.
func checkUnread(p *pass) error {
	switch {
	case p.main == nil:
		return nil
	case p.subject.Options.Fetched:
		return p.unreadOfFetched()
	}
	names, err := p.misplaced()
	if err != nil {
		return err
	}
	for _, u := range names {
		if err := p.reportUnread(u); err != nil {
			return err
		}
	}
	return nil
}

// unread is an ignore file that is not read.
type unread struct {
	dir, name string // the directory as it was named, and the name in it
	why       string
	// at is the directory of the context that its lines may be relative to, besides the context itself.
	at string
}

// unreadOfFetched tells of the ignore file of a context that BuildKit fetches from git.
func (p *pass) unreadOfFetched() error {
	opt := p.subject.Options
	beside, err := p.open(filepath.Dir(opt.Dockerfile))
	if err != nil {
		return nil
	}
	ignore, err := dockerctx.FindIgnoreFile(p.main.FS, beside, filepath.Base(opt.Dockerfile))
	if err != nil || ignore == nil || len(p.subject.Sources) == 0 {
		return nil
	}
	lost, err := p.keptOut(p.main.Dir, p.main.FS, ignore)
	if err != nil || len(lost.parts) == 0 {
		return err
	}
	name := simulate.Shown(opt.Context, path.Base(ignore.Name))
	if base := filepath.Base(opt.Dockerfile); strings.HasSuffix(ignore.Name, base+ignoreName) {
		name = filepath.ToSlash(opt.Dockerfile) + ignoreName
	}
	source := p.subject.Sources[0]
	f := finding.Finding{
		Rule: finding.UnreadIgnoreFile, ContextPath: path.Base(ignore.Name), Subject: finding.Position{File: source.File, Line: source.Line}, About: finding.About{Site: source.File},
		Summary: fmt.Sprintf("%s is not read when this image is built from git", name),
		Detail: fmt.Sprintf("BuildKit fetches the repository as the context and reads no ignore file then: the build gets %s that the file would exclude (%s). "+
			"To use the file, build from a checkout, with a path as context.", lost, lost.names()),
	}
	if p.subject.Discovered && lost.trifling() {
		f.Severity = finding.Note
	}
	p.add(f)
	return nil
}

// kept are entries that an ignore file keeps out.
type kept struct {
	parts []weighed
	all   mass
}

func (k kept) String() string { return k.all.String() }

// plain are names of what a repository has for people and for services around it: it is small, and no program reads it.
var plain = lazyre.New(`(?i)^(readme.*|license.*|changelog.*|contributing.*|.*\.md|makefile|procfile|(docker-)?compose[\w.-]*\.ya?ml|\.(github|gitlab|vscode|idea|husky|circleci|editorconfig|git\w+|prettier\w*|eslint\w*))$`)

// trifling reports whether all of them are such, and there is little.
func (k kept) trifling() bool {
	return k.all.bytes < 1<<20 && !k.all.more && !slices.ContainsFunc(k.parts, func(w weighed) bool { return !plain().MatchString(path.Base(w.name)) })
}

// names gives the heaviest of them, or the first.
func (k kept) names() string {
	if most := heaviest(k.parts, k.all.bytes); most != "" {
		return most
	}
	return k.parts[0].name
}

// keptOut gives what an ignore file would keep out of a directory, but for what is sent anyway: itself and the Dockerfile. It is worked
// out once in a run, for no trial of a repair changes what lies there.
func (p *pass) keptOut(dir string, fsys dockerctx.FS, ignore *dockerctx.IgnoreFile) (kept, error) {
	type answer struct {
		once sync.Once
		kept kept
		err  error
	}
	key := [3]string{fmt.Sprintf("kept out, fetched %t", p.subject.Options.Fetched), dir, strings.Join(ignore.Patterns(), "\n")}
	a := view.Fact(p.subject.Facts, key, func() *answer { return &answer{} })
	a.once.Do(func() { a.kept, a.err = keptOut(fsys, ignore) })
	return a.kept, a.err
}

func keptOut(fsys dockerctx.FS, ignore *dockerctx.IgnoreFile) (out kept, err error) {
	c, err := dockerctx.New(fsys, ignore)
	if err != nil {
		return out, err
	}
	err = c.WalkIgnored(true, func(e dockerctx.IgnoredEntry) error {
		if base := path.Base(e.Path); e.Path == history || strings.HasSuffix(base, ignoreName) || strings.HasPrefix(base, "Dockerfile") || base == ".gitignore" {
			return nil
		}
		w := weighed{name: e.Path}
		w.mass.addFiles(fsys, e.Path, e.Mode, e.Size)
		out.parts = append(out.parts, w)
		out.all.files, out.all.bytes, out.all.more = out.all.files+w.mass.files, out.all.bytes+w.mass.bytes, out.all.more || w.mass.more
		return nil
	})
	var refused *dockerctx.IgnoreError
	if errors.As(err, &refused) {
		return kept{}, nil // it is not read: what is wrong with it is no matter
	}
	return out, err
}

// addFiles adds an entry of a directory, with all that lies below it.
func (m *mass) addFiles(fsys dockerctx.FS, name string, mode fs.FileMode, size int64) {
	switch {
	case m.files > maxWeighed:
		m.more = true
	case mode.IsRegular():
		m.files, m.bytes = m.files+1, m.bytes+size
	case mode.IsDir():
		entries, _ := fsys.ReadDir(name)
		for _, e := range entries {
			if fi, err := e.Info(); err == nil {
				m.addFiles(fsys, path.Join(name, e.Name()), fi.Mode(), fi.Size())
			}
		}
	}
}

// misnamed are names by which people write an ignore file, and BuildKit does not know it.
var misnamed = []string{"dockerignore", ".dockerignore.txt", ".docker-ignore", ".dockerIgnore", ".DockerIgnore", ".DOCKERIGNORE", ".dockeringore", ".dockerignor", ".dockerignores", ".docker.ignore", "Dockerfile.ignore"}

// misplaced gives the ignore files that lie where BuildKit does not look for that of this build, or under another name.
func (p *pass) misplaced() (out []unread, err error) {
	opt := p.subject.Options
	if filepath.IsAbs(opt.Context) != filepath.IsAbs(opt.Dockerfile) || opt.Dockerfile == "-" {
		return nil, nil
	}
	dir, base := filepath.Dir(opt.Dockerfile), filepath.Base(opt.Dockerfile)
	if opt.Dockerfile == "" {
		dir, base = opt.Context, "Dockerfile"
	}
	at, err := filepath.Rel(opt.Context, dir)
	if err != nil {
		return nil, nil
	}
	at = filepath.ToSlash(at)
	has := func(dir string) map[string]bool {
		names := map[string]bool{}
		if fsys, err := p.open(dir); err == nil {
			entries, _ := fsys.ReadDir(".")
			for _, e := range entries {
				names[e.Name()] = e.Type().IsRegular()
			}
		}
		return names
	}
	root := has(opt.Context)
	own := root
	if at != "." {
		own = has(dir)
		switch {
		case !own[ignoreName] || own[base+ignoreName]:
		case p.subject.Contexts[filepath.Clean(dir)]: // it is that of another build
		default:
			out = append(out, unread{dir, ignoreName, fmt.Sprintf("BuildKit looks for it in the context, %s, and beside the Dockerfile only for %s", filepath.ToSlash(opt.Context), base+ignoreName), at})
		}
		if root[base+ignoreName] && !own[base+ignoreName] {
			out = append(out, unread{opt.Context, base + ignoreName, "BuildKit looks for it beside the Dockerfile", "."})
		}
	}
	for _, name := range sortedKeys(own) {
		// That of a Dockerfile which is not there is meant for this one.
		if stem, ok := strings.CutSuffix(name, ignoreName); ok && stem != "" && stem != base && !own[stem] && !own[base+ignoreName] && strings.HasPrefix(stem, "Dockerfile") {
			out = append(out, unread{dir, name, fmt.Sprintf("BuildKit looks beside the Dockerfile only for %s", base+ignoreName), at})
		}
	}
	if u, ok := p.above(has); ok {
		out = append(out, u)
	}
	if p.main.Ignore == nil {
		for _, name := range misnamed {
			if root[name] {
				out = append(out, unread{opt.Context, name, "BuildKit looks for .dockerignore", "."})
			}
		}
	}
	return out, nil
}

// above gives the ignore file of a directory above a context that has none, where somebody says that this is the context.
func (p *pass) above(has func(dir string) map[string]bool) (u unread, ok bool) {
	context := filepath.Clean(p.subject.Options.Context)
	if len(p.subject.Sources) == 0 || p.main.Ignore != nil || !filepath.IsLocal(context) {
		return unread{}, false
	}
	for dir := context; dir != "."; {
		if dir = filepath.Dir(dir); has(dir)[ignoreName] && !p.subject.Contexts[dir] {
			return unread{dir, ignoreName, fmt.Sprintf("BuildKit looks for it in the context, %s", filepath.ToSlash(context)), "."}, true
		}
	}
	return unread{}, false
}

// open opens a directory of the request.
func (p *pass) open(dir string) (dockerctx.FS, error) {
	if open := p.subject.Options.Open; open != nil {
		return open(dir)
	}
	return dockerctx.DirFS(dir)
}

// reportUnread reports an ignore file that is not read, if it would keep something out.
func (p *pass) reportUnread(u unread) error {
	fsys, err := p.open(u.dir)
	if err != nil {
		return nil
	}
	data, err := dockerctx.ReadFile(fsys, u.name, maxIgnoreFile)
	if err != nil {
		return nil
	}
	shown := filepath.ToSlash(filepath.Join(u.dir, u.name))
	ignore, err := dockerctx.ParseIgnoreFile(shown, data)
	if err != nil || !slices.ContainsFunc(ignore.Lines, func(l dockerctx.Line) bool { return l.Kind == dockerctx.LinePattern }) {
		return nil
	}
	lost, err := p.keptOut(p.main.Dir, p.main.FS, ignore)
	if err == nil && len(lost.parts) == 0 && u.at != "." {
		lost, err = p.keptOut(u.dir, fsys, ignore)
	}
	if err != nil || len(lost.parts) == 0 {
		return err
	}
	line := 0
	for _, l := range ignore.Lines {
		if l.Kind == dockerctx.LinePattern {
			line = l.Number
			break
		}
	}
	f := finding.Finding{
		Rule: finding.UnreadIgnoreFile, ContextPath: path.Join(u.at, u.name), Subject: finding.Position{File: shown, Line: line}, About: finding.About{Site: shown},
		Summary: fmt.Sprintf("%s is not read", shown),
		Detail:  fmt.Sprintf("%s. It would exclude %s: %s.", u.why, lost, lost.names()),
	}
	if p.subject.Discovered && lost.trifling() {
		f.Severity = finding.Note
	}
	if s := p.subject; s.Discovered && len(s.Sources) == 0 {
		f.Severity = finding.Note
		f.Detail += " Nothing in the repository says which directory is the context."
	}
	p.add(f)
	return nil
}

// maxIgnoreFile bounds an ignore file that is not read, in bytes.
const maxIgnoreFile = 1 << 20
