package builds

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v4"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// workflowName recognises the workflows of GitHub.
var workflowName = lazyre.New(`^\.github/workflows/[^/]+\.ya?ml$`)

// IsWorkflow reports whether a file is a workflow, by its name.
func IsWorkflow(name string) bool { return workflowName().MatchString(name) }

// workflows reads the workflows of a repository and gives the images that their steps build. A job is read once for each
// combination of its matrix, a reusable workflow once for each call by another one, with the inputs of the call, and an
// action of the repository where it is used.
func (r *Reader) workflows(_ context.Context, files []string) (found []Build, notes []Note) {
	w := &workflows{r: r, roots: map[string]node{}, calls: map[string][]map[string]word{}, budgets: map[string]*budget.Budget{}, noted: map[Note]bool{}, parsed: map[string]hclsyntax.Expression{}}
	for _, f := range files {
		docs, note := r.documents(f, "workflow")
		if note != nil {
			w.notes = append(w.notes, *note)
		}
		if len(docs) > 0 {
			w.roots[f], w.budgets[f] = docs[0], r.part(fileLimits)
		}
	}
	for _, f := range sortedKeys(w.roots) {
		w.findCalls(f)
	}
	for _, f := range sortedKeys(w.roots) {
		calls := w.calls[f]
		if len(calls) == 0 || !onlyCalled(w.roots[f]) {
			w.run(f, nil)
		}
		for _, inputs := range calls {
			w.run(f, inputs)
		}
	}
	return sorted(w.found), w.notes
}

// workspace is where paths of a job are.
const workspace = "/github/workspace"

// workflows are the workflows of one repository.
type workflows struct {
	r     *Reader
	roots map[string]node
	// calls are the inputs with which other workflows call one, by its file.
	calls map[string][]map[string]word
	// budgets are what reading each of them may cost, all its jobs and calls together.
	budgets map[string]*budget.Budget
	found   []Build
	notes   []Note
	noted   map[Note]bool
	// parsed are the expressions that were met, by their text.
	parsed map[string]hclsyntax.Expression
}

// note adds a note, once.
func (w *workflows) note(n Note) {
	if !w.noted[n] {
		w.noted[n] = true
		w.notes = append(w.notes, n)
	}
}

// maxCallers bounds how often one reusable workflow is read.
const maxCallers = 50

// findCalls remembers the calls of the repository's reusable workflows.
func (w *workflows) findCalls(file string) {
	spent := w.budgets[file]
	for _, job := range w.roots[file].at("jobs").pairs() {
		if w.exceeded(file, job.key, spent.Steps(job.value.at("with").weight())) {
			return
		}
		called, ok := strings.CutPrefix(job.value.at("uses").text(), "./")
		if !ok || len(w.calls[called]) >= maxCallers {
			continue
		}
		for _, matrix := range matrices(job.value.at("strategy", "matrix"), spent) {
			if len(w.calls[called]) >= maxCallers {
				break
			}
			s := &jobScope{matrix: matrix, budget: spent, parsed: w.parsed}
			w.calls[called] = append(w.calls[called], s.texts(job.value.at("with"), map[string]word{}))
		}
	}
}

// exceeded reports whether there is an error because a workflow costs too much, and tells where that was, once.
func (w *workflows) exceeded(file string, at node, err error) bool {
	if err != nil && !w.noted[Note{File: file}] {
		w.noted[Note{File: file}] = true
		w.note(Note{File: file, Line: at.line(), Text: "the workflow is not audited from here on: " + err.Error()})
	}
	return err != nil
}

// onlyCalled reports whether nothing but a call starts a workflow.
func onlyCalled(root node) bool {
	on := root.at("on")
	if on.Node == nil {
		on = root.at("true") // as YAML 1.1 reads it
	}
	names := on.list()
	for _, p := range on.pairs() {
		names = append(names, p.key.Value)
	}
	return !slices.ContainsFunc(names, func(name string) bool { return name != "workflow_call" && name != "workflow_dispatch" })
}

// run reads the jobs of a workflow. inputs are those of a call, nil if there is none.
func (w *workflows) run(file string, inputs map[string]word) {
	root := w.roots[file]
	if inputs != nil {
		with := defaults(root.at("on", "workflow_call", "inputs"))
		maps.Copy(with, inputs)
		inputs = with
	}
	for _, p := range root.at("jobs").pairs() {
		spent := w.budgets[file]
		for _, matrix := range matrices(p.value.at("strategy", "matrix"), spent) {
			if w.exceeded(file, p.key, spent.Steps(1+root.at("env").weight()+p.value.at("env").weight())) {
				return
			}
			j := &job{
				w: w, file: file, scope: &jobScope{matrix: matrix, inputs: inputs, env: map[string]word{}, budget: spent, parsed: w.parsed},
				windows: strings.HasPrefix(p.value.at("runs-on").text(), "windows"),
				unsure:  foundOut().MatchString(p.value.at("if").text()) || strings.Contains(strings.ToLower(path.Base(file)), "template"),
			}
			j.scope.extend(root.at("env"))
			j.scope.extend(p.value.at("env"))
			j.dir = j.scope.text(root.at("defaults", "run", "working-directory"))
			if d := p.value.at("defaults", "run", "working-directory"); d.Node != nil {
				j.dir = j.scope.text(d)
			}
			j.steps(p.value.at("steps"), 0)
			j.builder(p.value)
		}
	}
}

// defaults gives what declared inputs are if nobody gives them.
func defaults(inputs node) map[string]word {
	out := map[string]word{}
	for _, p := range inputs.pairs() {
		out[p.key.Value] = word(p.value.at("default").text())
	}
	return out
}

// jobScope is what expressions of a job know.
type jobScope struct {
	matrix node
	inputs map[string]word // nil if nobody calls
	env    map[string]word
	budget *budget.Budget
	parsed map[string]hclsyntax.Expression // of all jobs
}

// lookup gives the value of a name.
func (s *jobScope) lookup(name []string) (value, bool) {
	switch first := strings.ToLower(name[0]); {
	case first == "matrix" && len(name) > 1 && s.matrix.Node != nil:
		axis, n := s.matrix.at(name[1]), s.matrix.at(name[1:]...)
		if axis.Node == nil && s.matrix.at(openMatrix).Node != nil {
			return unset{}, true
		}
		for _, t := range []string{axis.text(), n.text()} {
			if strings.Contains(t, "${{") {
				return unset{}, true
			}
		}
		return scalar(n), true
	case first == "env" && len(name) == 2:
		v, ok := s.env[name[1]]
		return string(v), ok
	case first == "inputs" && len(name) == 2 && s.inputs != nil:
		switch v := s.inputs[name[1]]; v {
		case "true":
			return true, true
		case "false":
			return false, true
		default:
			return string(v), true
		}
	case first == "github" && len(name) == 2 && name[1] == "workspace":
		return workspace, true
	}
	return unset{}, false
}

// text gives the text of a node with its expressions replaced.
func (s *jobScope) text(n node) word { return s.expressions().interpolate(n.text()) }

func (s *jobScope) expressions() expressions { return expressions{s.lookup, s.parsed, s.budget} }

// texts adds the texts of the entries of a mapping to others.
func (s *jobScope) texts(n node, to map[string]word) map[string]word {
	for _, p := range n.pairs() {
		to[p.key.Value] = s.text(p.value)
	}
	return to
}

// extend adds the variables of an env mapping.
func (s *jobScope) extend(env node) {
	s.texts(env, s.env)
	if env.Node != nil && env.text() != "" {
		s.env = map[string]word{} // an expression that gives all of them
	}
}

// with gives a scope with more variables.
func (s *jobScope) with(env node) *jobScope {
	out := *s
	out.env = maps.Clone(s.env)
	out.extend(env)
	return &out
}

// job is a job that is being read, for one combination of its matrix.
type job struct {
	w       *workflows
	file    string
	scope   *jobScope
	dir     word // in which its scripts run
	windows bool
	// checkouts are the directories into which repositories are checked out; own are those of this repository.
	own, foreign []string
	// prepared tells that a step may have made files.
	prepared bool
	// unsure tells that something which is found out while the job runs decides whether it, or the step that is read, runs.
	unsure bool
}

// maxActions is how deep actions of the repository use each other.
const maxActions = 5

// foundOut recognises a condition that something decides which is found out while a workflow runs.
var foundOut = lazyre.New(`\b(steps|needs)\s*\.|hashFiles|failure\(\)`)

// stepSteps is what each node of a step costs.
const stepSteps = 10

func (j *job) steps(list node, deep int) {
	for _, step := range list.items() {
		if j.w.exceeded(j.file, step, j.scope.budget.Steps(stepSteps*step.weight()+int64(len(j.scope.env)/4))) {
			return
		}
		cond := step.at("if").text()
		if cond != "" {
			bare := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(cond), "${{"), "}}")
			if yes, known := truth(j.scope.expressions().evaluate(bare)); known && !yes {
				continue
			}
		}
		was := j.unsure
		j.unsure = was || foundOut().MatchString(cond) || step.at("continue-on-error").text() == "true"
		j.step(step, deep)
		j.unsure = was
	}
}

func (j *job) step(step node, deep int) {
	uses := step.entry("uses", 0)
	name, _, _ := strings.Cut(uses.value.text(), "@")
	scope := j.scope.with(step.at("env"))
	with := func(key string) word { return scope.text(step.at("with").at(key)) }
	switch {
	case name == "actions/checkout":
		j.checkout(with("repository"), with("path"), step.at("with", "repository").text() != "")
	case slices.Contains(buildActions, name):
		j.buildPush(step, uses.key.line(), scope, false)
	case slices.Contains(bakeActions, name):
		j.bake(step, uses.key.line(), scope)
	case name == "redhat-actions/buildah-build":
		j.buildah(step, uses.key.line(), scope)
	case strings.HasPrefix(name, "./"):
		j.action(path.Clean(name), step, scope, deep)
	case uses.value.Node != nil:
		j.prepared = j.prepared || !harmless(name)
	case step.at("run").Node != nil:
		j.script(step, scope)
	}
}

// harmless reports whether an action makes no files that a build needs.
func harmless(action string) bool {
	owner, name, _ := strings.Cut(action, "/")
	return owner == "docker" || owner == "sigstore" || owner == "aws-actions" || owner == "google-github-actions" || owner == "step-security" ||
		owner == "azure" || strings.HasPrefix(name, "setup-") || strings.Contains(name, "login") || strings.Contains(name, "metadata")
}

// checkout remembers where a repository lies.
func (j *job) checkout(repository, dir word, named bool) {
	at := path.Clean("./" + string(dir))
	if named && repository.known() && repository != "" {
		j.foreign = append(j.foreign, at)
		return
	}
	j.own = append(j.own, at)
}

// place gives a path of the repository for one of the workspace; ok is false if it lies in another repository.
func (j *job) place(p string) (in string, ok bool) {
	if remotePath(p) {
		return p, true
	}
	p = path.Clean(p)
	if rel, ok := below(workspace, p); ok {
		p = rel
	}
	if path.IsAbs(p) {
		return p, true
	}
	best, mine := "", len(j.own) == 0
	for _, list := range []struct {
		dirs []string
		mine bool
	}{{j.foreign, false}, {j.own, true}} {
		for _, d := range list.dirs {
			if (d == "." || p == d || strings.HasPrefix(p, d+"/")) && len(d) >= len(best) {
				best, mine = d, list.mine
			}
		}
	}
	if !mine {
		return "", false
	}
	if best != "" && best != "." {
		p = path.Clean("./" + strings.TrimPrefix(strings.TrimPrefix(p, best), "/"))
	}
	return p, true
}

// exists reports whether the repository has a file of the workspace.
func (j *job) exists(p string) bool {
	in, ok := j.place(p)
	return ok && j.w.r.Exists(in)
}

// add adds a build of the workspace, unless it is one of another repository.
func (j *job) add(b Build, line int) {
	b.Kind, b.File, b.Line, b.Prepared = "workflow", j.file, line, j.prepared
	if j.unsure {
		b.Doubt = "what the workflow finds out when it runs decides whether it is built"
	}
	if !b.move(j.place) || j.w.exceeded(j.file, node{&yaml.Node{Line: line}}, j.scope.budget.Bytes(b.weight())) {
		return
	}
	j.w.found = append(j.w.found, b)
}

func (j *job) note(line int, text string) {
	j.w.note(Note{File: j.file, Line: line, Text: short(text)})
}

// script reads the build lines of a run step.
func (j *job) script(step node, scope *jobScope) {
	run := step.at("run")
	shell := step.at("shell").text()
	if j.windows && shell == "" || shell != "" && !strings.HasPrefix(shell, "bash") && !strings.HasPrefix(shell, "sh") {
		j.prepared = true
		return
	}
	dir := j.dir
	if d := step.at("working-directory"); d.Node != nil {
		dir = scope.text(d)
	}
	if dir == "" || dir.known() && !path.IsAbs(string(dir)) {
		dir = word(path.Join(workspace, string(dir)))
	}
	vars := map[string]string{"GITHUB_WORKSPACE": workspace}
	for k, v := range scope.env {
		vars[k] = string(v)
	}
	text := string(scope.text(run))
	found, err := script(text, workspace, dir, vars, scope.budget)
	if err != nil && scope.budget.Err() == nil {
		j.note(run.line(), "this script is not read to its end: "+err.Error())
	}
	for _, s := range found {
		line := run.lineOf(s.line)
		b, problem := s.command.build(j.exists, s.cwd)
		if problem != "" {
			if _, ok := j.place("."); ok || len(j.foreign) == 0 {
				j.note(line, "the image that this line builds is not audited: "+problem)
			}
			continue
		}
		j.add(b, line)
	}
	j.prepared = j.prepared || makesFiles(text, scope.budget)
}

// action reads the steps of an action of the repository.
func (j *job) action(dir string, step node, scope *jobScope, deep int) {
	dir, ok := j.place(dir)
	if !ok || deep >= maxActions {
		return
	}
	for _, name := range []string{"action.yml", "action.yaml"} {
		file := path.Join(dir, name)
		if !j.w.r.Exists(file) {
			continue
		}
		docs, note := j.w.r.documents(file, "action")
		if note != nil || len(docs) == 0 {
			j.prepared = true
			return
		}
		inputs := scope.texts(step.at("with"), defaults(docs[0].at("inputs")))
		inner := *j
		inner.file, inner.dir = file, ""
		inner.scope = &jobScope{inputs: inputs, env: scope.env, budget: scope.budget, parsed: scope.parsed}
		inner.steps(docs[0].at("runs", "steps"), deep+1)
		j.own, j.foreign = inner.own, inner.foreign
		j.prepared = inner.prepared || docs[0].at("runs", "using").text() != "composite"
		return
	}
	j.prepared = true
}
