package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxaudit/ctxaudit/internal/report"
)

// fromEnvironment are the flags that CTXAUDIT_NAME sets where the command line does not, for CI. Neither flags that write files nor those that
// describe an image are among them: a variable must not change what is checked.
var fromEnvironment = []string{
	"allow-outside", "assume-sendable", "base-from", "baseline", "clean-checkout", "color", "config", "fail-on", "fixes", "format", "image", "new-since",
	"timeout", "untracked",
}

// variableOf gives the name of the variable of a flag.
func variableOf(flag string) string {
	return "CTXAUDIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// setFromEnvironment gives flags that were not given the values of their variables. A flag that may be given several times takes a list
// with commas.
func (a *app) setFromEnvironment(cmd *cobra.Command) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || failed != nil || !slices.Contains(fromEnvironment, f.Name) {
			return
		}
		if f.Name == "format" && f.Value.Type() != "stringArray" {
			return // a format of check, which other commands do not have
		}
		value := a.env.Getenv(variableOf(f.Name))
		if value == "" {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" {
			if values = strings.Split(value, ","); report.IsTemplate(value) {
				values = []string{value}
			}
		}
		for _, v := range values {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				failed = usagef(cmd, "%s: %w", variableOf(f.Name), err)
			}
		}
	})
	return failed
}
