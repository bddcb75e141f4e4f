package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

func (a *app) diffCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use: "diff BASE [HEAD]", Short: "Show what a change does to the images",
		Long: `Show what the change from revision BASE to revision HEAD, or to the working tree, does to the
images: the files that are added and removed and why, the settings that change, and the
findings that appear and disappear.

The revisions are read from the objects of the repository: nothing is checked out, stashed or
fetched. The images are those that check would find in each of the two states.

Exits with 1 if a finding at or above --fail-on appears.`,
		Example: `  ctxaudit diff HEAD
  ctxaudit diff HEAD~1 HEAD
  ctxaudit diff origin/main --format markdown >> "$GITHUB_STEP_SUMMARY"
  ctxaudit diff origin/main --format html > diff.html
  ctxaudit diff origin/main --context . --format json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return usagef(cmd, "want BASE and at most one HEAD, got %d arguments", len(args))
			}
			return nil
		},
	}
	f.registerCheck(cmd)
	dir := cmd.Flags().String("context", ".", "build context, or where to search for Dockerfiles")
	format := formatFlag(cmd, "text", "json", "markdown", "html")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		failOn, err := finding.ParseSeverity(f.failOn)
		if err != nil {
			return usagef(cmd, "--fail-on: %w", err)
		}
		if f.file == "-" {
			return usagef(cmd, "a Dockerfile from standard input is of no revision")
		}
		asked, err := a.checkAsked(cmd, &f, []string{*dir})
		if err != nil {
			return err
		}
		e, end := a.watched()
		d, notices, err := e.Diff(cmd.Context(), asked, args[0], slices.Concat(args, []string{""})[1])
		end()
		a.tell(notices)
		if err != nil {
			return misnamed(cmd, err)
		}
		switch form {
		case "json":
			err = report.JSON(a.out, d)
		case "markdown":
			err = report.DiffMarkdown(a.out, d)
		case "html":
			err = report.DiffHTML(a.out, d, version())
		default:
			err = report.Diff(a.out, d, a.style())
		}
		if err != nil {
			return err
		}
		for _, img := range d.Images {
			for _, g := range img.New {
				if g.Severity.AtLeast(failOn) {
					return exitCode(exitFindings)
				}
			}
		}
		return nil
	}
	return cmd
}
