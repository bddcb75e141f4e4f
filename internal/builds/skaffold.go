package builds

import (
	"context"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// skaffoldName recognises the configurations of Skaffold.
var skaffoldName = lazyre.New(`(?i)(?:^|/)skaffold([._-][\w.-]+)?\.ya?ml$`)

// skaffold reads configurations of Skaffold and gives the artifacts that are built from Dockerfiles, those of profiles too.
// Artifacts of other builders are passed over.
func (r *Reader) skaffold(_ context.Context, files []string) (found []Build, notes []Note) {
	for _, f := range files {
		docs, note := r.documents(f, "Skaffold configuration")
		if note != nil {
			notes = append(notes, *note)
		}
		for _, doc := range docs {
			if !strings.HasPrefix(doc.at("apiVersion").text(), "skaffold/") {
				continue
			}
			found = append(found, r.artifacts(f, doc.at("build"))...)
			for _, p := range doc.at("profiles").items() {
				found = append(found, r.artifacts(f, p.at("build"))...)
			}
		}
	}
	return sorted(found), notes
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
