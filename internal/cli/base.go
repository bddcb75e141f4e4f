package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/registry"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

func (a *app) baseCommand() *cobra.Command {
	return group("base", "Manage base images whose files are known",
		a.basePullCommand(), a.baseAddCommand(), a.baseListCommand(), a.baseRemoveCommand())
}

func (a *app) basePullCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pull REF...", Short: "Fetch the file lists of base images from their registries",
		Long: `Fetch the file lists and the configuration of base images from their registries: names, types,
modes, owners, sizes and links, and the few text files that answers need. They are stored in the
user's cache directory, without the layers, and every command that predicts an image uses them;
the output says so.

Only this command uses the network, and verify if it gets the name of an image or builds one.
Credentials come from docker ('docker login' and its helpers).`,
		Example:     "  ctxaudit base pull python:3.12-slim\n  ctxaudit base pull --platform linux/arm64 node:22 ghcr.io/acme/base:7",
		Annotations: map[string]string{dials: "yes"},
		Args:        someArgs("REF"),
	}
	platform := cmd.Flags().String("platform", "", "platform to fetch for, such as linux/arm64 (default linux on this machine)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *platform == "" {
			*platform = dockerfile.DefaultPlatform()
		}
		var failed []error
		for _, arg := range args {
			ref, err := baseimage.Normalize(arg)
			if err != nil {
				return usagef(cmd, "%w", err)
			}
			x, err := a.fetch(cmd, ref, *platform)
			if err == nil {
				err = a.keep(x, ref)
			}
			if err != nil {
				failed = append(failed, err)
			}
		}
		return errors.Join(failed...)
	}
	return cmd
}

// fetch reads an image of a registry.
func (a *app) fetch(cmd *cobra.Command, ref, platform string) (*baseimage.Index, error) {
	watch := a.progress()
	defer watch.end()
	watch.at("fetching %s for %s", ref, platform)
	src, err := registry.Fetch(cmd.Context(), ref, platform, "ctxaudit/"+version())
	if err != nil {
		return nil, &baseimage.Error{Source: ref, Err: err}
	}
	x, err := baseimage.Read(cmd.Context(), src)
	if err != nil {
		return nil, &baseimage.Error{Source: ref, Err: err}
	}
	return x, nil
}

// keep puts an image into the cache, and says so.
func (a *app) keep(x *baseimage.Index, ref string) error {
	c, err := baseimage.OpenCache(true)
	if err != nil {
		return fmt.Errorf("opening the cache of base images: %w", err)
	}
	defer c.Close()
	p, err := c.Add(x, ref, time.Now())
	if err != nil {
		return fmt.Errorf("keeping the base image %s: %w", ref, err)
	}
	return report.Bases(a.out, shownBases([]baseimage.Pulled{p}))
}

// shownBases gives fetched images as formats show them.
func shownBases(list []baseimage.Pulled) []report.Base {
	out := []report.Base{}
	for _, p := range list {
		out = append(out, report.Base{Ref: p.Ref, Platform: p.Platform, Digest: p.Digest, Pulled: p.Time.Format(time.RFC3339), Entries: p.Entries, Size: p.Size})
	}
	return out
}

func (a *app) baseAddCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add REF=PATH...", Short: "Store the file lists of base images on this machine",
		Long: `Store the file lists of base images from an OCI layout or an archive on this machine, as
'base pull' does from a registry: what 'docker save', 'docker buildx build --output type=oci' and 'skopeo copy' write.`,
		Example: "  ctxaudit base add acme/base:7=base.tar\n  ctxaudit base add --platform linux/amd64 acme/base:7=base.tar",
		Args:    someArgs("REF=PATH"),
	}
	platform := cmd.Flags().String("platform", "", "platform to use if there are several, such as linux/arm64 (default linux on this machine)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *platform == "" {
			*platform = dockerfile.DefaultPlatform()
		}
		for _, arg := range args {
			name, file, ok := strings.Cut(arg, "=")
			if name == "" || !ok || file == "" {
				return usagef(cmd, "%q: want REF=PATH", arg)
			}
			ref, err := baseimage.Normalize(name)
			if err != nil {
				return usagef(cmd, "%w", err)
			}
			x, err := baseimage.Open(cmd.Context(), file, ref, *platform)
			if err == nil {
				err = a.keep(x, ref)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func (a *app) baseListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ls", Short: "List the stored base images", Args: noArgs, ValidArgsFunction: nothing,
		Example: "  ctxaudit base ls\n  ctxaudit base ls --format json",
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		var list []baseimage.Pulled
		c, err := baseimage.OpenCache(false)
		if err == nil {
			defer c.Close()
			list, err = c.List()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if form == "json" {
			return report.JSON(a.out, map[string]any{"bases": shownBases(list)})
		}
		if len(list) == 0 {
			a.tellf("ctxaudit: no base image was fetched; 'ctxaudit base pull REF' fetches one")
		}
		return report.Bases(a.out, shownBases(list))
	}
	return cmd
}

func (a *app) baseRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rm REF...", Short: "Remove stored base images", Args: someArgs("REF"),
		Example: "  ctxaudit base rm python:3.12-slim\n  ctxaudit base rm python:3.12-slim node:22",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := baseimage.OpenCache(false)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err == nil {
				defer c.Close()
			}
			for _, arg := range args {
				ref, err := baseimage.Normalize(arg)
				if err != nil {
					return usagef(cmd, "%w", err)
				}
				n := 0
				if c != nil { // there is a cache
					if n, err = c.Remove(ref); err != nil {
						return err
					}
				}
				if n == 0 {
					return fmt.Errorf("no image %s was fetched", ref)
				}
			}
			return nil
		},
	}
}

// someArgs demands at least one argument.
func someArgs(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef(cmd, "%q wants %s", cmd.CommandPath(), what)
		}
		return nil
	}
}
