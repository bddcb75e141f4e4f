package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// seed makes every run generate the same trees.
const seed = 20

// tree is a generated directory.
type tree struct {
	name, text string
	make       func(g *generator, files int)
}

var trees = []tree{
	{"monorepo", "JavaScript packages, most files in node_modules, about 7 to a directory", (*generator).monorepo},
	{"service", "a Python service: packages, caches, data; about 25 files to a directory", (*generator).service},
	{"deep", "directories nested 40 deep", (*generator).deep},
	{"wide", "one directory with half of the files, and many small ones beside it", (*generator).wide},
}

// generator writes files until it has enough of them. The first error ends it.
type generator struct {
	root string
	left int
	r    *rand.Rand
	dirs map[string]bool
	err  error
}

func generate(root string, files int, make func(*generator, int)) error {
	g := &generator{root: root, left: files, r: rand.New(rand.NewPCG(seed, seed)), dirs: map[string]bool{}}
	make(g, files)
	return g.err
}

// file writes a small file; false if that is enough.
func (g *generator) file(name string) bool {
	if g.err != nil || g.left == 0 {
		return false
	}
	g.left--
	full := filepath.Join(g.root, name)
	if dir := filepath.Dir(full); !g.dirs[dir] {
		g.dirs[dir] = true
		if g.err = os.MkdirAll(dir, 0o755); g.err != nil {
			return false
		}
	}
	g.err = os.WriteFile(full, []byte("x"), 0o644)
	return g.left > 0
}

func (g *generator) word() string {
	const consonants, vowels = "bcdfghklmnprstvw", "aeiou"
	var b strings.Builder
	for range 2 + g.r.IntN(2) {
		b.WriteByte(consonants[g.r.IntN(len(consonants))])
		b.WriteByte(vowels[g.r.IntN(len(vowels))])
	}
	return b.String()
}

func (g *generator) pick(from ...string) string { return from[g.r.IntN(len(from))] }

func (g *generator) monorepo(files int) {
	for p := 0; g.left > files*4/5; p++ {
		pkg := fmt.Sprintf("packages/%s%d", g.word(), p)
		g.file(pkg + "/package.json")
		for range 5 {
			dir := pkg + "/src/" + g.word()
			for range 6 {
				g.file(dir + "/" + g.word() + g.pick(".ts", ".tsx", ".spec.js", ".css", ".test.ts"))
			}
		}
	}
	for p := 0; g.left > 0; p++ {
		mod := fmt.Sprintf("node_modules/%s-%d", g.word(), p)
		g.file(mod + "/package.json")
		g.file(mod + "/README.md")
		for _, dir := range []string{"/lib", "/dist", "/lib/" + g.word()} {
			for range 2 + g.r.IntN(9) {
				g.file(mod + dir + "/" + g.word() + g.pick(".js", ".js", ".d.ts", ".js.map", ".mjs"))
			}
		}
	}
}

func (g *generator) service(int) {
	for p := 0; g.left > 0; p++ {
		dir := fmt.Sprintf("%s/%s%d", g.pick("app", "lib", "tests", "data"), g.word(), p%97)
		if p%3 == 0 {
			dir += "/" + g.word()
		}
		for range 15 + g.r.IntN(20) {
			name := g.word() + fmt.Sprint(g.r.IntN(1000))
			if g.r.IntN(4) == 0 {
				g.file(dir + "/__pycache__/" + name + ".cpython-313.pyc")
			}
			g.file(dir + "/" + name + g.pick(".py", ".py", ".json", ".txt", ".log3"))
		}
	}
}

func (g *generator) deep(int) {
	for p := 0; g.left > 0; p++ {
		dir := fmt.Sprintf("d%d", p)
		for range 40 {
			dir += "/" + g.pick("a", "b", "c", "nested")
			for range 1 + g.r.IntN(5) {
				g.file(dir + "/" + g.word() + g.pick(".c", ".h", ".o"))
			}
		}
	}
}

func (g *generator) wide(files int) {
	for i := range files / 2 {
		g.file(fmt.Sprintf("all/%s%d%s", g.word(), i, g.pick(".json", ".png", ".txt")))
	}
	for i := 0; g.left > 0; i++ {
		g.file(fmt.Sprintf("small/dir%d/%s.txt", i/3, g.word()+fmt.Sprint(i%3)))
	}
}

// areas is the tree whose growth is measured: the same shape at every size.
func (g *generator) areas(int) {
	for i := 0; g.left > 0; i++ {
		g.file(fmt.Sprintf("area%d/pkg%d/mod%d/file%d.%s", i/5000, i/250%20, i/25%10, i, []string{"js", "py", "spec.js", "txt", "log3"}[i%5]))
	}
}
