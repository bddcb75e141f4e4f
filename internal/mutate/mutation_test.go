package mutate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
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
	out = append(b.instructions(), b.excluded(startup)...)
	for _, f := range startup {
		if dir := path.Dir(f); dir != "." {
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
	module := strings.TrimSuffix(strings.TrimSuffix(file, ".py"), "/__init__")
	return []string{file, strings.ReplaceAll(module, "/", "."), path.Base(module)}
}

// instructions are mutations of the Dockerfile: without a COPY, with another destination, without a setting.
func (b *broken) instructions() (out []mutation) {
	data := b.image.Plan.Dockerfile.Data
	add := func(kind string, in dockerfile.Instruction, from, to int, text string) {
		changed := slices.Concat(data[:from], []byte(text), data[to:])
		out = append(out, mutation{
			kind: kind, what: fmt.Sprintf("%s:%d %s", in.Location.File, in.Location.Range.Start.Line, in.Location.Text),
			files: overlay.Files{absolute(b.image.Plan.Dockerfile.Path): changed},
		})
	}
	for _, s := range b.image.Plan.Stages {
		for _, in := range s.Instructions {
			r, syntax := in.Location.Range, in.Syntax()
			switch last := len(syntax.Args) - 1; {
			case !s.Reached || last < 0:
			case in.Keyword == "COPY":
				add("drop a COPY", in, r.Start.Offset, r.End.Offset, "")
				if dest := syntax.Args[last]; last > 0 && !syntax.JSON && !strings.Contains(in.Location.Text, "<<") {
					add("rename a destination", in, dest.Range.Start.Offset, dest.Range.End.Offset, elsewhere(dest.Text))
				}
			case in.Keyword == "ENV" && strings.Contains(in.Location.Text, "PYTHONPATH"):
				add("drop an ENV", in, r.Start.Offset, r.End.Offset, "")
			}
		}
	}
	return out
}

// elsewhere gives another destination.
func elsewhere(dest string) string {
	if dest = strings.TrimSuffix(dest, "/"); dest == "." || dest == "" {
		return path.Join(dest, "moved") + "/"
	}
	return dest + "_moved/"
}

// excluded are mutations of the ignore file: one line more, for what the start imports, or for what its command reads.
func (b *broken) excluded(startup []string) (out []mutation) {
	var before []byte
	name := path.Join(b.subject.Options.Context, ".dockerignore")
	if i := b.main.Ignore; i != nil {
		before = i.Bytes()
		if b.ignorePath() != "" {
			name = b.ignorePath()
		}
	}
	add := func(kind, p string, things []string) {
		changed := append(append(slices.Clone(before), '\n'), p+"\n"...)
		out = append(out, mutation{kind: kind, what: p, files: overlay.Files{absolute(name): changed}, things: things})
	}
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
