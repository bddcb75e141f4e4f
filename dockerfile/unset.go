package dockerfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
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
}

// variableUse is a use of a variable without a default of its own. A backslash before it makes it plain text.
var variableUse = lazyre.New(`\\?\$(?:\{([A-Za-z_]\w*)(?::?[?+#%/][^}]*)?\}|([A-Za-z_]\w*))`)

// Unset gives the variables without a value that an instruction uses.
func (p *Plan) Unset(l Location) Unset {
	return unset(p.Dockerfile.Data, l.Range.Start.Line, p.buildArgs)
}

// unset looks at the instruction that stands on a line. It reads text, not values: a variable that gets a value anywhere
// counts as set, and one whose value is that of another is as good as that.
func unset(data []byte, line int, buildArgs map[string]string) Unset {
	var out Unset
	if checkNesting("", data) != nil {
		return out
	}
	ast, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return out
	}
	text, from := "", false
	// The values that ARG and ENV give to a name; nil for a name that is declared without one.
	values, declared := map[string][]string{}, map[string]bool{}
	for _, n := range ast.AST.Children {
		if n.StartLine <= line && line <= n.EndLine {
			// No image stands behind a FROM yet that could set anything.
			text, from = n.Original, strings.EqualFold(n.Value, "from")
		}
		switch strings.ToLower(n.Value) {
		case "arg":
			for v := n.Next; v != nil; v = v.Next {
				name, value, ok := strings.Cut(v.Value, "=")
				if declared[name] = true; ok && strings.Trim(value, `"'`) != "" {
					values[name] = append(values[name], value)
				}
			}
		case "env":
			for v := n.Next; v != nil && v.Next != nil; v = v.Next.Next {
				declared[v.Value] = true
				values[v.Value] = append(values[v.Value], v.Next.Value)
				if v.Next.Next == nil {
					break
				}
				// The third of each group is the separator.
				v = v.Next
			}
		}
	}
	seen := map[string]bool{}
	var visit func(text string)
	visit = func(text string) {
		for _, m := range variableUse().FindAllStringSubmatch(text, -1) {
			name := m[1] + m[2]
			if strings.HasPrefix(m[0], `\`) || seen[name] || buildArgs[name] != "" || slices.Contains(automatic, name) {
				continue
			}
			seen[name] = true
			switch {
			case len(values[name]) > 0:
				for _, value := range values[name] {
					visit(value)
				}
			case declared[name] || from:
				out.Args = append(out.Args, name)
			default:
				out.Env = append(out.Env, name)
			}
		}
	}
	visit(text)
	return out
}

// automatic are arguments that BuildKit itself gives a value.
var automatic = []string{
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "PATH",
}
