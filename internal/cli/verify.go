package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/builder"
	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/registry"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// verifyFlags are the flags of verify beyond those of a build.
type verifyFlags struct {
	buildFlags
	config, export string
	from           string
	build          bool
	image          []string
}

// The forms in which verify exports checks.
const (
	structureTest = "container-structure-test"
	checkScript   = "script"
)

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use: "verify {IMAGE | --build | --export FORM} [CONTEXT]", Short: "Compare a built image with its prediction",
		Long: `Compare a built image with its prediction: what was predicted but is missing, what is present
but was not predicted, with the step or base image that explains it, and what differs in mode,
owner, size, link or configuration, each with its line.

IMAGE is an OCI layout, an archive ('docker save', 'docker buildx build --output type=oci'), or
the name of an image, which is fetched from its registry, as 'base pull' does, or with --from
daemon read from the docker daemon of this machine.

--build builds the image first, if the prediction says that the build works, with 'docker buildx
build', or with buildctl if BUILDKIT_HOST names a daemon or there is no docker. This runs the
steps of the Dockerfile, as any build does. The builder must be able to write an OCI layout: the
builder of the docker daemon can if Docker uses the containerd image store. --timeout does not
count while it builds.

Exits with 1 if the image contradicts something certain. What a step or a base image may have
changed is shown, but does not count.

--export compares nothing: it writes the requirements of the configuration, the start command
and the files whose imports were followed as a test for the running image, for
container-structure-test or as a shell script.`,
		Example: `  ctxaudit verify app.tar .
  ctxaudit verify --format json app.tar .
  ctxaudit verify --from daemon app .
  ctxaudit verify --build .
  ctxaudit verify --export container-structure-test . > structure.yaml
  ctxaudit verify --export script . | docker run --rm -i --entrypoint sh app -s`,
		Annotations: map[string]string{dials: "yes"},
		Args: func(cmd *cobra.Command, args []string) error {
			least := 1
			if f.export != "" || f.build {
				least = 0
			}
			if len(args) < least || len(args) > least+1 {
				return usagef(cmd, "want IMAGE and at most one CONTEXT, or --build or --export and at most one CONTEXT, got %d arguments", len(args))
			}
			return nil
		},
	}
	f.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.config, "config", "", "configuration file (default CONTEXT/.ctxaudit.yaml if it exists)")
	fl.StringArrayVar(&f.image, "image", nil, "name of the image that was built, if the repository has several")
	fl.StringVar(&f.from, "from", "", "where IMAGE is, if not in a file or a registry: daemon, the docker daemon of this machine")
	fl.BoolVar(&f.build, "build", false, "build the image first, with docker buildx or buildctl")
	fl.StringVar(&f.export, "export", "", "write a test for the running image instead: "+structureTest+", "+checkScript)
	cmd.MarkFlagsMutuallyExclusive("build", "from", "export")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		switch {
		case err != nil:
			return err
		case f.export != "":
			a.offline()
			return a.export(cmd, &f, args)
		}
		return a.verify(cmd, &f, form, args)
	}
	return cmd
}

// verify holds an image against its prediction, and shows what came of it.
func (a *app) verify(cmd *cobra.Command, f *verifyFlags, form string, args []string) error {
	built := a.build
	if !f.build {
		x, err := a.builtImage(cmd, f, args[0])
		if err != nil {
			return err
		}
		a.offline() // before anything of the repository is read
		name := args[0]
		built, args = func(context.Context, dockerfile.Options) (string, *baseimage.Index, error) { return name, x, nil }, args[1:]
	}
	asked, err := a.asked(cmd, &f.buildFlags, false, f.config, f.image, args)
	if err != nil {
		return err
	}
	asked.Own = true
	e, end := a.watched()
	r, notices, err := e.Verify(cmd.Context(), asked, built)
	end()
	a.tell(notices)
	if err != nil {
		return a.unverified(cmd, err, form)
	}
	if form == "json" {
		err = report.JSON(a.out, r)
	} else {
		err = report.Verify(a.out, r, a.style())
	}
	if err == nil && len(r.Contradicted) > 0 {
		err = exitCode(exitFindings)
	}
	return err
}

// unverified makes of what is wrong with the request an error of the command line, and of a build that fails a refusal.
func (a *app) unverified(cmd *cobra.Command, err error, form string) error {
	var several *engine.SeveralImagesError
	if errors.As(err, &several) {
		return &usageError{cmd, err}
	}
	return a.refused(misnamed(cmd, err), form == "json")
}

// build builds the image that is asked for. The builder, which may have to reach its daemon, keeps the network, and nothing else does
// once it runs.
func (a *app) build(ctx context.Context, opt dockerfile.Options) (name string, x *baseimage.Index, err error) {
	defer a.deadline.pause()()
	defer a.errs.Flush()
	platform := opt.Platform
	if platform == "" {
		platform = dockerfile.DefaultPlatform()
	}
	err = builder.Build(ctx, opt, a.errs, func(by string, archive io.Reader) (err error) {
		a.offline()
		name = by
		x, err = baseimage.OpenStream(ctx, archive, "that "+by+" builds", "", platform)
		return err
	})
	return name, x, err
}

// builtImage reads the image of a layout or an archive or, where there is no such file, of a registry.
func (a *app) builtImage(cmd *cobra.Command, f *verifyFlags, image string) (*baseimage.Index, error) {
	platform := f.platform
	if platform == "" {
		platform = dockerfile.DefaultPlatform()
	}
	if f.from != "" {
		return a.ofDaemon(cmd, f.from, image, platform)
	}
	if baseimage.IsFile(image) {
		if project.LeadsOut(image) && !a.outside {
			return nil, &project.OutsideError{Name: image}
		}
		return baseimage.Open(cmd.Context(), image, "", platform)
	}
	ref, err := baseimage.Normalize(image)
	if err != nil {
		return nil, usagef(cmd, "%s is neither a file nor the name of an image: %w", image, err)
	}
	x, err := a.fetch(cmd, ref, platform)
	if err != nil && !strings.ContainsAny(image, "/:@") {
		err = fmt.Errorf("%s is no file here, and as the name of an image: %w", image, err)
	}
	return x, err
}

// ofDaemon reads an image of the docker daemon.
func (a *app) ofDaemon(cmd *cobra.Command, from, image, platform string) (*baseimage.Index, error) {
	ask, err := a.daemon(cmd, "from", from)
	if err != nil {
		return nil, err
	}
	ref, err := baseimage.Normalize(image)
	if err != nil {
		return nil, usagef(cmd, "%w", err)
	}
	x, err := ask(cmd.Context(), ref, platform)
	if err == nil && x == nil {
		err = &baseimage.Error{Source: ref, Err: registry.ErrNotThere}
	}
	return x, err
}

func (a *app) export(cmd *cobra.Command, f *verifyFlags, args []string) error {
	if !slices.Contains([]string{structureTest, checkScript}, f.export) {
		return usagef(cmd, "--export must be %s or %s, not %q", structureTest, checkScript, f.export)
	}
	asked, err := a.asked(cmd, &f.buildFlags, false, f.config, f.image, args)
	if err != nil {
		return err
	}
	asked.Own = true
	e, end := a.watched()
	name, checks, notices, err := e.Export(cmd.Context(), asked)
	end()
	a.tell(notices)
	if err == nil && checks.Empty() {
		a.tellf("ctxaudit: nothing to check: add requirements to the configuration, under require")
	}
	switch {
	case err != nil:
		return a.unverified(cmd, err, "text")
	case f.export == structureTest:
		return report.StructureTest(a.out, name, checks)
	}
	return report.CheckScript(a.out, name, checks)
}
