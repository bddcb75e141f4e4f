package builds

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// cloudBuildName recognises the configurations of Google Cloud Build, by their name or that of their directory.
var cloudBuildName = lazyre.New(`(?i)(?:^|/)(?:(?:[\w.-]*[._-])?cloudbuild(?:[._-][\w.-]+)?|\.?cloud[_-]?build/[^/]+)\.(?:ya?ml|json)$`)

// cloudWorkspace is where the source of a build lies.
const cloudWorkspace = "/workspace"

// cloudBuild reads configurations of Cloud Build and gives the images that their steps build: with docker, with kaniko, or
// in a shell script.
//
// Paths count from the directory that is submitted, or from the root of the repository that a trigger takes: that of the file
// or one above it. The one in which more Dockerfiles exist is taken, the file's own if both do, the root if none does.
func (r *Reader) cloudBuild(_ context.Context, files []string) (found []Build, notes []Note) {
	for _, f := range files {
		docs, note := r.documents(f, "Cloud Build configuration")
		if note != nil {
			notes = append(notes, *note)
		}
		if len(docs) == 0 || !docs[0].at("steps").isList() {
			continue
		}
		spent := r.part(fileLimits)
		var best *cloudBuild
		most := -1
		for base := path.Dir(f); ; base = path.Dir(base) {
			c := &cloudBuild{r: r, budget: spent, file: f, base: base, subs: docs[0].at("substitutions")}
			c.steps(docs[0].at("steps"))
			root := base == "." || base == "/"
			if n := c.existing(); n > most || root && most == 0 {
				best, most = c, n
			}
			if root {
				break
			}
		}
		found, notes = append(found, best.found...), append(notes, best.notes...)
	}
	return sorted(found), notes
}

// cloudBuild is a configuration that is being read as if a directory had been submitted.
type cloudBuild struct {
	r        *Reader
	budget   *budget.Budget
	file     string
	base     string
	subs     node
	prepared bool
	found    []Build
	notes    []Note
}

// existing counts the Dockerfiles that exist.
func (c *cloudBuild) existing() (n int) {
	for _, b := range c.found {
		df := b.Dockerfile
		if df == "" {
			df = path.Join(b.Context, "Dockerfile")
		}
		if c.r.Exists(df) {
			n++
		}
	}
	return n
}

func (c *cloudBuild) steps(list node) {
	for _, step := range list.items() {
		if err := c.budget.Steps(step.weight()); err != nil {
			c.notes = append(c.notes, Note{File: c.file, Line: step.line(), Text: "the steps from here on are not audited: " + err.Error()})
			return
		}
		c.step(step)
	}
}

func (c *cloudBuild) step(step node) {
	cwd := c.substitute(step.at("dir").text())
	if cwd.known() {
		cwd = word(path.Join(cloudWorkspace, string(cwd)))
	}
	vars := map[string]string{}
	for _, e := range step.at("env").list() {
		if k, v, ok := strings.Cut(e, "="); ok {
			vars[k] = string(c.substitute(v))
		}
	}
	argsNode := step.at("args")
	var args []shell.Word
	for _, a := range argsNode.list() {
		args = append(args, shell.Word{Text: string(c.substitute(a))})
	}
	line := step.entry("name", 0).key.line()
	if argsNode.Node != nil {
		line = step.entry("args", 0).key.line()
	}
	image := imageName(strings.ReplaceAll(step.at("name").text(), "$", ""))
	entry := step.at("entrypoint").text()
	if entry != "" {
		image = "" // whatever it is, it runs that
	}
	program := path.Base(entry)
	switch {
	case step.at("script").Node != nil:
		s := step.at("script")
		c.script(s.text(), s, cwd, vars)
	case program == "bash" || program == "sh":
		for i, a := range args {
			if strings.HasPrefix(a.Text, "-") && strings.Contains(a.Text, "c") && i+1 < len(args) {
				c.script(args[i+1].Text, argsNode.items()[i+1], cwd, vars)
				break
			}
		}
	case image == "docker" || program == "docker":
		c.command(parseCommand("docker", args), cwd, line)
	case image == "buildah" || image == "podman":
		c.command(parseCommand(image, args), cwd, line)
	case strings.Contains(step.at("name").text(), "kaniko") && (entry == "" || program == "executor"):
		c.command(kaniko(args, cloudWorkspace), cwd, line)
	case slices.Contains([]string{"gcloud", "kubectl", "gsutil", "gke-deploy"}, image):
	default:
		c.prepared = true
	}
}

// substitution finds what Cloud Build replaces in a text.
var substitution = lazyre.New(`\$\$|\$\{(\w+)\}|\$([A-Z_][A-Z0-9_]*)`)

// substitute replaces the substitutions of a text: those with defaults in the file; others are only known when it runs.
func (c *cloudBuild) substitute(text string) word {
	return word(shell.Replace(substitution(), text, func(name string) (string, bool) {
		v := c.subs.at(name)
		return v.text(), v.Node != nil
	}, c.budget.Part(shell.ReplaceLimits)))
}

// script reads the build lines of a shell script.
func (c *cloudBuild) script(text string, n node, cwd word, vars map[string]string) {
	found, err := script(text, cloudWorkspace, cwd, vars, c.budget)
	if err != nil {
		c.notes = append(c.notes, Note{File: c.file, Line: n.line(), Text: "this script is not read to its end: " + err.Error()})
	}
	for _, s := range found {
		c.command(s.command, s.cwd, n.lineOf(s.line))
	}
	c.prepared = c.prepared || makesFiles(text, c.budget)
}

// command adds what a command builds; nil builds nothing.
func (c *cloudBuild) command(cmd *buildCommand, cwd word, line int) {
	if cmd == nil {
		return
	}
	b, problem := cmd.build(func(p string) bool { return c.r.Exists(c.place(p)) }, cwd)
	if problem != "" {
		c.notes = append(c.notes, Note{File: c.file, Line: line, Text: "the image of this step is not audited: " + problem})
		return
	}
	b.Kind, b.File, b.Line, b.Prepared, b.Upload = "cloudbuild", c.file, line, c.prepared, c.base
	b.move(func(p string) (string, bool) { return c.place(p), true })
	c.found = append(c.found, b)
}

// place gives a path of the repository for one of the build.
func (c *cloudBuild) place(p string) string {
	if rel, ok := below(cloudWorkspace, p); ok {
		return path.Join(c.base, rel)
	}
	return p
}
