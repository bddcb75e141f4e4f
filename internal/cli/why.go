package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
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
		Long: `Explain why something is in the image or not: the whole chain from the build context
through the ignore file and the instructions to the image, with every line; which lines are
to blame; and the edit that brings it in, if one was found by trying.

TARGET is one of
  path/in/context    a file or directory of the build context
  pkg.sub.module     a Python module, by the name under which the program imports it
  /path/in/image     a path of the image
  '$NAME'            an environment setting of the image
  Dockerfile:16      an instruction: what it does, and what is left of it in the image
  .dockerignore:7    a line of the ignore file: what it keeps out or brings back
  -                  targets from standard input, one on each line

With --traceback the targets are taken from the output of a program that died, or of a build
that failed: Python and Node tracebacks, the errors of docker run, of shells and of BuildKit.

Without -f or --target the images of the configuration are asked, or those of CONTEXT's own
Dockerfile (as a Compose file, a Bake file or a workflow beside it builds them, if one does),
or those that check would find.

It exits with 0 if the target is in the image, with 1 if it is not, or not all of it.`,
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
	fl.StringArrayVar(&f.image, "image", nil, "ask only this image of the configuration")
	fl.StringVar(&f.traceback, "traceback", "", "explain what the output in this file says is missing; - for standard input")
	fl.BoolVar(&f.all, "all", false, "show every import of a module, not the first ten, and every fix")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		fromStdin := f.traceback == "-" || len(args) > 0 && args[0] == "-" && f.traceback == ""
		if fromStdin && f.file == "-" {
			return usagef(cmd, "standard input cannot be the Dockerfile and something else")
		}
		rest := args
		var targets []string
		if f.traceback == "" {
			if targets, err = a.targets(args[0]); err != nil {
				return err
			}
			rest = args[1:]
		}
		subjects, err := a.whySubjects(cmd, &f, rest)
		if err != nil {
			return err
		}
		output := ""
		if f.traceback != "" {
			if output, err = a.readOutput(f.traceback); err != nil {
				return err
			}
		}
		var answers []*why.Answer
		for _, s := range subjects {
			e, err := explainer(cmd.Context(), s)
			if err != nil {
				return a.refused(err, form == "json")
			}
			e.All = f.all
			some, err := explain(cmd.Context(), e, targets, output)
			if err != nil {
				return a.refused(err, form == "json")
			}
			if len(subjects) > 1 {
				for _, answer := range some {
					answer.Image = s.Name
				}
			}
			answers = append(answers, some...)
		}
		answers = somewhere(answers)
		if len(answers) == 0 {
			return errors.New("nothing in that output says that something is missing; known are the messages of Python, Node, shells, docker run and BuildKit")
		}
		return a.showAnswers(answers, form, len(subjects) == 1 && len(targets) == 1)
	}
	return cmd
}

// somewhere leaves out that an image knows nothing of a target that another one knows.
func somewhere(answers []*why.Answer) []*why.Answer {
	known := map[string]bool{}
	for _, a := range answers {
		known[a.Target] = known[a.Target] || a.Verdict != why.NotFound
	}
	return slices.DeleteFunc(answers, func(a *why.Answer) bool { return known[a.Target] && a.Verdict == why.NotFound })
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
		data, err := a.readNamed(name, maxOutput)
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

// whySubjects gives the images to ask: the one that flags describe, those of the configuration, the one of the context's
// own Dockerfile, or those that discovery finds.
func (a *app) whySubjects(cmd *cobra.Command, f *whyFlags, args []string) ([]audit.Subject, error) {
	opt, err := a.options(cmd, &f.buildFlags, args)
	if err != nil {
		return nil, err
	}
	if f.config != "" && f.set() {
		return nil, usagef(cmd, "--config describes the images; it cannot be combined with flags that do")
	}
	disk := a.disk(cmd.Context(), contextOf(args), "auto")
	has := func(name string) bool { return disk.Has(opt.Context, name) }
	if f.set() || project.IsRemote(opt.Context) || f.config == "" && len(f.image) == 0 && !has(policy.FileName) && (has("Dockerfile") || has("dockerfile")) {
		if len(f.image) > 0 {
			return nil, usagef(cmd, "--image chooses among several images, and flags describe one")
		}
		plain := []audit.Subject{disk.Subject("image", opt, &policy.Image{})}
		if f.set() || project.IsRemote(opt.Context) {
			return plain, nil
		}
		// The images are those that a check finds for it: a Compose file may build it with arguments.
		if own, err := project.Own(cmd.Context(), disk, opt.Context); err != nil || len(own) > 0 {
			return own, err
		}
		return plain, nil
	}
	found, err := a.named(cmd, disk, opt, f.config, f.image)
	if err != nil {
		return nil, err
	}
	a.tell(found.Notices)
	return found.Subjects, nil
}

// explainer predicts an image. One that cannot be built can be asked about its context all the same.
func explainer(ctx context.Context, s audit.Subject) (*why.Explainer, error) {
	e := &why.Explainer{Image: s.Image, Subject: s}
	if e.Image == nil {
		image, err := simulate.Build(ctx, s.Options)
		if err != nil && (image == nil || !errors.As(err, &e.Failure)) {
			return nil, err
		}
		e.Image = image
	}
	if e.Image.Plan.RemoteContext != "" {
		return e, nil
	}
	var err error
	e.Main, err = e.Image.MainContext(s.Options.Context)
	return e, err
}

// explain answers for each target, and for what a program's output says is missing.
func explain(ctx context.Context, e *why.Explainer, targets []string, output string) ([]*why.Answer, error) {
	var out []*why.Answer
	for _, t := range targets {
		answer, err := e.Explain(ctx, t)
		if err != nil {
			return nil, err
		}
		out = append(out, answer)
	}
	if output == "" {
		return out, nil
	}
	clues, err := e.Clues(ctx, output)
	return append(out, clues...), err
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
