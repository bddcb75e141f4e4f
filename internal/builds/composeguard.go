package builds

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// What Compose's library does with a file cannot be counted while it does it. So what it is going to cost is counted before,
// from the text: [checkCompose] for a Compose file, [checkEnv] for a file of variables.

// composeLimits are what the files of a project may cost. A step is about a microsecond of the library.
var composeLimits = budget.Limits{Steps: 1_000_000, Bytes: 128 << 20}

// checkCompose counts what a Compose file costs, and gives its documents.
func checkCompose(data []byte, b *budget.Budget) ([]node, error) {
	parsed, err := safeyaml.Parse(data, b)
	if err != nil {
		return nil, err
	}
	m := composeCost{budget: b, costs: map[*yaml.Node]int64{}}
	var docs []node
	for _, d := range parsed {
		if _, err := m.of(d); err != nil {
			return nil, err
		}
		if err := m.extended(node{d}); err != nil {
			return nil, err
		}
		docs = append(docs, node{d})
	}
	return docs, nil
}

// perExtended is what a node costs that a service has from another one: each is copied, merged and compared again.
const perExtended = 10

// extended counts what services have from those that they extend: in a chain, each has what all before it have.
func (m *composeCost) extended(doc node) error {
	services := map[string]node{}
	for _, p := range doc.at("services").pairs() {
		services[p.key.Value] = p.value
	}
	costs := map[string]int64{}
	for _, p := range doc.at("services").pairs() {
		// From the service down to the first of its chain that is known, or to the end of it.
		var chain []string
		for name := p.key.Value; costs[name] == 0; {
			s, ok := services[name]
			if !ok {
				break
			}
			costs[name] = 1 // a circle ends here
			chain = append(chain, name)
			extends := s.at("extends")
			next := extends.text()
			if extends.isMap() && extends.at("file").Node == nil {
				next = extends.at("service").text()
			}
			if next == "" {
				break
			}
			name = next
		}
		base := int64(0)
		for i := len(chain) - 1; i >= 0; i-- {
			if i == len(chain)-1 {
				base = m.baseOf(services[chain[i]], costs)
			}
			own := nodes(services[chain[i]].Node, 0)
			if err := m.budget.Steps(base * perExtended); err != nil {
				return &safeyaml.Error{Line: services[chain[i]].line(), Err: err}
			}
			base += own
			costs[chain[i]] = base
		}
	}
	return nil
}

// baseOf gives what is known of the service that one extends.
func (m *composeCost) baseOf(s node, costs map[string]int64) int64 {
	extends := s.at("extends")
	if name := extends.text(); name != "" {
		return costs[name]
	}
	return costs[extends.at("service").text()]
}

// nodes counts the nodes of a tree, as they are written.
func nodes(n *yaml.Node, deep int) int64 {
	if n == nil || deep > safeyaml.MaxDepth {
		return 0
	}
	count := int64(1)
	for _, c := range n.Content {
		count += nodes(c, deep+1)
	}
	return count
}

// composeCost measures nodes, what an anchor stands for once.
type composeCost struct {
	budget *budget.Budget
	costs  map[*yaml.Node]int64
}

// portRange finds ranges of ports, of which the library makes a list.
var portRange = lazyre.New(`([0-9]{1,5})-([0-9]{1,5})`)

func (m *composeCost) of(n *yaml.Node) (int64, error) {
	cost := int64(30)
	switch n.Kind {
	case yaml.AliasNode:
		cost = m.costs[n.Alias]
	case yaml.ScalarNode:
		// Each variable is looked for in the whole text again.
		cost += int64(strings.Count(n.Value, "$")) * int64(len(n.Value)) / 64
		for _, r := range portRange().FindAllStringSubmatch(n.Value, -1) {
			from, _ := strconv.Atoi(r[1])
			to, _ := strconv.Atoi(r[2])
			cost += int64(max(to-from, 0)) * 20
		}
	case yaml.MappingNode:
		pairs := int64(len(n.Content) / 2)
		cost += pairs * pairs / 200 // each entry is compared with the others
	case yaml.SequenceNode:
		items := int64(len(n.Content))
		cost += items * items / 200
	}
	if err := m.budget.Steps(cost); err != nil {
		return 0, &safeyaml.Error{Line: n.Line, Err: err}
	}
	for _, c := range n.Content {
		of, err := m.of(c)
		if err != nil {
			return 0, err
		}
		cost += of
	}
	if n.Anchor != "" {
		m.costs[n] = cost
	}
	return cost, nil
}

// envKey is the beginning of a setting, envReference a variable in a value.
var (
	envKey       = lazyre.New(`^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)`)
	envReference = lazyre.New(`\$\{?([A-Za-z_][\w.-]*)`)
)

// checkEnv counts how large the values of a file of variables get, each of which may hold those before it several times. In a
// value of several lines, a variable counts for all that stands before it. sizes are those of the variables so far.
func checkEnv(data []byte, sizes map[string]int64, b *budget.Budget) error {
	var all int64
	name, quote := "", ""
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := string(line)
		open, set := quote != "", false
		if m := envKey().FindStringSubmatch(text); m != nil && !open {
			name, set = m[1], true
			value := m[2]
			if value != "" && (value[0] == '"' || value[0] == '\'') && !strings.Contains(strings.ReplaceAll(value[1:], `\`+value[:1], ""), value[:1]) {
				quote, open = value[:1], true
			}
		} else if open && strings.Contains(strings.ReplaceAll(text, `\`+quote, ""), quote) {
			quote = ""
		}
		size := int64(len(text))
		for _, r := range envReference().FindAllStringSubmatch(text, -1) {
			if open {
				size += all
			} else {
				size += sizes[r[1]]
			}
			if size > 1<<40 {
				break
			}
		}
		if set {
			sizes[name] = 0 // it may have held itself
		}
		sizes[name] += size
		all += size
		if b.Steps(int64(1+strings.Count(text, "$")*len(text)/64)) != nil || b.Bytes(size) != nil {
			return &safeyaml.Error{Line: number, Err: b.Err()}
		}
	}
	return nil
}
