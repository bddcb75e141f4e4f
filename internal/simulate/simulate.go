// Package simulate executes a compiled Dockerfile over build contexts and gives the image that BuildKit would make,
// without running anything: the file tree with the origin of every entry, and the configuration.
//
// What cannot be known is not guessed. A RUN step does what the words of its script surely do, and may have put more where its
// programs write; a base image may hold files in the directories that are known of it, or anywhere. Both are recorded as assumptions,
// and what is looked for where they reach and not found is unknown, not absent ([rootfs.Tree.MayHold]).
//
// The rules are those of BuildKit's solver/llbsolver/file, tonistiigi/fsutil/copy, moby/go-archive and
// cache/contenthash; the functions that answer to theirs say so. A conformance suite builds the same inputs with a real
// buildkitd.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/steps"
)

// State is a file system between two operations.
type State struct {
	Tree *rootfs.Tree
	// opaque are the operations whose effect on the tree is not known (base images, RUN, downloads), in build order.
	opaque grown[int]
}

func (s *State) fork() *State {
	return &State{Tree: s.Tree.Fork(), opaque: s.opaque}
}

// Source is a local directory that the build reads.
type Source struct {
	Context *Context
	// Tree is what this source transfers: of all that the ignore file lets in, what instructions ask for.
	Tree *dockerctx.Tree
}

// Image is what a build gives.
type Image struct {
	Plan *dockerfile.Plan
	// Tree is the image's file system. It must not be changed: fork it.
	Tree *rootfs.Tree
	// Opaque are the operations on whose unknown effects the tree rests.
	Opaque []int
	// Sources are the local directories by the operation that transfers them.
	Sources map[int]*Source

	states map[dockerfile.OutputRef]*State
	dest   *destinations
	// removed are the paths that RUN steps surely remove, by the operation.
	removed map[int][]string
	scripts map[int]*steps.Script
	// bases says of the base images whose files are known which image each is.
	bases   map[int]string
	cost    *cost
	prior   *Image // an earlier prediction that this one shares with; nil for none
	request dockerfile.Options
	notes   sync.Map
}

// Before gives the file system that an operation starts from: what a RUN step finds, and what a COPY copies onto. It is
// nil for an operation that starts from nothing, and for one that was not reached because the build failed.
func (m *Image) Before(op int) *State {
	o := m.Plan.Ops[op]
	if o.Kind == dockerfile.OpExec {
		ref, _ := o.Root()
		if ref == dockerfile.Scratch {
			return &State{Tree: rootfs.New()}
		}
		return m.state(ref)
	}
	if len(o.Inputs) == 0 {
		return nil
	}
	if o.Kind == dockerfile.OpFile && o.File[0].Input != 0 {
		return nil
	}
	return m.state(o.Inputs[0])
}

// After gives the file system that an operation leaves; nil if it was not reached.
func (m *Image) After(op int) *State { return m.states[dockerfile.OutputRef{Op: op}] }

func (m *Image) state(ref dockerfile.OutputRef) *State {
	if ref.Op < 0 {
		return nil
	}
	return m.states[ref]
}

// Note keeps with the image what somebody found out about it, for who predicts another one after it; Noted gives it.
func (m *Image) Note(key, value any) { m.notes.Store(key, value) }

// Noted gives what was noted under a key; nil for nothing, and of no image.
func (m *Image) Noted(key any) any {
	if m == nil {
		return nil
	}
	value, _ := m.notes.Load(key)
	return value
}

// Forget drops what was noted.
func (m *Image) Forget() { m.notes.Clear() }

// Contexts opens the directory of a local source with the ignore file that holds for it.
type Contexts func(*dockerfile.LocalSource) (*Context, error)

// Run executes a plan. A build that BuildKit would refuse gives a [*BuildError]; the image beside it then holds the
// states up to there and no tree. Where it fails because a file stands where a directory is needed, and an unknown step may
// have made that directory before the file was copied into it, it is taken to have done so ([Image.AsDirectories]).
//
// prior is an earlier prediction of a build that differs little, with which this one shares what is the same; nil for none.
func Run(ctx context.Context, plan *dockerfile.Plan, contexts Contexts, prior *Image) (*Image, error) {
	var taken []Taken
	cost := newCost(ctx)
	for {
		m, err := run(ctx, plan, contexts, prior, taken, cost)
		more := m.dest.blame(err)
		if more == nil || len(taken) >= maxTaken {
			return m, err
		}
		taken = append(taken, *more)
	}
}

func run(ctx context.Context, plan *dockerfile.Plan, contexts Contexts, prior *Image, taken []Taken, cost *cost) (*Image, error) {
	m := newImage(plan, taken, cost)
	m.prior = prior
	for _, op := range plan.Ops {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		if err := m.execute(op, contexts); err != nil {
			return m, m.buildError(op, err)
		}
	}
	if s := m.state(plan.Result); s != nil {
		m.Tree, m.Opaque = s.Tree, slices.Clip(s.opaque.list)
	} else {
		m.Tree = rootfs.New()
	}
	return m, nil
}

// source gives the local directory of an operation; nil for none, and of no image.
func (m *Image) source(op int) *Source {
	if m == nil {
		return nil
	}
	return m.Sources[op]
}

func newImage(plan *dockerfile.Plan, taken []Taken, cost *cost) *Image {
	return &Image{
		Plan: plan, Sources: map[int]*Source{}, states: map[dockerfile.OutputRef]*State{}, dest: &destinations{taken: taken}, cost: cost,
		removed: map[int][]string{}, scripts: map[int]*steps.Script{}, bases: map[int]string{},
	}
}

func (m *Image) execute(op *dockerfile.Op, contexts Contexts) error {
	set := func(index int, s *State) { m.states[dockerfile.OutputRef{Op: op.ID, Index: index}] = s }
	switch op.Kind {
	case dockerfile.OpLocal:
		c, err := contexts(op.Local)
		if err != nil {
			return err
		}
		follow := op.Local.FollowPaths
		if m.Plan.Dockerfile.Fetched && c.Name == MainContext {
			follow = nil // all of it is fetched
		}
		tree, err := c.Context.Transfer(follow)
		if err != nil {
			return err
		}
		if was := m.prior.source(op.ID); was != nil && was.Context.Name == c.Name {
			tree.After(was.Tree)
		}
		// A pattern that fails only when it is evaluated fails at the first look.
		if err := tree.Probe(); err != nil {
			return err
		}
		m.Sources[op.ID] = &Source{Context: c, Tree: tree}
		set(0, &State{Tree: contextTree(m.Sources[op.ID], op.ID)})
	case dockerfile.OpImage:
		s, err := m.baseImage(op)
		if err != nil {
			return err
		}
		set(0, s)
	case dockerfile.OpRemote:
		set(0, remoteTree(op))
	case dockerfile.OpFile:
		return m.executeFile(op)
	case dockerfile.OpExec:
		return m.executeExec(op)
	case dockerfile.OpMerge:
		s, err := m.merge(op)
		if err != nil {
			return err
		}
		set(0, s)
	case dockerfile.OpDiff:
		s, err := m.diff(op)
		if err != nil {
			return err
		}
		set(0, s)
	default:
		return fmt.Errorf("operation of kind %s is not supported", op.Kind)
	}
	return nil
}

// executeFile runs the actions of a file operation. Each starts from an input of the operation or from the result of
// an action before it (FileOpSolver in solver/llbsolver/ops/file.go).
func (m *Image) executeFile(op *dockerfile.Op) error {
	inputs := len(op.Inputs)
	for i, sels := range copySelectors(op) {
		s := m.state(op.Inputs[i])
		for _, sel := range sels {
			if s == nil {
				continue
			}
			if err := sel.check(s.Tree); err != nil {
				return &sourceError{input: op.Inputs[i], path: sel.path, err: err}
			}
		}
	}
	results := make([]*State, len(op.File))
	get := func(i int) *State {
		switch {
		case i < 0:
			return nil
		case i < inputs:
			return m.state(op.Inputs[i])
		default:
			return results[i-inputs]
		}
	}
	twins := m.twinsOf(op)
	for i, a := range op.File {
		var s *State
		if base := get(a.Input); base != nil {
			s = base.fork()
		} else {
			s = &State{Tree: rootfs.New()}
		}
		if err := applyAction(op, a, s, get, m.dest, m.cost, twins); err != nil {
			if cp, ok := a.Change.(dockerfile.Copy); ok {
				ref, _ := op.Source(a)
				return &sourceError{input: ref, path: cp.Src, err: err}
			}
			return err
		}
		results[i] = s
		if a.Output >= 0 {
			m.states[dockerfile.OutputRef{Op: op.ID, Index: a.Output}] = s
		}
	}
	return nil
}

// executeExec passes the root file system of a RUN through, as one that may now hold anything, once the sources of its
// bind mounts have been found.
func (m *Image) executeExec(op *dockerfile.Op) error {
	for _, mount := range op.Exec.Mounts {
		if mount.Kind != dockerfile.MountBind {
			continue
		}
		var in *State
		if mount.Input >= 0 && mount.Input < len(op.Inputs) {
			in = m.state(op.Inputs[mount.Input])
		}
		if mount.Selector != "" && mount.Selector != "/" {
			tree, ref := rootfs.New(), dockerfile.Scratch
			if in != nil {
				tree, ref = in.Tree, op.Inputs[mount.Input]
			}
			sel := selector{path: mount.Selector, followLinks: true}
			if err := sel.check(tree); err != nil {
				return &sourceError{input: ref, path: mount.Selector, err: err}
			}
		}
		if mount.Output < 0 {
			continue
		}
		out := &State{Tree: rootfs.New()}
		if in != nil {
			out = in.fork()
		}
		out.opaque.add(op.ID)
		if mount.Dest == dockerfile.RootMount {
			if err := m.applyStep(op, out); err != nil {
				return err
			}
		} else if err := out.Tree.Mark("/", int32(op.ID)); err != nil {
			return err
		}
		m.states[dockerfile.OutputRef{Op: op.ID, Index: mount.Output}] = out
	}
	return nil
}

// sourceError is a failure that concerns a source of an operation.
type sourceError struct {
	input dockerfile.OutputRef
	path  string
	err   error
}

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// BuildError says that BuildKit would refuse the build, at which instruction, and what would help.
type BuildError struct {
	// Location is the instruction; the zero Location for an ignore file that is refused. Also are others that do the same.
	Location dockerfile.Location
	Also     []dockerfile.Location
	Message  string
	// Source is the path in the source that the failure is about, "" if it is about none, and From the local source
	// it was looked for in, nil if that is a stage or an image.
	Source string
	From   *Context
	// Stage is the operation that left the file system in which Source was looked for, -1 if it is about none.
	Stage int
	// Owner is the local source from which a stage got what lies around Source, and should have got Owed; nil if there
	// is none.
	Owner *Context
	Owed  string
	// Hints are sentences that tell the cause or the way out, most likely first.
	Hints []Hint
	Err   error
}

// Hint is a sentence about a failure, with the ignore line it is about if it is about one.
type Hint struct {
	Text string
	Line *dockerctx.Line
	File string // the ignore file of Line
}

func (e *BuildError) Error() string {
	if e.Location.IsZero() {
		return e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.Location.File, e.Location.Range.Start.Line, e.Message)
}

func (e *BuildError) Unwrap() error { return e.Err }

func (m *Image) buildError(op *dockerfile.Op, err error) error {
	var tooMuch *budget.Beyond
	if errors.As(err, &tooMuch) {
		return tooMuch
	}
	var ignore *dockerctx.IgnoreError
	if errors.As(err, &ignore) {
		return &BuildError{Message: ignore.Error(), Err: err}
	}
	if op.Kind == dockerfile.OpLocal {
		// The transfer fails, not the instruction that asked for it.
		return &BuildError{Message: fmt.Sprintf("reading the build context: %v", err), Err: err}
	}
	e := &BuildError{Location: op.Location, Also: op.Also, Message: err.Error(), Err: err, Stage: -1}
	var src *sourceError
	if errors.As(err, &src) {
		e.Source, e.Stage = src.path, src.input.Op
		if s := m.Sources[src.input.Op]; s != nil {
			e.From = s.Context
		}
		e.Hints = m.hints(src)
		if c, p := m.owed(src); c != nil {
			e.Owner, e.Owed = c, p
			e.Hints = append(contextHints(c, p), e.Hints...)
		}
	}
	return e
}
