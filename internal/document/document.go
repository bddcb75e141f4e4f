// Package document reads configuration files of four formats into one kind of tree, in which every value knows its line: TOML, YAML, XML,
// and JSON with or without comments.
package document

import (
	"errors"
	"fmt"
	"iter"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// Node is a value of a document with its line, from 1. Its methods take nil for an absent value.
type Node struct {
	Line int
	// Text is that of a Scalar.
	Text   string
	Scalar bool
	Items  []*Node
	// Keys are those of a table, in order.
	Keys   []string
	Fields map[string]*Node
}

// Error says what is wrong with a document.
type Error struct {
	Line    int // 0 if unknown
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Get walks down the tables.
func (n *Node) Get(keys ...string) *Node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		n = n.Fields[key]
	}
	return n
}

// Str gives the text of a scalar.
func (n *Node) Str(keys ...string) string {
	if n = n.Get(keys...); n == nil {
		return ""
	}
	return n.Text
}

// List gives the elements of an array; a scalar counts as its only one.
func (n *Node) List(keys ...string) []*Node {
	switch n = n.Get(keys...); {
	case n == nil:
		return nil
	case n.Scalar:
		return []*Node{n}
	}
	return n.Items
}

// Texts gives the texts of the scalars of a list.
func (n *Node) Texts(keys ...string) []string {
	var texts []string
	for _, item := range n.List(keys...) {
		if item.Scalar {
			texts = append(texts, item.Text)
		}
	}
	return texts
}

// All gives the fields of a table, in order.
func (n *Node) All() iter.Seq2[string, *Node] {
	return func(yield func(string, *Node) bool) {
		if n == nil {
			return
		}
		for _, key := range n.Keys {
			if !yield(key, n.Fields[key]) {
				return
			}
		}
	}
}

// Is reports whether there is a scalar.
func (n *Node) Is() bool { return n != nil && n.Scalar }

// At gives its line, 0 of an absent value.
func (n *Node) At() int {
	if n == nil {
		return 0
	}
	return n.Line
}

func (n *Node) set(key string, value *Node) {
	if n.Fields == nil {
		n.Fields = map[string]*Node{}
	}
	if _, ok := n.Fields[key]; !ok {
		n.Keys = append(n.Keys, key)
	}
	n.Fields[key] = value
}

// table gives the table under a key, made if it is absent; of an array of tables the last.
func (n *Node) table(key string, line int) *Node {
	next := n.Fields[key]
	if next == nil {
		next = &Node{Line: line}
		n.set(key, next)
	}
	if len(next.Items) > 0 {
		return next.Items[len(next.Items)-1]
	}
	return next
}

// TOML reads a document in TOML. In a broken one it gives what stands before the error.
func TOML(data []byte) (*Node, *Error) {
	var p unstable.Parser
	p.Reset(data)
	lines := NewLines(data)
	root := &Node{Line: 1}
	current := root
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			current = root
			for it := e.Key(); it.Next(); {
				k := it.Node()
				line := lines.At(int(k.Raw.Offset))
				if e.Kind == unstable.ArrayTable && it.IsLast() {
					array := current.Fields[string(k.Data)]
					if array == nil {
						array = &Node{Line: line}
						current.set(string(k.Data), array)
					}
					current = &Node{Line: line}
					array.Items = append(array.Items, current)
					continue
				}
				current = current.table(string(k.Data), line)
			}
		case unstable.KeyValue:
			lines.keyValue(current, e)
		}
	}
	if err := p.Error(); err != nil {
		fault := &Error{Message: err.Error()}
		var syntax *unstable.ParserError
		if errors.As(err, &syntax) && len(syntax.Highlight) > 0 {
			fault.Line = lines.At(int(p.Range(syntax.Highlight).Offset))
		}
		return root, fault
	}
	return root, nil
}

// Lines tells the lines of a text by offset.
type Lines []int

// NewLines finds the lines of a text.
func NewLines(data []byte) Lines {
	index := Lines{0}
	for i, c := range data {
		if c == '\n' {
			index = append(index, i+1)
		}
	}
	return index
}

// At gives the line, from 1, of a byte.
func (x Lines) At(offset int) int { return sort.SearchInts(x, offset+1) }

func (x Lines) keyValue(in *Node, e *unstable.Node) {
	line := 0
	for it := e.Key(); it.Next(); {
		k := it.Node()
		line = x.At(int(k.Raw.Offset))
		if it.IsLast() {
			in.set(string(k.Data), x.value(e.Value(), line))
			return
		}
		in = in.table(string(k.Data), line)
	}
}

func (x Lines) value(v *unstable.Node, line int) *Node {
	n := &Node{Line: line}
	if v.Raw.Length > 0 {
		n.Line = x.At(int(v.Raw.Offset))
	}
	switch v.Kind {
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				n.Items = append(n.Items, x.value(it.Node(), n.Line))
			}
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				x.keyValue(n, it.Node())
			}
		}
	default:
		n.Text, n.Scalar = string(v.Data), true
	}
	return n
}

// YAML reads the first document of a file.
func YAML(data []byte) (*Node, *Error) {
	docs, err := safeyaml.Parse(data, budget.New(budget.Limits{}))
	if err != nil {
		fault := &Error{Message: strings.TrimPrefix(err.Error(), "yaml: ")}
		if m := yamlLine().FindStringSubmatch(err.Error()); m != nil {
			fault.Line, _ = strconv.Atoi(m[1])
			fault.Line = min(fault.Line, len(NewLines(data)))
		}
		return nil, fault
	}
	if len(docs) == 0 {
		return nil, nil
	}
	return fromYAML(docs[0]), nil
}

// yamlLine finds the line in an error of the YAML library.
var yamlLine = lazyre.New(`line (\d+)`)

// fromYAML gives a node of a YAML document. What an alias stands for is nobody's dependency.
func fromYAML(y *yaml.Node) *Node {
	n := &Node{Line: y.Line}
	switch y.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			n.set(y.Content[i].Value, fromYAML(y.Content[i+1]))
		}
	case yaml.SequenceNode:
		for _, c := range y.Content {
			n.Items = append(n.Items, fromYAML(c))
		}
	default:
		n.Text, n.Scalar = y.Value, true
	}
	return n
}
