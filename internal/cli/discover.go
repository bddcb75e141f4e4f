package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// discover finds the images of a repository that has no configuration: its Dockerfiles, each with the context in which
// its sources resolve.
func (a *app) discover(cmd *cobra.Command, w world, root string) ([]audit.Subject, error) {
	files, err := w.directory(root)
	if err != nil {
		return nil, err
	}
	found, err := project.Dockerfiles(files, func(dirs []string) map[string]bool { return w.ignored(root, dirs) })
	if err != nil {
		return nil, fmt.Errorf("looking for Dockerfiles: %w", err)
	}
	if len(found) == 0 {
		return nil, &noDockerfileError{root}
	}
	var out []audit.Subject
	taken := map[string]bool{}
	for _, df := range found {
		s, err := chooseContext(cmd.Context(), w, root, df)
		if err != nil {
			return nil, err
		}
		if taken[s.Name] {
			s.Name = df
		}
		taken[s.Name] = true
		out = append(out, s)
	}
	return out, nil
}

// noDockerfileError says that discovery found nothing.
type noDockerfileError struct{ root string }

func (e *noDockerfileError) Error() string {
	return fmt.Sprintf("no Dockerfile in %s or below; name one with -f", e.root)
}

// chooseContext tries the directories that may be the context of a Dockerfile and takes the first in which the build
// finds its sources: the root of the repository unless they only resolve elsewhere.
func chooseContext(ctx context.Context, w world, root, df string) (audit.Subject, error) {
	s := audit.Subject{
		Name: project.ImageName(df), Discovered: true, Policy: &policy.Image{}, Tracked: w.tracked, GitIgnored: w.ignored,
	}
	candidates := project.Contexts(df)
	for i, dir := range candidates {
		opt := dockerfile.Options{Context: filepath.Join(root, dir), Dockerfile: filepath.Join(root, df), Open: w.open}
		image, err := simulate.Build(ctx, opt)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if err == nil || !sourceMissing(err) || i == len(candidates)-1 {
			s.Options, s.Image = opt, image
			switch {
			case err == nil && i == 0 && len(candidates) > 1:
				s.Why = "the repository's root, where its sources resolve"
			case err == nil && i > 0:
				s.Why = "its sources do not resolve from the repository's root"
			case len(candidates) > 1 && sourceMissing(err):
				s.Options.Context = filepath.Join(root, candidates[0])
				s.Why = "tried: " + strings.Join(candidates, ", ")
				s.Guessed = true
			}
			if err != nil {
				s.Image = nil
			}
			return s, nil
		}
	}
	return s, nil
}

// sourceMissing reports whether a build fails because its context does not have something. What the ignore file keeps out
// is there: the context is the right one, and the failure real.
func sourceMissing(err error) bool {
	var be *simulate.BuildError
	return errors.As(err, &be) && be.From != nil && !slices.ContainsFunc(be.Hints, func(h simulate.Hint) bool { return h.Line != nil })
}
