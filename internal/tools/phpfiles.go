package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// phpRequire finds a file that is required by its place, at the beginning of a line: what is indented something may decide about.
var phpRequire = lazyre.New(`^(?:\$\w+\s*=\s*)?require(?:_once)?\s*\(?\s*(__DIR__|dirname\(__DIR__\)|dirname\(__FILE__\))\s*\.\s*["']([^"'$]+)["']\s*\)?\s*;`)

// phpFile follows what a file of PHP requires as soon as it is run.
func (r *reader) phpFile(file string, because []Line, seen map[string]bool) {
	data, ok := r.text(file)
	if !ok || seen[file] || len(seen) > maxModules {
		return
	}
	seen[file] = true
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		m := phpRequire().FindStringSubmatch(text)
		if m == nil {
			continue
		}
		dir := path.Dir(file)
		if m[1] == "dirname(__DIR__)" {
			dir = path.Dir(dir)
		}
		at := path.Join(dir, m[2])
		chain := append(slices.Clip(because), Line{File: file, Line: n, Text: strings.TrimSpace(text)})
		r.need(Missing{Kind: Source, Path: at, What: "what is required", Because: chain})
		r.phpFile(at, chain, seen)
	}
}
