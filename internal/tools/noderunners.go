package tools

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// runScripts is npm-run-all, in each of its names: it runs the scripts that patterns name.
func (r *reader) runScripts() {
	if p, ok := r.nearest(); ok && r.known() && !r.options.Has("-c", "--continue-on-error") {
		r.out.Runs = true
		for _, w := range r.words {
			r.matching(p, w.Text)
		}
	}
}

// matching notes the scripts of a package that a pattern names: a `*` stands for what has no colon, `**` for anything. What stands behind a
// blank are arguments.
func (r *reader) matching(p nodePackage, pattern string) {
	pattern, args, _ := strings.Cut(pattern, " ")
	quoted := strings.NewReplacer(`\*\*`, ".*", `\*`, "[^:]*").Replace(regexp.QuoteMeta(pattern))
	name, err := regexp.Compile("^" + quoted + "$")
	if err != nil || args != "" {
		r.out.Runs = false
	}
	for script := range p.json.Get("scripts").All() {
		if err == nil && name.MatchString(script) {
			r.runScript(p, script, nil)
			r.out.Runs = r.out.Runs && args == ""
		}
	}
}

// concurrently runs commands, and scripts behind the name of a package manager; one that fails fails it.
func (r *reader) concurrently() {
	p, ok := r.nearest()
	if !ok || !r.known() || r.options.Has("-s", "--success", "-P", "--passthrough-arguments") {
		return
	}
	all := true
	for _, w := range r.words {
		if manager, script, ok := strings.Cut(w.Text, ":"); ok && contains("npm yarn pnpm bun node", manager) {
			r.matching(p, script)
			continue
		}
		here := r.call.S.Here
		r.runs(Script{Dir: r.dir, Text: w.Text, At: Line{File: here.File, Line: here.Line, Text: here.Text}})
		all = all && here.InImage
	}
	r.out.Runs = all
}

// runIn notes a script of those packages that have it.
func (r *reader) runIn(list []nodePackage, name string, args []shell.Word) {
	for _, p := range list {
		if p.json.Get("scripts", name).Is() {
			r.runScript(p, name, args)
		}
	}
	r.out.Runs = false
}

// selected gives those packages that options name, all if there are none; ok is false if one is more than a name.
func (r *reader) selected(list []nodePackage, options ...string) (out []nodePackage, ok bool) {
	given := r.options.All(options...)
	if len(given) == 0 {
		return list, true
	}
	for _, w := range given {
		name := strings.TrimSuffix(w.Text, "...") // and what it depends on
		if strings.ContainsAny(name, "*!{}[]^") || strings.HasPrefix(name, "...") {
			return nil, false
		}
		for _, p := range list {
			if p.name() == name || p.dir == path.Join(r.dir, name) {
				out = append(out, p)
			}
		}
	}
	return out, true
}

// turboRuns notes the scripts that turbo run runs: of packages that are named, or of all, and those that these depend on.
func (r *reader) turboRuns(root string) {
	names := r.words
	if r.sub() == "run" {
		names = names[1:]
	}
	p, ok := r.nodePackage(root)
	if !ok || r.options.Has("--dry-run", "--dry", "--graph", "--affected", "--continue") {
		return
	}
	w := r.workspace(p, r.allGlobs(p))
	list, ok := r.selected(w.members, "--filter", "-F", "--scope")
	if !ok {
		return
	}
	data, ok := r.text(path.Join(root, "turbo.json"))
	doc, err := document.JSON(data)
	if !ok || err != nil {
		return
	}
	t := turboTasks{r, w, doc, map[string]bool{}}
	for _, name := range names {
		for _, member := range list {
			t.run(member, name.Text)
		}
	}
	r.out.Runs = false
}

// turboTasks are the tasks of a turbo.json.
type turboTasks struct {
	*reader
	all  workspace
	json *document.Node
	seen map[string]bool
}

// run notes a task of a package, behind those that it depends on.
func (t turboTasks) run(p nodePackage, name string) {
	key := p.dir + "#" + name
	if t.seen[key] || len(t.seen) > maxNoted {
		return
	}
	t.seen[key] = true
	task := t.json.Get("tasks", name)
	if task == nil {
		task = t.json.Get("pipeline", name)
	}
	for _, before := range task.Texts("dependsOn") {
		other, ofOthers := strings.CutPrefix(before, "^")
		switch {
		case ofOthers:
			for _, m := range t.all.members {
				if slices.ContainsFunc(strictKinds, func(kind string) bool { return p.json.Get(kind, m.name()) != nil }) {
					t.run(m, other)
				}
			}
		case !strings.Contains(before, "#"):
			t.run(p, before)
		}
	}
	if t.json.Get("tasks", p.name()+"#"+name) == nil {
		t.runIn([]nodePackage{p}, name, nil)
	}
}

// allGlobs gives the members that a package.json names, and those that the workspace of pnpm does.
func (r *reader) allGlobs(p nodePackage) []string {
	globs := p.globs()
	if _, _, more, known := r.pnpmRoot(); known {
		globs = append(globs, more...)
	}
	return globs
}
