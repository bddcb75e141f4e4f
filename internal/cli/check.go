package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// checkFlags are the flags of check beyond those of a build.
type checkFlags struct {
	buildFlags
	config, failOn, fixes, newSince    string
	baseline                           string
	updateBaseline, buildkitChecks     bool
	cleanCheckout, sendable            bool
	untracked                          string
	modules, paths, env, forbid, image []string
	verbose, quiet                     bool
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use: "check [CONTEXT]", Short: "Check what the image must hold, before it is built", Args: maxOneArg,
		Long: `Check that the image that a build would make holds what it must hold. Exits with 1 on a
finding at or above --fail-on, or if BuildKit would refuse the build.

What is required stands in ` + policy.FileName + ` beside the context (or --config), for one or more
images, or is given by flags for one image. Without either, what the repository says that it
builds is checked: Bake files, GitHub workflows, Cloud Build, Compose files, Skaffold, in this
order; each image once, with the places that say so. Every other Dockerfile below CONTEXT is
checked with the context that a line of a Makefile or a script gives it, or in which its
sources resolve.

Of an image that starts Python code, the imports are followed through the image: one that
the repository can satisfy and the image cannot is an error.

A finding is shown with the edit that repairs it, if one was found: each candidate is
tried by predicting and checking the image again, and none is offered that does not make
the finding disappear or that brings another.

A directory that cannot be read, or a name that is not UTF-8, makes a build fail wherever in
the context it lies: all that the build would transfer is looked through for that. In a very
large repository --assume-sendable saves that time.`,
		Example: `  ctxaudit check
  ctxaudit check --require-module shop_backend/app --require-env PYTHONPATH=/srv .
  ctxaudit check -f Dockerfile --target base --forbid-path '/**/.env' .
  ctxaudit check --config .ctxaudit.yaml --image backend --format sarif=out.sarif --format text
  ctxaudit check --new-since origin/main
  ctxaudit check --clean-checkout`,
	}
	f.registerCheck(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.fixes, "fixes", "best", "repairs to show, each tried in a simulation: best, all, none")
	fl.StringVar(&f.baseline, "baseline", "", "show, and fail on, only what this `FILE` of known findings does not have")
	fl.BoolVar(&f.updateBaseline, "update-baseline", false, "write the findings to the --baseline, and succeed")
	fl.BoolVar(&f.buildkitChecks, "buildkit-checks", false, "show the warnings of docker build --check too, under their names")
	fl.StringVar(&f.newSince, "new-since", "", "show, and fail on, only what this git `REVISION` does not have")
	fl.BoolVar(&f.cleanCheckout, "clean-checkout", false, "audit only what git tracks, as CI would see it")
	fl.StringVar(&f.untracked, "untracked", "auto", "look for untracked files that enter the image: auto (not in large repositories), yes, no")
	fl.BoolVar(&f.sendable, "assume-sendable", false, "read only what the answer is about: do not look through the whole context for what BuildKit could not read or send")
	cmd.MarkFlagsMutuallyExclusive("clean-checkout", "new-since")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "show what holds too, with its evidence")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "show findings only")
	cmd.MarkFlagsMutuallyExclusive("verbose", "quiet")
	formats := outputsFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		outputs, err := formats()
		if err != nil {
			return err
		}
		if err := f.validFixes(cmd); err != nil {
			return err
		}
		failOn, err := finding.ParseSeverity(f.failOn)
		if err != nil {
			return usagef(cmd, "--fail-on: %w", err)
		}
		if f.updateBaseline && f.baseline == "" {
			return usagef(cmd, "--update-baseline needs the name of the file: --baseline FILE")
		}
		if !slices.Contains([]string{"auto", "yes", "no"}, f.untracked) {
			return usagef(cmd, "--untracked must be auto, yes or no, not %q", f.untracked)
		}
		found, err := a.checkSubjects(cmd, &f, args)
		var none *project.NoDockerfileError
		if errors.As(err, &none) && len(found.Notices) > 0 {
			err = nil // there are images, and the notices say why none of them is audited
		}
		if err != nil {
			return err
		}
		o := f.options()
		if needsViews(outputs) {
			o.View = func(s audit.Subject, image *simulate.Image) (any, error) { return view(image, s.Options.Context) }
		}
		done, err := a.audit(cmd.Context(), &found, o)
		if err != nil {
			return err
		}
		var views []*inventory.Inventory
		for _, d := range done {
			if v, ok := d.View.(*inventory.Inventory); ok {
				views = append(views, v)
			}
		}
		images, subjects := engine.Reports(done)
		if err := a.settle(images, subjects, &f); err != nil {
			return err
		}
		if f.newSince != "" {
			old, err := a.onlyNew(cmd, images, &f, contextOf(args))
			if err != nil {
				return err
			}
			if old > 0 {
				a.tellf("ctxaudit: not shown: %s that %s has too", findings(old), f.newSince)
			}
		}
		style := a.style()
		style.Verbose, style.Quiet = f.verbose, f.quiet
		r := report.Audit{
			Report: finding.NewReport(images), Version: version(), FailOn: failOn, Rules: shownRules(), Sources: a.sources(images), Views: views,
		}
		more := a.world.Notices()
		a.tell(more)
		r.Notices = append(found.Notices, more...)
		if err := a.write(outputs, r, style); err != nil {
			return err
		}
		if r.Failed() {
			return exitCode(exitFindings)
		}
		return nil
	}
	return cmd
}

// registerCheck registers the flags that say which images are checked for what, and what fails.
func (f *checkFlags) registerCheck(cmd *cobra.Command) {
	f.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.config, "config", "", "configuration file (default CONTEXT/"+policy.FileName+" if it exists)")
	fl.StringArrayVar(&f.image, "image", nil, "check only this image, by its name")
	fl.StringArrayVar(&f.modules, "require-module", nil, "directory of the context whose every file must reach the image")
	fl.StringArrayVar(&f.paths, "require-path", nil, "image path or pattern that must exist")
	fl.StringArrayVar(&f.env, "require-env", nil, "environment setting that must exist, as NAME or NAME=VALUE")
	fl.StringArrayVar(&f.forbid, "forbid-path", nil, "image path or pattern that must not exist")
	fl.StringVar(&f.failOn, "fail-on", string(finding.Error), "least severity that fails: error, warning, note")
}

// options gives what an audit is to do.
func (f *checkFlags) options() engine.Options {
	return engine.Options{
		Verbose: f.verbose, Sendable: f.sendable, CleanCheckout: f.cleanCheckout, Lints: f.buildkitChecks,
		Repairs: f.fixes != "none", AllRepairs: f.fixes == "all",
	}
}

// validFixes fails for a --fixes that there is not.
func (f *checkFlags) validFixes(cmd *cobra.Command) error {
	if !slices.Contains([]string{"best", "all", "none"}, f.fixes) {
		return usagef(cmd, "--fixes must be best, all or none, not %q", f.fixes)
	}
	return nil
}

// audit checks images, and tells what is being done and which of them were not followed.
func (a *app) audit(ctx context.Context, found *project.Images, o engine.Options) ([]engine.Audited, error) {
	watch := a.progress()
	e := a.engine()
	e.At = func(text string) { watch.at("%s", text) }
	done, skipped, err := e.Audit(ctx, found.Subjects, o)
	watch.end()
	found.Notices = append(found.Notices, skipped...)
	a.tell(skipped)
	return done, err
}

// engine gives what audits the repository.
func (a *app) engine() *engine.Engine { return &engine.Engine{World: a.world} }

// contextOf gives the CONTEXT argument.
func contextOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "."
}

// required reports whether flags say what is required.
func (f *checkFlags) required() bool {
	return len(f.modules)+len(f.paths)+len(f.env)+len(f.forbid) > 0
}

// subjects gives the images to check: those of the configuration, or the one that flags describe.
func (a *app) subjects(cmd *cobra.Command, f *checkFlags, args []string) (project.Images, error) {
	found, err := a.subjectsIn(cmd, a.disk(cmd.Context(), contextOf(args), "auto"), f, args)
	a.tell(found.Notices)
	return found, err
}

// checkSubjects gives the images to check, with what git knows as the flags want it.
func (a *app) checkSubjects(cmd *cobra.Command, f *checkFlags, args []string) (project.Images, error) {
	state := a.disk(cmd.Context(), contextOf(args), f.untracked)
	if f.cleanCheckout {
		var err error
		if state, err = a.world.Checkout(cmd.Context(), contextOf(args)); err != nil {
			return project.Images{}, err
		}
	}
	found, err := a.subjectsIn(cmd, state, f, args)
	a.tell(found.Notices)
	return found, err
}

// tell shows what could not be followed, where diagnostics go.
func (a *app) tell(notices []finding.Notice) {
	for _, n := range notices {
		a.tellf("ctxaudit: %s: %s", report.At(n.File, n.Line), n.Text)
	}
}

// subjectsIn gives the images to check in a state of the files.
func (a *app) subjectsIn(cmd *cobra.Command, w project.State, f *checkFlags, args []string) (project.Images, error) {
	opt, err := a.optionsIn(cmd, w, &f.buildFlags, args)
	if err != nil {
		return project.Images{}, err
	}
	byFlags := f.set() || f.required()
	if f.config != "" && byFlags {
		return project.Images{}, usagef(cmd, "--config describes the images; it cannot be combined with flags that do")
	}
	if !byFlags {
		found, err := a.named(cmd, w, opt, f.config, f.image)
		if found != nil || err != nil {
			return *cmp.Or(found, &project.Images{}), err
		}
	}
	if len(f.image) > 0 {
		return project.Images{}, usagef(cmd, "--image chooses among several images, and flags describe one")
	}
	s, err := byRequirements(cmd, w, opt, f)
	return project.Images{Subjects: []audit.Subject{s}}, err
}

// named gives the images of the configuration or, without one, those that the repository builds; nil if the context is
// remote, so that there is only the one image.
func (a *app) named(cmd *cobra.Command, w project.State, opt dockerfile.Options, config string, only []string) (*project.Images, error) {
	if p := filepath.Join(opt.Context, policy.FileName); config == "" && !project.IsRemote(opt.Context) && w.Has(opt.Context, policy.FileName) {
		config = p
	}
	if config != "" {
		// What is beside the context is the repository's own; another one a person named.
		if config != filepath.Join(opt.Context, policy.FileName) {
			a.world.NameConfig(config)
		}
		subjects, err := a.configured(cmd, w, config, only)
		return &project.Images{Subjects: subjects}, err
	}
	if project.IsRemote(opt.Context) {
		return nil, nil
	}
	found, err := project.Discover(cmd.Context(), w, opt.Context)
	if err != nil {
		return &found, err
	}
	found.Subjects, err = chooseImages(cmd, found.Subjects, only)
	return &found, err
}

// chooseImages leaves of images those that are named.
func chooseImages(cmd *cobra.Command, subjects []audit.Subject, only []string) ([]audit.Subject, error) {
	if len(only) == 0 {
		return subjects, nil
	}
	var out []audit.Subject
	var names []string
	for _, s := range subjects {
		names = append(names, s.Name)
	}
	for _, name := range only {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, usagef(cmd, "there is no image %q; there are %s", name, strings.Join(names, ", "))
		}
		out = append(out, subjects[i])
	}
	return out, nil
}

// byRequirements gives the one image that flags describe.
func byRequirements(cmd *cobra.Command, w project.State, opt dockerfile.Options, f *checkFlags) (audit.Subject, error) {
	p := &policy.Image{Require: policy.Require{Paths: f.paths}, Forbid: policy.Forbid{Paths: f.forbid}}
	for _, m := range f.modules {
		p.Require.Modules = append(p.Require.Modules, policy.Module{Path: m})
	}
	for _, kv := range f.env {
		name, value, ok := strings.Cut(kv, "=")
		if name == "" {
			return audit.Subject{}, usagef(cmd, "--require-env %q: want NAME or NAME=VALUE", kv)
		}
		yes := true
		e := policy.Env{Set: &yes}
		if ok {
			e = policy.Env{Equals: &value}
		}
		if p.Require.Env == nil {
			p.Require.Env = map[string]policy.Env{}
		}
		p.Require.Env[name] = e
	}
	var problems []error
	p.Validate(func(message string, _ ...any) { problems = append(problems, usagef(cmd, "%s", message)) })
	if len(problems) > 0 {
		return audit.Subject{}, problems[0]
	}
	image := "image"
	if f.target != "" {
		image = f.target
	}
	return w.Subject(image, opt, p), nil
}

// configured gives the images of a configuration file.
func (a *app) configured(cmd *cobra.Command, w project.State, name string, only []string) ([]audit.Subject, error) {
	data, err := w.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("configuration %s does not exist", name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	file, err := policy.Parse(filepath.ToSlash(name), data)
	if err != nil {
		return nil, err
	}
	names := file.Names()
	if len(only) > 0 {
		for _, n := range only {
			if file.Images[n] == nil {
				return nil, usagef(cmd, "%s has no image %q; it has %s", name, n, strings.Join(names, ", "))
			}
		}
		names = only
	}
	dir := filepath.Dir(name)
	rel := func(p string) string {
		if p == "" || filepath.IsAbs(p) || project.IsRemote(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	var out []audit.Subject
	for _, n := range names {
		img := file.Images[n]
		opt := dockerfile.Options{
			Context: rel(img.Context), Dockerfile: rel(img.Dockerfile), Target: img.Target,
			BuildArgs: img.BuildArgs, Platform: img.Platform, Open: w.Open,
		}
		if opt.Context == "" {
			opt.Context = dir
		}
		for k, v := range img.BuildContexts {
			if opt.BuildContexts == nil {
				opt.BuildContexts = map[string]string{}
			}
			if !strings.Contains(v, "://") {
				v = rel(v)
			}
			opt.BuildContexts[k] = v
		}
		if err := w.CheckContext(opt.Context); err != nil {
			return nil, &policy.Error{File: name, Line: file.Line("images", n, "context"), Message: err.Error()}
		}
		s := w.Subject(n, opt, img)
		s.PolicyFile = file
		out = append(out, s)
	}
	return out, nil
}
