package builds

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// skaffoldName recognises the configurations of Skaffold.
var skaffoldName = lazyre.New(`(?i)(?:^|/)skaffold([._-][\w.-]+)?\.ya?ml$`)

// skaffold reads configurations of Skaffold and gives the artifacts that are built from Dockerfiles, those of profiles too.
// Artifacts of other builders are passed over. A configuration that another one requires is read, whatever its name.
func (r *Reader) skaffold(_ context.Context, files []string) (found []Build, notes []Note) {
	files = slices.Clone(files)
	for i := 0; i < len(files) && i < maxSkaffold; i++ { // it grows
		f := files[i]
		docs, note := r.documents(f, "Skaffold configuration")
		if note != nil {
			notes = append(notes, *note)
		}
		for _, doc := range docs {
			if !strings.HasPrefix(doc.at("apiVersion").text(), "skaffold/") {
				continue
			}
			more, missing := r.required(f, doc)
			for _, name := range more {
				if !slices.Contains(files, name) {
					files = append(files, name)
				}
			}
			notes = append(notes, missing...)
			found = append(found, r.artifacts(f, doc.at("build"))...)
			for _, p := range doc.at("profiles").items() {
				found = append(found, r.artifacts(f, p.at("build"))...)
			}
		}
	}
	return sorted(found), notes
}

// required gives the files of the repository that a configuration requires, and tells of those that are not there.
func (r *Reader) required(file string, doc node) (files []string, missing []Note) {
	for _, need := range doc.at("requires").items() {
		p := need.at("path").text()
		if p == "" || path.IsAbs(p) {
			continue // it is in this file, or in another repository
		}
		name := under(path.Dir(file), p)
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
			name = path.Join(name, "skaffold.yaml")
		}
		if !r.Exists(name) {
			missing = append(missing, Note{File: file, Line: need.at("path").line(), Text: "it requires " + name + ", which does not exist"})
			continue
		}
		files = append(files, name)
	}
	return files, missing
}

// skaffoldOthers are the builders that take no Dockerfile.
var skaffoldOthers = []string{"bazel", "jib", "jibMaven", "jibGradle", "buildpacks", "buildpack", "ko", "custom"}

func (r *Reader) artifacts(file string, build node) (found []Build) {
	for _, a := range build.at("artifacts").items() {
		other := false
		for _, name := range skaffoldOthers {
			other = other || a.entry(name, 0).key.Node != nil
		}
		image := a.at("image")
		if other || image.Node == nil {
			continue
		}
		docker := a.at("docker")
		if k := a.at("kaniko"); k.Node != nil {
			docker = k
		}
		b := Build{
			Tags: []string{template(image.text())}, Name: imageName(template(image.text())), Kind: "skaffold", File: file, Line: image.line(), Args: map[string]string{},
			Target: docker.at("target").text(), Prepared: a.at("hooks", "before").Node != nil,
		}
		context := a.at("context").text()
		if context == "" {
			context = a.at("workspace").text() // as it was called once
		}
		b.Context = under(path.Dir(file), path.Clean("./"+context))
		if path.IsAbs(context) {
			b.Context = context
		}
		if df := docker.at("dockerfile").text(); df != "" {
			// It is looked for in the context, then where Skaffold runs.
			b.Dockerfile = under(b.Context, df)
			if beside := under(path.Dir(file), df); !r.Exists(b.Dockerfile) && r.Exists(beside) {
				b.Dockerfile = beside
			}
		}
		for _, p := range docker.at("buildArgs").pairs() {
			if v := p.value.text(); v != "" && word(template(v)).known() {
				b.Args[p.key.Value] = v
			}
		}
		found = append(found, b)
	}
	return found
}

// template marks what a Go template would give.
func template(s string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "{{")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		out.WriteString(unknownPart)
		_, s, _ = strings.Cut(rest, "}}")
	}
}

// maxSkaffold bounds the configurations that are read.
const maxSkaffold = 2000
