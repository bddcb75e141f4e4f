package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Unset tells of the variables that an instruction uses and that this Dockerfile and the request leave without a value.
// BuildKit puts the empty string in their place, which is rarely what whoever builds the image for real has there.
type Unset struct {
	// Args are declared by ARG without a default, or used by a FROM, and no build argument gives them.
	Args []string
	// Env are not declared at all: only a base image can set them.
	Env []string
	// Workdir tells that a path is relative to the working directory, which no instruction sets: only a base image can.
	Workdir bool
	// Outside are declared before the first FROM alone, where a FROM sees them and no instruction of a stage does.
	Outside []string
}

// Unset gives the variables without a value that an instruction uses.
func (p *Plan) Unset(l Location) Unset {
	return unset(p.Dockerfile.Data, l.Range.Start.Line, p.buildArgs)
}

// unset looks at the instruction that stands on a line. A variable that gets a value anywhere counts as set, and one whose value is
// that of another is as good as that.
func unset(data []byte, line int, buildArgs map[string]string) Unset {
	var out Unset
	nodes, escape := parseNodes(data)
	var used []string
	from := false // no image stands behind a FROM yet that could set anything
	// The values that ARG and ENV give to a name; nil for a name that is declared without one.
	values, declared := map[string][]string{}, map[string]bool{}
	stages, outside := 0, map[string]bool{}
	for _, n := range nodes {
		ins := parseInstruction(n)
		if n.StartLine <= line && line <= n.EndLine {
			used = words(ins)
			_, from = ins.(*instructions.Stage)
		}
		switch c := ins.(type) {
		case *instructions.Stage:
			stages++
		case *instructions.ArgCommand:
			for _, a := range c.Args {
				outside[a.Key] = stages == 0
				if declared[a.Key] = true; a.Value != nil && strings.Trim(*a.Value, `"'`) != "" {
					values[a.Key] = append(values[a.Key], *a.Value)
				}
			}
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				outside[kv.Key] = false
				values[kv.Key] = append(values[kv.Key], kv.Value)
			}
		}
	}
	lex := shell.NewLex(escape)
	seen := map[string]bool{}
	var visit func(words []string)
	visit = func(words []string) {
		for _, word := range words {
			for _, name := range uses(lex, word) {
				if seen[name] || buildArgs[name] != "" || slices.Contains(automatic, name) {
					continue
				}
				seen[name] = true
				if outside[name] && !from {
					out.Outside = append(out.Outside, name)
				}
				switch {
				case len(values[name]) > 0:
					visit(values[name])
				case declared[name] || from:
					out.Args = append(out.Args, name)
				default:
					out.Env = append(out.Env, name)
				}
			}
		}
	}
	visit(used)
	return out
}

// automatic are arguments that BuildKit itself gives a value.
var automatic = []string{
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "PATH",
}
