package audit

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/imports"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// StartsBelow reports whether what an image starts is missing from it and lies below a directory of its context, as it
// would have to lie in the context itself: that directory is the context that people build it with, then.
func StartsBelow(m *simulate.Image, main *simulate.Context, dir string) bool {
	c := newImportCheck(Subject{}.lookingOnly(m, main))
	cfg := m.Plan.Config
	input := program.Input{
		Entrypoint: program.Command{Args: cfg.Entrypoint}, Cmd: program.Command{Args: cfg.Cmd},
		Env: cfg.Env, Workdir: cfg.WorkingDir, Files: c.tree,
	}
	started, _ := program.Analyze(input)
	holds := func(name string) bool {
		info, err := main.FS.Lstat(path.Join(dir, name))
		return err == nil && !info.IsDir()
	}
	workdir := path.Join("/", cfg.WorkingDir)
	for _, e := range started {
		switch e.Kind {
		case program.Script, program.Program:
			rel := strings.TrimPrefix(strings.TrimPrefix(e.Path, workdir), "/")
			if e.Path != "" && c.tree.Stat(e.Path) != shell.Regular && (holds(rel) || holds(path.Base(rel))) {
				return true
			}
		case program.Module, program.App:
			var search []lang.SearchDir
			for _, d := range append(e.SearchDirs, c.pythonPath(runEntry{e, run{input: input}})...) {
				search = append(search, lang.SearchDir{Tree: c.tree, Dir: d})
			}
			file := strings.ReplaceAll(e.Module, ".", "/")
			if imports.Find(search, e.Module) == nil && (holds(file+".py") || holds(file+"/__init__.py")) {
				return true
			}
		}
	}
	return false
}
