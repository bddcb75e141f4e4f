package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/registry"
)

// findBases gives the run the base images that are at hand: those that flags name, which are read now, and those that were pulled.
func (a *app) findBases(cmd *cobra.Command, f *buildFlags) error {
	given := map[string]string{}
	for _, kv := range f.bases {
		ref, file, ok := strings.Cut(kv, "=")
		if ref == "" || !ok || file == "" {
			return usagef(cmd, "--base %q: want REF=PATH", kv)
		}
		if project.LeadsOut(file) && !a.outside {
			return &project.OutsideError{Name: file}
		}
		given[ref] = file
	}
	b, err := baseimage.NewBases(given)
	if err != nil {
		return usagef(cmd, "--base: %w", err)
	}
	if f.baseFrom != "" {
		ask, err := a.daemon(cmd, "base-from", f.baseFrom)
		if err != nil {
			return err
		}
		b.Ask(ask)
	}
	platform := f.platform
	if platform == "" {
		platform = dockerfile.DefaultPlatform()
	}
	if err := b.Load(cmd.Context(), platform); err != nil {
		return err
	}
	a.bases, a.world.Images = b, b
	return nil
}

// tellUnused says which base images were given in vain: a name that is misspelt does nothing.
func (a *app) tellUnused() {
	if a.bases == nil {
		return
	}
	unused := a.bases.Unused()
	slices.Sort(unused)
	for _, ref := range unused {
		a.tellf("ctxaudit: --base: no build asks for the image %s", ref)
	}
}

// daemon gives what asks the docker daemon for images, if a flag says that it is to be asked. One that it does not have is nil.
func (a *app) daemon(cmd *cobra.Command, flag, where string) (func(ctx context.Context, ref, platform string) (*baseimage.Index, error), error) {
	if where != "daemon" {
		return nil, usagef(cmd, "--%s must be daemon, not %q", flag, where)
	}
	d, err := registry.NewDaemon(a.env.Getenv("DOCKER_HOST"), "ctxaudit/"+version())
	if err != nil {
		return nil, usagef(cmd, "--%s: %w", flag, err)
	}
	return func(ctx context.Context, ref, platform string) (*baseimage.Index, error) {
		r, err := d.Save(ctx, ref)
		if errors.Is(err, registry.ErrNotThere) {
			return nil, nil
		}
		if err != nil {
			return nil, &baseimage.Error{Source: ref, Err: err}
		}
		defer r.Close()
		return baseimage.OpenStream(ctx, r, ref, ref, platform)
	}, nil
}
