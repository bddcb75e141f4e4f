package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

func (a *app) ignoreCommand() *cobra.Command {
	return group("ignore", "Check the ignore file itself", a.ignoreLintCommand())
}

func (a *app) ignoreLintCommand() *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use: "lint [CONTEXT]", Short: "Report lines of the ignore file that have no effect, or not the intended one", Args: maxOneArg,
		Long: `Report the lines of the ignore file that have no effect, repeat another line, or do not do what
they seem to, in this context. Each answer was simulated: the context was walked again without
the line, or with the suggested one.

--fix removes the lines that have no effect, all together, and keeps every other byte of the file.

All findings are warnings; --fail-on warning makes them count.`,
		Example: `  ctxaudit ignore lint
  ctxaudit ignore lint --fix
  ctxaudit ignore lint -f Dockerfile . --format json`,
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "Dockerfile, for an ignore file of its own (default CONTEXT/Dockerfile)")
	fix := cmd.Flags().Bool("fix", false, "remove the lines that have no effect")
	fail := cmd.Flags().String("fail-on", string(finding.Error), "least severity that fails: error, warning, note")
	formats := outputsFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		outputs, err := formats()
		if err != nil {
			return err
		}
		failOn, err := finding.ParseSeverity(*fail)
		if err != nil {
			return usagef(cmd, "--fail-on: %w", err)
		}
		opt, err := a.options(cmd, &f, args)
		if err != nil {
			return err
		}
		if project.IsRemote(opt.Context) {
			return fmt.Errorf("build context %s is remote: it has no ignore file", opt.Context)
		}
		e, end := a.watched()
		done, err := e.Lint(opt, *fix)
		end()
		if done.Untried > 0 {
			a.tellf("ctxaudit: %s: %d lines were not checked: that would take too long", done.Report.IgnoreFile, done.Untried)
		}
		if err != nil {
			return a.refused(err, outputs[0].Name == "json")
		}
		images := []finding.ImageReport{done.Report}
		r := report.Audit{
			Report: finding.NewReport(images), Version: version(), FailOn: failOn, Rules: shownRules(), Sources: a.sources(images),
			Views: []*inventory.Inventory{nil},
		}
		for i := range outputs {
			if outputs[i].Name == "text" {
				outputs[i].Write = lintText(done)
			}
		}
		if err := a.write(outputs, r, a.style()); err != nil {
			return err
		}
		if r.Failed() {
			return exitCode(exitFindings)
		}
		return nil
	}
	return cmd
}

// lintText writes the findings as text, behind the lines that were removed.
func lintText(done *engine.Linted) func(io.Writer, report.Audit, report.Style) error {
	return func(w io.Writer, r report.Audit, s report.Style) error {
		for _, l := range done.Removed {
			fmt.Fprintf(w, "removed %s:%d  %s\n", report.Name(done.Report.IgnoreFile), l.Number, report.Name(l.Text))
		}
		return report.IgnoreLint(w, r, s)
	}
}
