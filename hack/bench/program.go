package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

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

func importAudit(dir string) (int, error) {
	r, _, err := audit.Run(context.Background(), audit.Subject{Options: dockerfile.Options{Context: dir}, Policy: &policy.Image{}})
	return r.Modules, err
}
