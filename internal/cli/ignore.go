package cli

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/ignorelint"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

func (a *app) ignoreCommand() *cobra.Command {
	return group("ignore", "Look at the ignore file itself", a.ignoreLintCommand())
}

func (a *app) ignoreLintCommand() *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use: "lint [CONTEXT]", Short: "Tell which lines of the ignore file do nothing, or not what they seem to", Args: maxOneArg,
		Long: `Tell which lines of the ignore file do nothing, repeat another one, or do not do what they
seem to, in this context as it is. What is said of a line was tried: without it, or with the
form that is offered, the context was walked again.

--fix removes the lines of which that shows that they change nothing, all together, and
leaves every other byte of the file as it is.

All findings are warnings; --fail-on warning makes them count.`,
		Example: `  ctxaudit ignore lint
  ctxaudit ignore lint --fix
  ctxaudit ignore lint -f docker/web.Dockerfile . --format json`,
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "Dockerfile, for an ignore file of its own (default CONTEXT/Dockerfile)")
	fix := cmd.Flags().Bool("fix", false, "remove the lines that change nothing")
	fail := cmd.Flags().String("fail-on", string(audit.Error), "least severity that fails: error, warning, note")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		failOn, err := audit.ParseSeverity(*fail)
		if err != nil {
			return usagef(cmd, "--fail-on: %w", err)
		}
		opt, err := a.options(cmd, &f, args)
		if err != nil {
			return err
		}
		if isRemote(opt.Context) {
			return fmt.Errorf("build context %s is remote: it has no ignore file", opt.Context)
		}
		c, err := simulate.OpenContext(simulate.MainContext, opt.Context, dockerfileOf(opt))
		if err != nil {
			return a.refused(err, form == "json")
		}
		if c.Ignore == nil {
			return fmt.Errorf("%s has no ignore file", opt.Context)
		}
		watch := a.progress()
		defer watch.end()
		watch.at("looking at %s", c.Ignore.Name)
		result, err := ignorelint.Lint(c, ignorelint.Options{GitIgnored: func(paths []string) map[string]bool { return project.Ignored(opt.Context, paths) }})
		watch.end()
		if err != nil {
			return a.refused(err, form == "json")
		}
		image := audit.ImageReport{
			Name: c.Ignore.Name, Context: opt.Context, IgnoreFile: c.Ignore.Name, Findings: result.Findings,
			Passed: []audit.Passed{}, Assumptions: []audit.Assumption{},
		}
		if *fix {
			if err := removeLines(c, result.Removable); err != nil {
				return err
			}
			image.Findings = slices.DeleteFunc(image.Findings, func(g audit.Finding) bool {
				return slices.Contains(result.Removable, g.Subject.Line) &&
					(g.Rule == audit.IgnorePatternUnused || g.Rule == audit.IgnorePatternRedundant)
			})
		}
		r := audit.NewReport([]audit.ImageReport{image})
		if form == "json" {
			err = report.JSON(a.env.Stdout, r)
		} else {
			if *fix {
				for _, n := range result.Removable {
					fmt.Fprintf(a.env.Stdout, "removed %s:%d  %s\n", report.Name(c.Ignore.Name), n, report.Name(c.Ignore.Lines[n-1].Text))
				}
			}
			err = report.IgnoreLint(a.env.Stdout, r, a.style())
		}
		if err != nil {
			return err
		}
		if r.Worst(failOn) {
			return exitCode(exitFindings)
		}
		return nil
	}
	return cmd
}

// removeLines takes lines out of an ignore file.
func removeLines(c *simulate.Context, lines []int) error {
	if len(lines) == 0 {
		return nil
	}
	var edits []edit.Edit
	for _, n := range slices.Backward(slices.Sorted(slices.Values(lines))) {
		edits = append(edits, edit.Edit{File: c.Ignore.Name, Line: n, Remove: 1})
	}
	after, err := edit.Apply(c.Ignore.Bytes(), edits)
	if err != nil {
		return err
	}
	name, err := ignorePath(c)
	if err != nil {
		return err
	}
	return writeChanges([]why.Change{{Name: c.Ignore.Name, Path: name, Before: c.Ignore.Bytes(), After: after}})
}

// ignorePath gives where the ignore file of a context lies, links resolved: an edit goes to the file and not in the place of
// a link to it.
func ignorePath(c *simulate.Context) (string, error) {
	for _, name := range []string{c.Ignore.Name, filepath.Join(c.Dir, c.Ignore.Name), filepath.Join(c.Dir, ".dockerignore")} {
		if target, err := filepath.EvalSymlinks(name); err == nil {
			return target, nil
		}
	}
	return "", fmt.Errorf("%s cannot be found again", c.Ignore.Name)
}
