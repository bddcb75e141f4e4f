// Command bench times ctxaudit beside find and BuildKit's own context walk, on generated trees, several rounds in turn,
// and prints medians and ratios. Absolute times are the machine's; the ratios are what counts.
package main

import (
	"context"
	"flag"
	"fmt"
	gofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

func main() {
	files := flag.Int("files", 50_000, "files in the tree")
	rounds := flag.Int("rounds", 5, "rounds")
	flag.Parse()
	if err := run(*files, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// ignore is an ignore file of a common size, with one negation that has a wildcard, so that nothing can be pruned.
func ignore() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "**/cache%d\n*.tmp%d\ndocs%d/\n**/*.log%d\nvendor/pkg%d/testdata\n", i, i, i, i, i)
	}
	b.WriteString("**/*.spec.js\n!**/keep/*.spec.js\n")
	return b.String()
}

func generate(dir string, files int) error {
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch AS a\nCOPY . /src/\nFROM scratch\nWORKDIR /app\nCOPY --from=a /src /app\nCMD [\"python\", \"-m\", \"shop.m0\"]\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(ignore()), 0o644); err != nil {
		return err
	}
	if err := generateProgram(filepath.Join(dir, "shop")); err != nil {
		return err
	}
	for i := range files {
		d := filepath.Join(dir, fmt.Sprintf("area%d/pkg%d/mod%d", i/5000, i/250%20, i/25%10))
		if i%25 == 0 {
			if err := os.MkdirAll(d, 0o755); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("file%d.%s", i, []string{"js", "py", "spec.js", "txt", "log3"}[i%5])
		if err := os.WriteFile(filepath.Join(d, name), []byte("x"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// modules is how many modules the generated program has; each imports the next and some of the standard library.
const modules = 1000

func generateProgram(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "__init__.py"), nil, 0o644); err != nil {
		return err
	}
	for i := range modules {
		var b strings.Builder
		fmt.Fprintf(&b, "import os, sys\nfrom shop import m%d\n\n", min(i+1, modules-1))
		for k := range 20 {
			fmt.Fprintf(&b, "def f%d(a, b=None):\n    if a:\n        from shop.m%d import f0\n        return f0(a) + [b, {\"x\": \"text %d\"}]\n    return None\n\n", k, (i*7+k)%modules, k)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%d.py", i)), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// closure is what CPython's own parser needs to follow the same imports: nothing but parsing and a look-up of files.
const closure = `
import ast, os, sys
root, todo, seen = sys.argv[1], ["shop.m0"], set()
while todo:
    name = todo.pop()
    path = os.path.join(root, name.replace(".", "/"))
    path = path + ".py" if os.path.isfile(path + ".py") else path + "/__init__.py"
    if name in seen or not os.path.isfile(path):
        continue
    seen.add(name)
    for node in ast.walk(ast.parse(open(path).read())):
        if isinstance(node, ast.Import):
            todo += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            todo += [node.module] + [node.module + "." + a.name for a in node.names]
print(len(seen))
`

func pythonClosure(dir string) (int, error) {
	out, err := exec.Command("python3", "-c", closure, dir).Output()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	return n, err
}

func importAudit(ctx context.Context, dir string) (int, error) {
	r, _, err := audit.Run(ctx, audit.Subject{Options: dockerfile.Options{Context: dir}, Policy: &policy.Image{}})
	return r.Modules, err
}

func run(files, rounds int) error {
	dir, err := os.MkdirTemp("", "ctxaudit-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := generate(dir, files); err != nil {
		return err
	}
	ctx := context.Background()
	contenders := []struct {
		name string
		run  func() (int, error)
	}{
		{"find", func() (int, error) {
			out, err := exec.Command("find", dir, "-mindepth", "1").Output()
			return strings.Count(string(out), "\n"), err
		}},
		{"BuildKit's walk", func() (int, error) { return buildkitWalk(ctx, dir) }},
		{"context ls", func() (int, error) { return walk(dir) }},
		{"image ls", func() (int, error) { return image(ctx, dir) }},
		{"import audit of 1,000 modules", func() (int, error) { return importAudit(ctx, dir) }},
		{"CPython's ast, the same imports", func() (int, error) { return pythonClosure(dir) }},
		{"one file located", func() (int, error) { return locate(ctx, dir) }},
	}
	times := make([][]time.Duration, len(contenders))
	counts := make([]int, len(contenders))
	for range rounds {
		for i, c := range contenders {
			start := time.Now()
			n, err := c.run()
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			times[i], counts[i] = append(times[i], time.Since(start)), n
		}
	}
	median := func(i int) time.Duration {
		slices.Sort(times[i])
		return times[i][len(times[i])/2]
	}
	fmt.Printf("| %d files, medians of %d | entries | ms | of find | of BuildKit's walk |\n| --- | --- | --- | --- | --- |\n", files, rounds)
	find, kit := median(0), median(1)
	for i, c := range contenders {
		m := median(i)
		fmt.Printf("| %s | %d | %.1f | %.2f | %.3f |\n", c.name, counts[i], float64(m.Microseconds())/1000, float64(m)/float64(find), float64(m)/float64(kit))
	}
	return nil
}

func buildkitWalk(ctx context.Context, dir string) (int, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(ignore()))
	if err != nil {
		return 0, err
	}
	n := 0
	fsys, err := fsutil.NewFS(dir)
	if err != nil {
		return 0, err
	}
	if fsys, err = fsutil.NewFilterFS(fsys, &fsutil.FilterOpt{ExcludePatterns: patterns}); err != nil {
		return 0, err
	}
	return n, fsys.Walk(ctx, "", func(string, gofs.DirEntry, error) error { n++; return nil })
}

func walk(dir string) (int, error) {
	c, err := simulate.OpenContext(simulate.MainContext, dir, dockerfile.DockerfileInfo{Dir: dir, Path: filepath.Join(dir, "Dockerfile")})
	if err != nil {
		return 0, err
	}
	n := 0
	err = c.Tree().Walk(func(dockerctx.Entry) error { n++; return nil })
	return n, err
}

func image(ctx context.Context, dir string) (int, error) {
	m, err := simulate.Build(ctx, dockerfile.Options{Context: dir})
	if err != nil {
		return 0, err
	}
	n := 0
	err = m.Tree.Walk(func(string, *rootfs.Node) error { n++; return nil })
	return n, err
}

func locate(ctx context.Context, dir string) (int, error) {
	m, err := simulate.Build(ctx, dockerfile.Options{Context: dir})
	if err != nil {
		return 0, err
	}
	n := 0
	err = m.Locate(m.Tree, simulate.MainContext, "area0/pkg0/mod0/file0.js", func(simulate.Located) error { n++; return nil })
	return n, err
}
