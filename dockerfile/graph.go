package dockerfile

import (
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// variables are build arguments and environment settings by name.
type variables map[string]string

func (v variables) Get(key string) (string, bool) { s, ok := v[key]; return s, ok }

func (v variables) Keys() []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	return keys
}

// globals are the arguments that hold outside of stages: those that BuildKit predefines (dockerfile2llb/platform.go,
// defaultArgs) and the ARG instructions before the first FROM (buildMetaArgs).
func (o *outline) globals(req *request, target ocispecs.Platform) variables {
	stage := req.opt.Target
	if stage == "" && len(o.stages) > 0 {
		stage = o.stages[len(o.stages)-1].Name
	}
	if stage == "" {
		stage = "default"
	}
	build := req.platform
	v := variables{
		"BUILDPLATFORM": platforms.Format(build), "BUILDOS": build.OS, "BUILDOSVERSION": build.OSVersion,
		"BUILDARCH": build.Architecture, "BUILDVARIANT": build.Variant,
		"TARGETPLATFORM": platforms.FormatAll(target), "TARGETOS": target.OS, "TARGETOSVERSION": target.OSVersion,
		"TARGETARCH": target.Architecture, "TARGETVARIANT": target.Variant, "TARGETSTAGE": stage,
	}
	for k := range v {
		if set, ok := req.opt.BuildArgs[k]; ok {
			v[k] = set
		}
	}
	lex := shell.NewLex(o.escape)
	for _, cmd := range o.args {
		for _, arg := range cmd.Args {
			if set, ok := req.opt.BuildArgs[arg.Key]; ok {
				v[arg.Key] = set
			} else if arg.Value != nil {
				if value, _, err := lex.ProcessWord(*arg.Value, v); err == nil {
					v[arg.Key] = value
				}
			}
		}
	}
	return v
}

// bases finds the stage that each stage is built on, and tells which ones a named context stands in for.
func (o *outline) bases(req *request, globals variables) (byName map[string]int, overridden []bool) {
	lex := shell.NewLex(o.escape)
	byName = map[string]int{}
	overridden = make([]bool, len(o.stages))
	for i, st := range o.stages {
		info := &o.info[i]
		info.BaseStage = -1
		if base, _, err := lex.ProcessWord(st.BaseName, globals); err == nil {
			info.Base = base
		}
		overridden[i] = req.hasBuildContext(st.Name)
		// The names are kept in lower case, and looked up as they are (dispatchStates.addState).
		if b, ok := byName[info.Base]; ok && !overridden[i] {
			info.BaseStage = b
		}
		if st.Name != "" {
			byName[strings.ToLower(st.Name)] = i
		}
	}
	return byName, overridden
}

// link finds the stage that each stage is built on, and which ones the target needs.
func (o *outline) link(req *request, globals variables) (target int) {
	byName, overridden := o.bases(req, globals)
	target = len(o.stages) - 1
	if req.opt.Target != "" {
		if i, ok := byName[strings.ToLower(req.opt.Target)]; ok {
			target = i
		}
	}

	var visit func(int)
	visit = func(i int) {
		if o.info[i].Reached {
			return
		}
		o.info[i].Reached = true
		if overridden[i] {
			return
		}
		if b := o.info[i].BaseStage; b >= 0 {
			visit(b)
		}
		for _, cmd := range o.commands(i, nil) {
			for _, from := range fromNames(cmd.Command) {
				if n, err := strconv.Atoi(from); err == nil && n >= 0 && n < len(o.stages) {
					visit(n)
				} else if dep, ok := byName[strings.ToLower(from)]; ok {
					visit(dep)
				}
			}
		}
	}
	if target >= 0 {
		visit(target)
	}
	return target
}

// fromNames are the stages or images that an instruction names as a source of files.
func fromNames(cmd instructions.Command) []string {
	switch c := cmd.(type) {
	case *instructions.CopyCommand:
		if c.From != "" {
			return []string{c.From}
		}
	case *instructions.RunCommand:
		var names []string
		for _, m := range instructions.GetMounts(c) {
			if m.From != "" {
				names = append(names, m.From)
			}
		}
		return names
	}
	return nil
}

// placed is an instruction as a stage executes it, with the place that it comes from.
type placed struct {
	instructions.Command
	at Location
	// line is where it is written: for a trigger that is the ONBUILD's. One of an image is written nowhere but in written.
	line    int
	written string
}

// commands are the instructions that a stage executes: the ONBUILD triggers of its base, then its own.
func (o *outline) commands(stage int, baseTriggers []string) []placed {
	from := o.info[stage].Location
	var cmds []placed
	trigger := func(text string, line int, written string) {
		ast, err := parser.Parse(strings.NewReader(text))
		if err != nil || len(ast.AST.Children) != 1 {
			return
		}
		if cmd, err := instructions.ParseCommand(ast.AST.Children[0]); err == nil {
			at := from
			at.Trigger = fold(ast.AST.Children[0].Original)
			cmds = append(cmds, placed{Command: cmd, at: at, line: line, written: written})
		}
	}
	if b := o.info[stage].BaseStage; b >= 0 {
		for i, cmd := range o.stages[b].Commands {
			if onbuild, ok := cmd.(*instructions.OnbuildCommand); ok {
				trigger(onbuild.Expression, o.lineOf(b, i), "")
			}
		}
	} else {
		for _, text := range baseTriggers {
			trigger(text, 0, text)
		}
	}
	for i, cmd := range o.stages[stage].Commands {
		cmds = append(cmds, placed{Command: cmd, at: o.info[stage].Instructions[i].Location, line: o.lineOf(stage, i)})
	}
	return cmds
}

// lineOf gives the first line of an instruction.
func (o *outline) lineOf(stage, i int) int {
	first, _ := bounds(o.stages[stage].Commands[i].Location())
	return first
}

// fromContext gives the FROM that a named context stands in for, going by how BuildKit shows the context's source,
// "[context NAME] ..." (dockerui/namedcontext.go). Such a source has no location of its own.
func (o *outline) fromContext(description string) Location {
	name, ok := strings.CutPrefix(description, "[context ")
	if !ok {
		return Location{}
	}
	name, _, _ = strings.Cut(name, "]")
	name, _, _ = strings.Cut(name, "::")
	for _, st := range o.info {
		if st.Reached && (contextName(st.Name) == name || st.BaseStage < 0 && contextName(st.Base) == name) {
			return st.Location
		}
	}
	return Location{}
}

// contextName is the name under which a named context is kept, "" for what cannot be one.
func contextName(name string) string {
	if name == "" || strings.EqualFold(name, "scratch") || strings.EqualFold(name, localContext) {
		return ""
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}

// hasBuildContext tells whether a named context stands in for a stage of this name (dockerui's Client.NamedContext).
func (r *request) hasBuildContext(stage string) bool {
	name := contextName(stage)
	_, ok := r.attrs["context:"+name]
	return ok && name != ""
}
