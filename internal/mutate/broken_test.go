package mutate

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// broken is an image that is clean, and broken in one way after the other.
type broken struct {
	subject audit.Subject
	report  finding.ImageReport
	image   *simulate.Image
	main    *simulate.Context
	files   map[string]simulate.File
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
