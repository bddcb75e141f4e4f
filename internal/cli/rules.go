package cli

import (
	"fmt"

	"github.com/moby/buildkit/util/suggest"
	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/report"
)

func (a *app) rulesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rules [NAME]", Short: "List the rules, or show the page of one",
		Long: `List the rules, or show the page of one: what it reports, what keeps it from being an error, and an
example with its repair. On a terminal the page is wrapped and coloured; piped it is Markdown.`,
		Example: "  ctxaudit rules\n  ctxaudit rules ModuleNotInImage",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef(cmd, "want at most one NAME, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var names []string
			for _, r := range audit.Rules() {
				names = append(names, r.Name)
				if len(args) == 0 {
					fmt.Fprintf(a.out, "%-24s %-8s %s\n", r.Name, r.Severity, r.Title)
				}
			}
			if len(args) == 0 {
				return nil
			}
			r, ok := audit.FindRule(args[0])
			if !ok {
				msg := fmt.Sprintf("there is no rule %q", args[0])
				if near, ok := suggest.Search(args[0], names, true); ok {
					msg += fmt.Sprintf("; did you mean %s?", near)
				}
				return usagef(cmd, "%s", msg)
			}
			return report.Page(a.out, r.Doc(), a.style())
		},
	}
}

// shownRules gives the rules as formats show them.
func shownRules() []report.Rule {
	var out []report.Rule
	for _, r := range audit.Rules() {
		out = append(out, report.Rule{Name: r.Name, Title: r.Title, Severity: r.Severity, Doc: r.Doc})
	}
	return out
}
