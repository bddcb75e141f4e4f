package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scanCase is a source and what is found in it, one line each; see describe.
type scanCase struct{ name, src, want string }

// describe shows a File: what is empty is left out.
func describe(f *File) string {
	var b strings.Builder
	for _, i := range f.Imports {
		fmt.Fprintf(&b, "import %v", &i)
		if i.Star {
			b.WriteString(" *")
		}
		if i.As != "" {
			b.WriteString(" as " + i.As)
		}
		for _, n := range i.Names {
			fmt.Fprintf(&b, " %s=%s@%v", n.Bound(), n.Name, n.Range.Start)
		}
		if i.Lazy {
			b.WriteString(" lazy")
		}
		fmt.Fprintf(&b, " %v %v%s\n", i.Range, i.ModuleRange, describeContext(i.Context))
	}
	for _, c := range f.ImportCalls {
		fmt.Fprintf(&b, "call %s literal=%v level=%d module=%q package=%q own=%v %v%s\n", c.Callee, c.Literal, c.Level,
			c.Module, c.Package, c.OwnPackage, c.Range, describeContext(c.Context))
	}
	for _, n := range f.Bindings {
		if n.Kind != BindImport {
			fmt.Fprintf(&b, "%v %s %v%s\n", n.Kind, n.Name, n.Range.Start, describeContext(n.Context))
		}
	}
	for _, n := range f.Annotations {
		fmt.Fprintf(&b, "annotation %s %v\n", n.Name, n.Range)
	}
	if f.All != nil {
		fmt.Fprintf(&b, "all dynamic=%v", f.All.Dynamic)
		for _, n := range f.All.Names {
			fmt.Fprintf(&b, " %q@%v", n.Value, n.Range.Start)
		}
		b.WriteString("\n")
	}
	for _, m := range f.Dynamic {
		fmt.Fprintf(&b, "dynamic %v %v%s\n", m.Kind, m.Range.Start, describeContext(m.Context))
	}
	for _, p := range f.PathEdits {
		fmt.Fprintf(&b, "path %d %d %q front=%v replace=%v %v%s\n", p.Path.Base, p.Path.Ups, p.Path.Path, p.Front,
			p.Replace, p.Range.Start, describeContext(p.Context))
	}
	for _, l := range f.Literals {
		fmt.Fprintf(&b, "literal %s add=%v complete=%v", l.Name, l.Add, l.Complete)
		describeElements(&b, l.Elements)
		for _, r := range l.Refs {
			b.WriteString(" ref:" + r.Value)
		}
		fmt.Fprintf(&b, "%s\n", describeContext(l.Context))
	}
	for _, c := range f.Calls {
		fmt.Fprintf(&b, "called %s %v", c.Callee, c.Range)
		for _, a := range c.Arguments {
			fmt.Fprintf(&b, " (%s complete=%v", a.Keyword, a.Complete)
			describeElements(&b, a.Elements)
			b.WriteString(")")
		}
		fmt.Fprintf(&b, "%s\n", describeContext(c.Context))
	}
	for _, e := range f.Errors {
		fmt.Fprintf(&b, "error %v\n", e)
	}
	return b.String()
}

func describeElements(b *strings.Builder, elements []Element) {
	for _, e := range elements {
		fmt.Fprintf(b, " %q@%v", e.Value, e.Range.Start)
		if e.Key != "" {
			fmt.Fprintf(b, "/%s", e.Key)
		}
	}
}

func describeContext(c Context) string {
	s := ""
	if known := c.known(); known != "" {
		s += " " + known
	}
	for _, n := range []struct {
		flag Flags
		name string
	}{{VersionBranch, "version"}, {PlatformBranch, "platform"}, {DevelopmentBranch, "development"}, {Never, "never"}} {
		if c.Has(n.flag) {
			s += " " + n.name
		}
	}
	if c.Caught|c.Reraised != 0 {
		s += fmt.Sprintf(" caught=%d reraised=%d", c.Caught, c.Reraised)
	}
	if c.Try != 0 {
		s += fmt.Sprintf(" try=%d", c.Try)
	}
	return s
}

func runCases(t *testing.T, cases []scanCase) {
	t.Helper()
	seen := map[string]bool{}
	cfg := &Config{Callees: map[string]bool{"include": true, "autodiscover_tasks": true, "Celery": true}}
	for _, c := range cases {
		require.False(t, seen[c.name], "case %s exists twice", c.name)
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			got := strings.TrimSpace(describe(Scan([]byte(c.src), cfg)))
			assert.Equal(t, strings.TrimSpace(c.want), got)
		})
	}
}

func TestImports(t *testing.T)  { runCases(t, importCases) }
func TestBindings(t *testing.T) { runCases(t, bindingCases) }
func TestContexts(t *testing.T) { runCases(t, contextCases) }
func TestLexing(t *testing.T)   { runCases(t, lexingCases) }
func TestPaths(t *testing.T)    { runCases(t, pathCases) }
func TestLiterals(t *testing.T) { runCases(t, literalCases) }
func TestMarkers(t *testing.T)  { runCases(t, markerCases) }

func TestConfigDecidesConditions(t *testing.T) {
	src := []byte("import sys\nif sys.version_info >= (3, 11):\n    import tomllib\nelse:\n    import tomli\n" +
		"if sys.platform == 'win32':\n    import winreg\n")
	never := func(cfg *Config) (modules []string) {
		for _, i := range Scan(src, cfg).Imports {
			if i.Context.Has(Never) {
				modules = append(modules, i.Module)
			}
		}
		return modules
	}
	assert.Equal(t, []string{"tomli", "winreg"}, never(nil))
	assert.Equal(t, []string{"tomllib", "winreg"}, never(&Config{Python: Version{3, 9}}))
	assert.Equal(t, []string{"tomli"}, never(&Config{Platform: "win32"}))
}

// TestResultIsIndependent shows that the File keeps nothing of the caller's buffer.
func TestResultIsIndependent(t *testing.T) {
	src := []byte("from a import b\nX = ['c']\n")
	f := Scan(src, nil)
	before := describe(f)
	for i := range src {
		src[i] = '?'
	}
	assert.Equal(t, before, describe(f))
}

// Imports that need not be reached are told apart.
func TestProbed(t *testing.T) {
	tests := []struct{ name, src string }{
		{"find_spec", "import importlib.util\nif importlib.util.find_spec('x') is not None:\n    import x\n"},
		{"a name for it", "HAS = find_spec('x') is not None\nif HAS:\n    import x\n"},
		{"a file", "if os.path.exists('x.py'):\n    import x\n"},
		{"the other side", "if not Path('x.py').is_file():\n    pass\nelse:\n    import x\n"},
		{"else of a try", "try:\n    import y\nexcept ImportError:\n    pass\nelse:\n    import x\n"},
		{"match", "match os.getenv('MODE'):\n    case 'a':\n        import x\n"},
		{"in a function below", "if find_spec('x'):\n    def f():\n        import x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := Scan([]byte(tt.src), nil)
			last := f.Imports[len(f.Imports)-1]
			assert.Equal(t, "x", last.Module)
			assert.True(t, last.Context.Has(Probed))
		})
	}
	for _, src := range []string{"import x\n", "if a:\n    import x\n", "match a:\n    case 1:\n        import x\n"} {
		assert.False(t, Scan([]byte(src), nil).Imports[0].Context.Has(Probed), src)
	}
	f := Scan([]byte("if __import__('a'):\n    y = __import__('b') if c else None\n"), nil)
	assert.False(t, f.ImportCalls[0].Context.Has(Probed))
	assert.True(t, f.ImportCalls[1].Context.Has(Probed))
}

func TestExceptionsByName(t *testing.T) {
	f := Scan([]byte("ERRS = (ImportError, OSError)\ntry:\n    import x\nexcept ERRS:\n    pass\n"), nil)
	assert.True(t, f.Imports[0].Context.Has(Guarded))
	f = Scan([]byte("ERRS = (OSError,)\ntry:\n    import x\nexcept ERRS:\n    pass\n"), nil)
	assert.False(t, f.Imports[0].Context.Has(Guarded))
}

func TestAttributesAndAllOfFunctions(t *testing.T) {
	f := Scan([]byte("import pkg\npkg.db = 1\n__all__ = []\ndef export(f):\n    __all__.append(f.__name__)\n    self.x.y: int = 2\n"), nil)
	var names []string
	for _, a := range f.Attributes {
		names = append(names, a.Value)
	}
	assert.Equal(t, []string{"pkg.db", "self.x.y"}, names)
	assert.True(t, f.All.Dynamic)
	assert.NotEmpty(t, Scan([]byte("g = globals\n"), nil).Dynamic)
}
