package manifest

import (
	"errors"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// node is a value of a TOML or YAML document with its line. Its methods take nil for an absent value.
type node struct {
	line   int
	text   string // of a scalar
	scalar bool
	items  []*node
	keys   []string // of a table, in order
	fields map[string]*node
}

// get walks down the tables.
func (n *node) get(keys ...string) *node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		n = n.fields[key]
	}
	return n
}

// str gives the text of a scalar.
func (n *node) str(keys ...string) string {
	if n = n.get(keys...); n == nil {
		return ""
	}
	return n.text
}

// list gives the elements of an array; a scalar counts as its only one.
func (n *node) list(keys ...string) []*node {
	switch n = n.get(keys...); {
	case n == nil:
		return nil
	case n.scalar:
		return []*node{n}
	}
	return n.items
}

func (n *node) texts(keys ...string) []string {
	var texts []string
	for _, item := range n.list(keys...) {
		if item.scalar {
			texts = append(texts, item.text)
		}
	}
	return texts
}

// each visits the fields of a table.
func (n *node) each(visit func(key string, value *node)) {
	if n == nil {
		return
	}
	for _, key := range n.keys {
		visit(key, n.fields[key])
	}
}

func (n *node) lineOf() int {
	if n == nil {
		return 0
	}
	return n.line
}

func (n *node) set(key string, value *node) {
	if n.fields == nil {
		n.fields = map[string]*node{}
	}
	if _, ok := n.fields[key]; !ok {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = value
}

// table gives the table under a key, made if it is absent; of an array of tables the last.
func (n *node) table(key string, line int) *node {
	next := n.fields[key]
	if next == nil {
		next = &node{line: line}
		n.set(key, next)
	}
	if len(next.items) > 0 {
		return next.items[len(next.items)-1]
	}
	return next
}

// parseTOML reads a document. In a broken one it gives what stands before the error.
func parseTOML(data []byte) (*node, *Error) {
	var p unstable.Parser
	p.Reset(data)
	lines := newLineIndex(data)
	root := &node{line: 1}
	current := root
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			current = root
			for it := e.Key(); it.Next(); {
				k := it.Node()
				line := lines.at(int(k.Raw.Offset))
				if e.Kind == unstable.ArrayTable && it.IsLast() {
					array := current.fields[string(k.Data)]
					if array == nil {
						array = &node{line: line}
						current.set(string(k.Data), array)
					}
					current = &node{line: line}
					array.items = append(array.items, current)
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
			fault.Line = lines.at(int(p.Range(syntax.Highlight).Offset))
		}
		return root, fault
	}
	return root, nil
}

// lineIndex tells lines by offset.
type lineIndex []int

func newLineIndex(data []byte) lineIndex {
	index := lineIndex{0}
	for i, c := range data {
		if c == '\n' {
			index = append(index, i+1)
		}
	}
	return index
}

func (x lineIndex) at(offset int) int { return sort.SearchInts(x, offset+1) }

func (x lineIndex) keyValue(in *node, e *unstable.Node) {
	line := 0
	for it := e.Key(); it.Next(); {
		k := it.Node()
		line = x.at(int(k.Raw.Offset))
		if it.IsLast() {
			in.set(string(k.Data), x.value(e.Value(), line))
			return
		}
		in = in.table(string(k.Data), line)
	}
}

func (x lineIndex) value(v *unstable.Node, line int) *node {
	n := &node{line: line}
	if v.Raw.Length > 0 {
		n.line = x.at(int(v.Raw.Offset))
	}
	switch v.Kind {
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				n.items = append(n.items, x.value(it.Node(), n.line))
			}
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				x.keyValue(n, it.Node())
			}
		}
	default:
		n.text, n.scalar = string(v.Data), true
	}
	return n
}

// parseYAML reads the first document of a file.
func parseYAML(data []byte) (*node, *Error) {
	docs, err := safeyaml.Parse(data, budget.New(budget.Limits{}))
	if err != nil {
		fault := &Error{Message: strings.TrimPrefix(err.Error(), "yaml: ")}
		if m := yamlLine().FindStringSubmatch(err.Error()); m != nil {
			fault.Line, _ = strconv.Atoi(m[1])
			fault.Line = min(fault.Line, len(newLineIndex(data)))
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
func fromYAML(y *yaml.Node) *node {
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			n.set(y.Content[i].Value, fromYAML(y.Content[i+1]))
		}
	case yaml.SequenceNode:
		for _, c := range y.Content {
			n.items = append(n.items, fromYAML(c))
		}
	default:
		n.text, n.scalar = y.Value, true
	}
	return n
}
