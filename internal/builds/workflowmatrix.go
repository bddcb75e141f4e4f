package builds

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// openMatrix is a key of combinations that may have more keys, which are only known when the job runs.
const openMatrix = unknownPart

// matrices gives the combinations of a job's matrix as mappings; one that is nothing if there is no matrix, or if it is only
// known when it runs.
//
// The product of the axes is made, what exclude matches left out, and then what include says added: to the combinations whose
// values of axes it does not change, or as one of its own (GitHub's workflow syntax, jobs.<job_id>.strategy.matrix).
func matrices(matrix node, b *budget.Budget) []node {
	none := []node{{}}
	if !matrix.isMap() {
		return none
	}
	combinations := []map[string]node{{}}
	axes := false
	for _, p := range matrix.pairs() {
		key := p.key.Value
		if key == "include" || key == "exclude" {
			continue
		}
		if !p.value.isList() {
			// An expression: it stands for whatever it gives.
			for _, c := range combinations {
				c[key] = p.value
			}
			continue
		}
		axes = true
		if len(combinations)*len(p.value.items()) > maxMatrix {
			return none
		}
		combinations = multiply(combinations, key, p.value.items())
	}
	entries := matrix.at("include").items()
	excludes := matrix.at("exclude").items()
	if len(entries) > maxMatrix || b.Steps(int64(len(combinations))*(matrix.at("exclude").weight()+matrix.at("include").weight())) != nil {
		return none
	}
	kept := slices.DeleteFunc(combinations, func(c map[string]node) bool {
		return !axes || slices.ContainsFunc(excludes, func(e node) bool { return matches(c, e) })
	})
	kept = include(kept, entries)
	if len(kept) == 0 {
		return none
	}
	var out []node
	for _, c := range kept {
		if i := matrix.at("include"); i.Node != nil && !i.isList() {
			c[openMatrix] = i
		}
		out = append(out, mapping(c))
	}
	return out
}

// include adds what the entries of include say.
func include(combinations []map[string]node, entries []node) []map[string]node {
	original := make([]map[string]node, len(combinations))
	for i, c := range combinations {
		original[i] = maps.Clone(c)
	}
	for _, e := range entries {
		added := false
		for i := range original {
			if !slices.ContainsFunc(e.pairs(), func(p pair) bool {
				have, ok := original[i][p.key.Value]
				return ok && !same(have, p.value)
			}) {
				added = true
				e.copyTo(combinations[i])
			}
		}
		if !added {
			c := map[string]node{}
			e.copyTo(c)
			combinations = append(combinations, c)
		}
	}
	return combinations
}

// multiply gives, for each combination and each value of an axis, the combination with the value.
func multiply[V any](combinations []map[string]V, axis string, values []V) (out []map[string]V) {
	for _, c := range combinations {
		for _, v := range values {
			with := maps.Clone(c)
			with[axis] = v
			out = append(out, with)
		}
	}
	return out
}

// matches reports whether a combination has all the values of a mapping.
func matches(c map[string]node, e node) bool {
	differs := func(p pair) bool { return !same(c[p.key.Value], p.value) }
	return len(e.pairs()) > 0 && !slices.ContainsFunc(e.pairs(), differs)
}

// same compares values as far as they are written.
func same(a, b node) bool {
	a, b = a.resolved(), b.resolved()
	if a.Node == b.Node {
		return a.Node != nil
	}
	if a.Node == nil || b.Node == nil || a.Kind != b.Kind {
		return false
	}
	if a.Kind == yaml.ScalarNode {
		return strings.EqualFold(a.Value, b.Value)
	}
	return slices.EqualFunc(a.Content, b.Content, func(a, b *yaml.Node) bool { return same(node{a}, node{b}) })
}

// mapping makes a mapping of values.
func mapping(values map[string]node) node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, k := range sortedKeys(values) {
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: k}, values[k].Node)
	}
	return node{m}
}
