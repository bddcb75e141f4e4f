package imports

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// mapTree is a tree of files by absolute path.
type mapTree map[string]string

func (t mapTree) Entries(dir string) map[string]view.EntryKind {
	var out map[string]view.EntryKind
	for p := range t {
		rest, ok := strings.CutPrefix(p, strings.TrimSuffix(dir, "/")+"/")
		if !ok {
			continue
		}
		if out == nil {
			out = map[string]view.EntryKind{}
		}
		name, _, below := strings.Cut(rest, "/")
		if below {
			out[name] = view.Directory
		} else {
			out[name] = view.RegularFile
		}
	}
	return out
}

func (t mapTree) Read(p string) ([]byte, error) {
	s, ok := t[p]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(s), nil
}

func (t mapTree) MayHold(string) bool { return false }

func (t mapTree) Key(string) any { return nil }

// follow starts the script /app/main.py with /app on the search path.
func follow(t mapTree, search ...string) *Graph {
	tree := view.Tree(&t)
	cfg := Config{Entries: []Entry{{Script: "/app/main.py", Tree: tree}}}
	for _, d := range append([]string{"/app"}, search...) {
		cfg.Search = append(cfg.Search, lang.SearchDir{Tree: tree, Dir: d})
	}
	return Follow(cfg)
}

func describe(g *Graph) []string {
	out := []string{}
	for _, m := range g.Missing {
		what := m.Module
		if m.Kind == NoName {
			what += ":" + m.Name
		}
		out = append(out, fmt.Sprintf("%s %s %s:%d", m.Reach, what, path.Base(m.Site.File), m.Site.Range.Start.Line))
	}
	return out
}

func TestMissing(t *testing.T) {
	for name, c := range map[string]struct {
		tree mapTree
		want []string
	}{
		"nothing":      {mapTree{"/app/main.py": "import pkg\nfrom pkg import sub, name\n", "/app/pkg/__init__.py": "name = 1\n", "/app/pkg/sub.py": ""}, nil},
		"top-level":    {mapTree{"/app/main.py": "import nope\n"}, []string{"startup nope main.py:1"}},
		"submodule":    {mapTree{"/app/main.py": "import pkg.nope.deep\n", "/app/pkg/__init__.py": ""}, []string{"startup pkg.nope.deep main.py:1"}},
		"from package": {mapTree{"/app/main.py": "from pkg import nope\n", "/app/pkg/__init__.py": ""}, []string{"startup pkg.nope main.py:1"}},
		"from module":  {mapTree{"/app/main.py": "from mod import a, nope\n", "/app/mod.py": "a = 1\n"}, []string{"startup mod:nope main.py:1"}},
		"kinds": {
			mapTree{"/app/main.py": "from typing import TYPE_CHECKING\ndef f():\n    import lazy\ntry:\n    import guarded\nexcept ImportError:\n    pass\nif TYPE_CHECKING:\n    import typed\n"},
			[]string{"startup typing main.py:1", "lazy lazy main.py:3", "guarded guarded main.py:5"},
		},
		"a way is its weakest link": {
			mapTree{"/app/main.py": "def f():\n    import a\n", "/app/a.py": "import nope\n"},
			[]string{"lazy nope a.py:1"},
		},
		"the strongest way counts": {
			mapTree{"/app/main.py": "def f():\n    import a\nimport b\n", "/app/a.py": "import nope\n", "/app/b.py": "import a\n"},
			[]string{"startup nope a.py:1"},
		},
		"what a missing package would import is not asked": {
			mapTree{"/app/main.py": "import pkg.sub\n", "/other/pkg/sub.py": "import nope\n", "/app/pkg/__init__.py": ""},
			[]string{"startup pkg.sub main.py:1"},
		},
		"relative": {
			mapTree{"/app/main.py": "import pkg.a\n", "/app/pkg/__init__.py": "", "/app/pkg/a.py": "from . import b, nope\nfrom .c import x\nfrom .. import outside\n", "/app/pkg/b.py": "", "/app/pkg/c/__init__.py": "from ..b import y\nx = 1\n"},
			[]string{"startup pkg.b:y __init__.py:1", "startup pkg.nope a.py:1"},
		},
		"namespace loses to a package later on the path": {
			mapTree{"/app/main.py": "import ns.inner\n", "/app/ns/other.py": "", "/lib/ns/__init__.py": "", "/lib/ns/inner.py": ""}, nil,
		},
		"namespace of two portions": {
			mapTree{"/app/main.py": "import ns.a, ns.b\n", "/app/ns/a.py": "", "/lib/ns/b.py": ""}, nil,
		},
		"package wins over module": {
			mapTree{"/app/main.py": "from m import p\n", "/app/m.py": "", "/app/m/__init__.py": "p = 1\n"}, nil,
		},
		"compiled": {
			mapTree{"/app/main.py": "from c import anything\nimport d\n", "/app/c.cpython-312-x86_64-linux-gnu.so": "", "/app/d.abi3.so": ""}, nil,
		},
		"star brings names": {
			mapTree{"/app/main.py": "from a import x, _y\n", "/app/a.py": "from b import *\n", "/app/b.py": "x = _y = 1\n"},
			[]string{"startup a:_y main.py:1"},
		},
		"star brings what __all__ says": {
			mapTree{"/app/main.py": "from a import _y, x\n", "/app/a.py": "from b import *\n", "/app/b.py": "x = _y = 1\n__all__ = ['_y']\n"},
			[]string{"startup a:x main.py:1"},
		},
		"a star that cannot be followed makes anything possible": {
			mapTree{"/app/main.py": "from a import x\n", "/app/a.py": "try:\n    from nope import *\nexcept ImportError:\n    pass\n"},
			[]string{"guarded nope a.py:2"},
		},
		"module __getattr__": {mapTree{"/app/main.py": "from a import x\n", "/app/a.py": "def __getattr__(n): return 1\n"}, nil},
		"sys.path edits": {
			mapTree{"/app/main.py": "import early\nimport sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport inlib\n", "/app/lib/inlib.py": "", "/app/lib/early.py": ""},
			[]string{"startup os main.py:2", "startup sys main.py:2"},
		},
		"import_module": {
			mapTree{"/app/main.py": "from importlib import import_module\nimport_module('pkg.gone')\n__import__('pkg.here')\n", "/app/pkg/__init__.py": "", "/app/pkg/here.py": "import nope\n"},
			[]string{"startup importlib main.py:1", "startup nope here.py:1", "startup pkg.gone main.py:2"},
		},
		"main guard": {
			mapTree{"/app/main.py": "import a\nif __name__ == '__main__':\n    import inmain\n", "/app/a.py": "if __name__ == '__main__':\n    import nope\n"},
			[]string{"startup inmain main.py:3"},
		},
		"cycles end": {mapTree{"/app/main.py": "import a\n", "/app/a.py": "import b\nfrom b import *\n", "/app/b.py": "import a\nfrom a import *\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := describe(follow(c.tree, "/lib"))
			if c.want == nil {
				c.want = []string{}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestWay(t *testing.T) {
	g := follow(mapTree{"/app/main.py": "import a\n", "/app/a/__init__.py": "from a import b\n", "/app/a/b.py": "import nope\n"})
	require.Len(t, g.Missing, 1)
	var way []string
	for _, n := range g.Missing[0].From.Way() {
		way = append(way, fmt.Sprintf("%s<-%s:%d", n.Module.Name, path.Base(n.Site.File), n.Site.Range.Start.Line))
	}
	assert.Equal(t, []string{"__main__<-.:0", "a<-main.py:1", "a.b<-__init__.py:1"}, way)
}

func TestMainModule(t *testing.T) {
	tree := mapTree{"/app/pkg/__init__.py": "", "/app/pkg/__main__.py": "from . import cli\n", "/app/pkg/cli.py": "import nope\n"}
	g := Follow(Config{Entries: []Entry{{Module: "pkg", Main: true}, {Module: "gone"}}, Search: []lang.SearchDir{{Tree: &tree, Dir: "/app"}}})
	assert.Equal(t, []int{1}, g.Absent)
	assert.Equal(t, []string{"startup nope cli.py:1"}, describe(g))
}

func TestStrings(t *testing.T) {
	tree := mapTree{"/app/main.py": "APPS = ['shop.apps.Config', 'gone.app', 'shop']\n", "/app/shop/__init__.py": "", "/app/shop/apps.py": ""}
	g := Follow(Config{
		Entries: []Entry{{Script: "/app/main.py", Tree: &tree}}, Search: []lang.SearchDir{{Tree: &tree, Dir: "/app"}},
		Strings: func(f *syntax.File) []Named {
			var out []Named
			for _, l := range f.Literals {
				for _, e := range l.Elements {
					out = append(out, Named{Dotted: e.Value, Range: e.Range})
				}
			}
			return out
		},
	})
	assert.Equal(t, []string{"lazy gone main.py:1"}, describe(g))
	assert.Contains(t, g.Nodes, "shop.apps")
}

func TestCycles(t *testing.T) {
	for name, c := range map[string]struct {
		tree mapTree
		want []string
	}{
		"too early": {
			mapTree{"/app/main.py": "import a\n", "/app/a.py": "import b\nx = 1\n", "/app/b.py": "from a import x\n"},
			[]string{"a.x b.py:1 while a.py:1"},
		},
		"bound before":    {mapTree{"/app/main.py": "import a\n", "/app/a.py": "x = 1\nimport b\n", "/app/b.py": "from a import x\n"}, nil},
		"only the module": {mapTree{"/app/main.py": "import a\n", "/app/a.py": "import b\nx = 1\n", "/app/b.py": "import a\n"}, nil},
		"in a function":   {mapTree{"/app/main.py": "import a\n", "/app/a.py": "import b\nx = 1\n", "/app/b.py": "def f():\n    from a import x\n"}, nil},
		"through a package": {
			mapTree{"/app/main.py": "import p.a\n", "/app/p/__init__.py": "from .a import f\nVERSION = 1\n", "/app/p/a.py": "from p import VERSION\ndef f(): pass\n"},
			[]string{"p.VERSION a.py:1 while __init__.py:1"},
		},
		"a submodule": {mapTree{"/app/main.py": "import p\n", "/app/p/__init__.py": "from . import a\n", "/app/p/a.py": "from p import b\n", "/app/p/b.py": ""}, nil},
		"dynamic":     {mapTree{"/app/main.py": "import a\n", "/app/a.py": "import b\nglobals()['x'] = 1\nx = 1\n", "/app/b.py": "from a import x\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, cy := range follow(c.tree).Cycles() {
				got = append(got, fmt.Sprintf("%s.%s %s:%d while %s:%d", cy.Module, cy.Name, path.Base(cy.Site.File), cy.Site.Range.Start.Line,
					path.Base(cy.Pending.File), cy.Pending.Range.Start.Line))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// What is started by its name is imported after the packages above it; what runs as __main__ is not being imported.
func TestCyclesOfStartedModules(t *testing.T) {
	tree := view.Tree(&mapTree{
		"/app/p/__init__.py": "from .celery import app\n", "/app/p/celery.py": "from . import settings\napp = 1\n", "/app/p/settings.py": "",
		"/app/run.py": "import b\nx = 1\n", "/app/b.py": "from run import x\n",
		"/app/q/__init__.py": "", "/app/q/__main__.py": "import q.a\nx = 1\n", "/app/q/a.py": "from q.b import y\nz = 1\n", "/app/q/b.py": "from q.a import z\ny = 1\n",
	})
	for name, c := range map[string]struct {
		entry Entry
		want  int
	}{
		"the package above it asks first": {Entry{Module: "p.celery"}, 0},
		"as __main__":                     {Entry{Module: "run", Main: true}, 0}, // b imports run as another module, all of it
		"imported":                        {Entry{Module: "run"}, 1},
		"a package as __main__":           {Entry{Module: "q", Main: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := Follow(Config{Entries: []Entry{c.entry}, Search: []lang.SearchDir{{Tree: tree, Dir: "/app"}}})
			assert.Len(t, g.Cycles(), c.want)
		})
	}
}

// The handler of a try whose import is known to fail is needed as much as the try.
func TestFallbackOfWhatIsMissingIsNeeded(t *testing.T) {
	tree := &mapTree{
		"/app/main.py":                   "import shop.settings\n",
		"/app/shop/__init__.py":          "",
		"/app/shop/settings/__init__.py": "try:\n    from .dev import *\nexcept ImportError:\n    from .prod import *\ntry:\n    import ujson\nexcept ImportError:\n    import shop.slow\n",
		"/app/shop/settings/prod.py":     "",
		"/app/shop/slow.py":              "",
	}
	g := Follow(Config{Entries: []Entry{{Script: "/app/main.py", Tree: tree}}, Search: []lang.SearchDir{{Tree: tree, Dir: "/app"}}})
	assert.Equal(t, need.Startup, g.Nodes["shop.settings.prod"].Reach)
	assert.Equal(t, need.Guarded, g.Nodes["shop.slow"].Reach, "what a dependency is there for is not known")
}
