package simulate

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/account"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// applyStep changes a state by what a RUN step surely does, and notes where else it may have put something.
func (m *Image) applyStep(op *dockerfile.Op, out *State) error {
	x := &effector{plan: m.Plan, op: op, tree: out.Tree, marked: map[string]bool{}, cost: m.cost, twins: m.twinsOf(op), inputs: m.inputsOf(op)}
	var err error
	if x.user, err = account.Of(op.Exec.User, x.tree); err != nil {
		return err
	}
	x.owner = x.user.Owner()
	defer x.makeStubs()()
	script, err := steps.Run(op.Exec, sight{x}, x.step, x.mark)
	m.scripts[op.ID], m.removed[op.ID] = script, x.removed
	return err
}

// inputsOf gives the file systems that an operation may mount, by the number of its input; nil for one that is not known.
func (m *Image) inputsOf(op *dockerfile.Op) func(i int) *rootfs.Tree {
	return func(i int) *rootfs.Tree {
		if s := m.state(op.Inputs[i]); s != nil {
			return s.Tree
		}
		return nil
	}
}

// Sight gives the files that a RUN step finds when it starts, those that are mounted included; nil if nothing is known of them.
func (m *Image) Sight(op *dockerfile.Op) steps.Sight {
	before := m.Before(op.ID)
	if op.Kind != dockerfile.OpExec || before == nil {
		return nil
	}
	return sight{&effector{plan: m.Plan, op: op, tree: before.Tree, inputs: m.inputsOf(op)}}
}

// step does what a program does, or a redirection, if it is sure to be done, and tells what came of all of it.
func (x *effector) step(effects []command.Effect, sure bool) steps.Outcome {
	out := steps.Outcome{Known: true}
	for _, e := range effects {
		x.alias(e)
		if x.cost.effects.Steps(1) != nil || !sure {
			x.doubt(e)
			out = steps.Outcome{}
			continue
		}
		switch x.apply(e) {
		case unclear:
			x.doubt(e)
			out.Known = false
		case open:
			out.Open = true
		case fails:
			out.Fails = true
		case partly:
			x.doubt(e)
			out.Known, out.Fails = false, true
		}
	}
	return out
}

// alias is a link that may have been made: what is done to its path may come to what it leads to.
type alias struct{ at, to string }

// maxAliases bounds the links of a step that may have been made and are remembered.
const maxAliases = 64

// alias notes what an effect may do through links that are not sure to be there.
func (x *effector) alias(e command.Effect) {
	for _, a := range x.aliases {
		if !Within(e.Path, a.at) {
			continue
		}
		e.Path = path.Join(a.to, strings.TrimPrefix(e.Path, a.at))
		x.doubt(e)
		_ = x.mark(command.Footprint{Paths: []string{e.Path}})
	}
}

// doubt notes what an effect changes or takes away that need not come about, if it is there.
func (x *effector) doubt(e command.Effect) {
	var paths []string
	switch e.Kind {
	case command.MakesFile:
		return // what is there stays as it is
	case command.Unpacks, command.Unzips:
		return // what is there is still there, and may be another
	case command.MayTake:
		if len(e.Names) > 0 && x.mayTake(e) {
			return
		}
		paths = []string{e.Path}
	case command.MakesDir:
		if !e.Force {
			return
		}
		paths = []string{e.Path}
	case command.Copies, command.Moves, command.Links:
		paths = x.into(e)
		if e.Kind == command.Moves {
			paths = append(paths, e.From...)
		}
		for _, p := range paths {
			if e.Kind == command.Links && len(x.aliases) < maxAliases {
				x.aliases = append(x.aliases, alias{p, path.Join("/", path.Dir(p), e.Text)})
				if path.IsAbs(e.Text) {
					x.aliases[len(x.aliases)-1].to = path.Clean(e.Text)
				}
			}
		}
	default:
		paths = []string{e.Path}
	}
	for _, p := range paths {
		for _, resolve := range []func(string) (string, error){x.tree.ResolveParent, x.tree.Resolve} { // a link, and what it leads to
			if at, err := resolve(p); err == nil && at != "/" && x.mounted(p) == nil {
				_ = x.tree.SetAttr(at, func(a *rootfs.Attr) {
					if e.Kind == command.Writes && a.Kind == rootfs.KindFile {
						a.Content = nil // it stays
					} else if e.Kind != command.Writes {
						a.Unsure = true
					}
				})
			}
		}
	}
}

// mayTake marks what has one of the names below a directory, and reports whether that is not too much.
func (x *effector) mayTake(e command.Effect) bool {
	at, err := x.tree.ResolveParent(e.Path)
	if err != nil {
		return true
	}
	top, err := x.tree.Lstat(at)
	if err != nil {
		return true
	}
	var found []string
	look := func(p string, n *rootfs.Node) error {
		if slices.ContainsFunc(e.Names, func(name string) bool { ok, err := path.Match(name, path.Base(p)); return ok || err != nil }) {
			found = append(found, p)
		}
		return x.cost.effects.Steps(1)
	}
	if err = look(at, top); err == nil {
		err = rootfs.ScanNode(strings.TrimSuffix(at, "/"), top, look)
	}
	for _, p := range found {
		if p == "/" {
			continue
		}
		_ = x.tree.SetAttr(p, func(a *rootfs.Attr) { a.Unsure = true })
	}
	return err == nil
}

// into gives the paths at which something may be afterwards that is put somewhere: the names of the sources, where they go into a
// directory.
func (x *effector) into(e command.Effect) []string {
	n, _, err := x.tree.Stat(e.Path)
	if err != nil || !n.IsDir() || e.Itself || x.unsure(e.Path) {
		return []string{e.Path}
	}
	from := e.From
	if e.Kind == command.Links {
		from = []string{e.Text}
	}
	paths := []string{}
	for _, f := range from {
		if strings.HasSuffix(f, "/.") || f == "" {
			return []string{e.Path}
		}
		paths = append(paths, path.Join(e.Path, path.Base(f)))
	}
	return paths
}

// mark notes where something may have been put. What is mounted is no part of the image.
func (x *effector) mark(f command.Footprint) error {
	if f.Unknown {
		if err := x.tree.MarkUnlikely(int32(x.op.ID)); err != nil {
			return err
		}
	}
	for _, p := range x.besideMounts(f.Paths) {
		if x.mounted(p) != nil || x.marked[p] {
			continue
		}
		x.marked[p] = true
		if to, err := x.tree.Resolve(p); err == nil && to != p {
			if x.unsure(p) { // where the link was taken away, it is put just there
				if err := x.tree.Mark(p, int32(x.op.ID)); err != nil {
					return err
				}
			}
			p = to
		}
		if err := x.tree.Mark(p, int32(x.op.ID)); err != nil {
			return err
		}
	}
	return nil
}

// besideMounts adds, to paths in any directories that are there, those in the directories on the way to what is mounted: they are there
// while the step runs, and what it puts beside a mount stays.
func (x *effector) besideMounts(paths []string) []string {
	out := paths
	for _, p := range paths {
		base, name, ok := strings.Cut(p, "/**/")
		if !ok {
			continue
		}
		for _, m := range x.op.Exec.Mounts {
			if dir := path.Dir(m.Dest); m.Dest != dockerfile.RootMount && dir != base && Within(dir, path.Join("/", base)) {
				out = append(slices.Clip(out), path.Join(dir, name))
			}
		}
	}
	return out
}

// Script gives what a RUN step starts; nil if it was not reached, and of no image.
func (m *Image) Script(op *dockerfile.Op) *steps.Script {
	if m == nil || op.ID >= len(m.Plan.Ops) || m.Plan.Ops[op.ID] != op && !reflect.DeepEqual(m.Plan.Ops[op.ID].Exec, op.Exec) {
		return nil
	}
	return m.scripts[op.ID]
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
