package simulate

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// applyStep changes a state by what a RUN step surely does, and notes where else it may have put something. What it removes is gone,
// and the directories that it makes are known. These answer one question only, whether a destination exists as a directory; what a
// step makes is not listed.
func (m *Image) applyStep(op *dockerfile.Op, out *State) error {
	script := m.follow(op, out.Tree)
	if err := mark(op, out.Tree, script); err != nil {
		return err
	}
	for i, call := range script.Calls {
		for _, e := range call.Effects() {
			switch {
			case m.cost.dirs.Steps(int64(len(out.made.list)+1)) != nil:
				return nil // what is done beyond that is not known
			case e.Kind == command.MakesDir && !call.S.Conditional:
				for dir := e.Path; dir != "/"; dir = path.Dir(dir) {
					if !slices.Contains(out.made.list, dir) {
						out.made.add(dir)
					}
				}
			case e.Kind != command.MakesDir:
				left := slices.DeleteFunc(slices.Clone(out.made.list), func(dir string) bool { return Within(dir, e.Path) })
				out.made = grown[string]{list: left}
				if e.Kind == command.Removes && !call.S.Conditional && !inMount(op, e.Path) {
					m.remove(op, out.Tree, e, madeAgain(script, i, e.Path))
				}
			}
		}
	}
	return nil
}

// follow gives what a step starts in a file system. What only depends on its words is that of an earlier prediction.
func (m *Image) follow(op *dockerfile.Op, t *rootfs.Tree) *steps.Script {
	script := m.prior.Script(op)
	if script == nil || script.Asked {
		script = steps.Follow(op.Exec, steps.Files{Tree: t})
	}
	m.scripts[op.ID] = script
	return script
}

// Script gives what a RUN step starts; nil if it was not reached, and of no image.
func (m *Image) Script(op *dockerfile.Op) *steps.Script {
	if m == nil || op.ID >= len(m.Plan.Ops) || m.Plan.Ops[op.ID] != op && !reflect.DeepEqual(m.Plan.Ops[op.ID].Exec, op.Exec) {
		return nil
	}
	return m.scripts[op.ID]
}

// mark notes where a step may have put something. What is mounted for it is no part of the image.
func mark(op *dockerfile.Op, t *rootfs.Tree, script *steps.Script) error {
	footprint := script.Footprint(op.Exec)
	if footprint.Unknown {
		if err := t.MarkUnlikely(int32(op.ID)); err != nil {
			return err
		}
	}
	for _, p := range footprint.Paths {
		if slices.ContainsFunc(op.Exec.Mounts, func(mount dockerfile.Mount) bool { return mount.Dest != dockerfile.RootMount && Within(p, mount.Dest) }) {
			continue
		}
		at, err := t.Resolve(p)
		if err != nil {
			at = p
		}
		if err := t.Mark(at, int32(op.ID)); err != nil {
			return err
		}
	}
	return nil
}

// remove takes away what a step removes. Unless it may be made again, nothing is there afterwards.
func (m *Image) remove(op *dockerfile.Op, t *rootfs.Tree, e command.Effect, again bool) {
	at, err := t.ResolveParent(e.Path)
	if err != nil || at == "/" {
		return
	}
	if n, err := t.Lstat(at); err == nil && n.IsDir() && !e.Recursive {
		return // rm refuses it
	}
	switch {
	case !again:
		err = t.Erase(at)
	case t.Exists(at):
		err = t.Remove(at)
	}
	if err == nil {
		m.removed[op.ID] = append(m.removed[op.ID], at)
	}
}

// inMount reports whether a path of a step lies in something that is mounted for it, and is no part of the image.
func inMount(op *dockerfile.Op, p string) bool {
	return slices.ContainsFunc(op.Exec.Mounts, func(mount dockerfile.Mount) bool {
		return mount.Dest != dockerfile.RootMount && (Within(p, mount.Dest) || Within(mount.Dest, p))
	})
}

// madeAgain reports whether the rest of a script may make what one of its commands removes.
func madeAgain(script *steps.Script, at int, p string) bool {
	if _, written := script.Written[p]; written || script.Missed {
		return true
	}
	return slices.ContainsFunc(script.Calls[at+1:], func(call *command.Call) bool {
		if call.Base == "rm" || call.Base == "rmdir" {
			return false
		}
		if !call.Builtin && !call.Wraps && !command.Is(call.Base, command.NoModules|command.Looker) {
			return true
		}
		return !call.Builtin && slices.ContainsFunc(call.Args, func(w shell.Word) bool {
			named := call.S.Abs(w.Text)
			return named != "" && (Within(named, p) || strings.HasPrefix(p, strings.TrimSuffix(named, "/")+"/"))
		})
	})
}

// RemovedBy gives the RUN step that surely removes the entry which an operation put at a path, nil if none does. A step of another
// stage may remove the same path of another file system.
func (m *Image) RemovedBy(p string, by int) *dockerfile.Op {
	if len(m.Plan.Ops[by].Also) > 0 {
		return nil // the same instruction in several stages is one operation, and may be left alone in one of them
	}
	for _, op := range m.Plan.Ops {
		if !m.Removes(op, p) {
			continue
		}
		if before := m.Before(op.ID); before != nil {
			if n, err := before.Tree.Lstat(p); err == nil && int(n.Op) == by {
				return op
			}
		}
	}
	return nil
}

// RemovedAgain gives the last of some copies and the RUN step that surely removes it, if each of them is removed: what stays in
// another stage is lost in another way. It gives nil if that is not so.
func (m *Image) RemovedAgain(copied []Copied) (op *dockerfile.Op, last Copied) {
	for _, last = range copied {
		if op = m.RemovedBy(last.Entry.Path, last.Op); op == nil {
			return nil, last
		}
	}
	return op, last
}

// Removes reports whether a RUN step surely removes what is at a path of its file system.
func (m *Image) Removes(op *dockerfile.Op, p string) bool {
	return slices.ContainsFunc(m.removed[op.ID], func(gone string) bool { return Within(p, gone) })
}
