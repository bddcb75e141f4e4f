package modules

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// alias is an entry of the paths of a configuration of the compiler, or with base its baseUrl.
type alias struct {
	before, after string
	star          bool
	to            []string // absolute, with a `*` for what the pattern leaves open
	base          bool
}

// match gives what the pattern leaves open of a name.
func (a alias) match(spec string) (rest string, ok bool) {
	if !a.star {
		return "", spec == a.before
	}
	if len(spec) < len(a.before)+len(a.after) || !strings.HasPrefix(spec, a.before) || !strings.HasSuffix(spec, a.after) {
		return "", false
	}
	return spec[len(a.before) : len(spec)-len(a.after)], true
}

// configs are the names of configurations that count for the files around them: of which one a tool takes it is told only by its flags.
var configs = []string{"tsconfig.json", "jsconfig.json", "tsconfig.app.json", "tsconfig.base.json", "tsconfig.build.json", "tsconfig.node.json", "tsconfig.server.json", "tsconfig.lib.json", "tsconfig.main.json"}

// aliasesOf gives the aliases that count in a directory, those of the nearest configuration first, and the longest pattern first.
func (r *Resolver) aliasesOf(dir string) []alias {
	if have, ok := r.aliases[dir]; ok {
		return have
	}
	var own []alias
	for _, name := range configs {
		own = append(own, r.config(path.Join(dir, name), map[string]bool{})...)
	}
	slices.SortStableFunc(own, func(a, b alias) int { return len(b.before) - len(a.before) })
	if dir != "/" {
		own = append(own, r.aliasesOf(path.Dir(dir))...)
	}
	r.aliases[dir] = own
	return own
}

// maxExtended bounds the configurations that one extends, maxAliases the aliases of one and the patterns of exports.
const (
	maxExtended = 20
	maxAliases  = 500
)

// config gives the aliases of a configuration and of those that it extends.
func (r *Resolver) config(file string, seen map[string]bool) (out []alias) {
	if seen[file] || len(seen) > maxExtended {
		return nil
	}
	seen[file] = true
	doc := r.JSON(file)
	if doc == nil {
		return nil
	}
	dir := path.Dir(file)
	options := doc.Get("compilerOptions")
	base, based := dir, options.Get("baseUrl").Is()
	if based {
		base = path.Join(dir, options.Str("baseUrl"))
	}
	for pattern, to := range options.Get("paths").All() {
		if len(out) >= maxAliases {
			break
		}
		a := alias{}
		a.before, a.after, a.star = strings.Cut(pattern, "*")
		for _, t := range to.Items {
			if t.Is() {
				a.to = append(a.to, path.Join(base, t.Text))
			}
		}
		out = append(out, a)
	}
	if based {
		out = append(out, alias{star: true, to: []string{path.Join(base, "*")}, base: true})
	}
	for _, n := range doc.List("extends") {
		if to := r.Extended(dir, n.Text); to != "" {
			out = append(out, r.config(to, seen)...)
		}
	}
	return out
}

// Extended gives the configuration that one in a directory extends, "" if it is not there.
func (r *Resolver) Extended(dir, name string) string {
	if !Relative(name) {
		t := r.member(dir, name)
		if t.Kind != Found {
			t = r.member(dir, name+".json")
		}
		return t.File
	}
	to := path.Join(dir, name)
	if path.IsAbs(name) {
		to = path.Clean(name)
	}
	for _, p := range []string{to, to + ".json", path.Join(to, "tsconfig.json")} {
		if r.stat(p) == shell.Regular {
			return p
		}
	}
	return ""
}

// Option gives a setting of a configuration or of the nearest one that it extends, with the directory of the one that has it.
func (r *Resolver) Option(file string, keys ...string) (value *document.Node, dir string) {
	return r.option(file, keys, 0)
}

func (r *Resolver) option(file string, keys []string, depth int) (*document.Node, string) {
	doc := r.JSON(file)
	if n := doc.Get(keys...); n != nil {
		return n, path.Dir(file)
	}
	extended := doc.List("extends")
	for _, n := range slices.Backward(extended) {
		to := r.Extended(path.Dir(file), n.Text)
		if to == "" || depth > maxExtended {
			continue
		}
		if n, dir := r.option(to, keys, depth+1); n != nil {
			return n, dir
		}
	}
	return nil, ""
}
