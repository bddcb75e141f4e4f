package builds

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/lexer"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/safeyaml"
)

// What Compose's library does with a file cannot be counted while it does it. So what it is going to cost is counted before,
// from the text: [checkCompose] for a Compose file, [checkEnv] for a file of variables.

// composeLimits are what the files of a project may cost. A step is about a microsecond of the library.
var composeLimits = budget.Limits{Steps: 1_000_000, Bytes: 128 << 20}

// maxTokens bounds the tokens of a Compose file. The parser that finds the lines of services calls itself for each entry of a
// mapping.
const maxTokens = 60_000

// checkCompose counts what a Compose file costs, and gives its documents.
func checkCompose(data []byte, b *budget.Budget) ([]*yaml.Node, error) {
	docs, err := safeyaml.Parse(data, b)
	if err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(string(data))
	if len(tokens) > maxTokens {
		return nil, &safeyaml.Error{Line: tokens[maxTokens].Position.Line, Err: &budget.Exceeded{Kind: "steps", Limit: maxTokens}}
	}
	m := composeCost{budget: b, costs: map[*yaml.Node]int64{}}
	for _, d := range docs {
		if _, err := m.of(d); err != nil {
			return nil, err
		}
	}
	return docs, nil
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
