package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

func (a *app) whyCommand() *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use: "why TARGET [CONTEXT]", Short: "Explain why something is in the image or not",
		Long: `Explain why something is in the image or not: the whole chain from the build context
through the ignore file and the instructions to the image, with every line.

TARGET is one of
  path/in/context    a file or directory of the build context
  pkg.sub.module     a module of it, with dots for slashes
  /path/in/image     a path of the image
  '$NAME'            an environment setting of the image

It exits with 0 if the target is in the image, with 1 if it is not, or not all of it.`,
		Example: `  ctxaudit why app/services/mail.py
  ctxaudit why shop_backend.app.services.monitoring
  ctxaudit why /app/config.yaml
  ctxaudit why '$PYTHONPATH'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return usagef(cmd, "want TARGET and at most one CONTEXT, got %d arguments", len(args))
			}
			if strings.Trim(args[0], "${} ") == "" {
				return usagef(cmd, "%q names nothing", args[0])
			}
			return nil
		},
	}
	f.register(cmd)
	all := cmd.Flags().Bool("all", false, "show every import of a module, not the first ten")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		opt, err := a.options(cmd, &f, args[1:])
		if err != nil {
			return err
		}
		image, err := simulate.Build(cmd.Context(), opt)
		if err != nil {
			return a.refused(err, form == "json")
		}
		e := &why.Explainer{Image: image, All: *all}
		if image.Plan.RemoteContext == "" {
			if e.Main, err = image.MainContext(opt.Context); err != nil {
				return a.refused(err, form == "json")
			}
		}
		answer, err := e.Explain(args[0])
		if err != nil {
			return a.refused(err, form == "json")
		}
		if form == "json" {
			err = report.JSON(a.env.Stdout, answer)
		} else {
			err = report.Why(a.env.Stdout, answer, a.style())
		}
		if err != nil {
			return err
		}
		if answer.Verdict != why.InImage && answer.Verdict != why.Set && answer.Verdict != why.EmptyDir {
			return exitCode(exitFindings)
		}
		return nil
	}
	return cmd
}
