package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/ignorelint"
	"github.com/ctxaudit/ctxaudit/internal/inventory"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/suppress"
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
  ctxaudit ignore lint -f Dockerfile . --format json`,
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "Dockerfile, for an ignore file of its own (default CONTEXT/Dockerfile)")
	fix := cmd.Flags().Bool("fix", false, "remove the lines that change nothing")
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
		c, result, err := a.lint(opt)
		if err != nil {
			return a.refused(err, outputs[0].Name == "json")
		}
		if result.Untried > 0 {
			a.tellf("ctxaudit: %s: %d lines were not tried: that would take too long", c.Ignore.Name, result.Untried)
		}
		var removed []dockerctx.Line
		if *fix && len(result.Removable) > 0 {
			for _, n := range result.Removable {
				removed = append(removed, c.Ignore.Lines[n-1])
			}
			if err := a.removeLines(c, result.Removable); err != nil {
				return err
			}
			// The lines that are left have other numbers now.
			if c, result, err = a.lint(opt); err != nil {
				return a.refused(err, outputs[0].Name == "json")
			}
		}
		image := finding.ImageReport{
			Name: c.Ignore.Name, Context: opt.Context, IgnoreFile: c.Ignore.Name, Findings: result.Findings,
			Passed: []finding.Passed{}, Assumptions: []finding.Assumption{},
		}
		images := []finding.ImageReport{image}
		suppress.Apply(images, suppress.Input{
			Known: engine.IsRule, Reported: func(rule string) bool { return strings.HasPrefix(rule, "Ignore") }, Today: time.Now(),
			Read: func(name string) (string, bool) { return a.engine().ReadSource(name, opt.Context) },
		})
		r := report.Audit{
			Report: finding.NewReport(images), Version: version(), FailOn: failOn, Rules: shownRules(), Sources: a.sources(images),
			Views: []*inventory.Inventory{nil},
		}
		for i := range outputs {
			if outputs[i].Name == "text" {
				outputs[i].Write = lintText(c, removed)
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

// lint opens a context and looks at its ignore file.
func (a *app) lint(opt dockerfile.Options) (*simulate.Context, *ignorelint.Result, error) {
	c, err := simulate.OpenContext(simulate.MainContext, opt.Context, dockerfileOf(opt))
	if err != nil {
		return nil, nil, err
	}
	if c.Ignore == nil {
		return nil, nil, fmt.Errorf("%s has no ignore file", opt.Context)
	}
	watch := a.progress()
	defer watch.end()
	watch.at("looking at %s", c.Ignore.Name)
	result, err := ignorelint.Lint(c, ignorelint.Options{
		GitIgnored: func(paths []string) map[string]bool { return a.world.Ignored(opt.Context, paths) },
	})
	return c, result, err
}

// lintText writes the findings as text, behind the lines that were removed.
func lintText(c *simulate.Context, removed []dockerctx.Line) func(io.Writer, report.Audit, report.Style) error {
	return func(w io.Writer, r report.Audit, s report.Style) error {
		for _, l := range removed {
			fmt.Fprintf(w, "removed %s:%d  %s\n", report.Name(c.Ignore.Name), l.Number, report.Name(l.Text))
		}
		return report.IgnoreLint(w, r, s)
	}
}

// removeLines takes lines out of an ignore file.
func (a *app) removeLines(c *simulate.Context, lines []int) error {
	if len(lines) == 0 {
		return nil
	}
	after, err := withoutLines(c.Ignore.Bytes(), lines)
	if err != nil {
		return err
	}
	name, err := ignorePath(c)
	if err != nil {
		return err
	}
	return a.engine().Write([]why.Change{{Name: c.Ignore.Name, Path: name, Before: c.Ignore.Bytes(), After: after}})
}

// withoutLines gives a file without some of its lines, and every other byte as it is.
func withoutLines(data []byte, lines []int) ([]byte, error) {
	var edits []edit.Edit
	for _, n := range slices.Backward(slices.Compact(slices.Sorted(slices.Values(lines)))) {
		edits = append(edits, edit.Edit{Line: n, Remove: 1})
	}
	return edit.Apply(data, edits)
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
