package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/languages"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// StartsBelow reports whether what an image starts is missing from it and lies below a directory of its context, as it
// would have to lie in the context itself: that directory is the context that people build it with, then.
func StartsBelow(m *simulate.Image, main *simulate.Context, dir string) bool {
	c := newProgramCheck(Subject{}.lookingOnly(m, main))
	run := &program.Run{Input: c.ownStart()}
	run.ConsoleScript = nil // what manifests say is not worth to be read for it
	started, _ := program.Analyze(run.Input)
	holds := func(name string) bool {
		info, err := main.FS.Lstat(path.Join(dir, name))
		return err == nil && !info.IsDir()
	}
	workdir := path.Join("/", m.Plan.Config.WorkingDir)
	for _, e := range started {
		if e.Kind == program.Script || e.Kind == program.Program {
			rel := strings.TrimPrefix(strings.TrimPrefix(e.Path, workdir), "/")
			if e.Path != "" && c.build.Tree.Stat(e.Path) != shell.Regular && (holds(rel) || holds(path.Base(rel))) {
				return true
			}
			continue
		}
		for i, l := range languages.All {
			if e.Lang != l.Of {
				continue
			}
			if found, files := c.programs[i].Starts(lang.Entry{Entry: e, Run: run}); !found && slices.ContainsFunc(files, holds) {
				return true
			}
		}
	}
	return false
}
