package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/overlay"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
)

// buildFlags are the flags that docker build has, by the same names.
type buildFlags struct {
	file, target, platform   string
	buildArgs, buildContexts []string
	bases                    []string // see [app.bases]
	baseFrom                 string
}

func (f *buildFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.file, "file", "f", "", "Dockerfile, - for standard input (default CONTEXT/Dockerfile)")
	fl.StringVar(&f.target, "target", "", "stage to build (default the last)")
	fl.StringArrayVar(&f.buildArgs, "build-arg", nil, "value of an ARG, as NAME=VALUE, or NAME to read it from the environment")
	fl.StringArrayVar(&f.buildContexts, "build-context", nil, "named context, as NAME=DIR")
	fl.StringArrayVar(&f.bases, "base", nil, "use the base image REF from PATH, an OCI layout or an archive (REF=PATH)")
	fl.StringVar(&f.baseFrom, "base-from", "", "ask for other base images here: daemon, the docker daemon of this machine")
	fl.StringVar(&f.platform, "platform", "", "platform to build for, such as linux/arm64 (default linux on this machine)")
}

// set reports whether one of the flags that describe an image was given.
func (f *buildFlags) set() bool {
	return f.file != "" || f.target != "" || f.platform != "" || len(f.buildArgs) > 0 || len(f.buildContexts) > 0
}

// asked gives the images that are asked for: those of a configuration or the repository or, with a policy that is empty yet, the
// one that flags describe. more tells that other flags describe it, too.
func (a *app) asked(cmd *cobra.Command, f *buildFlags, more bool, config string, images, args []string) (project.Asked, error) {
	opt, err := a.request(cmd, f, args)
	asked := project.Asked{Options: opt, Config: config, Only: images}
	if err != nil || !f.set() && !more {
		return asked, err
	}
	asked.Policy = &policy.Image{}
	switch {
	case config != "":
		err = usagef(cmd, "--config describes the images; it cannot be combined with flags that do")
	case len(images) > 0:
		err = usagef(cmd, "--image chooses among several images, but flags describe one")
	}
	return asked, err
}

// options gives what the flags and the CONTEXT argument ask for, for those who go through it once.
func (a *app) options(cmd *cobra.Command, f *buildFlags, args []string) (dockerfile.Options, error) {
	opt, err := a.request(cmd, f, args)
	if err == nil {
		err = a.world.Disk("auto").CheckContext(opt.Context)
	}
	opt.Open, opt.Images = a.world.Directory, a.world.Images
	return opt, err
}

// see makes what the run may see of the disk: the repository around a directory that the command line names.
func (a *app) see(ctx context.Context, dir string) *project.World {
	if a.world == nil {
		if project.IsRemote(dir) {
			dir = "."
		}
		a.world = project.NewWorld(ctx, dir, a.outside)
	}
	return a.world
}

// name adds what the command line names to what the run may see.
func (a *app) name(opt dockerfile.Options) {
	if f := opt.Dockerfile; f != "" && f != "-" {
		a.world.Name(filepath.Dir(f))
	}
	for _, dir := range opt.BuildContexts {
		if !project.IsRemote(dir) && !strings.Contains(dir, "://") {
			a.world.Name(dir)
		}
	}
}

// request gives what the flags and the CONTEXT argument ask for.
func (a *app) request(cmd *cobra.Command, f *buildFlags, args []string) (dockerfile.Options, error) {
	opt := dockerfile.Options{Context: contextOf(args), Dockerfile: f.file, Target: f.target, Platform: f.platform}
	a.see(cmd.Context(), opt.Context)
	if f.platform != "" {
		if _, err := platforms.Parse(f.platform); err != nil {
			return opt, usagef(cmd, "--platform %q: want OS/ARCH[/VARIANT], such as linux/arm64", f.platform)
		}
	}
	if err := a.findBases(cmd, f); err != nil {
		return opt, err
	}
	if f.file == "-" {
		// One byte more than BuildKit reads tells that there are too many.
		data, err := io.ReadAll(io.LimitReader(a.env.Stdin, dockerfile.MaxSize+1))
		if err != nil {
			return opt, fmt.Errorf("reading the Dockerfile from standard input: %w", err)
		}
		opt.Stdin = overlay.NewReader(data)
	}
	for _, kv := range f.buildArgs {
		name, value, ok := strings.Cut(kv, "=")
		if name == "" {
			return opt, usagef(cmd, "--build-arg %q: want NAME=VALUE", kv)
		}
		if !ok {
			if value, ok = a.env.LookupEnv(name); !ok {
				continue
			}
		}
		if opt.BuildArgs == nil {
			opt.BuildArgs = map[string]string{}
		}
		opt.BuildArgs[name] = value
	}
	for _, kv := range f.buildContexts {
		name, value, ok := strings.Cut(kv, "=")
		if name == "" || !ok || value == "" {
			return opt, usagef(cmd, "--build-context %q: want NAME=DIR", kv)
		}
		if opt.BuildContexts == nil {
			opt.BuildContexts = map[string]string{}
		}
		opt.BuildContexts[name] = value
	}
	a.name(opt)
	if project.IsRemote(opt.Context) && f.file == "" && cmd.Parent() != nil && cmd.Parent().Name() != "context" {
		return opt, fmt.Errorf("build context %s is remote: it has no ignore file, and its files are unknown until it is fetched; name a local Dockerfile with -f", opt.Context)
	}
	return opt, nil
}

func maxOneArg(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef(cmd, "%q takes one CONTEXT, got %d arguments", cmd.CommandPath(), len(args))
	}
	return nil
}

// formatFlag registers --format with the formats that a command has; the first is the default.
func formatFlag(cmd *cobra.Command, formats ...string) func() (string, error) {
	v := cmd.Flags().String("format", formats[0], "output format: "+strings.Join(formats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return func() (string, error) {
		for _, f := range formats {
			if *v == f {
				return f, nil
			}
		}
		return "", usagef(cmd, "--format must be one of %s, not %q", strings.Join(formats, ", "), *v)
	}
}
