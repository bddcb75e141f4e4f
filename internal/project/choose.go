package project

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// chooseContext tries the directories that may be the context of a Dockerfile and takes the first in which the build
// finds its sources: the root of the repository unless they only resolve elsewhere.
func chooseContext(ctx context.Context, state State, root, df string) (audit.Subject, error) {
	s := state.discovered(ImageName(df), dockerfile.Options{})
	opt := dockerfile.Options{Dockerfile: filepath.Join(root, df), Open: state.Open, Images: state.world.Images}
	chosen, err := bestContext(ctx, opt, root, Contexts(df))
	if err == nil {
		s.Options, s.Image, s.Why, s.Guessed = chosen.options, chosen.image, chosen.why, chosen.guessed
	}
	return s, err
}

// bestContext tries the directories that may be the context of a Dockerfile, the repository's root first.
func bestContext(ctx context.Context, opt dockerfile.Options, root string, candidates []string) (*fit, error) {
	first, problem := inContext(ctx, opt, root, candidates[0])
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var other *fit
	var err error
	switch {
	case excluded(problem):
		other, err = worksBelow(ctx, opt, root, candidates)
	case problem == nil && len(candidates) > 1:
		first.why = "the repository's root, where its sources resolve"
		other, err = betterContext(ctx, first, root, candidates)
	}
	switch {
	case other != nil || err != nil:
		return other, err
	case !sourceMissing(problem) || len(candidates) == 1:
		return first, nil
	}
	for _, dir := range candidates[1:] {
		f, problem := inContext(ctx, opt, root, dir)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case problem == nil:
			f.why = "its sources do not resolve from the repository's root"
			return f, nil
		case !sourceMissing(problem):
			return f, nil
		}
	}
	first.why, first.guessed = "tried: "+strings.Join(candidates, ", "), true
	return first, nil
}

// inContext predicts a build in a directory. The image is nil if the build fails, with what it fails by.
func inContext(ctx context.Context, opt dockerfile.Options, root, dir string) (*fit, error) {
	opt.Context = filepath.Join(root, dir)
	image, err := simulate.Build(ctx, opt)
	if err != nil {
		return &fit{options: opt}, err
	}
	return &fit{options: opt, image: image}, nil
}

// excluded reports whether a build fails because the ignore file of its context keeps something out.
func excluded(err error) bool {
	var be *simulate.BuildError
	return errors.As(err, &be) && be.From != nil && !sourceMissing(err)
}

// worksBelow gives the directory on the way to a Dockerfile in which it builds; nil if there is none.
func worksBelow(ctx context.Context, opt dockerfile.Options, root string, candidates []string) (*fit, error) {
	for _, dir := range candidates[1:] {
		f, problem := inContext(ctx, opt, root, dir)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if problem == nil {
			f.why = "its sources resolve there, and the repository's root keeps one of them out"
			return f, nil
		}
	}
	return nil, nil
}

// fit is a context that was tried.
type fit struct {
	options dockerfile.Options
	image   *simulate.Image
	why     string
	guessed bool // in none of those that were tried does it build
}

// betterContext looks for a context that suits a Dockerfile better than the repository's root, in which it builds: `COPY . .`
// works anywhere, and so does a pattern that matches nothing. It gives nil if there is none.
func betterContext(ctx context.Context, first *fit, root string, candidates []string) (*fit, error) {
	image, opt := first.image, first.options
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
		f, problem := inContext(ctx, opt, root, dir)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case problem != nil:
		case below:
			f.why = "what it starts lies there"
			return f, nil
		case !f.image.EmptyWildcards():
			f.why = "its patterns match nothing in the repository's root"
			return f, nil
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
