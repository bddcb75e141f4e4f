package audit

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/languages"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// Start is a way in which somebody starts an image: a service of a Compose file. Nil and "" leave it to the image.
type Start struct {
	Entrypoint, Command []string
	Workdir             string
	// Env are NAME=value settings on top of the image's.
	Env []string
	// Health is the health check as Docker's API has it, ["CMD", ...] or ["CMD-SHELL", "..."]; nil leaves it to the image.
	Health []string
	// Mounts are what of the host is mounted over the image.
	Mounts []program.Mount
	// At is where that is written.
	At finding.Position
}

// run is one way in which the image starts.
type run struct {
	program.Run
	at  finding.Position // where it is written, if the image does not say so itself
	own bool             // with the image's own command
}

// told reports whether a run starts anything that could be understood.
func (r *run) told() bool { return len(r.Entrypoint.Args)+len(r.Cmd.Args) > 0 }

// assumeMounted says that code is not followed because it is not the image's when it runs.
func (c *programCheck) assumeMounted(r *program.Run) {
	at := c.runAt[r]
	paths := make([]string, len(r.Mounts))
	for i, m := range r.Mounts {
		paths[i] = m.At
	}
	a := finding.Assumption{
		Kind: "mount", File: at.File, Line: at.Line, Text: "volumes: " + strings.Join(paths, ", "),
		Meaning: "the host directories that are mounted there have what the program needs",
	}
	if !slices.Contains(c.report.Assumptions, a) {
		c.report.Assumptions = append(c.report.Assumptions, a)
	}
}

// ownStart is what the image starts by itself.
func (c *programCheck) ownStart() program.Input {
	cfg, src := c.image.Plan.Config, c.image.Plan.ConfigSources
	if base := need.BaseOf(c.image.Plan, c.image.Plan.Result); base != nil && base.Image.Partly && src.Cmd.IsZero() && src.Entrypoint.IsZero() {
		cfg.Cmd = nil // what an official image starts is no program of the repository
	}
	if src.Entrypoint.IsZero() { // it is the base image's, and whoever says what it gets writes CMD
		src.Entrypoint = src.Cmd
	}
	return program.Input{
		Entrypoint: program.Command{Args: cfg.Entrypoint, Origin: origin(src.Entrypoint)},
		Cmd:        program.Command{Args: cfg.Cmd, Origin: origin(src.Cmd)},
		Env:        cfg.Env, Workdir: cfg.WorkingDir, Files: c.build.Tree, Tree: steps.Seen{Files: c.build.Tree.Files}, ConsoleScript: c.ownCommand,
		Crontabs: c.crontabs(),
	}
}

// crontabs gives the tables of cron that steps write, or install from a file.
func (c *programCheck) crontabs() (out []program.Crontab) {
	for _, id := range c.image.Opaque {
		script := c.image.Script(c.image.Plan.Ops[id])
		if script == nil {
			continue
		}
		for file, w := range script.Written {
			if system := path.Dir(file) == "/etc/cron.d" || file == "/etc/crontab"; system || strings.HasPrefix(file, "/var/spool/cron/") || strings.HasPrefix(file, "/etc/crontabs/") {
				out = append(out, program.Crontab{File: file, Text: w.Text, Users: system})
			}
		}
		for _, call := range script.Calls {
			if call.Base == "crontab" {
				for _, w := range command.Parse(call.Args, "-u").Operands {
					out = append(out, program.Crontab{File: call.S.Abs(w.Text)})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b program.Crontab) int { return cmp.Compare(a.File, b.File) })
	return out
}

// ownCommand gives what a command runs that installing the repository's own packages makes.
func (c *programCheck) ownCommand(name string) (target string, ok bool) {
	for _, p := range c.programs {
		if target, ok = p.Command(name); ok {
			return target, ok
		}
	}
	return "", false
}

func origin(l dockerfile.Location) shell.Origin {
	return shell.Origin{File: l.File, Line: l.Range.Start.Line, Text: l.Text}
}

// runs gives the ways in which the image is started: its own, or those that its sources describe.
func (c *programCheck) runs() []*run {
	if len(c.subject.Starts) == 0 {
		return []*run{{Run: program.Run{Input: c.ownStart()}, own: true}}
	}
	var out []*run
	for _, s := range c.subject.Starts {
		r := &run{Run: program.Run{Input: c.ownStart(), Mounts: s.Mounts}, at: s.At, own: s.Entrypoint == nil && s.Command == nil}
		at := func(args []string) program.Command {
			return program.Command{Args: args, Origin: shell.Origin{File: s.At.File, Line: s.At.Line, Text: strings.Join(args, " ")}}
		}
		if s.Entrypoint != nil {
			// Whoever replaces the ENTRYPOINT does without the image's CMD.
			r.Entrypoint, r.Cmd = at(s.Entrypoint), program.Command{}
		}
		if s.Command != nil {
			r.Cmd = at(s.Command)
		}
		if s.Workdir != "" {
			if r.Workdir = path.Join("/", r.Workdir, s.Workdir); path.IsAbs(s.Workdir) {
				r.Workdir = path.Clean(s.Workdir)
			}
		}
		r.Env = withEnv(r.Env, s.Env)
		out = append(out, r)
	}
	return out
}

// health gives the runs of health checks: the image's, and those of the sources that start it.
func (c *programCheck) health() (out []*run) {
	add := func(r *run, test []string, at shell.Origin) {
		if len(test) < 2 {
			return
		}
		args := test[1:]
		switch test[0] {
		case "CMD":
		case "CMD-SHELL":
			args = append([]string{"/bin/sh", "-c"}, args...)
		default:
			return
		}
		r.Entrypoint, r.Cmd = program.Command{}, program.Command{Args: args, Origin: at}
		out = append(out, r)
	}
	if check := c.image.Plan.Config.Healthcheck; check != nil && !c.image.Plan.ConfigSources.Healthcheck.IsZero() {
		add(&run{Run: program.Run{Input: c.ownStart()}}, check.Test, origin(c.image.Plan.ConfigSources.Healthcheck))
	}
	runs := c.runs()
	for i, s := range c.subject.Starts {
		add(runs[i], s.Health, shell.Origin{File: s.At.File, Line: s.At.Line, Text: strings.Join(s.Health, " ")})
	}
	return out
}

// withEnv sets NAME=value settings over others.
func withEnv(env, more []string) []string {
	out := slices.Clone(env)
	for _, kv := range more {
		name, _, _ := strings.Cut(kv, "=")
		out = slices.DeleteFunc(out, func(have string) bool { return strings.HasPrefix(have, name+"=") })
		out = append(out, kv)
	}
	return out
}

// reportUntold notes, once for an image, the commands that were not understood: the first one if nothing else was, and those
// of an entry script of an image with Python in it, so that nobody takes the silence about them for a pass.
func (c *programCheck) reportUntold(started []lang.Entry, notes []shell.Note) {
	notes = slices.DeleteFunc(notes, func(n shell.Note) bool { return c.compiled(started, n) })
	if len(notes) == 0 {
		return
	}
	started = slices.DeleteFunc(slices.Clone(started), func(e lang.Entry) bool { return len(e.Places) > 0 })
	summary := "could not determine what the image starts; its imports were not checked"
	if len(started) == 0 {
		notes = notes[:1]
	} else {
		notes = slices.DeleteFunc(notes, func(n shell.Note) bool { return !n.Untold })
		// A program that is understood as one, in an image without a source file, has no imports to follow. That takes a
		// look at the whole image, so the question comes last.
		follows := func(l lang.Language) bool {
			return l.Of != program.Other && slices.ContainsFunc(started, func(s lang.Entry) bool { return s.Lang == l.Of && (l.Runs || s.Kind == program.Script) })
		}
		holds := func(l lang.Language) bool { return l.Runs && c.build.OwnFile(l.Source) != "" }
		if len(notes) == 0 || !slices.ContainsFunc(languages.All, follows) && !slices.ContainsFunc(languages.All, holds) {
			return
		}
		summary = "could not determine what a start command runs; its imports were not checked"
	}
	var texts []string
	var places []finding.Place
	for _, n := range notes {
		p := c.startPlace(n.Origin)
		if !slices.Contains(places, p) {
			places = append(places, p)
		}
		if !slices.Contains(texts, n.Text) {
			texts = append(texts, n.Text)
		}
	}
	if len(texts) > 1 {
		summary = fmt.Sprintf("could not determine what %d start commands run; their imports were not checked", len(texts))
	}
	told := strings.Join(texts[:min(3, len(texts))], "; ")
	if more := len(texts) - 3; more > 0 {
		told += fmt.Sprintf("; and %d more", more)
	}
	f := finding.Finding{
		Rule: finding.EntrypointUnknown, Subject: finding.Position{File: places[0].File, Line: places[0].Line}, Summary: summary,
		About:  finding.About{Site: places[0].File},
		Detail: strings.ToUpper(told[:1]) + told[1:] + ". Name entry points in the configuration, under entrypoints.",
	}
	if len(places) > 1 {
		f.Related = places[1:]
	}
	c.add(f)
}

// compiled reports whether a note is about a program that a step compiles from sources which are followed.
func (c *programCheck) compiled(started []lang.Entry, n shell.Note) bool {
	for i, l := range languages.All {
		if l.Of == program.Other && slices.ContainsFunc(started, func(e lang.Entry) bool {
			found := n.Untold && e.Lang == l.Of && e.Origin == n.Origin
			if found {
				found, _ = c.programs[i].Starts(e)
			}
			return found
		}) {
			return true
		}
	}
	return false
}

// A sliver is what is followed of a program of at least minProgram files, if the program has more than sliver times as many.
const (
	minProgram = 50
	sliver     = 5
)

// reportSliver notes of an image that it holds a program of which next to nothing was followed, so that nobody takes that for a pass: what
// git tracks in the directories of the files that were followed. Tests and migrations are no part of what a start imports.
func (c *programCheck) reportSliver(l lang.Language, reached []lang.File) {
	told := slices.ContainsFunc(c.report.Findings, func(f finding.Finding) bool {
		return f.Rule == finding.EntrypointUnknown || f.Rule == finding.EntrypointNotInImage
	})
	followed := len(reached)
	if told || followed == 0 && !c.forLanguage(l) {
		return
	}
	if followed == 0 {
		c.reportNothing(l)
		return
	}
	tracked, git, err := c.build.Tracked(".")
	if !git || err != nil {
		return
	}
	top := func(p string) string {
		dir, _, below := strings.Cut(p, "/")
		if !below {
			return ""
		}
		return dir
	}
	dirs := map[string]bool{}
	for _, f := range reached {
		dirs[top(f.Path)] = true
	}
	files := 0
	for _, p := range tracked {
		if l.Source(p) && dirs[top(p)] && !slices.ContainsFunc(strings.Split(path.Dir(p), "/"), func(dir string) bool {
			return slices.Contains([]string{"tests", "test", "testing", "migrations", "versions", "docs", "examples", "scripts"}, dir)
		}) {
			files++
		}
	}
	if files < minProgram || followed*sliver >= files {
		return
	}
	_, at := c.startCommand()
	c.add(finding.Finding{
		Rule: finding.EntrypointUnknown, Subject: finding.Position{File: at.File, Line: at.Range.Start.Line}, About: finding.About{Site: at.File},
		Summary: fmt.Sprintf("only %[2]d of %[1]d Python files were followed from what the image starts", files, followed),
		Detail:  "The others are unused, or loaded in a way that was not understood. Name entry points in the configuration, under entrypoints.",
	})
}

// forLanguage reports whether an image is built on one that is there to run programs of a language, and none of its programs is known to
// be missing.
func (c *programCheck) forLanguage(l lang.Language) bool {
	base := need.BaseOf(c.image.Plan, c.image.Plan.Result)
	return base != nil && bases.Python(base.Image.Ref) != "" && !slices.ContainsFunc(c.report.Findings, func(f finding.Finding) bool {
		return f.Rule == finding.ImportNotInImage || f.Rule == finding.ImportNotReachable
	}) && c.build.OwnFile(l.Source) != ""
}

// reportNothing notes of an image that holds a program that nothing of it was followed.
func (c *programCheck) reportNothing(l lang.Language) {
	why := "The image starts no program of that language."
	if src := c.image.Plan.ConfigSources; src.Cmd.IsZero() && src.Entrypoint.IsZero() {
		why = "It has neither ENTRYPOINT nor CMD: what runs is decided when it is started."
	}
	if slices.ContainsFunc(c.subject.Starts, func(s Start) bool { return len(s.Mounts) > 0 }) {
		why = "At run time, host directories are mounted over the program."
	}
	_, at := c.startCommand()
	if at.IsZero() {
		at = need.BaseOf(c.image.Plan, c.image.Plan.Result).Location
	}
	c.add(finding.Finding{
		Rule: finding.EntrypointUnknown, Subject: finding.Position{File: at.File, Line: at.Range.Start.Line}, About: finding.About{Site: at.File},
		Summary: "the image has a Python program, but nothing of it was followed",
		Detail:  why + " Name entry points in the configuration, under entrypoints.",
	})
}

// startPlace gives the place of a command, in the repository where it comes from there.
func (c *programCheck) startPlace(at shell.Origin) finding.Place {
	if at.InImage {
		if o, ok := c.build.ContextPath(c.build.Tree, at.File); ok {
			at.File = simulate.Shown(c.main.Dir, o)
		}
	}
	return finding.Place{Role: finding.RoleStarts, File: at.File, Line: at.Line, Text: at.Text}
}
