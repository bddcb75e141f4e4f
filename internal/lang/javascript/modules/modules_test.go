package modules

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// tree is a tree of files by their paths.
type tree fstest.MapFS

func (t tree) Stat(p string) shell.FileKind {
	switch fi, err := fs.Stat(fstest.MapFS(t), name(p)); {
	case err != nil:
		return shell.Absent
	case fi.IsDir():
		return shell.Directory
	}
	return shell.Regular
}

func (t tree) Read(p string) ([]byte, error) { return fs.ReadFile(fstest.MapFS(t), name(p)) }

func name(p string) string {
	if p == "/" {
		return "."
	}
	return strings.TrimPrefix(p, "/")
}

func treeOf(files map[string]string) tree {
	t := tree{}
	for p, text := range files {
		t[name(p)] = &fstest.MapFile{Data: []byte(text)}
	}
	return t
}

func TestResolve(t *testing.T) {
	r := NewResolver(treeOf(map[string]string{
		"/tsconfig.base.json":        `{"compilerOptions": {"paths": {"@lib/*": ["libs/*/src"], "@lib/deep/*": ["deep/*"], "one": ["libs/one/src/index.ts"]}}}`,
		"/app/tsconfig.json":         `{"extends": "../tsconfig.base.json", "compilerOptions": {"baseUrl": "src", "paths": {"~/*": ["./*"]}}, /* a comment */ }`,
		"/app/package.json":          `{"name": "app", "imports": {"#own/*": {"types": "./none/*.d.ts", "default": "./src/*.js"}}}`,
		"/app/src/main.ts":           "",
		"/app/src/a.ts":              "",
		"/app/src/b.tsx":             "",
		"/app/src/c/index.js":        "",
		"/app/src/d.json":            "",
		"/app/src/e/package.json":    `{"main": "lib/start"}`,
		"/app/src/e/lib/start.cjs":   "",
		"/app/src/f.mts":             "",
		"/app/src/g.service.ts":      "",
		"/libs/one/src/index.ts":     "",
		"/deep/x.ts":                 "",
		"/pkg/package.json":          `{"name": "@x/pkg", "exports": {".": [{"import": "./src/index.mjs"}], "./feature/*": "./src/features/*.js", "./made": "./dist/made.js"}}`,
		"/pkg/src/index.mjs":         "",
		"/pkg/src/features/one.ts":   "",
		"/pkg/src/direct.ts":         "",
		"/plain/package.json":        `{"name": "plain", "main": "main.js"}`,
		"/plain/main.ts":             "",
		"/app/node_modules/y/ind.js": "",
	}), func(root string) map[string]string {
		if root != "/" {
			return nil
		}
		return map[string]string{"@x/pkg": "/pkg", "plain": "/plain"}
	})
	for spec, want := range map[string]string{
		"./a": "/app/src/a.ts", "./a.js": "/app/src/a.ts", "./b": "/app/src/b.tsx", "./b.jsx": "/app/src/b.tsx", "./c": "/app/src/c/index.js", "./c/": "/app/src/c/index.js",
		"./d.json?raw": "/app/src/d.json", "./e": "/app/src/e/lib/start.cjs", "./f.mjs": "/app/src/f.mts", "./g.service": "/app/src/g.service.ts",
		"a": "/app/src/a.ts", "~/c": "/app/src/c/index.js", "@lib/one": "/libs/one/src/index.ts", "@lib/deep/x": "/deep/x.ts", "one": "/libs/one/src/index.ts", "#own/c/index": "/app/src/c/index.js",
		"@x/pkg": "/pkg/src/index.mjs", "@x/pkg/feature/one": "/pkg/src/features/one.ts", "@x/pkg/src/direct": "/pkg/src/direct.ts", "plain": "/plain/main.ts", "loader!./a": "/app/src/a.ts",
		"app/src/a": "/app/src/a.ts",
	} {
		got := r.Resolve("/app/src/main.ts", spec)
		assert.Equal(t, Found, got.Kind, spec)
		assert.Equal(t, want, got.File, spec)
	}
	for spec, want := range map[string]string{
		"./none": "/app/src/none.ts", "./none.js": "/app/src/none.ts", "../none/x": "/app/none/x.ts", "@lib/none": "/libs/none/src.ts", "@x/pkg/made": "/pkg/dist/made.ts",
	} {
		got := r.Resolve("/app/src/main.ts", spec)
		assert.Equal(t, Missing, got.Kind, spec)
		assert.Equal(t, want, got.Tried[0], spec)
	}
	for _, spec := range []string{"express", "node:fs", "fs", "https://x/y.js", "virtual:pwa", "../node_modules/y/none", "/abs", "", "~", "@x", "@x/none"} {
		assert.Equal(t, External, r.Resolve("/app/src/main.ts", spec).Kind, spec)
	}
}

func TestFollow(t *testing.T) {
	files := treeOf(map[string]string{
		"/main.ts":    "import { a } from './a'\nimport type { T } from './t'\nimport { gone } from './gone'\na(gone)\nexport const late = () => import('./late')",
		"/a.ts":       "import './main'\nimport 'express'\ntry { require('./maybe') } catch {}",
		"/late.ts":    "import './deep'",
		"/deep.ts":    "",
		"/t.ts":       "",
		"/broken.js":  "require('./none'); '",
		"/started":    "require('./deep')",
		"/maybe.css":  "",
		"/types.d.ts": "import './none'",
	})
	reached := func(m Mode, entry string) (out map[string]Reach, lacks []string) {
		g := Follow(Config{Files: files, Resolver: NewResolver(files, func(string) map[string]string { return nil }), Mode: m, Entries: []string{entry}})
		out = map[string]Reach{}
		for _, n := range g.Nodes {
			out[n.File] = n.Reach
		}
		for _, l := range g.Lacks {
			lacks = append(lacks, l.From.File+" "+l.Import.Spec)
		}
		return out, lacks
	}
	got, lacks := reached(Run, "/main.ts")
	assert.Equal(t, map[string]Reach{"/main.ts": Startup, "/a.ts": Startup, "/late.ts": Lazy, "/deep.ts": Lazy, "/maybe.css": Guarded}, got)
	assert.Equal(t, []string{"/main.ts ./gone"}, lacks)
	got, _ = reached(Bundle, "/main.ts")
	assert.Equal(t, map[string]Reach{"/main.ts": Startup, "/a.ts": Startup, "/late.ts": Startup, "/deep.ts": Startup, "/maybe.css": Guarded}, got)
	got, _ = reached(Check, "/main.ts")
	assert.Equal(t, Startup, got["/t.ts"])
	got, lacks = reached(Run, "/broken.js")
	assert.Len(t, got, 1)
	assert.Empty(t, lacks, "of what cannot be read to its end nobody knows what it asks for")
	got, _ = reached(Run, "/started")
	assert.Equal(t, Startup, got["/deep.ts"])
	_, lacks = reached(Run, "/types.d.ts")
	assert.Empty(t, lacks)
}

func TestWanted(t *testing.T) {
	repo := NewResolver(treeOf(map[string]string{
		"/apps/web/src/a.ts": "", "/apps/web/src/b/c.ts": "", "/tsconfig.json": `{"compilerOptions": {"paths": {"@/*": ["apps/web/src/*"], "@out/*": ["out/*"]}}}`, "/out/x.ts": "",
	}), func(string) map[string]string { return nil })
	for _, c := range [][4]string{ // the file that asks, where it stands in the repository, a name, where it would be
		{"/app/src/a.ts", "/apps/web/src/a.ts", "./b/c", "/app/src/b/c.ts"},
		{"/app/src/a.ts", "/apps/web/src/a.ts", "@/b/c", "/app/src/b/c.ts"},
		{"/app/src/a.ts", "/apps/web/src/a.ts", "@out/x", ""}, // outside of what was copied: nobody knows where
		{"/other.ts", "/apps/web/src/a.ts", "./b/c", "/b/c.ts"},
		{"/app/src/a.ts", "/apps/web/src/a.ts", "./none", ""},
	} {
		_, at := Wanted(repo, c[0], c[1], c[2])
		assert.Equal(t, c[3], at, c)
	}
}

// A resolver that is frozen answers of what it has seen, and of what lies below what it has not.
func TestFreeze(t *testing.T) {
	files := treeOf(map[string]string{"/a/b.ts": ""})
	r := NewResolver(files, func(string) map[string]string { return nil })
	assert.Equal(t, Missing, r.Resolve("/a/b.ts", "../c/d").Kind)
	r.Freeze()
	files["c/d.ts"] = &fstest.MapFile{}
	assert.True(t, r.Absent("/c/d.ts"))
	assert.True(t, r.Absent("/c"))
	assert.False(t, r.Absent("/e"), "nobody looked")
}
