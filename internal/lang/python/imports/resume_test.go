package imports

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// keyedTree tells its files apart by what is in them.
type keyedTree struct{ mapTree }

func (t *keyedTree) Key(p string) any {
	if text, ok := t.mapTree[p]; ok {
		return text
	}
	return nil
}

// told is what matters of a graph.
func told(g *Graph) (out []string) {
	for _, key := range sortedNames(g.Nodes) {
		n := g.Nodes[key]
		if n.Reach > 0 {
			out = append(out, fmt.Sprintf("%s %s %s %d %v", key, n.Reach, n.Module.File, n.Imports, n.Main))
		}
	}
	for _, m := range g.Missing {
		parent := ""
		if m.Parent != nil {
			parent = m.Parent.Name
		}
		out = append(out, fmt.Sprintf("missing %s %s %s %s:%d %s", m.Module, m.Name, m.Reach, m.Site.File, m.Site.Range.Start.Line, parent))
	}
	misplaced := map[string]bool{}
	for _, m := range g.Misplaced {
		misplaced[fmt.Sprintf("misplaced %s %s:%d", m.Module, m.Site.File, m.Site.Range.Start.Line)] = true
	}
	out = append(out, sortedNames(misplaced)...)
	for _, name := range sortedNames(g.Importers) {
		sites := map[string]bool{}
		for _, s := range g.Importers[name] {
			sites[fmt.Sprintf("%s:%d:%d", s.File, s.Range.Start.Line, s.Range.Start.Column)] = true
		}
		out = append(out, fmt.Sprintf("imports of %s %v", name, sortedNames(sites)))
	}
	return append(out, fmt.Sprint(len(g.Absent), g.Unreadable, len(g.Search)))
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// randomProgram gives files of a program whose modules import each other in all ways.
func randomProgram(r *rand.Rand) mapTree {
	names := []string{"a", "b", "c", "d"}
	pick := func() string { return names[r.IntN(len(names))] }
	module := func() string {
		m := pick()
		for range r.IntN(3) {
			m += "." + pick()
		}
		return m
	}
	statement := func() string {
		m := module()
		switch r.IntN(13) {
		case 10:
			return "def " + pick() + "():\n    import " + m + "\n    from " + module() + " import " + pick() + "\n"
		case 11:
			return pick() + "()\n"
		case 12:
			name := pick()
			return "from " + m + " import " + name + "\n" + name + "()\nimport " + name + "\n" + name + "." + pick() + "()\n"
		case 0:
			return "from " + m + " import *\n"
		case 1:
			return "try:\n    import " + m + "\nexcept ImportError:\n    import " + module() + "\n"
		case 2:
			return "def f():\n    from " + m + " import " + pick() + "\n"
		case 3:
			return "from . import " + pick() + "\n"
		case 4:
			return "from .." + pick() + " import " + pick() + "\n"
		case 5:
			return "import sys\nsys.path.insert(0, '/app/" + pick() + "')\n"
		case 6:
			return "import importlib\nimportlib.import_module('" + m + "')\n"
		case 7:
			return pick() + " = 1\n__all__ = ['" + pick() + "']\n"
		case 8:
			return "import " + m + "\n"
		}
		return "from " + m + " import " + pick() + ", " + pick() + "\n"
	}
	text := func() string {
		var b strings.Builder
		for range r.IntN(4) {
			b.WriteString(statement())
		}
		return b.String()
	}
	t := mapTree{"/app/main.py": text() + statement() + statement()}
	for range 3 + r.IntN(14) {
		p := "/app/" + strings.ReplaceAll(module(), ".", "/")
		if r.IntN(2) == 0 {
			t[p+".py"] = text()
		} else {
			t[p+"/__init__.py"] = text()
		}
	}
	return t
}

// A program that is followed from where a tree differs comes to what it comes to when it is followed anew.
func TestResumeComesToTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 15))
	resumed := 0
	for range 6000 {
		after := randomProgram(r)
		before := maps.Clone(after)
		for range 1 + r.IntN(3) {
			for _, p := range sortedNames(after) {
				if p != "/app/main.py" && r.IntN(len(after)) == 0 {
					for below := range after {
						if below == p || path.Base(p) == "__init__.py" && strings.HasPrefix(below, path.Dir(p)+"/") {
							delete(before, below)
						}
					}
				}
			}
		}
		sources := NewSources(syntax.Config{})
		config := func(files mapTree, prior *Graph) Config {
			tree := view.Tree(&keyedTree{files})
			return Config{
				Entries: []Entry{{Script: "/app/main.py", Tree: tree}}, Search: []lang.SearchDir{{Tree: tree, Dir: "/app"}}, Sources: sources, Prior: prior,
				Foreign: func(name string) bool { return name == "sys" || name == "importlib" },
			}
		}
		prior := Follow(config(before, nil))
		was := told(prior)
		cfg := config(after, nil)
		g := prior.resume(cfg)
		require.Equal(t, was, told(prior), "what was followed before stays what it was")
		if g == nil {
			continue
		}
		if len(before) < len(after) {
			resumed++
		}
		require.Equal(t, told(Follow(cfg)), told(g), "before %v\nafter %v", before, after)
	}
	assert.Greater(t, resumed, 600, "it must be of use")
}
