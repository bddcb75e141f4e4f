package mutate

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/program"
)

// A mutation breaks an image. Either files get other contents, or the context is seen in another way.
type mutation struct {
	kind, what string
	files      overlay.Files
	seen       func(dockerctx.FS) dockerctx.FS
	hidden     string // what is not there any more
	// things are names of which an error must have one; none: whatever the image loses by it.
	things []string
	// file is what of the context is kept out, "" if it is not a single one.
	file string
}

// on gives the image as it is broken.
func (m mutation) on(s audit.Subject) audit.Subject {
	s.Image, s.Sound, s.Facts = nil, nil, nil
	if m.files != nil {
		s.Options.Open = overlay.Open(s.Options.Open, m.files)
		return s
	}
	open, tracked := s.Options.Open, s.Tracked
	s.Options.Open = func(dir string) (dockerctx.FS, error) {
		fsys, err := open(dir)
		if err != nil || dir != s.Options.Context {
			return fsys, err
		}
		return m.seen(fsys), nil
	}
	if tracked != nil && m.hidden != "" {
		s.Tracked = func(context, dir string) ([]string, bool, error) {
			files, ok, err := tracked(context, dir)
			return slices.DeleteFunc(slices.Clone(files), func(f string) bool { return within(f, m.hidden) }), ok, err
		}
	}
	return s
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// mutations gives the ways in which an image is broken. startup are files of the context that its start cannot do without.
func (b *broken) mutations(startup []string) (out []mutation) {
	if slices.ContainsFunc(b.report.Findings, func(f finding.Finding) bool { return f.Rule == finding.UnreadIgnoreFile }) {
		return append(b.instructions(), b.late()...)
	}
	out = slices.Concat(b.instructions(), b.late(), b.excluded(startup), b.inputs(), b.goSources(), b.scriptSources(startup), b.rustSources())
	for _, f := range startup {
		if dir := path.Dir(f); dir != "." && b.python { // what the repository lacks, too, is a fault of the program elsewhere
			out = append(out, mutation{kind: "move", what: f, hidden: f, seen: func(under dockerctx.FS) dockerctx.FS { return without{under, f} }, things: names(f)})
		}
	}
	for _, e := range b.started() {
		if e.Kind == program.Script && e.Lang == program.Shell {
			if p := b.contextOf(e.Path); p != "" && b.image.Plan.Config.Entrypoint != nil && b.image.Plan.Config.Entrypoint[0] == e.Path {
				out = append(out, mutation{kind: "drop the executable bit", what: p, seen: func(under dockerctx.FS) dockerctx.FS { return plain{under, p} }, things: []string{path.Base(p)}})
			}
		}
	}
	return out
}

// names are the ways in which an error may name a file.
func names(file string) []string {
	module := strings.TrimSuffix(strings.TrimSuffix(file, path.Ext(file)), "/__init__")
	if base := path.Base(file); base != "__init__.py" && manifestOf(base) != "" {
		return []string{file, base}
	}
	return []string{file, strings.ReplaceAll(module, "/", "."), path.Base(strings.TrimSuffix(module, "/index"))}
}
