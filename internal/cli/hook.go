package cli

import (
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

// hookCommand makes the command that hooks call. It is not a flag of check: a hook appends the files to its command, and
// check takes a context there.
func (a *app) hookCommand() *cobra.Command {
	f := checkFlags{untracked: "auto", quiet: true}
	cmd := &cobra.Command{
		Use: "hook [-- FILE...]", Short: "Check the images that changed files affect",
		Long: `Check the images that one of the changed files affects: their Dockerfile, their ignore file, a
file that describes their build, or anything in their build context. It is for pre-commit and
other hooks, which pass the names of changed files. It prints nothing if it finds nothing, and a
repository without a Dockerfile is fine.

Put the files after --: somebody who may commit can call a file --config=other.yaml. An argument
that looks like a flag and is the name of a file here is refused.

The images are those that check finds in --context, with the same configuration.`,
		Example: `  ctxaudit hook -- Dockerfile shop_backend/app/main.py
  git diff --name-only -z HEAD~1 | xargs -0 ctxaudit hook --fail-on warning --`,
	}
	fl := cmd.Flags()
	dir := fl.String("context", ".", "build context, or where to search for Dockerfiles")
	fl.StringVar(&f.config, "config", "", "configuration file (default CONTEXT/"+policy.FileName+" if it exists)")
	fl.StringVar(&f.failOn, "fail-on", string(finding.Error), "least severity that fails: error, warning, note")
	fl.StringVar(&f.fixes, "fixes", "best", "fixes to show, each simulated: best, all, none")
	fl.StringVar(&f.baseline, "baseline", "", "report only findings that are not in this `FILE` of known ones")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := fileAsFlag(cmd, a.env.Args); err != nil {
			return err
		}
		if err := f.validFixes(cmd); err != nil {
			return err
		}
		failOn, err := finding.ParseSeverity(f.failOn)
		if err != nil {
			return usagef(cmd, "--fail-on: %w", err)
		}
		if len(args) == 0 {
			return nil
		}
		asked, err := a.checkAsked(cmd, &f, []string{*dir})
		if err != nil {
			return err
		}
		c := f.check(asked)
		c.Files = args
		done, err := a.check(cmd, c)
		var none *project.NoDockerfileError
		if errors.As(err, &none) {
			return nil
		}
		if err != nil {
			return err
		}
		finding.Share(done.Reports)
		r := report.Audit{
			Report: finding.NewReport(done.Reports), Version: version(), FailOn: failOn, Rules: shownRules(), Sources: a.sources(done.Reports),
		}
		if sum := r.Summary; sum.Errors+sum.Warnings+sum.Notes == 0 {
			return nil
		}
		style := a.style()
		style.Quiet = true
		text, _ := report.FindFormat("text")
		if err := text.WriteTo(a.out, r, style); err != nil {
			return err
		}
		if r.Failed() {
			return exitCode(exitFindings)
		}
		return nil
	}
	return cmd
}

// fileAsFlag fails if an argument that was taken for a flag is a file.
func fileAsFlag(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if arg == "--" {
			return nil
		}
		if !strings.HasPrefix(arg, "-") {
			continue
		}
		if _, err := os.Lstat(arg); err == nil {
			return usagef(cmd, "%q is a file here, and was taken for a flag: put -- before the files", arg)
		}
	}
	return nil
}
