package builds

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// node is a node of a YAML document, nil where there is none. Aliases are followed when something asks, so that a document
// of aliases does not grow.
type node struct{ *yaml.Node }

// maxMerges is how deep merge keys are followed; they may be a circle.
const maxMerges = 16

// yamlLine finds the line in an error of the YAML library.
var yamlLine = lazyre.New(`line (\d+)`)

// documents parses a file of YAML documents, once; JSON is YAML, too. what is how the file is called if it is broken.
func (r *Reader) documents(name, what string) ([]node, *Note) {
	have, ok := r.parsed[name]
	if !ok {
		have.list, have.note = r.parse(name, what)
		if r.parsed == nil {
			r.parsed = map[string]parsedYAML{}
		}
		r.parsed[name] = have
	}
	return have.list, have.note
}

// parsedYAML is what came of a file.
type parsedYAML struct {
	list []node
	note *Note
}

func (r *Reader) parse(name, what string) ([]node, *Note) {
	data, err := r.Read(name)
	if err != nil {
		return nil, &Note{File: name, Text: fmt.Sprintf("the %s cannot be read: %s", what, err)}
	}
	docs, err := safeyaml.Parse(data, r.part(budget.Limits{}))
	if err != nil {
		n := &Note{File: name, Text: fmt.Sprintf("the %s cannot be read: %s", what, strings.TrimPrefix(oneLine(err.Error()), "yaml: "))}
		if m := yamlLine().FindStringSubmatch(n.Text); m != nil {
			n.Line, _ = strconv.Atoi(m[1])
			n.Line = min(n.Line, bytes.Count(data, []byte("\n"))+1)
		}
		return nil, n
	}
	var list []node
	for _, d := range docs {
		list = append(list, node{d})
	}
	return list, nil
}

// resolved follows aliases.
func (n node) resolved() node {
	for i := 0; n.Node != nil && n.Kind == yaml.AliasNode && i < maxMerges; i++ {
		n = node{n.Alias}
	}
	return n
}

func (n node) isMap() bool  { return n.Node != nil && n.resolved().Kind == yaml.MappingNode }
func (n node) isList() bool { return n.Node != nil && n.resolved().Kind == yaml.SequenceNode }

// line is where a node begins, 0 if there is none.
func (n node) line() int {
	if n.Node == nil {
		return 0
	}
	return n.Line
}

// textLine is the line on which the text of a scalar begins: after the indicator of a block.
func (n node) textLine() int {
	if s := n.resolved(); s.Node != nil && s.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return s.Line + 1
	}
	return n.resolved().line()
}

// lineOf is the line of the file on which a line of a text stands, counted from 1: where the text begins if its lines are not those
// of the file, because they are folded.
func (n node) lineOf(line int) int {
	if s := n.resolved(); s.Node != nil && s.Style&yaml.LiteralStyle == 0 {
		return n.line()
	}
	return n.textLine() + line - 1
}

// weight counts the nodes of a tree, its aliases followed: [safeyaml] bounds them.
func (n node) weight() (sum int64) {
	if n.Node == nil {
		return 0
	}
	s := n.resolved()
	for _, c := range s.Content {
		sum += node{c}.weight()
	}
	return sum + 1
}

// pair is an entry of a mapping.
type pair struct {
	key   node
	value node
}

// pairs gives the entries of a mapping, as they stand there.
func (n node) pairs() []pair {
	m := n.resolved()
	if m.Node == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	var out []pair
	for i := 0; i+1 < len(m.Content); i += 2 {
		out = append(out, pair{node{m.Content[i]}, node{m.Content[i+1]}})
	}
	return out
}

// copyTo puts the entries of a mapping into another one.
func (n node) copyTo(m map[string]node) {
	for _, p := range n.pairs() {
		m[p.key.Value] = p.value
	}
}

// at gives the value of a key of a mapping, and of keys below it.
func (n node) at(keys ...string) node {
	for _, key := range keys {
		n = n.entry(key, 0).value
	}
	return n
}

// own gives an entry that stands in a mapping itself.
func (n node) own(key string) pair { return n.entry(key, maxMerges) }

// entry gives an entry of a mapping, also by merge keys.
func (n node) entry(key string, deep int) pair {
	var merged []node
	for _, p := range n.pairs() {
		switch {
		case p.key.Value == key && p.key.Kind == yaml.ScalarNode:
			return p
		case p.key.Tag == "!!merge" || p.key.Value == "<<":
			if p.value.isList() {
				merged = append(merged, p.value.items()...)
			} else {
				merged = append(merged, p.value)
			}
		}
	}
	if deep < maxMerges {
		for _, m := range merged {
			if p := m.entry(key, deep+1); p.value.Node != nil {
				return p
			}
		}
	}
	return pair{}
}

// find gives the first scalar of a tree, as it is written, whose text is wanted.
func (n node) find(wanted func(string) bool) node {
	if n.Kind == yaml.ScalarNode && wanted(n.Value) {
		return n
	}
	for _, c := range n.Content {
		if f := (node{c}).find(wanted); f.Node != nil {
			return f
		}
	}
	return node{}
}

// each hands over the values of a key in all mappings of a tree, as they are written.
func (n node) each(key string, fn func(value node)) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == key {
			fn(node{c})
		}
		(node{c}).each(key, fn)
	}
}

// items gives the elements of a sequence.
func (n node) items() []node {
	s := n.resolved()
	if s.Node == nil || s.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]node, 0, len(s.Content))
	for _, c := range s.Content {
		out = append(out, node{c})
	}
	return out
}

// text gives the text of a scalar, "" if there is none.
func (n node) text() string {
	if s := n.resolved(); s.Node != nil && s.Kind == yaml.ScalarNode && s.Tag != "!!null" {
		return s.Value
	}
	return ""
}

// list gives the texts of a sequence, or of a single scalar.
func (n node) list() []string {
	if t := n.text(); t != "" {
		return []string{t}
	}
	var out []string
	for _, i := range n.items() {
		out = append(out, i.text())
	}
	return out
}
