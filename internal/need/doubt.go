package need

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// DoubtKind is what leaves open whether something is missing.
type DoubtKind uint8

// The kinds of doubts. The zero value is none: it is proved.
const (
	Proved         DoubtKind = iota
	Steered                  // By changes the search path in a way that is not known
	SearchedByBase           // what the base image By puts on the search path is not known
	HeldByBase               // the base image By may have it
	MountedOver              // somebody mounts the code when the container is started, or nothing at all is copied
	NamedByStep              // the step By names it, and may make it
	EditedByStep             // the step By may change the file that asks for it
	WrittenAtStart           // By may write it when the container starts
	MadeByStep               // the step By may make it, or move it there
)

// Doubt is a reason why what is missing, as far as the image is known, may be there all the same.
type Doubt struct {
	Kind DoubtKind
	By   string
	// Silent tells that people's images are known to get such a thing in this way: nothing is to be said.
	Silent bool
}

// Starts is what is known of how containers of an image start.
type Starts struct {
	// Written gives who writes one of some files of the image when the container starts, "" if nobody does.
	Written func(at []string) string
	// Mounted reports whether somebody mounts something over one of them then.
	Mounted func(at []string) bool
	// Alone tells that the image is built to be shipped, or that all starts that are described mount nothing.
	Alone bool
}

// Doubt gives what leaves open whether it is missing or, if it lies in the image, whether no search path leads to it.
//
// The core is left alone: what the ignore file keeps out, git tracks and no step names is nowhere else.
func (v *Verdict) Doubt(unreached bool, starts Starts) (Doubt, error) {
	n, b := v.need, v.build
	if !unreached {
		if g, err := v.Gone(); err != nil || g.By != nil && g.Surely {
			return Doubt{}, err // it was there, and surely is no more
		}
	}
	if _, ok := n.Ways.Elsewhere(n); ok {
		return Doubt{Silent: true}, nil
	}
	ignored := len(v.Ignored) > 0
	if d, err := v.ofBase(unreached, ignored, starts); err != nil || d != (Doubt{}) {
		return d, err
	}
	reaches := Reaching(b, n.Wants)
	if step := StepOn(b, reaches, n.Source, n.Name, n.Wants); step != "" {
		return Doubt{Kind: NamedByStep, By: step}, nil
	}
	if file := n.Asks[0].File; file != "" && !slices.ContainsFunc(n.Asks, func(a Ask) bool { return a.File != file }) {
		if step := StepEdits(b, file); step != "" {
			return Doubt{Kind: EditedByStep, By: step}, nil
		}
	}
	if place := starts.Written(n.Wants); place != "" {
		return Doubt{Kind: WrittenAtStart, By: place}, nil
	}
	files, git, err := b.Tracked(n.Source)
	if err != nil {
		return Doubt{}, err
	}
	tracked, made := len(files) > 0, n.Ways.Made(n.Source)
	// What git tracks no step makes, unless it is the kind of file that builds make; what the ignore file keeps out no step
	// moves.
	if ignored && tracked && !made {
		return Doubt{}, nil
	}
	if step := StepMakes(b, reaches, n.Ways, ignored, made || git && !tracked); step != "" {
		return Doubt{Kind: MadeByStep, By: step, Silent: git && !tracked}, nil
	}
	return Doubt{}, nil
}

// ofBase gives the doubt that comes from a base image of which nothing is known, and from a search path.
func (v *Verdict) ofBase(unreached, ignored bool, starts Starts) (Doubt, error) {
	n, b := v.need, v.build
	if !n.Top {
		return Doubt{}, nil
	}
	base, holds := ForeignBase(b.Image), BaseHolds(b, Reaching(b, n.Wants))
	// A working directory that is the base image's is very likely the one with the code.
	ofBase := path.Clean("/"+b.Image.Plan.Config.WorkingDir) == "/"
	switch own := ownBase(b.Image); {
	case unreached && n.Ways.Steered() != "":
		return Doubt{Kind: Steered, By: n.Ways.Steered()}, nil
	case unreached && base != nil:
		return Doubt{Kind: SearchedByBase, By: BaseName(base), Silent: ofBase}, nil
	case unreached && own != nil && !settingsKnown(own):
		return Doubt{Kind: SearchedByBase, By: BaseName(own), Silent: ofBase}, nil
	case unreached || ignored:
	case holds != nil:
		return Doubt{Kind: HeldByBase, By: BaseName(holds)}, nil
	case n.Started && starts.Mounted(n.Wants):
		return Doubt{Kind: MountedOver}, nil
	case n.Started && !starts.Alone && b.OwnFile(func(string) bool { return true }) == "":
		// Who mounts all code copies none of it into any stage.
		if g, err := v.Gone(); err != nil || len(g.Copied) == 0 {
			return Doubt{Kind: MountedOver}, err
		}
	}
	return Doubt{}, nil
}

// Because says what leaves it open, as a sentence.
func (d Doubt) Because() string {
	switch d.Kind {
	case Steered:
		return fmt.Sprintf("Not certain: %s changes the search path in a way that could not be determined.", d.By)
	case SearchedByBase:
		return fmt.Sprintf("Not certain: what the base image %s puts on the search path is not known.", d.By)
	case HeldByBase:
		return fmt.Sprintf("Not certain: the base image %s may have it.", d.By)
	case MountedOver:
		return "Not certain: the code is probably mounted when the container is started."
	case NamedByStep:
		return fmt.Sprintf("Not certain: the step %q names it, and may create it.", d.By)
	case EditedByStep:
		return fmt.Sprintf("Not certain: the step %q may change the file that imports it.", d.By)
	case WrittenAtStart:
		return fmt.Sprintf("Not certain: %s may write it when the container starts.", d.By)
	case MadeByStep:
		return fmt.Sprintf("Not certain: the step %q may create it, or move it there.", d.By)
	}
	return ""
}

// maxText bounds what a sentence shows of an instruction, in characters.
const maxText = 80

// text gives an instruction as it is written, or its beginning; "" for none.
func text(op *dockerfile.Op) string {
	if op == nil {
		return ""
	}
	if r := []rune(op.Location.Text); len(r) > maxText {
		return string(r[:maxText]) + "..."
	}
	return op.Location.Text
}

// Reaching tells of an operation whether it may have put something at one of some places of the image. Without a place, nobody knows.
func Reaching(b *view.Build, at []string) func(op *dockerfile.Op) bool {
	ops := map[int]bool{}
	for _, p := range at {
		if to, err := b.Image.Tree.Resolve(p); err == nil {
			p = to
		}
		for _, op := range b.Image.Tree.HeldBy(p).Ops() {
			ops[op] = true
		}
	}
	return func(op *dockerfile.Op) bool { return len(at) == 0 || ops[op.ID] || ops[rootfs.AnyOp] }
}

// StepMakes gives a step of those that reach it which may make something, or move it to where it is searched; "" if there is none. What
// is downloaded may hold anything.
func StepMakes(b *view.Build, reaches func(*dockerfile.Op) bool, ways Ways, ignored, installs bool) string {
	for _, id := range b.Image.Opaque {
		if op := b.Image.Plan.Ops[id]; op.Kind == dockerfile.OpRemote && reaches(op) {
			return text(op)
		}
	}
	return text(b.Steps(func(op *dockerfile.Op) bool { return reaches(op) && ways.Makes(op, ignored, installs) }))
}

// StepBrings gives a step of those that reach it which may put a source there that git tracks and no COPY takes; "" if there is none.
func StepBrings(b *view.Build, reaches func(*dockerfile.Op) bool) string {
	for _, id := range b.Image.Opaque {
		if op := b.Image.Plan.Ops[id]; op.Kind == dockerfile.OpRemote && reaches(op) {
			return text(op)
		}
	}
	return text(b.Steps(func(op *dockerfile.Op) bool { return reaches(op) && PutsSources(b, op, false) }))
}

// PutsSources reports whether a step may make sources, or move them. What is kept out of the image cannot be moved.
func PutsSources(b *view.Build, op *dockerfile.Op, keptOut bool) bool {
	for _, m := range op.Exec.Mounts {
		if m.Kind == dockerfile.MountBind && m.Dest != dockerfile.RootMount && m.Input >= 0 && b.Image.Plan.Ops[op.Inputs[m.Input].Op].Kind == dockerfile.OpLocal && !keptOut {
			return true
		}
	}
	script := b.Script(op)
	return script.Missed || slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
		return !call.Wraps && !shell.IsBuiltin(call.Base) && call.MakesSources(keptOut)
	})
}

// StepOn gives a step that names a file or directory of the image, "" if there is none: it writes, moves, fetches or edits
// it, and nobody can tell what comes of that. A file counts by its base name, a directory or module by its path.
func StepOn(b *view.Build, reaches func(*dockerfile.Op) bool, contextPath, module string, at []string) string {
	base := path.Base(contextPath)
	var names []string
	if path.Ext(base) != "" && !common(base) {
		names = append(names, base)
	}
	if strings.Contains(contextPath, "/") {
		names = append(names, contextPath)
	}
	if strings.Contains(module, ".") {
		names = append(names, module, strings.ReplaceAll(module, ".", "/"))
	}
	patterns := sync.OnceValue(func() (out []*regexp.Regexp) {
		for _, n := range names {
			out = append(out, regexp.MustCompile(`(^|[^\w.-])`+regexp.QuoteMeta(n)+`($|[^\w.-]|\.\W|\.$)`))
		}
		return out
	})
	named := func(text string) bool {
		return slices.ContainsFunc(patterns(), func(p *regexp.Regexp) bool { return p.MatchString(text) })
	}
	return text(b.Steps(func(op *dockerfile.Op) bool {
		return reaches(op) && (b.Mentions(op, named) || slices.ContainsFunc(b.Script(op).Calls, func(call *command.Call) bool {
			return !call.Builtin && !command.Is(call.Base, command.Namer) && slices.ContainsFunc(call.Args, func(w shell.Word) bool {
				named := call.S.Abs(w.Text)
				return !strings.HasPrefix(w.Text, "-") && slices.ContainsFunc(at, func(p string) bool { return simulate.Within(named, p) })
			})
		}))
	}))
}

// common reports whether a name says nothing: every package has its __init__.py.
func common(base string) bool { return strings.HasPrefix(base, "__") }

// StepEdits gives a step that may change a file of the image: it names it beside an editor or a redirection, or applies a patch.
func StepEdits(b *view.Build, file string) string {
	if file == "" {
		return ""
	}
	base := path.Base(file)
	if common(base) {
		base = path.Join(path.Base(path.Dir(file)), base)
	}
	names := func(text string) bool { return strings.Contains(text, base) }
	return text(b.Steps(func(op *dockerfile.Op) bool {
		script := b.Script(op)
		for written := range script.Written {
			if names(written) {
				return true
			}
		}
		return script.Missed && names(strings.Join(op.Exec.Args, "\n")) || slices.ContainsFunc(script.Calls, func(call *command.Call) bool {
			return call.Base == "patch" || call.Base == "git" && len(call.Args) > 0 && (call.Args[0].Text == "apply" || call.Args[0].Text == "am") ||
				command.Is(call.Base, command.Editor) && slices.ContainsFunc(call.Args, func(w shell.Word) bool { return names(w.Text) })
		})
	}))
}

// StepBuilds gives a step of those that reach it which runs a build tool, "" if none does.
func StepBuilds(b *view.Build, reaches func(*dockerfile.Op) bool) string {
	return text(b.Steps(func(op *dockerfile.Op) bool {
		return reaches(op) && slices.ContainsFunc(b.Script(op).Calls, func(call *command.Call) bool { return command.Is(call.Base, command.Builder) })
	}))
}
