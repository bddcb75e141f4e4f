package dockerfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Names are what the flags of a build may name in a Dockerfile, each once, in its order.
type Names struct {
	Stages []string // those that have a name
	Args   []string // build arguments
}

// ReadNames reads the names of a Dockerfile that need not be complete: instructions that BuildKit does not accept are
// passed over.
func ReadNames(data []byte) Names {
	var n Names
	if checkNesting("", data) != nil {
		return n
	}
	ast, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return n
	}
	quiet := linter.New(&linter.Config{})
	add := func(list *[]string, name string) {
		if name != "" && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, node := range ast.AST.Children {
		if !strings.EqualFold(node.Value, "from") && !strings.EqualFold(node.Value, "arg") {
			continue
		}
		switch ins, _ := instructions.ParseInstructionWithLinter(node, quiet); ins := ins.(type) {
		case *instructions.Stage:
			add(&n.Stages, ins.Name)
		case *instructions.ArgCommand:
			for _, arg := range ins.Args {
				add(&n.Args, arg.Key)
			}
		}
	}
	return n
}
