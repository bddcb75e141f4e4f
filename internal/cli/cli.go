// Package cli is the command line of ctxaudit. A command parses its flags, makes one call and hands the records to a
// renderer; nothing here decides anything about images.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/offline"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// The exit codes.
const (
	exitClean     = 0 // nothing to complain about
	exitFindings  = 1 // findings at or above --fail-on, or the build would fail
	exitCouldNot  = 2 // ctxaudit could not run: usage, configuration, unreadable input
	exitInterrupt = 130
)

// Env is the world that a command line runs in.
type Env struct {
	Stdout, Stderr io.Writer
	Given
}

// Given is what of it commands may ask for themselves. They write to none of it.
type Given struct {
	Args  []string // without the program's name
	Stdin io.Reader
	// Plugin tells that docker called: the help texts then say "docker ctxaudit".
	Plugin bool
	// Terminal reports whether Stdout is a terminal, and one that shows colours.
	Terminal bool
	// Watched reports whether Stderr is a terminal: only then long work shows progress there.
	Watched bool
	// Width is how many columns Stdout has, 0 if it is no terminal.
	Width  int
	Getenv func(string) string
	// LookupEnv serves --build-arg NAME, which takes the value from the environment.
	LookupEnv func(string) (string, bool)
	// Offline takes the network away for good; nil leaves it. Commands that dial say so ([dials]), and all others call it before
	// they read anything.
	Offline func()
}

// Main runs the command line of this process and gives its exit code.
func Main() int {
	// Who reads no further ends the run in order: what was made for it is removed.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// What does not end when it is asked to, such as waiting for standard input, ends at the second interrupt.
	context.AfterFunc(ctx, stop)
	env := Env{Stdout: os.Stdout, Stderr: os.Stderr, Given: Given{
		Args: os.Args[1:], Stdin: os.Stdin,
		Terminal: isatty.IsTerminal(os.Stdout.Fd()) && terminalColors(os.Stdout), Watched: isatty.IsTerminal(os.Stderr.Fd()),
		Width: terminalWidth(os.Stdout), Getenv: os.Getenv, LookupEnv: os.LookupEnv,
		// Where the kernel refuses, there is nothing that would have to be refused either: no code here dials.
		Offline: func() { _ = offline.Enter() },
	}}
	if isPlugin(os.Args[0]) {
		env.Args, env.Plugin = pluginArgs(env.Args)
		ctx, stop = untilDockerEnds(ctx, os.Getenv(pluginSocket))
		defer stop()
	}
	return Run(ctx, env)
}

// Command gives the tree of commands, for what is generated from it.
func Command() *cobra.Command {
	return newApp(Env{Given: Given{Getenv: func(string) string { return "" }}}).rootCommand()
}

// Run runs a command line and gives its exit code. Results go to Stdout, diagnostics to Stderr.
func Run(ctx context.Context, env Env) int {
	if len(env.Args) > 0 && env.Args[0] == pluginMetadata {
		if describePlugin(env.Stdout) != nil {
			return exitCouldNot
		}
		return exitClean
	}
	app := newApp(env)
	root := app.rootCommand()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(app.out)
	root.SetErr(app.errs)
	err := app.deadline.execute(budget.With(ctx, budget.New(budget.Run)), root)
	app.tell(app.world.Notices()) // unless it was told
	var code exitCode
	if err == nil || errors.As(err, &code) {
		app.tellUnused()
	}
	if closing := errors.Join(app.world.Close(), app.bases.Close()); err == nil {
		err = closing
	}
	var late *timeoutError
	if flushed := app.out.Flush(); err == nil {
		err = flushed
	}
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &late):
	case errors.Is(err, syscall.EPIPE):
		return exitCouldNot
	case ctx.Err() != nil:
		app.tellf("ctxaudit: interrupted")
		return exitInterrupt
	}
	app.fail(err)
	var usage *usageError
	if errors.As(err, &usage) && usage.command != nil {
		app.tellf("See '%s --help'.", usage.command.CommandPath())
	}
	return exitCouldNot
}

// exitCode ends a command whose output is already written.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is a command line that makes no sense.
type usageError struct {
	command *cobra.Command
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd, fmt.Errorf(format, args...)}
}

// app is what all commands share. What they write goes to out and errs: nothing that a repository wrote can do anything to
// who reads it there.
type app struct {
	env       Given
	out, errs *report.Screen
	color     string
	deadline  deadline
	// outside lets what a file of the repository names lie anywhere.
	outside bool
	world   *project.World // see disk
	bases   *baseimage.Bases
}

func newApp(env Env) *app {
	return &app{env: env.Given, out: &report.Screen{W: env.Stdout}, errs: &report.Screen{W: env.Stderr}}
}

// tellf writes a line of diagnostics. The values in it are escaped: none of them ends the line.
func (a *app) tellf(format string, args ...any) {
	fmt.Fprintf(a.errs, format+"\n", report.Values(args)...)
	_ = a.errs.Flush() // nobody is left to be told
}

// fail writes an error, of several joined ones each in a line.
func (a *app) fail(err error) {
	for _, e := range joined(err) {
		a.tellf("ctxaudit: %s", strings.TrimRight(e.Error(), "\n"))
	}
}

// joined gives the errors of which errors.Join made one.
func joined(err error) []error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var text []string
	for _, e := range several.Unwrap() {
		text = append(text, e.Error())
	}
	if strings.Join(text, "\n") != err.Error() {
		return []error{err}
	}
	var out []error
	for _, e := range several.Unwrap() {
		out = append(out, joined(e)...)
	}
	return out
}

// dials is the annotation of commands that dial, of which each says when it is done with that.
const dials = "dials"

// offline takes the network away.
func (a *app) offline() {
	if a.env.Offline != nil {
		a.env.Offline()
	}
}

func (a *app) style() report.Style {
	s := report.Style{Width: a.env.Width}
	switch a.color {
	case "always":
		s.Color = true
	case "never":
	default:
		s.Color = a.wantsColor()
	}
	return s
}

// wantsColor reports whether output is coloured if no flag says it: as https://no-color.org and https://bixense.com/clicolors have it,
// and FORCE_COLOR as Node has it.
func (a *app) wantsColor() bool {
	set := func(name string) bool { v := a.env.Getenv(name); return v != "" && v != "0" }
	switch {
	case a.env.Getenv("NO_COLOR") != "":
		return false
	case set("FORCE_COLOR"), set("CLICOLOR_FORCE"):
		return true
	}
	return a.env.Terminal && a.env.Getenv("TERM") != "dumb" && a.env.Getenv("CLICOLOR") != "0"
}

// progress begins to tell what long work is at; the caller ends it.
func (a *app) progress() *progress {
	if !a.env.Watched || a.env.Getenv("TERM") == "dumb" {
		return startProgress(nil, 0)
	}
	return startProgress(a.errs.W, progressDelay)
}

func (a *app) rootCommand() *cobra.Command {
	showVersion := false
	root := &cobra.Command{
		Use:   "ctxaudit",
		Short: "Check a Docker image before it is built",
		Long: `ctxaudit tells, before anything is built and without a daemon, whether what a program
needs will be in its Docker image; if not, which line is to blame and which edit repairs it.

It compiles the Dockerfile with BuildKit's own front end, applies the .dockerignore as
BuildKit's walk does, and predicts the files of the image and where each came from.`,
		Example: `  ctxaudit check
  ctxaudit why shop_backend.app.services.monitoring
  ctxaudit fix
  ctxaudit image ls --provenance .
  ctxaudit context ls --ignored .`,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				msg := fmt.Sprintf("unknown command %q", args[0])
				if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
					msg += fmt.Sprintf("; did you mean %q?", near[0])
				}
				return usagef(cmd, "%s", msg)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				_, err := fmt.Fprintln(a.out, thisBuild())
				return err
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.setFromEnvironment(cmd); err != nil {
				return err
			}
			if cmd.Annotations[dials] == "" {
				a.offline()
			}
			switch a.color {
			case "auto", "always", "never":
				a.out.Colors = a.style().Color
				return a.deadline.start(cmd)
			}
			return usagef(cmd, "--color must be auto, always or never, not %q", a.color)
		},
		// docker has completion of its own, which asks us.
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: a.env.Plugin},
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &usageError{cmd, err} })
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	root.PersistentFlags().StringVar(&a.color, "color", "auto", "colour the output: auto, always, never")
	root.PersistentFlags().BoolVar(&a.outside, "allow-outside", false, "allow files of the repository to refer to files outside of it")
	root.PersistentFlags().DurationVar(&a.deadline.limit, "timeout", defaultTimeout, "stop after this time, such as 30s or 5m; 0 is no limit")
	root.AddCommand(a.checkCommand(), a.whyCommand(), a.fixCommand(), a.ignoreCommand(), a.diffCommand(), a.initCommand(), a.contextCommand(), a.imageCommand(), a.baseCommand(), a.verifyCommand(), a.rulesCommand(), a.hookCommand(), a.versionCommand())
	a.addCompletions(root)
	if a.env.Plugin {
		callDocker(root)
	}
	return root
}

// group makes a command that only has subcommands.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef(cmd, "unknown command %q for %q", args[0], cmd.CommandPath())
		}
		return cmd.Help()
	}}
	cmd.AddCommand(children...)
	return cmd
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef(cmd, "%q takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// refused reports a build that BuildKit would refuse: in JSON as the contract has it, else as text.
func (a *app) refused(err error, asJSON bool) error {
	e, ok := describeRefusal(err)
	if !ok {
		return err
	}
	if asJSON {
		if err := report.JSON(a.out, map[string]any{"error": e}); err != nil {
			return err
		}
		return exitCode(exitFindings)
	}
	where := ""
	if e.File != "" {
		where = report.At(e.File, e.Line) + ": "
	}
	a.tellf("ctxaudit: the build would fail: %s%s", where, e.Message)
	for _, h := range e.Hints {
		a.tellf("  %s", h)
	}
	return exitCode(exitFindings)
}

// refusal is a build that BuildKit would refuse.
type refusal struct {
	Message string   `json:"message"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Hints   []string `json:"hints,omitempty"`
}

func describeRefusal(err error) (refusal, bool) {
	var be *simulate.BuildError
	var de *dockerfile.Error
	var ie *dockerctx.IgnoreError
	switch {
	case errors.As(err, &ie):
		return refusal{Message: ie.Message, File: ie.File, Line: ie.Line}, true
	case errors.As(err, &be):
		r := refusal{Message: be.Message, File: be.Location.File, Line: be.Location.Range.Start.Line}
		for _, h := range be.Hints {
			r.Hints = append(r.Hints, h.Text)
		}
		return r, true
	case errors.As(err, &de):
		return refusal{Message: de.Message, File: de.File, Line: de.Range.Start.Line}, true
	}
	return refusal{}, false
}
