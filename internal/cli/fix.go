package cli

import (
	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// fixFlags are the flags of fix beyond those that say what is checked.
type fixFlags struct {
	checkFlags
	write, all bool
	only       int // 0: no single one
}

func (a *app) fixCommand() *cobra.Command {
	var f fixFlags
	cmd := &cobra.Command{
		Use: "fix [CONTEXT]", Short: "Show or apply the edits that repair what check finds", Args: maxOneArg,
		Long: `Show the edits that repair what check finds as a unified diff; --write applies them.

Every edit was simulated: the image was predicted and checked again, the finding was gone, the
build worked, and no other finding appeared in this image or in another one.

It repairs errors unless --finding or --all says otherwise. A file keeps its line ends, its byte
order mark and everything else that the edit does not touch, and is replaced in one step; a file
that has changed since it was read is left alone.

Exits with 1 if a finding at or above --fail-on is left, or would be left without --write.`,
		Example: `  ctxaudit fix
  ctxaudit fix --finding 2
  ctxaudit fix --require-module shop_backend/app . | git apply
  ctxaudit fix --all --write`,
	}
	f.registerCheck(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.write, "write", false, "apply the edits, then check again")
	fl.BoolVar(&f.all, "all", false, "repair warnings too")
	fl.IntVar(&f.only, "finding", 0, "repair only the finding with this number, which check shows with its fix")
	cmd.MarkFlagsMutuallyExclusive("all", "finding")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		return a.fix(cmd, &f, form, args)
	}
	return cmd
}

// fix searches for repairs, shows them and, with --write, writes them.
func (a *app) fix(cmd *cobra.Command, f *fixFlags, form string, args []string) error {
	failOn, err := finding.ParseSeverity(f.failOn)
	if err != nil {
		return usagef(cmd, "--fail-on: %w", err)
	}
	if cmd.Flags().Changed("finding") && f.only < 1 {
		return usagef(cmd, "--finding counts from 1, not %d", f.only)
	}
	if f.write && f.file == "-" {
		return usagef(cmd, "--write cannot change a Dockerfile that is read from standard input")
	}
	asked, err := a.checkAsked(cmd, &f.checkFlags, args)
	if err != nil {
		return err
	}
	e, end := a.watched()
	last := 0
	mended, notices, err := e.Fix(cmd.Context(), asked, func(number int, g finding.Finding) bool {
		last = max(last, number)
		switch {
		case f.only > 0:
			return number == f.only
		case f.all:
			return g.Severity.AtLeast(finding.Warning)
		default:
			return g.Severity == finding.Error
		}
	})
	end()
	a.tell(notices)
	if err != nil {
		return misnamed(cmd, err)
	}
	if f.only > last {
		return usagef(cmd, "there is no finding %d; check shows %d", f.only, last)
	}
	if !f.write {
		if err := a.showMended(mended, nil, form); err != nil {
			return err
		}
		if finding.NewReport(mended.Reports).Worst(failOn) {
			return exitCode(exitFindings)
		}
		return nil
	}
	if err := e.Write(mended.Changes); err != nil {
		return err
	}
	e, end = a.watched()
	done, err := e.Check(cmd.Context(), engine.Check{Asked: asked, Untracked: "auto"})
	end()
	a.tell(done.Skipped)
	if err != nil {
		return err
	}
	after := finding.NewReport(done.Reports)
	if err := a.showMended(mended, &after, form); err != nil {
		return err
	}
	if after.Worst(failOn) {
		return exitCode(exitFindings)
	}
	return nil
}

// showMended shows repairs and, after they were made, what is left.
func (a *app) showMended(m *why.Mended, after *finding.Report, form string) error {
	if form == "json" {
		return report.MendedJSON(a.out, m, after)
	}
	return report.Mended(a.out, m, after, a.style())
}
