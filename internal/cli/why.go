package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/engine"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/why"
)

// maxOutput bounds what is read of a program's output, in bytes.
const maxOutput = 64 << 20

// whyFlags are the flags of why beyond those of a build.
type whyFlags struct {
	buildFlags
	config, traceback string
	image             []string
	all               bool
}

func (a *app) whyCommand() *cobra.Command {
	var f whyFlags
	cmd := &cobra.Command{
		Use: "why TARGET [CONTEXT]", Short: "Explain why something is in the image or not",
		Long: `Explain why something is in the image or not: the chain from the build context through the
ignore file and the instructions to the image, with every line; which lines are to blame; and
an edit that adds it to the image, if there is one.

TARGET is one of
  path/in/context    a file or directory of the build context
  pkg.sub.module     a module, by the name under which the program imports it: @x/pkg, ../lib/db
  /path/in/image     a path of the image
  '$NAME'            an environment variable of the image
  Dockerfile:16      an instruction: what it does, and what the image has of it
  .dockerignore:7    a line of the ignore file: what it excludes or re-includes
  -                  targets from standard input, one on each line

--traceback reads the targets from the output of a program or build that failed: tracebacks of
Python and Node, errors of docker run, of shells and of BuildKit.

Without -f or --target it explains the images of the configuration, or those of CONTEXT's own
Dockerfile (as a Compose file, a Bake file or a workflow beside it builds them), or those that
check would find.

Exits with 0 if the target is in the image, with 1 if it is not, or only in part.`,
		Example: `  ctxaudit why shop_backend/app/main.py
  ctxaudit why shop_backend.app.services.monitoring
  ctxaudit why /srv/shop_backend/app/main.py
  ctxaudit why '$PYTHONPATH'
  ctxaudit why Dockerfile:7
  echo "ModuleNotFoundError: No module named 'shop_backend.app'" | ctxaudit why --traceback -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("traceback") {
				return maxOneArg(cmd, args)
			}
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
	fl := cmd.Flags()
	fl.StringVar(&f.config, "config", "", "configuration file (default CONTEXT/"+policy.FileName+" if it exists)")
	fl.StringArrayVar(&f.image, "image", nil, "explain only this image of the configuration")
	fl.StringVar(&f.traceback, "traceback", "", "explain what is missing according to the output in this file; - for standard input")
	fl.BoolVar(&f.all, "all", false, "show every import of a module, not the first ten, and every fix")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		return a.why(cmd, &f, form, args)
	}
	return cmd
}

// why answers what is asked, and shows the answers.
func (a *app) why(cmd *cobra.Command, f *whyFlags, form string, args []string) error {
	fromStdin := f.traceback == "-" || len(args) > 0 && args[0] == "-" && f.traceback == ""
	if fromStdin && f.file == "-" {
		return usagef(cmd, "standard input cannot be the Dockerfile and something else")
	}
	rest := args
	var targets []string
	if f.traceback == "" {
		var err error
		if targets, err = a.targets(args[0]); err != nil {
			return err
		}
		rest = args[1:]
	}
	asked, err := a.asked(cmd, &f.buildFlags, false, f.config, f.image, rest)
	if err != nil {
		return err
	}
	asked.Own = true
	output := ""
	if f.traceback != "" {
		if output, err = a.readOutput(f.traceback); err != nil {
			return err
		}
	}
	answers, notices, err := a.engine().Why(cmd.Context(), engine.Question{Asked: asked, Targets: targets, Output: output, All: f.all})
	a.tell(notices)
	if err != nil {
		return a.refused(misnamed(cmd, err), form == "json")
	}
	if len(answers) == 0 {
		return errors.New("that output has no known error message of Python, Node, a shell, docker run or BuildKit")
	}
	return a.showAnswers(answers, form, len(targets) == 1 && answers[0].Image == "")
}

// targets gives what is asked about: one, or those on the lines of standard input.
func (a *app) targets(arg string) ([]string, error) {
	if arg != "-" {
		return []string{arg}, nil
	}
	var out []string
	lines := bufio.NewScanner(io.LimitReader(a.env.Stdin, maxOutput))
	for lines.Scan() {
		if t := strings.TrimSpace(lines.Text()); strings.Trim(t, "${} ") != "" {
			out = append(out, t)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading targets from standard input: %w", err)
	}
	if len(out) == 0 {
		return nil, errors.New("standard input names no target")
	}
	return out, nil
}

func (a *app) readOutput(name string) (string, error) {
	in := a.env.Stdin
	if name != "-" {
		data, err := a.world.ReadNamed(name, maxOutput)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", name, err)
		}
		return string(data), nil
	}
	data, err := io.ReadAll(io.LimitReader(in, maxOutput))
	if err != nil {
		return "", fmt.Errorf("reading the output: %w", err)
	}
	return string(data), nil
}

// showAnswers writes answers; alone tells that exactly one was asked for, which JSON gives as an object and not in a list.
func (a *app) showAnswers(answers []*why.Answer, form string, alone bool) error {
	var err error
	switch {
	case form == "json" && alone:
		err = report.JSON(a.out, answers[0])
	case form == "json":
		err = report.JSON(a.out, answers)
	default:
		for i, answer := range answers {
			if i > 0 {
				fmt.Fprintln(a.out)
			}
			if err = report.Why(a.out, answer, a.style()); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if !answer.Verdict.Good() {
			return exitCode(exitFindings)
		}
	}
	return nil
}
