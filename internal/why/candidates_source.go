package why

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/secrets"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// sourceCandidates correct a source that does not exist: its name, or the way in which it is written. ofStage tells that it is
// one of another stage, and that the context has nothing that would be it.
func (r *Repairer) sourceCandidates(ctx context.Context, f finding.Finding) (out []candidate, ofStage bool, err error) {
	c, at, ok := r.failing(f)
	if !ok {
		return nil, false, nil
	}
	if joined, ok := r.joined(c); ok {
		return []candidate{joined}, false, nil
	}
	near, found := "", false
	if stage := r.stageNamed(c.from()); stage != nil {
		tree, err := r.stageImage(ctx, stage)
		if err != nil || tree == nil {
			return nil, true, err
		}
		near, found = simulate.Nearest(tree.Tree, path.Join("/", c.sources[at]))
		_, err = r.main.FS.Lstat(f.ContextPath)
		out, ofStage = r.intoStage(stage, path.Join("/", c.sources[at]), f.ContextPath), err != nil
	} else if c.from() == "" {
		near, found = simulate.NearestInContext(r.main, f.ContextPath)
	}
	text, quotes := c.Quote(near)
	if found && quotes && !slices.Contains(c.sources, near) {
		out = append(out, candidate{
			title: fmt.Sprintf("copy %s instead of %s", near, f.ContextPath),
			edits: []edit.Edit{r.put(c.Args[at].Range, text)},
		})
	}
	_, err = r.main.FS.Lstat(f.ContextPath)
	if t, failed := r.main.Explain(f.ContextPath); (err != nil || failed == nil && !t.Included) && c.from() == "" && secrets.LooksLike(f.ContextPath) {
		// What holds settings of one machine is given to the container, and nothing that is copied needs it.
		drop := r.dockerfileEdit(c.in.Location.Range.Start.Line, c.in.Location.Range.End.Line-c.in.Location.Range.Start.Line+1, "")
		if len(c.sources) > 1 {
			drop = r.drop(c.Args[at].Range)
		}
		out = append(out, candidate{title: fmt.Sprintf("do not copy %s: the container gets it at startup", f.ContextPath), edits: []edit.Edit{drop}})
	}
	return out, ofStage, nil
}

// intoStage copies into a stage what another one wants of it and the context has: where it would be by what lies around it, or by
// that name.
func (r *Repairer) intoStage(s *dockerfile.Stage, want, owed string) []candidate {
	source := strings.TrimPrefix(want, "/")
	if _, err := r.main.FS.Lstat(owed); err == nil {
		source = owed
	}
	for ; source != "" && source != "."; _, source, _ = strings.Cut(source, "/") {
		if info, err := r.main.FS.Lstat(source); err == nil && !strings.ContainsAny(source, patternSyntax+" ") {
			if t, err := r.main.Explain(source); err != nil || !t.Included {
				return nil
			}
			c := r.newCopy(site{Stage: s, dir: "/"}, source, want, "", info.IsDir())
			c.title += " in stage " + cmp.Or(s.Name, fmt.Sprint(s.Index))
			return []candidate{c}
		}
	}
	return nil
}

// failing gives the instruction that a finding is about, and which of its sources.
func (r *Repairer) failing(f finding.Finding) (c copying, source int, ok bool) {
	for _, s := range r.plan.Stages {
		for _, in := range s.Instructions {
			if in.Location.Range.Start.Line != f.Subject.Line {
				continue
			}
			if c, ok = copyOf(in); !ok {
				return c, 0, false
			}
			source = slices.IndexFunc(c.sources, func(s string) bool { return path.Clean("/"+s) == path.Clean("/"+cmp.Or(f.ImagePath, f.ContextPath)) })
			return c, max(source, 0), source >= 0
		}
	}
	return c, 0, false
}

// joined writes the sources of a copy as the one name with blanks that they are together, if there is such a file.
func (r *Repairer) joined(c copying) (candidate, bool) {
	name := strings.Join(c.sources, " ")
	if len(c.sources) < 2 || c.JSON || c.from() != "" {
		return candidate{}, false
	}
	if _, err := r.main.FS.Lstat(path.Clean(name)); err != nil {
		return candidate{}, false
	}
	return candidate{
		title: fmt.Sprintf("write %q, which has a blank, as a list", name),
		edits: []edit.Edit{r.put(dockerctx.Range{Start: c.Args[0].Range.Start, End: c.Args[len(c.Args)-1].Range.End}, fmt.Sprintf("[%q, %q]", name, c.dest))},
	}, true
}

// stageNamed gives the stage that COPY --from names, nil if it names none.
func (r *Repairer) stageNamed(from string) *dockerfile.Stage {
	for i := range r.plan.Stages {
		if s := &r.plan.Stages[i]; from != "" && (strings.EqualFold(s.Name, from) || fmt.Sprint(i) == from) {
			return s
		}
	}
	return nil
}

// stageImage predicts what a stage has, where the whole build fails; nil if that fails, too.
func (r *Repairer) stageImage(ctx context.Context, s *dockerfile.Stage) (*simulate.Image, error) {
	opt := r.Subject.Options
	if opt.Target = s.Name; s.Name == "" {
		opt.Target = fmt.Sprint(s.Index)
	}
	if opt.Stdin != nil {
		return nil, nil // it is read once
	}
	image, err := simulate.Build(ctx, opt)
	if err != nil {
		return nil, ctx.Err()
	}
	return image, nil
}

// madeCandidates copy what a step of another stage makes.
func (r *Repairer) madeCandidates(f finding.Finding) (out []candidate) {
	s, ok := r.site(f)
	made, want := f.Hint.Made, f.ImagePath
	if !ok || made == "" || !path.IsAbs(want) || strings.ContainsAny(made+want, "\t\n\"'\\[]*?<$") {
		return nil
	}
	if name := path.Base(made); name != path.Base(want) { // the directory that it lies in
		if before, _, in := strings.Cut(want, "/"+name+"/"); in {
			want = path.Join("/", before, name)
		}
	}
	for _, c := range s.copies() { // what takes it elsewhere
		if c.from() != "" && len(c.sources) == 1 && path.Base(path.Clean(c.sources[0])) == path.Base(made) {
			out = append(out, candidate{
				title: fmt.Sprintf("copy %s to %s at line %d of %s", c.sources[0], want, c.in.Location.Range.Start.Line, c.in.Location.File),
				edits: []edit.Edit{r.put(c.Args[len(c.Args)-1].Range, want)},
			})
		}
	}
	if len(out) > 0 || f.Hint.MadeIn == "" {
		return out
	}
	return []candidate{r.newCopy(s, made, want, f.Hint.MadeIn, false)}
}
