package dockerfile

import (
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Unset tells of the variables that an instruction uses and that this Dockerfile and the request leave without a value.
// BuildKit puts the empty string in their place, which is rarely what whoever builds the image for real has there.
type Unset struct {
	// Args are declared by ARG without a default, or used by a FROM, and no build argument gives them, or one gives them nothing.
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
	return p.usage.of(p.Dockerfile.Data).unset(l.Range.Start.Line, p.buildArgs)
}

// usageOnce reads the usage of a Dockerfile once it is asked for. Copies of a plan share it.
type usageOnce struct {
	once  sync.Once
	usage *usage
}

func (o *usageOnce) of(data []byte) *usage {
	o.once.Do(func() { o.usage = usageOf(data) })
	return o.usage
}

// usage is what the instructions of a Dockerfile use and set of variables.
type usage struct {
	lex  *shell.Lex
	uses []use
	// The values that ARG and ENV give to a name; none for a name that is declared without one.
	values            map[string][]string
	declared, outside map[string]bool
}

// use is the words of an instruction in which BuildKit expands variables.
type use struct {
	first, last int // lines
	words       []string
	from        bool // no image stands behind a FROM yet that could set anything
}

func usageOf(data []byte) *usage {
	nodes, escape := parseNodes(data)
	u := &usage{lex: shell.NewLex(escape), values: map[string][]string{}, declared: map[string]bool{}, outside: map[string]bool{}}
	stages := 0
	for _, n := range nodes {
		ins := parseInstruction(n)
		_, from := ins.(*instructions.Stage)
		u.uses = append(u.uses, use{first: n.StartLine, last: n.EndLine, words: words(ins), from: from})
		switch c := ins.(type) {
		case *instructions.Stage:
			stages++
		case *instructions.ArgCommand:
			for _, a := range c.Args {
				u.outside[a.Key] = stages == 0
				if u.declared[a.Key] = true; a.Value != nil && strings.Trim(*a.Value, `"'`) != "" {
					u.values[a.Key] = append(u.values[a.Key], *a.Value)
				}
			}
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				u.outside[kv.Key] = false
				if !slices.Contains([]string{"$" + kv.Key, "${" + kv.Key + "}"}, strings.Trim(kv.Value, `"`)) { // which only hands it on
					u.values[kv.Key] = append(u.values[kv.Key], kv.Value)
				}
			}
		}
	}
	return u
}

// unset looks at the instruction that stands on a line. A variable that gets a value anywhere counts as set, and one whose value is
// that of another is as good as that.
func (u *usage) unset(line int, buildArgs map[string]string) Unset {
	var out Unset
	i := slices.IndexFunc(u.uses, func(in use) bool { return in.first <= line && line <= in.last })
	if i < 0 {
		return out
	}
	seen := map[string]bool{}
	var visit func(words []string)
	visit = func(words []string) {
		for _, word := range words {
			for _, name := range uses(u.lex, word) {
				if seen[name] || buildArgs[name] != "" || slices.Contains(automatic, name) {
					continue
				}
				seen[name] = true
				from := u.uses[i].from
				if u.outside[name] && !from {
					out.Outside = append(out.Outside, name)
				}
				_, empty := buildArgs[name] // it is given, and has nothing in it
				switch {
				case !empty && len(u.values[name]) > 0:
					visit(u.values[name])
				case empty || u.declared[name] || from:
					out.Args = append(out.Args, name)
				default:
					out.Env = append(out.Env, name)
				}
			}
		}
	}
	visit(u.uses[i].words)
	return out
}

// automatic are arguments that BuildKit itself gives a value.
var automatic = []string{
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "PATH",
}
