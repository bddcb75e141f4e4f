package simulate

import (
	"path"
	"slices"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// madeBy adds the directories that a step surely makes to those that are known to exist, and takes out those that it removes:
// mkdir, install -d, the homes of new users. They answer one question only, whether a destination exists as a directory; what a
// step makes is not listed.
func madeBy(op *dockerfile.Op, made *grown[string], cost *cost) {
	for _, e := range steps.Follow(op.Exec, nil).Effects() {
		switch {
		case cost.dirs.Steps(int64(len(made.list))) != nil:
			return // what is made beyond that is not known to be there
		case e.Kind == command.MakesDir && e.Conditional:
		case e.Kind == command.MakesDir:
			for dir := e.Path; dir != "/"; dir = path.Dir(dir) {
				if !slices.Contains(made.list, dir) {
					made.add(dir)
				}
			}
		default:
			left := slices.DeleteFunc(slices.Clone(made.list), func(dir string) bool { return Within(dir, e.Path) })
			*made = grown[string]{list: left}
		}
	}
}
