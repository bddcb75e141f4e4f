package need

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Verdict is what became of something that is needed.
type Verdict struct {
	// Reach tells of each of its files whether it is in the image, and what keeps the others out.
	*simulate.Reach

	need  *Need
	build *view.Build
	gone  *Gone
}

// Judge looks for something that is needed in the image. The build must have a context.
func Judge(b *view.Build, n *Need) (*Verdict, error) {
	if n.In != nil {
		b = n.In
	}
	files, err := files(b, n)
	if err != nil {
		return nil, err
	}
	var at func(string) string
	if n.At != "" {
		at = func(contextPath string) string {
			if contextPath == n.Source {
				return path.Clean(n.At)
			}
			return path.Join(n.At, strings.TrimPrefix(contextPath, n.Source+"/"))
		}
	}
	r, err := b.Image.Reach(b.Main, n.Source, files, at)
	return &Verdict{Reach: r, need: n, build: b}, err
}

// Context is where its files are looked for.
func (v *Verdict) Context() *simulate.Context { return v.build.Main }

// files gives the files that belong to what is needed: those that git tracks, where it tracks any.
func files(b *view.Build, n *Need) ([]string, error) {
	all, ok, err := b.Tracked(n.Source)
	if err != nil {
		return nil, err
	}
	tracked := ok && len(all) > 0
	if !tracked {
		if all, err = simulate.FilesBelow(b.Main.FS, n.Source); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, f := range all {
		rel := f
		if n.Source != "." {
			rel = strings.TrimPrefix(f, n.Source+"/")
		}
		if n.Wanted == nil || n.Wanted(rel) {
			// What git tracks and the working tree lacks cannot be in any image that is built here.
			if _, here := b.Repo.Entries(path.Dir(f))[path.Base(f)]; here || !tracked {
				out = append(out, f)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// Gone tells of files that are let in and not in the image: who copied them somewhere, and what took them away again.
type Gone struct {
	Copied []simulate.Copied
	// By is the RUN step that surely removes what was copied to From, nil if none does; Surely tells that nothing may have made it
	// again.
	By     *dockerfile.Op
	From   string
	Surely bool
}

// Gone looks for those who copied what is let in and not in the image.
func (v *Verdict) Gone() (*Gone, error) {
	if v.gone != nil {
		return v.gone, nil
	}
	g := &Gone{}
	if len(v.Uncopied) > 0 {
		var err error
		if g.Copied, err = v.build.Image.CopiedBy(v.build.Main, v.need.Source, v.Uncopied); err != nil {
			return nil, err
		}
		if op, last := v.build.Image.RemovedAgain(g.Copied); op != nil {
			g.By, g.From, g.Surely = op, last.Entry.Path, !v.build.Image.Tree.MayHold(last.Entry.Path)
		}
	}
	v.gone = g
	return g, nil
}

// Lies gives where in the image it is, by the first of its source files there; "" if none is.
func (v *Verdict) Lies() string {
	for _, f := range v.Files {
		l, ok := v.Found[f]
		if !ok || !v.need.Ways.OwnSource(f) {
			continue
		}
		at := l.Path
		for range strings.Count(strings.TrimPrefix(f, v.need.Source), "/") {
			at = path.Dir(at)
		}
		return at
	}
	return ""
}
