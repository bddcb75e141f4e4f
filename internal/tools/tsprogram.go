package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/modules"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript/syntax"
)

// tsProgram follows the files of the program that a configuration of the compiler makes: those that it lists and those that its patterns
// match. All of them are looked at, whether something imports them or not.
func (r *reader) tsProgram(config string) {
	if !r.is(config) || r.options.Has("--noCheck", "--noResolve") {
		return
	}
	settings := Modules(r.files)
	if settings.JSON(config) == nil {
		return
	}
	option := func(name string) *document.Node { n, _ := settings.Option(config, "compilerOptions", name); return n }
	for _, name := range []string{"noCheck", "noResolve", "rootDirs"} {
		if n := option(name); n != nil && n.Text != "false" {
			return
		}
	}
	js := option("allowJs") != nil && option("allowJs").Text == "true"
	wanted := func(p string) bool { return syntax.IsSource(p) && (js || syntax.IsTyped(p)) }
	var entries []string
	files, dir := settings.Option(config, "files")
	if files != nil {
		for _, n := range files.Items {
			if p := path.Join(dir, n.Text); n.Is() && r.is(p) {
				entries = append(entries, p)
			}
		}
	}
	include, from := settings.Option(config, "include")
	patterns := textsOf(include)
	if include == nil && files == nil {
		patterns, from = []string{"**/*"}, path.Dir(config)
	}
	exclude, of := settings.Option(config, "exclude")
	left := textsOf(exclude)
	if out, dir := settings.Option(config, "compilerOptions", "outDir"); exclude == nil && out.Is() {
		left, of = []string{out.Text}, dir
	}
	left = slices.DeleteFunc(left, path.IsAbs)
	if len(patterns)+len(left) > maxPatterns || slices.ContainsFunc(append(slices.Clone(patterns), left...), func(p string) bool {
		return strings.Contains(p, "${") || path.IsAbs(p) || strings.Count(p, "**") > maxDeep
	}) {
		return
	}
	tops := map[string]bool{}
	for _, pattern := range patterns {
		fixed := strings.Split(path.Join(from, pattern), "/")
		if i := slices.IndexFunc(fixed, func(s string) bool { return strings.ContainsAny(s, "*?") }); i >= 0 {
			fixed = fixed[:i]
		}
		tops[path.Join("/", path.Join(fixed...))] = true
	}
	seen := map[string]bool{}
	for _, p := range entries {
		seen[p] = true
	}
	add := func(p string) {
		if wanted(p) && !seen[p] && tsMatch(patterns, from, p) && !tsMatch(left, of, p) {
			seen[p] = true
			entries = append(entries, p)
		}
	}
	for _, top := range sortedKeys(tops) {
		if r.is(top) {
			add(top)
		} else if !slices.ContainsFunc(sortedKeys(tops), func(o string) bool { return o != top && strings.HasPrefix(top, strings.TrimSuffix(o, "/")+"/") }) {
			r.walk(top, add)
		}
	}
	if len(entries) > 0 {
		r.imports(modules.Check, entries)
	} else if all := sortedKeys(tops); len(all) > 0 && !slices.ContainsFunc(all, func(top string) bool { return !r.absent(top) }) {
		r.need(Missing{Kind: Source, Path: all[0], Or: all[1:], Dir: true, What: "what the configuration of the compiler includes"})
	}
}

// maxDeep bounds how often a pattern may stand for any directories, maxPatterns how many patterns are matched.
const (
	maxDeep     = 3
	maxPatterns = 200
)

func textsOf(n *document.Node) (out []string) {
	if n != nil {
		for _, item := range n.Items {
			if item.Is() {
				out = append(out, item.Text)
			}
		}
	}
	return out
}

// tsMatch reports whether a file is matched by one of some patterns, as the compiler has them: one without a wild card at its end, or
// an ending, is a directory.
func tsMatch(patterns []string, dir, file string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		words := strings.Split(strings.Trim(path.Join(dir, pattern), "/"), "/")
		names := strings.Split(strings.Trim(file, "/"), "/")
		return matchNames(words, names)
	})
}

func matchNames(words, names []string) bool {
	for len(words) > 0 {
		if words[0] == "**" {
			for i := 0; i <= len(names); i++ {
				if matchNames(words[1:], names[i:]) {
					return true
				}
				if len(words) > 1 && words[1] == "**" {
					break
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, err := path.Match(words[0], names[0]); err != nil || !ok {
			return false
		}
		words, names = words[1:], names[1:]
	}
	return true // of a directory all that is in it
}
