package project

import (
	"context"
	"path"
	"path/filepath"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
)

// Own gives the images of a directory's own Dockerfile, as the sources beside it describe them and [Discover] would have them; none
// if they do not, or only images that cannot be predicted. It reads no other directory than the root and that of workflows, so
// that an answer about one file does not take a walk through the repository.
func Own(ctx context.Context, state State, root string) ([]audit.Subject, error) {
	return describedIn(ctx, state, root, []string{"."}, func(opt dockerfile.Options) bool {
		return filepath.Clean(opt.Context) == filepath.Clean(root) && filepath.Dir(opt.Dockerfile) == filepath.Clean(root) && isOwn(filepath.Base(opt.Dockerfile))
	})
}

// FromAbove gives the images of the Dockerfiles in or below the current directory that sources of the directories above it describe,
// up to the root of the repository: a Compose file there names the context that a Dockerfile here is built in.
func FromAbove(ctx context.Context, state State, root string) ([]audit.Subject, error) {
	here, err := filepath.Rel(absolute(root), absolute("."))
	if err != nil {
		return nil, nil
	}
	dirs := []string{"."}
	for dir := path.Dir(filepath.ToSlash(here)); dir != "."; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	return describedIn(ctx, state, root, dirs, func(opt dockerfile.Options) bool {
		rel, err := filepath.Rel(absolute("."), absolute(opt.Dockerfile))
		return err == nil && filepath.IsLocal(rel)
	})
}

// describedIn gives those images of a root that the sources of some of its directories, and its workflows, describe and that are wanted.
// One that cannot be predicted is left out.
func describedIn(ctx context.Context, state State, root string, dirs []string, wanted func(dockerfile.Options) bool) ([]audit.Subject, error) {
	d := newDiscovery(ctx, state, root)
	files, err := state.Directory(root)
	if err != nil {
		return nil, err
	}
	var sources []string
	for _, dir := range append(dirs, ".github/workflows") {
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
		if opt, problem := d.options(b); problem != nil || !wanted(opt) {
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
