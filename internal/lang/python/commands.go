package python

import (
	"fmt"
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/manifest"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// ownDirs gives the directories that an entry searches before what is installed.
func (c *programs) ownDirs(s lang.Entry) []string {
	own, dir, runner := append(slices.Clone(s.SearchDirs), pythonPath(s)...), path.Join("/", s.Workdir), runnerOf(s)
	if dirs := c.installedFirst(s, runner, dir); len(dirs) > 0 {
		return append(own, dirs...)
	}
	switch {
	case runner == "poetry" && s.Command != "":
		return append(own, dir)
	case s.Command != "" && !c.madeBySteps(s.Command):
		return nil // wherever its module is searched, the command is not there
	}
	return own
}

// runnerOf gives the runner of projects that starts an entry, "" if none does.
func runnerOf(s lang.Entry) string {
	if i := slices.IndexFunc(s.Through, func(name string) bool { return command.Is(name, command.ProjectRunner) }); i >= 0 {
		return s.Through[i]
	}
	return ""
}

// commandOf gives the installed command that starts an entry, "" if none need be there: poetry run imports itself what is declared, from
// the working directory, where that is not installed.
func commandOf(s lang.Entry) string {
	if runnerOf(s) == "poetry" {
		return ""
	}
	return s.Command
}

// installedFirst gives the directories of the projects that a runner installs before it starts a command in their environment.
func (c *programs) installedFirst(s lang.Entry, runner, dir string) (dirs []string) {
	if runner == "uv" && (given(s, "UV_NO_SYNC") || given(s, "UV_NO_PROJECT")) {
		return nil
	}
	args := []string{"run", "python"} // a script that runs it does so in its own words
	if words := s.Run.Args(); slices.Contains(words, runner) {
		args = words[slices.Index(words, runner)+1:]
	}
	for _, in := range manifest.RunBy(runner, args, dir) {
		dirs = append(dirs, c.installs(c.Tree, in)...)
	}
	return dirs
}

// given reports whether a variable is set where an entry starts.
func given(s lang.Entry, name string) bool {
	_, own := s.Env[name]
	_, image := view.Lookup(s.Run.Env, name)
	return own || image
}

// madeBySteps reports whether a step may make a command that a project of the repository declares.
func (c *programs) madeBySteps(name string) bool {
	c.installedDirs()
	if len(c.pathSteps) > 0 || c.installsOther {
		return true
	}
	for _, p := range c.declared().Projects {
		if _, declares := p.Scripts[name]; declares && slices.Contains(c.installedProjects, p.Dir) {
			return true
		}
	}
	return false
}

// notMade says why a command is not there that a project declares, "" if a step may make it.
func (c *programs) notMade(name string) string {
	if name == "" || c.madeBySteps(name) {
		return ""
	}
	for _, p := range c.declared().Projects {
		if s, declares := p.Scripts[name]; declares {
			return fmt.Sprintf("%s:%d declares the command, and no step installs the project: that would make it.", s.File, s.Line)
		}
	}
	return ""
}
