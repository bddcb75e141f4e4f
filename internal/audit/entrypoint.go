package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// checkEntrypoint looks for the program that the image starts, and for the script that it is told to run.
func checkEntrypoint(p *pass) error {
	if !p.subject.Policy.Require.EntrypointExists {
		return nil
	}
	asked := p.required("require", "entrypoint-exists")
	argv, loc := p.startCommand()
	if len(argv) == 0 {
		f := finding.Finding{
			Rule: finding.EntrypointNotInImage, Subject: p.last(), Related: asked,
			Summary: "the image starts nothing: it has neither ENTRYPOINT nor CMD",
			Detail:  "Set ENTRYPOINT or CMD here or in the base image.",
		}
		if bases := p.unknownBases(); len(bases) > 0 {
			f.Severity, f.Assumptions = finding.Warning, p.assumptions(bases)
		}
		p.add(f)
		return nil
	}
	related := asked
	if !loc.IsZero() {
		related = append(slices.Clone(asked), instruction(finding.RoleSets, loc))
	}
	programs := startedFiles(argv, p.image.Plan.Config.WorkingDir, p.image.Plan.Config.Env)
	ok := true
	for _, prog := range programs {
		if !p.programExists(prog) {
			ok = false
			f := p.pathMissing(finding.EntrypointNotInImage, p.absolute(prog), fmt.Sprintf("the image starts %s, which is not in it", prog), related)
			f.Hint.Program = prog
			if !loc.IsZero() {
				f.Subject = position(loc)
			}
			p.add(f)
		}
	}
	if ok {
		p.passed(fmt.Sprintf("the start command exists: %s", strings.Join(programs, ", ")), related...)
	}
	return nil
}

// startCommand gives the command line of the container: ENTRYPOINT with CMD as its arguments.
func (p *pass) startCommand() ([]string, dockerfile.Location) {
	c, src := p.image.Plan.Config, p.image.Plan.ConfigSources
	if len(c.Entrypoint) > 0 {
		return append(slices.Clone(c.Entrypoint), c.Cmd...), src.Entrypoint
	}
	return c.Cmd, src.Cmd
}

// startedFiles gives the program of a command line and, where that starts another one, or is an interpreter with a script, what
// comes first of that, too.
func startedFiles(argv []string, workdir string, env []string) []string {
	out := []string{argv[0]}
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	done := false
	r := command.NewRunner(nil)
	r.Script = func(c *command.Call, _ string) bool {
		if !done {
			done = true
			add(asFile(c.S, c.Name.Text, workdir))
		}
		return false
	}
	r.Program = func(c *command.Call) {
		if done {
			return
		}
		done = true
		if name := c.Name.Text; strings.Contains(name, "/") {
			add(asFile(c.S, name, workdir))
		} else {
			add(name)
		}
		if !command.Is(c.Base, command.Interpreter) {
			return
		}
		for _, w := range c.Args {
			switch {
			case w.Text == "-m" || w.Text == "-c" || w.Text == "-e" || !w.Known():
				return
			case !strings.HasPrefix(w.Text, "-"):
				add(asFile(c.S, w.Text, workdir))
				return
			}
		}
	}
	r.Command(shell.NewState(path.Join("/", workdir), env), shell.Words(argv, shell.Origin{}), true)
	return out
}

// asFile marks a script's name as a path: unlike a program, it is not looked for in PATH.
func asFile(s *shell.State, name, workdir string) string {
	switch {
	case s.Dir != path.Join("/", workdir):
		return s.Abs(name) // "" if it is not known where it runs
	case strings.Contains(name, "/"):
		return name
	}
	return "./" + name
}

func (p *pass) absolute(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", p.image.Plan.Config.WorkingDir, name)
}

// programExists looks a program up as exec does: by its path, or in PATH. What may lie in an unknown base image, in one
// of its directories of programs, is taken to exist.
func (p *pass) programExists(name string) bool {
	if strings.Contains(name, "/") {
		return p.fileOrUnknown(p.absolute(name))
	}
	list, _ := p.build.Env("PATH")
	for _, dir := range strings.Split(list, ":") {
		if p.fileOrUnknown(path.Join(p.absolute(dir), name)) {
			return true
		}
	}
	return false
}

// fileOrUnknown reports whether a file exists, or cannot be known not to because a base image may have it.
func (p *pass) fileOrUnknown(imagePath string) bool {
	n, at, err := p.image.Tree.Stat(imagePath)
	if err == nil {
		return !n.IsDir()
	}
	if !p.image.Tree.MayHold(at) {
		return false
	}
	_, owner := p.nearestDir(at)
	return owner == p.image.Tree.Root() || p.ofBaseImage(owner)
}

// similar gives the existing name that is most like the first component of a path below dir.
func (p *pass) similar(dir, at string) string {
	n, err := p.image.Tree.Lstat(dir)
	if err != nil {
		return ""
	}
	children, err := n.Children()
	if err != nil {
		return ""
	}
	var names []string
	for _, c := range children {
		if c.Node.Kind != rootfs.KindUnknown {
			names = append(names, c.Name)
		}
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(at, dir), "/")
	name, below, _ := strings.Cut(rest, "/")
	near, ok := suggest.Search(name, names, true)
	if !ok {
		return ""
	}
	return path.Join(dir, near, below)
}
