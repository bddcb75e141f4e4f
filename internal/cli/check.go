package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
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
		Use: "check [CONTEXT]", Short: "Check, before it is built, that an image has what its program needs", Args: maxOneArg,
		Long: `Check, before it is built, that an image has what its program needs. Exits with 1 on a finding
at or above --fail-on, or if BuildKit would refuse the build.

Without configuration, ctxaudit checks the images that the repository builds: those of Bake
files, GitHub workflows, Cloud Build, Compose files and Skaffold, in this order, each image
once. It checks every other Dockerfile below CONTEXT with the context that a line of a
Makefile or a script gives it, or in which its sources resolve. Requirements of your own go
into ` + policy.FileName + ` (or --config), or into flags for a single image.

It follows the imports of the program that the image starts: an import that resolves in the
repository but not in the image is an error. It checks what each build step needs at that
step: manifests, lock files, scripts, sources.

A finding comes with an edit that repairs it, if there is one. Each edit was simulated: the
image was predicted and checked again, the finding was gone, and no other one appeared.

A directory that cannot be read, or a name that is not UTF-8, makes a build fail wherever in
the context it is, so the whole context is searched for that. In a very large repository
--assume-sendable saves that time.`,
		Example: `  ctxaudit check
  ctxaudit check --require-module shop_backend/app --require-env PYTHONPATH=/srv .
  ctxaudit check -f Dockerfile --target base --forbid-path '/**/.env' .
  ctxaudit check --config .ctxaudit.yaml --image backend --format sarif=out.sarif --format text
  ctxaudit check --new-since origin/main
  ctxaudit check --clean-checkout`,
	}
	f.registerCheck(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.fixes, "fixes", "best", "fixes to show, each simulated: best, all, none")
	fl.StringVar(&f.baseline, "baseline", "", "report only findings that are not in this `FILE` of known ones")
	fl.BoolVar(&f.updateBaseline, "update-baseline", false, "write the findings to the --baseline, and succeed")
	fl.BoolVar(&f.buildkitChecks, "buildkit-checks", false, "report the warnings of docker build --check, too")
	fl.StringVar(&f.newSince, "new-since", "", "report only findings that this git `REVISION` does not have")
	fl.BoolVar(&f.cleanCheckout, "clean-checkout", false, "audit only what git tracks, as CI would see it")
	fl.StringVar(&f.untracked, "untracked", "auto", "look for untracked files that enter the image: auto (not in large repositories), yes, no")
	fl.BoolVar(&f.sendable, "assume-sendable", false, "do not search the whole context for files that BuildKit cannot read or send")
	cmd.MarkFlagsMutuallyExclusive("clean-checkout", "new-since")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "show everything: all related lines, passed requirements, assumptions")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "show findings only")
	cmd.MarkFlagsMutuallyExclusive("verbose", "quiet")
	formats := outputsFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		outputs, err := formats()
		if err != nil {
			return err
		}
		return a.checkAndShow(cmd, &f, outputs, args)
	}
	return cmd
}

// checkAndShow checks the images that are asked for, and writes what is found.
func (a *app) checkAndShow(cmd *cobra.Command, f *checkFlags, outputs []output, args []string) error {
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
	asked, err := a.checkAsked(cmd, f, args)
	if err != nil {
		return err
	}
	c := f.check(asked)
	c.Views = needsViews(outputs)
	done, err := a.check(cmd, c)
	if err != nil {
		return err
	}
	style := a.style()
	style.Verbose, style.Quiet = f.verbose, f.quiet
	finding.Share(done.Reports)
	r := report.Audit{
		Report: finding.NewReport(done.Reports), Version: version(), FailOn: failOn, Rules: shownRules(), Sources: a.sources(done.Reports), Views: done.Views,
		FixCommand: fixCommand(cmd, args),
	}
	more := a.world.Notices()
	a.tell(more)
	r.Notices = slices.Concat(done.Notices, done.Skipped, more)
	if err := a.write(outputs, r, style); err != nil {
		return err
	}
	if r.Failed() {
		return exitCode(exitFindings)
	}
	if len(done.Reports) == 0 {
		return errNothingAudited
	}
	return nil
}

// fixCommand gives the command line of fix that is about the same images and requirements, by which findings have the same numbers.
func fixCommand(cmd *cobra.Command, args []string) string {
	var of checkFlags
	shared := &cobra.Command{}
	of.registerCheck(shared)
	words := []string{"ctxaudit", "fix"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if shared.Flags().Lookup(f.Name) == nil && f.Name != "allow-outside" || f.Name == "fail-on" {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			words = append(words, shellWord("--"+f.Name+"="+v))
		}
	})
	for _, arg := range args {
		words = append(words, shellWord(arg))
	}
	return strings.Join(words, " ")
}

// shellWord quotes a word for a shell where it must be.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("-_./=:,@+%", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// errNothingAudited says that there is no answer: a gate that audits nothing must not pass.
var errNothingAudited = errors.New("no image was checked: ctxaudit found no build that it can follow")

// registerCheck registers the flags that say which images are checked for what, and what fails.
func (f *checkFlags) registerCheck(cmd *cobra.Command) {
	f.register(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.config, "config", "", "configuration file (default CONTEXT/"+policy.FileName+" if it exists)")
	fl.StringArrayVar(&f.image, "image", nil, "check only this image, by its name")
	fl.StringArrayVar(&f.modules, "require-module", nil, "directory of the context of which every file must be in the image")
	fl.StringArrayVar(&f.paths, "require-path", nil, "image path or pattern that must exist")
	fl.StringArrayVar(&f.env, "require-env", nil, "environment variable that must be set, as NAME or NAME=VALUE")
	fl.StringArrayVar(&f.forbid, "forbid-path", nil, "image path or pattern that must not exist")
	fl.StringVar(&f.failOn, "fail-on", string(finding.Error), "least severity that fails: error, warning, note")
}

// check gives the check that is asked for.
func (f *checkFlags) check(asked project.Asked) engine.Check {
	return engine.Check{
		Asked: asked, Untracked: f.untracked, Baseline: f.baseline, Update: f.updateBaseline, NewSince: f.newSince,
		Options: engine.Options{
			Verbose: f.verbose, Sendable: f.sendable, CleanCheckout: f.cleanCheckout, Lints: f.buildkitChecks,
			Repairs: f.fixes != "none", AllRepairs: f.fixes == "all",
		},
	}
}

// validFixes fails for a --fixes that there is not.
func (f *checkFlags) validFixes(cmd *cobra.Command) error {
	if !slices.Contains([]string{"best", "all", "none"}, f.fixes) {
		return usagef(cmd, "--fixes must be best, all or none, not %q", f.fixes)
	}
	return nil
}

// check checks images, and tells what is being done, what could not be followed, and what is not shown.
func (a *app) check(cmd *cobra.Command, c engine.Check) (*engine.Checked, error) {
	e, end := a.watched()
	done, err := e.Check(cmd.Context(), c)
	end()
	a.tell(done.Notices)
	a.tell(done.Skipped)
	if done.Outdated {
		a.tellf("ctxaudit: the baseline %s has version 1, which the next release will not read; --update-baseline rewrites it", c.Baseline)
	}
	if done.Known > 0 {
		a.tellf("ctxaudit: not shown: %s of the baseline %s", findings(done.Known), c.Baseline)
	}
	if done.Gone > 0 {
		a.tellf("ctxaudit: no longer found: %s of the baseline %s; --update-baseline removes them", findings(done.Gone), c.Baseline)
	}
	a.tell(done.Refused)
	if done.Old > 0 {
		a.tellf("ctxaudit: not shown: %s that %s has, too", findings(done.Old), c.NewSince)
	}
	return done, misnamed(cmd, err)
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

// engine gives what works on the repository.
func (a *app) engine() *engine.Engine { return &engine.Engine{World: a.world} }

// watched gives one that tells what is being done until end is called.
func (a *app) watched() (e *engine.Engine, end func()) {
	watch := a.progress()
	e = a.engine()
	e.At = func(text string) { watch.at("%s", text) }
	return e, watch.end
}

// misnamed makes of the name of an image that there is not an error of the command line.
func misnamed(cmd *cobra.Command, err error) error {
	var unknown *project.UnknownImageError
	if errors.As(err, &unknown) {
		return &usageError{cmd, err}
	}
	return err
}

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

// checkAsked gives the images that flags ask for: those of a configuration or the repository, or the one that they describe.
func (a *app) checkAsked(cmd *cobra.Command, f *checkFlags, args []string) (project.Asked, error) {
	asked, err := a.asked(cmd, &f.buildFlags, f.required(), f.config, f.image, args)
	if asked.Policy != nil && err == nil {
		asked.Policy, err = f.requirements(cmd)
	}
	return asked, err
}

// maxNoticePlaces is how many places of one cause are named.
const maxNoticePlaces = 3

// tell shows what could not be followed, where diagnostics go.
func (a *app) tell(notices []finding.Notice) {
	var order []string
	places := map[string][]string{}
	for _, n := range notices {
		if places[n.Text] == nil {
			order = append(order, n.Text)
		}
		places[n.Text] = append(places[n.Text], report.At(n.File, n.Line))
	}
	for _, text := range order {
		at := places[text]
		if len(at) <= maxNoticePlaces {
			for _, p := range at {
				a.tellf("ctxaudit: %s: %s", p, text)
			}
			continue
		}
		a.tellf("ctxaudit: %s and %d more: %s", strings.Join(at[:maxNoticePlaces], ", "), len(at)-maxNoticePlaces, text)
	}
}

// requirements gives what flags require of an image.
func (f *checkFlags) requirements(cmd *cobra.Command) (*policy.Image, error) {
	p := &policy.Image{Require: policy.Require{Paths: f.paths}, Forbid: policy.Forbid{Paths: f.forbid}}
	for _, m := range f.modules {
		p.Require.Modules = append(p.Require.Modules, policy.Module{Path: m})
	}
	for _, kv := range f.env {
		name, value, ok := strings.Cut(kv, "=")
		if name == "" {
			return nil, usagef(cmd, "--require-env %q: want NAME or NAME=VALUE", kv)
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
		return nil, problems[0]
	}
	return p, nil
}
