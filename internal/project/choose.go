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
	candidates := Contexts(df)
	for i, dir := range candidates {
		opt := dockerfile.Options{Context: filepath.Join(root, dir), Dockerfile: filepath.Join(root, df), Open: state.Open, Images: state.world.Images}
		image, err := simulate.Build(ctx, opt)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if i == 0 && excluded(err) {
			own, why, err := worksBelow(ctx, opt, root, candidates)
			if err != nil {
				return s, err
			}
			if own != nil {
				s.Options, s.Image, s.Why = own.options, own.image, why
				return s, nil
			}
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

// excluded reports whether a build fails because the ignore file of its context keeps something out.
func excluded(err error) bool {
	var be *simulate.BuildError
	return errors.As(err, &be) && be.From != nil && !sourceMissing(err)
}

// worksBelow gives the directory on the way to a Dockerfile in which it builds; nil if there is none.
func worksBelow(ctx context.Context, opt dockerfile.Options, root string, candidates []string) (*fit, string, error) {
	for _, dir := range candidates[1:] {
		opt.Context = filepath.Join(root, dir)
		image, err := simulate.Build(ctx, opt)
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		if err == nil {
			return &fit{options: opt, image: image}, "its sources resolve there, and the repository's root keeps one of them out", nil
		}
	}
	return nil, "", nil
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
