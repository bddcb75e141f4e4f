package dockerfile

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
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
	nodes, _ := parseNodes(data)
	add := func(list *[]string, name string) {
		if name != "" && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, node := range nodes {
		switch ins := parseInstruction(node).(type) {
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
