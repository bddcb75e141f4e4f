package syntax

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileSources grow with n in every way in which a careless scanner would take more than linear time, or recurse.
var hostileSources = map[string]func(n int) string{
	"open brackets":           func(n int) string { return strings.Repeat("(", n) },
	"closed brackets":         func(n int) string { return "x = " + strings.Repeat("[", n) + strings.Repeat("]", n) },
	"closing brackets":        func(n int) string { return strings.Repeat(")", n) },
	"mixed brackets":          func(n int) string { return strings.Repeat("([{", n) },
	"target brackets":         func(n int) string { return strings.Repeat("(", n) + "a" + strings.Repeat(",)", n) + " = 1" },
	"target trailers":         func(n int) string { return "a" + strings.Repeat("[0]", n) + " = 1" },
	"open f-strings":          func(n int) string { return strings.Repeat("f'{", n) },
	"open f-strings, both":    func(n int) string { return strings.Repeat("f'{f\"{", n) },
	"open texts":              func(n int) string { return strings.Repeat("f'''{x:", n) },
	"open specifications":     func(n int) string { return "f'" + strings.Repeat("{x:", n) },
	"lines of f-strings":      func(n int) string { return strings.Repeat("f'{\n", n) },
	"lines of brackets":       func(n int) string { return strings.Repeat("x = (\nimport a\n", n) },
	"carriage returns":        func(n int) string { return strings.Repeat("# x\rx = '''a\r'''\r", n) },
	"form feeds":              func(n int) string { return strings.Repeat("\f", n) + "import a" },
	"tabs":                    func(n int) string { return strings.Repeat("\t", n) + "import a" },
	"NUL bytes":               func(n int) string { return strings.Repeat("\x00", n) },
	"invalid bytes":           func(n int) string { return strings.Repeat("\xff", n) },
	"backslashes":             func(n int) string { return strings.Repeat("\\\n", n) + "import a" },
	"backslashes in a string": func(n int) string { return "'" + strings.Repeat("\\\n", n) },
	"quotes":                  func(n int) string { return strings.Repeat("'", n) },
	"joined strings":          func(n int) string { return "x = " + strings.Repeat("'a' ", n) },
	"sums":                    func(n int) string { return "x = " + strings.Repeat("'a' + ", n) + "''" },
	"lambdas":                 func(n int) string { return "x = " + strings.Repeat("lambda: ", n) + "(y := 1)" },
	"lambda defaults":         func(n int) string { return "x = " + strings.Repeat("lambda x=", n) + "1" + strings.Repeat(": 0", n) },
	"named":                   func(n int) string { return strings.Repeat("(y := ", n) },
	"named in brackets":       func(n int) string { return "x = [" + strings.Repeat("(y := 1),", n) + "]" },
	"not":                     func(n int) string { return "if " + strings.Repeat("not ", n) + "x: import a" },
	"and":                     func(n int) string { return "if " + strings.Repeat("x and ", n) + "x: import a" },
	"conditions": func(n int) string {
		return "if " + strings.Repeat("(not x or ", n) + "x" + strings.Repeat(")", n) + ": a"
	},
	"comparisons":    func(n int) string { return "if 1" + strings.Repeat(" < 2", n) + ": import a" },
	"elif":           func(n int) string { return "if x: a\n" + strings.Repeat("elif x: import a\n", n) },
	"handlers":       func(n int) string { return "try: import a\n" + strings.Repeat("except ImportError as e: raise\n", n) },
	"with items":     func(n int) string { return "with " + strings.Repeat("(x as y, ", n) + ": pass" },
	"patterns":       func(n int) string { return "match x:\n  case " + strings.Repeat("[a, ", n) + ": pass" },
	"chains":         func(n int) string { return strings.Repeat("a = ", n) + "'x'" },
	"attributes":     func(n int) string { return "x" + strings.Repeat(".a", n) + "('x')" },
	"calls":          func(n int) string { return strings.Repeat("include(", n) + "'x'" + strings.Repeat(")", n) },
	"calls of lists": func(n int) string { return strings.Repeat("include([list([", n) + strings.Repeat("])])", n) },
	"import calls":   func(n int) string { return strings.Repeat("__import__(", n) },
	"path calls":     func(n int) string { return strings.Repeat("sys.path.append(join('a', ", n) },
	"path sums":      func(n int) string { return "sys.path.append(" + strings.Repeat("'aaaa' + ", n) + "'')" },
	"doubled paths":  func(n int) string { return "p = 'aaaa'\n" + strings.Repeat("p = p + p\n", n) },
	"removed names": func(n int) string {
		return "__all__ = [" + strings.Repeat("'a',", n) + "]\n" + strings.Repeat("__all__.remove('b')\n", n)
	},
	"imported names":            func(n int) string { return "from a import (" + strings.Repeat("b as c, ", n) + ")" },
	"imported modules":          func(n int) string { return "import " + strings.Repeat("a.b, ", n) },
	"dots":                      func(n int) string { return "from " + strings.Repeat(".", n) + " import a" },
	"semicolons":                func(n int) string { return strings.Repeat("import a;", n) },
	"one long line":             func(n int) string { return "x = " + strings.Repeat("a", n) },
	"one long comment":          func(n int) string { return "#" + strings.Repeat("a", n) },
	"decreasing indentation":    func(n int) string { return increasing(n) },
	"functions on one line":     func(n int) string { return strings.Repeat("def f(): ", n) },
	"lines of open parentheses": func(n int) string { return strings.Repeat("def f(\n", n) },
}

// increasing nests blocks as deep as the source's size allows.
func increasing(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strings.Repeat(" ", i) + "if x:\n")
	}
	return b.String() + "import a\n"
}

// TestHostile asserts that the steps grow as the source does.
func TestHostile(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	for name, make := range hostileSources {
		t.Run(name, func(t *testing.T) {
			src := make(n)
			checkScan(t, []byte(src))
		})
	}
}

// TestLongLine reads ten megabytes on one line.
func TestLongLine(t *testing.T) {
	if testing.Short() {
		t.Skip("10 MB")
	}
	f := Scan([]byte("X = ["+strings.Repeat("'abcdef', ", 1<<20)+"]; import a"), nil)
	require.Len(t, f.Imports, 1)
	require.Len(t, f.Literals, 1)
	assert.Len(t, f.Literals[0].Elements, 1<<20)
}

// stepsPerByte bounds how often a scan passes over tokens.
const stepsPerByte = 64

// checkScan scans and asserts what holds of every scan.
func checkScan(t *testing.T, src []byte) *File {
	t.Helper()
	f := &File{}
	s := newScanner(src, &Config{Callees: map[string]bool{"include": true}}, f)
	s.scan()
	require.LessOrEqual(t, s.steps, stepsPerByte*(len(src)+1), "steps")

	inside := func(r Range) {
		if r.Start.Offset < 0 || r.End.Offset > len(src) || r.Start.Offset >= r.End.Offset ||
			r.Start.Line < 1 || r.Start.Column < 1 || r.End.Line < r.Start.Line {
			require.Fail(t, "range out of bounds", "%+v of %d bytes", r, len(src))
		}
	}
	last := 0
	ordered := func(r Range) {
		inside(r)
		if r.Start.Offset < last {
			require.Fail(t, "out of order", "%v", r)
		}
		last = r.Start.Offset
	}
	for _, i := range f.Imports {
		ordered(i.Range)
		inside(i.ModuleRange)
		text := string(src[i.Range.Start.Offset:min(i.Range.Start.Offset+8, i.Range.End.Offset)])
		if !strings.HasPrefix(text, "import") && !strings.HasPrefix(text, "from") && !strings.HasPrefix(text, "lazy") {
			require.Fail(t, "import does not begin as one", "%.20q", text)
		}
		for _, n := range i.Names {
			inside(n.Range)
			if text := string(src[n.Range.Start.Offset:n.Range.End.Offset]); n.Name != text {
				require.Equal(t, n.Name, text)
			}
		}
		if i.Module == "" && i.Level == 0 || i.From != (i.Star || len(i.Names) > 0) {
			require.Fail(t, "import of nothing", "%+v", i)
		}
	}
	last = 0
	for _, b := range f.Bindings {
		ordered(b.Range)
		if b.Name == "" || b.Kind.String() == "" {
			require.Fail(t, "binding of nothing", "%+v", b)
		}
	}
	last = 0
	for _, l := range f.Literals {
		inside(l.Range)
		for _, e := range l.Elements {
			inside(e.Range)
			if e.Range.Start.Offset < l.Range.Start.Offset || e.Range.End.Offset > l.Range.End.Offset {
				require.Fail(t, "element outside its literal", "%v %v", e, l.Range)
			}
		}
	}
	for _, m := range f.Dynamic {
		ordered(m.Range)
	}
	last = 0
	for _, p := range f.PathEdits {
		ordered(p.Range)
		if p.Path.Base == PathFile && strings.HasPrefix(p.Path.Path, "../") {
			require.Fail(t, "path is not clean", "%+v", p.Path)
		}
	}
	last = 0
	for _, c := range f.ImportCalls {
		ordered(c.Range)
	}
	last = 0
	for _, c := range f.Calls {
		ordered(c.Range)
	}
	last = 0
	for _, e := range f.Errors {
		if e.Pos.Offset < last || e.Pos.Offset > len(src) {
			require.Fail(t, "error out of order or bounds", "%v", e)
		}
		last = e.Pos.Offset
	}
	return f
}

// FuzzScan asserts what holds of every scan, and that a comment and a module docstring before a source change nothing
// but positions.
func FuzzScan(f *testing.F) {
	for _, cases := range [][]scanCase{importCases, bindingCases, contextCases, lexingCases, pathCases, literalCases, markerCases} {
		for _, c := range cases {
			f.Add([]byte(c.src))
		}
	}
	for _, make := range hostileSources {
		f.Add([]byte(make(20)))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		plain := checkScan(t, src)
		if len(src) >= 3 && string(src[:3]) == "\xEF\xBB\xBF" {
			return
		}
		moved := checkScan(t, append([]byte("# comment\n'text'\n"), src...))
		require.Equal(t, len(plain.Imports), len(moved.Imports))
		require.Equal(t, len(plain.Bindings), len(moved.Bindings))
		for i := range plain.Imports {
			require.Equal(t, plain.Imports[i].Range.Start.Line+2, moved.Imports[i].Range.Start.Line)
			require.Equal(t, plain.Imports[i].Context, moved.Imports[i].Context)
		}
	})
}
