// Package safeyaml is the door through which every YAML file of an audited repository goes: it parses with a parser that calls
// itself no deeper than it may, and tells what would cost others too much, who decode the same text, follow its aliases or
// walk its tree. JSON is YAML, too.
package safeyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// The limits of one file, far beyond what people and generators write.
const (
	// MaxSize is how large a file may be, in bytes.
	MaxSize = 1 << 20
	// MaxDepth is how deep mappings and sequences may be nested, in either style, with their aliases followed.
	MaxDepth = 100
	// MaxNodes is how many nodes a file may have after its aliases were replaced by what they stand for.
	MaxNodes = 200_000
)

// Error tells what is wrong with a file.
type Error struct {
	Line int // 0 if unknown
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// nodeSize is how much memory a node takes, in bytes.
const nodeSize = 256

// Parse gives the documents of a file: the node at the top of each that is not empty. Aliases are as they are written,
// but for one that stands for something that it is a part of: that is null, so that whoever follows aliases comes to an end.
// Each node is a step of the budget, and counts for what it takes.
func Parse(data []byte, b *budget.Budget) ([]*yaml.Node, error) {
	if len(data) > MaxSize {
		return nil, &Error{Err: &budget.Exceeded{Kind: "bytes", Limit: MaxSize}}
	}
	var out []*yaml.Node
	m := measure{budget: b, sizes: map[*yaml.Node]size{}}
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) == 0 {
			continue
		}
		s, err := m.of(n.Content[0], 1)
		if err != nil {
			return nil, err
		}
		if m.total += s.nodes; m.total > MaxNodes {
			return nil, exceeded(n.Content[0], "steps", MaxNodes)
		}
		out = append(out, n.Content[0])
	}
}

// measure measures nodes with their aliases replaced. What an anchor stands for is measured once, however often it is used.
type measure struct {
	budget *budget.Budget
	sizes  map[*yaml.Node]size
	total  int64
}

// size is how much a node is: how many nodes, and how deep they are nested.
type size struct{ nodes, depth int64 }

// of measures a node that stands deep in the file.
func (m *measure) of(n *yaml.Node, deep int64) (size, error) {
	if err := errors.Join(m.budget.Steps(1), m.budget.Bytes(nodeSize)); err != nil {
		return size{}, &Error{Line: n.Line, Err: m.budget.Err()}
	}
	if n.Kind == yaml.AliasNode {
		s, ok := m.sizes[n.Alias]
		if !ok { // an anchor stands before its aliases: it is not finished yet
			*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
			return size{nodes: 1}, nil
		}
		if deep+s.depth > MaxDepth {
			return s, exceeded(n, "depth", MaxDepth)
		}
		return s, nil
	}
	if deep > MaxDepth {
		return size{}, exceeded(n, "depth", MaxDepth)
	}
	s := size{nodes: 1}
	for _, c := range n.Content {
		of, err := m.of(c, deep+1)
		if err != nil {
			return s, err
		}
		s.depth = max(s.depth, of.depth+1)
		if s.nodes += of.nodes; s.nodes > MaxNodes {
			return s, exceeded(c, "steps", MaxNodes)
		}
	}
	if n.Anchor != "" {
		m.sizes[n] = s
	}
	return s, nil
}

func exceeded(n *yaml.Node, kind string, limit int64) error {
	return &Error{Line: n.Line, Err: &budget.Exceeded{Kind: kind, Limit: limit}}
}
