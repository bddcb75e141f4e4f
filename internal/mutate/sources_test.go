package mutate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxSources bounds the sources of one language that are kept out, one at a time.
const maxSources = 6

// some gives at most so many of a list, from all over it.
func some(all []string, most int) (out []string) {
	for i, step := 0, max(1, len(all)/most); i < len(all) && len(out) < most; i += step {
		out = append(out, all[i])
	}
	return out
}

// goSources are mutations of the ignore file for the packages that the go command itself says are compiled, and what they embed.
func (b *broken) goSources() (out []mutation) {
	var packages, embedded []string
	for _, c := range b.calls {
		if args := c.Words()[1:]; c.Base == "go" && c.dir != "" && len(args) > 0 && slices.Contains([]string{"build", "install", "run"}, args[0]) {
			dirs, files := b.goList(c.dir, args[1:])
			packages, embedded = append(packages, dirs...), append(embedded, files...)
		}
	}
	add := func(kind string, all []string, most int, pattern string) {
		slices.Sort(all)
		for _, p := range some(slices.Compact(all), most) {
			out = append(out, b.without(kind, path.Join(p, pattern), []string{p}))
		}
	}
	add("exclude a package", packages, maxSources, "*.go")
	add("exclude an embedded file", embedded, maxSources/2, "")
	return out
}

// goList asks the go command for the packages of the repository that a build compiles, and for the files that they embed alone.
func (b *broken) goList(dir string, args []string) (packages, embedded []string) {
	words := []string{"list", "-e", "-deps", "-json=Dir,Standard,GoFiles,EmbedPatterns,EmbedFiles"}
	for _, w := range args {
		if !strings.HasPrefix(w, "-") && (strings.HasPrefix(w, ".") || strings.HasSuffix(w, ".go")) {
			words = append(words, w)
		}
	}
	cmd := exec.Command("go", words...)
	cmd.Dir, cmd.Env = filepath.Join(b.main.Dir, dir), append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local", "GOOS=linux", "CGO_ENABLED=0")
	text, _ := cmd.Output() // -e: the list itself names what is missing
	root := absolute(b.main.Dir)
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var p struct {
			Dir                                string
			Standard                           bool
			GoFiles, EmbedPatterns, EmbedFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) || err != nil {
			return packages, embedded
		}
		rel, err := filepath.Rel(root, p.Dir)
		if err != nil || p.Standard || p.Dir == "" || strings.HasPrefix(rel, "..") || len(p.GoFiles) == 0 {
			continue
		}
		if rel != "." {
			packages = append(packages, rel)
		}
		for _, f := range p.EmbedFiles {
			if slices.Contains(p.EmbedPatterns, f) {
				embedded = append(embedded, path.Join(rel, f))
			}
		}
	}
}

var (
	// imported are what a module imports as values, as far as a pattern tells.
	imported = regexp.MustCompile(`(?m)^\s*(?:import|export)\s+(?:[\w*{][^'";]*?\sfrom\s*)?['"]([^'"\n]+)['"]|^(?:const|let|var)\s[^\n]*?=\s*require\(['"]([^'"\n]+)['"]\)`)
	ofTypes  = regexp.MustCompile(`(?:import|export)\s+type\s`)
	rustMod  = regexp.MustCompile(`(?m)^(?:pub(?:\([^)]*\))? )?mod (\w+);`)
	rustText = regexp.MustCompile(`include_(?:str|bytes)!\(\s*"([^"]+)"`)
	scripts  = []string{".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte", "/index.ts", "/index.tsx", "/index.js"}
)

// text gives a file of the context, "" if it is none.
func (b *broken) text(p string) string {
	f, err := b.main.FS.Open(p)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, 1<<20)) // a directory has none
	return string(data)
}

func (b *broken) has(p string) bool {
	_, there := slices.BinarySearch(b.sent, p)
	return there
}

// resolved gives the file of a module, "" if it is none of the repository.
func (b *broken) resolved(from, name, root string) string {
	at := path.Join(path.Dir(from), name)
	if rest, ok := strings.CutPrefix(name, "@/"); ok {
		at = path.Join(root, "src", rest)
		if !slices.ContainsFunc(scripts, func(ext string) bool { return b.has(at + ext) }) {
			at = path.Join(root, rest)
		}
	} else if !strings.HasPrefix(name, ".") {
		return ""
	}
	for _, ext := range append([]string{""}, scripts...) {
		for _, p := range []string{at + ext, strings.TrimSuffix(at, ".js") + ext} {
			if b.has(p) && path.Ext(p) != "" {
				return p
			}
		}
	}
	return ""
}

// scriptSources are mutations of the ignore file for modules that entries of a build, by their well-known names, import.
func (b *broken) scriptSources(startup []string) (out []mutation) {
	var all []string
	for _, c := range b.calls {
		if !slices.Contains([]string{"npm", "pnpm", "yarn", "bun", "tsc", "vite", "next", "nest", "webpack", "tsup", "esbuild", "rollup"}, c.Base) || c.dir == "" {
			continue
		}
		var queue []string
		for _, dir := range []string{"", "src", "app", "src/app", "pages", "src/pages", "server"} {
			for _, name := range []string{"main", "index", "server", "app", "layout", "_app"} {
				for _, ext := range scripts[:7] {
					if p := path.Join(c.dir, dir, name+ext); b.has(p) {
						queue = append(queue, p)
					}
				}
			}
		}
		for i := 0; i < len(queue) && i < 2000; i++ {
			for _, m := range imported.FindAllStringSubmatch(b.text(queue[i]), -1) {
				p := b.resolved(queue[i], m[1]+m[2], c.dir)
				if p != "" && !ofTypes.MatchString(m[0]) && !slices.Contains(queue, p) {
					queue = append(queue, p)
					all = append(all, p)
				}
			}
		}
	}
	slices.Sort(all)
	for _, p := range some(slices.Compact(all), maxSources) {
		if !slices.Contains(startup, p) {
			out = append(out, b.without("exclude a module", p, names(p)))
		}
	}
	return out
}

// rustSources are mutations of the ignore file for what the roots of crates have as modules, or include.
func (b *broken) rustSources() (out []mutation) {
	var all []string
	if !slices.ContainsFunc(b.calls, func(c call) bool { return c.Base == "cargo" }) {
		return nil
	}
	for _, p := range b.sent {
		if path.Ext(p) != ".rs" || !slices.ContainsFunc(b.calls, func(c call) bool { return c.Base == "cargo" && strings.HasPrefix(p, path.Join(c.dir, "src")+"/") }) {
			continue
		}
		text, dir := b.text(p), path.Dir(p)
		if base := path.Base(p); base == "main.rs" || base == "lib.rs" {
			for _, m := range rustMod.FindAllStringSubmatch(text, -1) {
				for _, at := range []string{path.Join(dir, m[1]+".rs"), path.Join(dir, m[1], "mod.rs")} {
					if b.has(at) {
						all = append(all, at)
					}
				}
			}
		}
		for _, m := range rustText.FindAllStringSubmatch(text, -1) {
			if at := path.Join(dir, m[1]); b.has(at) {
				all = append(all, at)
			}
		}
		if path.Base(p) == "build.rs" {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	for _, p := range some(slices.Compact(all), maxSources) {
		out = append(out, b.without("exclude a source of a crate", p, []string{p, path.Base(p)}))
	}
	return out
}
