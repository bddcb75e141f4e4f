package builds

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// defaultContext is how a step names the repository as git has it.
var defaultContext = lazyre.New(`^\{\{\s*defaultContext\s*\}\}(?::(.*))?$`)

// ownRepository is how a step names it by its URL, with the directory in it.
var ownRepository = lazyre.New(`^(?:https?://github\.com|\$\{\{\s*github\.server_url\s*\}\})/\$\{\{\s*github\.repository\s*\}\}(?:\.git)?(?:#[^:]*(?::(.*))?)?$`)

// fromGit gives the directory of the repository that a context names which BuildKit fetches from git.
func fromGit(context string) (dir string, ok bool) {
	context = strings.TrimSpace(context)
	m := defaultContext().FindStringSubmatch(context)
	if m == nil {
		m = ownRepository().FindStringSubmatch(context)
	}
	if m == nil {
		return "", false
	}
	return m[1], true
}

// These actions take the same inputs.
var (
	buildActions = []string{"docker/build-push-action", "depot/build-push-action", "useblacksmith/build-push-action"}
	bakeActions  = []string{"docker/bake-action", "depot/bake-action"}
)

// builder reads a job that hands everything to Docker's own reusable workflows, which build from git.
func (j *job) builder(job node) {
	uses := job.entry("uses", 0)
	workflow, _, _ := strings.Cut(uses.value.text(), "@")
	switch workflow {
	case "docker/github-builder/.github/workflows/build.yml":
		j.buildPush(job, uses.key.line(), j.scope, true)
	case "docker/github-builder/.github/workflows/bake.yml":
		j.bake(job, uses.key.line(), j.scope)
	}
}

// buildPush reads a step of docker/build-push-action. Without a context, or if git is set, it builds from git, where nothing
// that steps before it made is seen.
func (j *job) buildPush(step node, line int, scope *jobScope, git bool) {
	input := func(key string) word { return word(strings.TrimSpace(string(scope.text(step.at("with", key))))) }
	b := Build{Args: arguments(lines(input("build-args"))), Contexts: map[string]string{}}
	dir, fetched := fromGit(step.at("with", "context").text())
	if input("context").known() && !fetched {
		dir, fetched = fromGit(string(input("context")))
	}
	for _, key := range []string{"context", "file", "target"} {
		if !input(key).known() && !(fetched && key == "context") {
			j.note(line, fmt.Sprintf("the image of this step is not audited: its %s is not known here", key))
			return
		}
	}
	if call := input("call"); call != "" && call != "build" && call != "check" {
		return
	}
	b.Target = string(input("target"))
	for _, tag := range lines(input("tags")) {
		if b.Name == "" {
			b.Name = imageName(tag)
		}
		b.Tags = append(b.Tags, tag)
	}
	b.Platform = platform(list(input("platforms")))
	context, file := string(input("context")), string(input("file"))
	for _, kv := range lines(input("build-contexts")) {
		k, v, ok := strings.Cut(kv, "=")
		if !ok {
			continue
		}
		if !word(kv).known() {
			j.note(line, "the image of this step is not audited: a build context is not known here")
			return
		}
		if m := defaultContext().FindStringSubmatch(v); m != nil {
			v = path.Join(".", m[1])
		}
		b.Contexts[k] = v
	}
	if (context != "" || major(step) == 1) && !fetched && !git {
		context = cmp.Or(context, ".")
		b.Context, b.Dockerfile = context, file
		j.add(b, line)
		return
	}
	// No checkout and no earlier step counts.
	clone := *j
	clone.own, clone.foreign, clone.prepared = nil, nil, false
	if fetched {
		context = dir
	}
	b.Context, b.Fetched = path.Join(".", context), true
	if file != "" {
		b.Dockerfile = path.Join(b.Context, file)
	}
	clone.add(b, line)
}

// version finds the first number of a version.
var version = lazyre.New(`^v?(\d+)`)

// major gives the first number of the version of an action that a step uses, 0 if that is not known.
func major(step node) int {
	uses := step.at("uses")
	_, ref, _ := strings.Cut(uses.text(), "@")
	texts := []string{ref}
	if uses.Node != nil {
		// Where a commit is named, a comment tells the version by custom.
		texts = []string{strings.TrimSpace(strings.TrimLeft(uses.LineComment, "# \t")), ref}
	}
	for _, text := range texts {
		if m := version().FindStringSubmatch(text); m != nil && len(m[1]) < 4 {
			n, _ := strconv.Atoi(m[1])
			return n
		}
	}
	return 0
}

// buildah reads a step of redhat-actions/buildah-build that builds from one Dockerfile.
func (j *job) buildah(step node, line int, scope *jobScope) {
	input := func(key string) word { return word(strings.TrimSpace(string(scope.text(step.at("with", key))))) }
	files := append(lines(input("containerfiles")), lines(input("dockerfiles"))...)
	if len(files) == 0 {
		return // it puts an image together without one
	}
	context := cmp.Or(input("context"), ".")
	if len(files) > 1 || !word(files[0]).known() || !context.known() {
		j.note(line, "the image of this step is not audited: its context or its Dockerfile is not known here")
		return
	}
	b := Build{Name: imageName(string(input("image"))), Context: string(context), Dockerfile: files[0], Args: arguments(lines(input("build-args"))), Contexts: map[string]string{}}
	b.Platform = platform(list(input("platforms")))
	j.add(b, line)
}

// lines gives the lines of an input that is a list.
func lines(w word) []string {
	var out []string
	for l := range strings.Lines(string(w)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, strings.Trim(l, `"`))
		}
	}
	return out
}

// list gives the elements of an input that are on lines or between commas.
func list(w word) []string {
	var out []string
	for _, l := range lines(w) {
		for _, e := range strings.Split(l, ",") {
			if e = strings.TrimSpace(e); e != "" {
				out = append(out, e)
			}
		}
	}
	return out
}

// bake reads a step of docker/bake-action: targets of Bake files, with variables from the environment of the step.
func (j *job) bake(step node, line int, scope *jobScope) {
	input := func(key string) word { return scope.text(step.at("with", key)) }
	dir := string(cmp.Or(input("source"), input("workdir"), input("context")))
	below, fetched := fromGit(string(cmp.Or(word(step.at("with", "source").text()), word(dir))))
	if fetched {
		dir = path.Join(".", below)
	}
	// Since version 6 it builds from git unless it is told otherwise.
	fetched = fetched || dir == "" && major(step) >= 6
	if !word(dir).known() || remotePath(dir) {
		return
	}
	base, ok := j.place(path.Join(".", dir))
	if !ok {
		return
	}
	files := j.w.r.bakeFiles(list(input("files")), base)
	if len(files) == 0 {
		return // Compose files speak for themselves
	}
	b := j.w.r.bakery(files, composeOf(base, j.w.r.composed))
	for k, v := range scope.env {
		b.given[k] = v
	}
	for _, kv := range lines(input("vars")) {
		if k, v, ok := strings.Cut(kv, "="); ok {
			b.given[k] = word(v)
		}
	}
	targets := append(list(input("targets")), list(input("target"))...)
	if len(targets) == 0 {
		targets = []string{"default"}
	}
	var names []string
	for _, t := range targets {
		for _, n := range b.members(t) {
			if _, ok := b.targets[n]; ok && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	for _, t := range b.resolveTargets(names) {
		j.w.r.settled[[2]string{t.at.Filename, t.name}] = true
		t.override(lines(input("set")))
		build := t.build(base)
		build.Kind, build.File, build.Line, build.Prepared = "workflow", j.file, line, j.prepared && !fetched
		build.Fetched = fetched && !remotePath(build.Context)
		j.w.found = append(j.w.found, build)
	}
	if slices.ContainsFunc(files, func(f string) bool { return bakeName().MatchString(f) }) {
		return // what cannot be told of them is told where they are read by themselves
	}
	for _, n := range b.notes {
		j.w.note(n)
	}
}

// bakeFiles gives the Bake files that a step names, or those that Bake takes in a directory. A file that an earlier step makes, as
// docker/metadata-action does, sets tags and labels.
func (r *Reader) bakeFiles(named []string, base string) (files []string) {
	if len(named) == 0 {
		named = bakeDefault
	}
	for _, f := range named {
		f = path.Join(base, strings.TrimPrefix(f, "cwd://"))
		if word(f).known() && !composeName().MatchString(f) && r.Exists(f) {
			files = append(files, f)
		}
	}
	return files
}

// override changes a target as the --set option of Bake does. What is not known is left as it is, but for arguments.
func (t *resolvedTarget) override(sets []string) {
	for _, s := range sets {
		key, v, ok := strings.Cut(s, "=")
		pattern, key, _ := strings.Cut(key, ".")
		if hit, err := path.Match(pattern, t.name); !ok || err != nil || !hit {
			continue
		}
		known := word(v).known()
		switch name, rest, _ := strings.Cut(key, "."); {
		case name == "args" && known:
			t.args[rest] = v
		case name == "args":
			delete(t.args, rest)
		case !known:
		case name == "context":
			t.context = v
		case name == "dockerfile":
			t.dockerfile = v
		case name == "target":
			t.target = v
		case name == "contexts":
			t.contexts[rest] = v
		case name == "platform":
			t.platforms = []string{v}
		}
	}
}

// passing are the files by which a step hands values to later ones. What is written there is no file of the workspace.
var passing = []string{"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE"}

// makesFiles reports whether a script may make files in the workspace.
func makesFiles(text string, b *budget.Budget) bool {
	makes := false
	r := runner(text, "", b.Part(scriptLimits))
	r.Note = func(n shell.Note) { makes = makes || n.Missed }
	r.Program = func(c *command.Call) { makes = makes || !command.Is(c.Base, command.Quiet) }
	s := shell.NewState("", nil)
	s.ArgsUnknown = true
	for _, name := range passing {
		s.Export(name, "/dev/"+name)
	}
	r.Walk(s, text)
	for file := range r.Written() {
		makes = makes || !strings.HasPrefix(file, "/tmp/")
	}
	return makes
}
