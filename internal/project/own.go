package project

import (
	"context"
	"path"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
)

// Own gives the images of a directory's own Dockerfile, as the sources beside it describe them and [Discover] would have them; none
// if they do not, or only images that cannot be predicted. It reads no other directory than the root and that of workflows, so
// that an answer about one file does not take a walk through the repository.
func Own(ctx context.Context, state State, root string) ([]audit.Subject, error) {
	d := discovery{ctx: ctx, state: state, root: root, taken: map[string]bool{}, named: map[string]*named{}, predicted: map[string]prediction{}, staged: map[string]string{}, fetches: map[bool]State{}}
	files, err := state.Directory(root)
	if err != nil {
		return nil, err
	}
	var sources []string
	for _, dir := range []string{".", ".github/workflows"} {
		entries, err := files.ReadDir(dir)
		if err != nil {
			continue // there is none
		}
		for _, e := range entries {
			if name := path.Join(dir, e.Name()); e.Type().IsRegular() && builds.IsSource(name) {
				sources = append(sources, name)
			}
		}
	}
	found, _ := d.reader().Builds(ctx, sources)
	for _, b := range found {
		opt, problem := d.options(b)
		if problem != nil || filepath.Clean(opt.Context) != filepath.Clean(root) || filepath.Dir(opt.Dockerfile) != filepath.Clean(root) || !isOwn(filepath.Base(opt.Dockerfile)) {
			continue
		}
		if err := d.add(b); err != nil {
			return nil, err
		}
	}
	d.settle()
	var out []audit.Subject
	for _, s := range d.Subjects {
		if s.Image != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// isOwn reports whether a file is the Dockerfile that `docker build` takes if nobody names one.
func isOwn(name string) bool { return name == "Dockerfile" || name == "dockerfile" }
