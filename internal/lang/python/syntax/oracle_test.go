package syntax

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oracleScript prints what CPython's ast module says of the files on the machine.
//
//go:embed testdata/oracle.py
var oracleScript string

// allFiles is how many files are compared at most when CTXAUDIT_PYTHON is set, someFiles otherwise, fewFiles with
// -short.
const (
	allFiles  = 14000
	someFiles = 1500
	fewFiles  = 300
)

// oracleAnswer is one line of the script.
type oracleAnswer struct {
	Version     []int
	Path, Error string
	Imports     [][]any
	Bindings    [][]any
	Annotations [][]any
	All         []string
}

// oracle starts the script, or skips the test where there is no Python that can run it. CTXAUDIT_PYTHON=require makes
// that a failure; any other value is a list of directories to read instead of the machine's libraries.
func oracle(t *testing.T, limit int) *bufio.Scanner {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import sys; sys.exit(sys.version_info < (3, 10))").Run()
	}
	directories := os.Getenv("CTXAUDIT_PYTHON")
	if err != nil && directories == "require" {
		require.NoError(t, err, "python3 of version 3.10 or later is required")
	}
	if err != nil {
		t.Skipf("no python3 of version 3.10 or later to compare with: %v", err)
	}
	args := []string{"-I", "-c", oracleScript, fmt.Sprint(limit)}
	if directories != "" && directories != "require" {
		args = append(args, strings.Split(directories, ":")...)
	}
	command := exec.Command(python, args...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Wait() })
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<28)
	return lines
}

func TestAgainstCPython(t *testing.T) {
	limit := someFiles
	switch {
	case testing.Short():
		limit = fewFiles
	case os.Getenv("CTXAUDIT_PYTHON") != "":
		limit = allFiles
	}
	lines := oracle(t, limit)
	var files, refused, reported, imports, bindings, bytes, differing int
	var took time.Duration
	for lines.Scan() {
		var want oracleAnswer
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		if want.Path == "" {
			t.Logf("compared with CPython %v", want.Version)
			continue
		}
		src, err := os.ReadFile(want.Path)
		require.NoError(t, err)
		start := time.Now()
		got := Scan(src, nil)
		took += time.Since(start)
		bytes += len(src)
		if want.Error != "" {
			refused++
			if len(got.Errors) > 0 {
				reported++
			}
			continue
		}
		files++
		imports += len(want.Imports)
		bindings += len(want.Bindings)
		if diff := difference(want, got); diff != "" {
			differing++
			if differing <= 20 {
				t.Errorf("%s:\n%s", want.Path, diff)
			}
		}
	}
	require.NoError(t, lines.Err())
	require.NotZero(t, files)
	require.NotZero(t, imports)
	assert.Zero(t, differing, "files that differ")
	t.Logf("%d files, %d imports, %d bindings compared; %d files differ; CPython refuses %d, of which %d have errors here; %.0f MB/s",
		files, imports, bindings, differing, refused, reported, float64(bytes)/1e6/took.Seconds())
}

// difference tells how a scan differs from what the ast module says.
func difference(want oracleAnswer, got *File) string {
	var b strings.Builder
	compareLists(&b, "import", showAll(want.Imports), showImports(got))
	compareLists(&b, "binding", showAll(want.Bindings), showBindings(got))
	var annotations []string
	for _, a := range got.Annotations {
		annotations = append(annotations, show(a.Name, a.Range.Start.Line, a.Range.Start.Column))
	}
	compareLists(&b, "annotation", showAll(want.Annotations), annotations)
	if want.All != nil {
		var names []string
		if got.All != nil {
			for _, n := range got.All.Names {
				names = append(names, n.Value)
			}
		}
		if !slices.Equal(want.All, names) || got.All == nil || got.All.Dynamic {
			fmt.Fprintf(&b, "  __all__: CPython %q, here %q %+v\n", want.All, names, got.All)
		}
	}
	for _, e := range got.Errors {
		fmt.Fprintf(&b, "  error in what CPython accepts: %v\n", e)
	}
	return b.String()
}

func compareLists(b *strings.Builder, what string, want, got []string) {
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(want, got) {
		return
	}
	n := 0
	for _, w := range want {
		if i, ok := slices.BinarySearch(got, w); ok {
			got = slices.Delete(got, i, i+1)
		} else if n++; n <= 5 {
			fmt.Fprintf(b, "  %s missing: %s\n", what, w)
		}
	}
	for i, g := range got {
		if i < 5 {
			fmt.Fprintf(b, "  %s too many: %s\n", what, g)
		}
	}
}

// show gives values as the script's JSON gives them.
func show(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }

func showAll(rows [][]any) []string {
	var out []string
	for _, row := range rows {
		out = append(out, show(row...))
	}
	return out
}

func showImports(f *File) []string {
	var out []string
	for _, i := range f.Imports {
		as, names := i.As, []any{}
		if i.Star {
			as = "*"
		}
		for _, n := range i.Names {
			names = append(names, []any{n.Name, n.As, n.Range.Start.Line, n.Range.Start.Column})
		}
		c := i.Context
		out = append(out, show(i.Module, i.Level, i.From, as, names, i.Range.Start.Line, i.Range.Start.Column,
			i.Range.End.Line, i.Range.End.Column, c.known(), int(c.Caught), int(c.Reraised), c.Try))
	}
	return out
}

// known names the flags that the script knows too.
func (f Flags) known() string {
	var names []string
	for _, n := range []struct {
		flag Flags
		name string
	}{{InClass, "class"}, {InElse, "else"}, {InFinally, "finally"}, {InFunction, "function"}, {Guarded, "guarded"},
		{InHandler, "handler"}, {MainGuard, "main"}, {Suppressed, "suppressed"}, {InTry, "try"}, {TypeChecking, "typing"}} {
		if f.Has(n.flag) {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

func showBindings(f *File) []string {
	var out []string
	for _, b := range f.Bindings {
		line, column := b.Range.Start.Line, b.Range.Start.Column
		switch b.Kind {
		case BindDef, BindClass, BindExcept, BindCapture, BindGlobal: // the ast does not tell where the name is
			line, column = 0, 0
		}
		out = append(out, show(b.Name, b.Kind.String(), line, column))
	}
	return out
}
