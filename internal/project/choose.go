package project

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// Discover finds the images of a repository that has no configuration: its Dockerfiles, each with the context in which
// its sources resolve.
func Discover(ctx context.Context, state State, root string) ([]audit.Subject, error) {
	files, err := state.Directory(root)
	if err != nil {
		return nil, err
	}
	found, err := Dockerfiles(files, func(dirs []string) map[string]bool { return state.Ignored(root, dirs) })
	if err != nil {
		return nil, fmt.Errorf("looking for Dockerfiles: %w", err)
	}
	if len(found) == 0 {
		return nil, &NoDockerfileError{Root: root}
	}
	var out []audit.Subject
	taken := map[string]bool{}
	for _, df := range found {
		s, err := chooseContext(ctx, state, root, df)
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

// NoDockerfileError says that discovery found nothing.
type NoDockerfileError struct{ Root string }

func (e *NoDockerfileError) Error() string {
	return fmt.Sprintf("no Dockerfile in %s or below; name one with -f", e.Root)
}

// chooseContext tries the directories that may be the context of a Dockerfile and takes the first in which the build
// finds its sources: the root of the repository unless they only resolve elsewhere.
func chooseContext(ctx context.Context, state State, root, df string) (audit.Subject, error) {
	s := audit.Subject{
		Name: ImageName(df), Discovered: true, Policy: &policy.Image{}, Tracked: state.Tracked, GitIgnored: state.Ignored,
	}
	candidates := Contexts(df)
	for i, dir := range candidates {
		opt := dockerfile.Options{Context: filepath.Join(root, dir), Dockerfile: filepath.Join(root, df), Open: state.Open}
		image, err := simulate.Build(ctx, opt)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if err == nil || !sourceMissing(err) || i == len(candidates)-1 {
			s.Options, s.Image = opt, image
			if i == 0 && err == nil && len(candidates) > 1 {
				better, err := betterContext(ctx, image, opt, root, candidates)
				if err != nil {
					return s, err
				}
				if better != nil {
					s.Options, s.Image, s.Why = better.options, better.image, better.why
					return s, nil
				}
			}
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

// fit is a directory in which a build works, and why it was taken.
type fit struct {
	options dockerfile.Options
	image   *simulate.Image
	why     string
}

// betterContext looks for a context that suits a Dockerfile better than the repository's root, in which it builds: `COPY . .`
// works anywhere, and so does a pattern that matches nothing. It gives nil if there is none.
func betterContext(ctx context.Context, image *simulate.Image, opt dockerfile.Options, root string, candidates []string) (*fit, error) {
	empty := image.EmptyWildcards()
	main, err := image.MainContext(opt.Context)
	if err != nil || main == nil {
		return nil, err
	}
	for _, dir := range candidates[1:] {
		below := audit.StartsBelow(image, main, dir)
		if !empty && !below {
			continue
		}
		opt.Context = filepath.Join(root, dir)
		there, err := simulate.Build(ctx, opt)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch {
		case err != nil:
		case below:
			return &fit{opt, there, "what it starts lies there"}, nil
		case !there.EmptyWildcards():
			return &fit{opt, there, "its patterns match nothing in the repository's root"}, nil
		}
	}
	return nil, nil
}

// sourceMissing reports whether a build fails because its context does not have something. What the ignore file keeps out
// is there: the context is the right one, and the failure real.
func sourceMissing(err error) bool {
	var be *simulate.BuildError
	return errors.As(err, &be) && be.From != nil && !slices.ContainsFunc(be.Hints, func(h simulate.Hint) bool { return h.Line != nil })
}
