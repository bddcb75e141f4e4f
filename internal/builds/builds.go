// Package builds reads what a repository itself says that it builds: the images that Bake and Compose files, workflows and
// build services describe, with the place that says so. What cannot be resolved is a [Note] and never ends the reading of
// the rest.
package builds

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Mount is a directory or file of the host, by its path in the repository, that is mounted over a path of the image.
type Mount struct {
	From, At string
	// File and Line are the place that says so; Line is 0 if it is not known.
	File string
	Line int
}

// Build is one image as a source describes it.
type Build struct {
	// Name is how the source calls it, "" if it does not.
	Name string
	// Kind is the kind of source: bake, workflow, cloudbuild, compose, skaffold, goreleaser, or hint for a line of a Makefile or a script.
	Kind string
	// File and Line are the place that describes it; Line is 0 if it is not known.
	File string
	Line int

	// Context is a directory, slash-separated and relative to the root that was given, or absolute, or a URL. Dockerfile
	// is a path of the same kind, "" for the context's own; Inline is its text if it stands in the source itself.
	Context    string
	Dockerfile string
	Inline     string

	// Tags are the names that the image is given, as far as they are known.
	Tags []string

	Target, Platform string
	// Args are the arguments whose values are known; one that is not is left out, as if it had not been given.
	Args, Contexts map[string]string

	// Upload is the directory, like Context, that a client sends to a build service, by which only what its ignore file
	// lets through arrives there; "" if there is none.
	Upload string

	// Fetched tells that the context is the repository as git has it, and not the directory of a checkout.
	Fetched bool
	// Staged tells that the Dockerfile is built in a context that is made before, by a release tool or a script.
	Staged bool
	// Prepared tells that what runs before it may make files that it needs.
	Prepared bool

	// Variable tells that a value which is not known stands in its context or Dockerfile: where that is, nobody knows.
	Variable bool
	// Doubt says why it need not be built just so, "" if it is.
	Doubt string

	// Start is what the image is started with here, if that is not the image's own matter.
	Start Start
	// Mounts are what is mounted over paths of the image when it runs: what lies there is not the image's.
	Mounts []Mount
}

// weight is how much a build takes in memory, and who audits it, in bytes.
func (b *Build) weight() int64 {
	const empty = 1 << 10
	n := empty + len(b.Inline)
	for k, v := range b.Args {
		n += len(k) + len(v)
	}
	for k, v := range b.Contexts {
		n += len(k) + len(v)
	}
	return int64(n)
}

// move changes the paths of a build; false if place has none for one of them.
func (b *Build) move(place func(string) (string, bool)) (ok bool) {
	if b.Context, ok = place(b.Context); !ok {
		return false
	}
	if b.Dockerfile != "" {
		if b.Dockerfile, ok = place(b.Dockerfile); !ok {
			return false
		}
	}
	for k, v := range b.Contexts {
		if !strings.HasPrefix(v, "target:") {
			if b.Contexts[k], ok = place(v); !ok {
				return false
			}
		}
	}
	return true
}

// below gives the path in a directory of one that lies in it; ok is false for another one.
func below(dir, p string) (rel string, ok bool) {
	rel, ok = strings.CutPrefix(path.Clean(p)+"/", dir+"/")
	return path.Join(".", rel), ok && !remotePath(p)
}

// short cuts a text that is longer than somebody reads.
func short(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Start is what a source says of how an image is started. Nil and "" leave it to the image.
type Start struct {
	Entrypoint, Command []string
	WorkingDir          string
	// Env are NAME=value settings beyond the image's.
	Env []string
	// Health is the health check as Docker's API has it; nil if it is the image's.
	Health []string
}

// IsZero reports whether the image starts as it says itself.
func (s Start) IsZero() bool {
	return s.Entrypoint == nil && s.Command == nil && s.WorkingDir == "" && len(s.Env) == 0 && s.Health == nil
}

// Note is something in a source that could not be told.
type Note struct {
	File string
	Line int // 0 if unknown
	Text string
}

func compareBuilds(a, b Build) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
}

func sorted(list []Build) []Build {
	slices.SortStableFunc(list, compareBuilds)
	return list
}

func compareNotes(a, b Note) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
}
