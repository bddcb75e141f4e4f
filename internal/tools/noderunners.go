package tools

import (
	"path"
	"slices"
	"strings"
)

// turboSubs are subcommands of turbo; any other word is a task.
var turboSubs = strings.Fields("run prune login logout link unlink telemetry gen generate daemon bin scan config ls query watch info boundaries completion")

// maxTurbo bounds the packages whose scripts are followed for one call.
const maxTurbo = 100

// turboRun is turbo run: the scripts of the packages that filters name, and of those of the workspace on which they depend. Their order is
// turbo's own, and does not matter to who reads sources.
func (r *reader) turboRun(root string) {
	tasks := r.words
	if r.sub() == "run" {
		tasks = tasks[1:]
	} else if slices.Contains(turboSubs, r.sub()) {
		return
	}
	p, ok := r.nodePackage(root)
	if !ok || r.options.Has("--dry", "--dry-run", "--graph", "--affected") {
		return
	}
	w := r.workspace(p, p.globs())
	if at, _, globs, known := r.pnpmRoot(); known && at == root {
		w = r.workspace(p, append(p.globs(), globs...))
	}
	var chosen []nodePackage
	for _, filter := range r.options.All("--filter", "-F", "--scope") {
		name := strings.TrimSuffix(filter.Text, "...")
		if strings.ContainsAny(name, "!*[]{}^") || strings.HasPrefix(name, "...") {
			return
		}
		for _, m := range w.members {
			if m.name() == name || m.dir == path.Join(root, name) {
				chosen = append(chosen, m)
			}
		}
	}
	if !r.options.Has("--filter", "-F", "--scope") {
		chosen = w.members
	} else if !r.options.Has("--only") {
		chosen = w.withDependencies(chosen)
	}
	for _, t := range tasks {
		chosen := slices.DeleteFunc(slices.Clone(chosen), func(m nodePackage) bool { return !m.json.Get("scripts", t.Text).Is() })
		if len(chosen) > maxTurbo {
			return
		}
		for _, m := range chosen {
			r.script(m, t.Text)
		}
	}
}

// withDependencies gives packages behind those of the workspace on which they depend.
func (w workspace) withDependencies(of []nodePackage) (out []nodePackage) {
	seen := map[string]bool{}
	var visit func(p nodePackage)
	visit = func(p nodePackage) {
		if seen[p.dir] {
			return
		}
		seen[p.dir] = true
		for _, kind := range dependencyKinds {
			for name := range p.json.Get(kind).All() {
				if i := slices.IndexFunc(w.members, func(m nodePackage) bool { return m.name() == name }); i >= 0 {
					visit(w.members[i])
				}
			}
		}
		out = append(out, p)
	}
	for _, p := range of {
		visit(p)
	}
	return out
}

// runAll is npm-run-all, run-s and run-p: scripts of the package.json, each with those that run before and after it.
func (r *reader) runAll() {
	if !r.known() || r.options.Has("-c", "--continue-on-error") {
		return
	}
	p, ok := r.nearest()
	if !ok {
		return
	}
	for _, w := range r.words {
		if name, _, _ := strings.Cut(w.Text, " "); !strings.ContainsAny(name, "*:") || p.json.Get("scripts", name).Is() {
			r.runScript(p, name, nil)
		}
	}
	r.out.Runs = false
}
