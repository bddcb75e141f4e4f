package builds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// source is a kind of files that say what is built.
type source struct {
	kind string
	// name recognises such a file by its path in the repository.
	name func() *regexp.Regexp
	read func(*Reader, context.Context, []string) ([]Build, []Note)
}

// sources are the kinds in the order in which they are read: Bake and workflows read Compose files, too, and Bake takes from
// workflows what its own files leave open. A name of several kinds is of the last of them.
var sources = []source{
	{"goreleaser", goreleaserName, (*Reader).goreleaser},
	{"skaffold", skaffoldName, (*Reader).skaffold},
	{"cloudbuild", cloudBuildName, (*Reader).cloudBuild},
	{"compose", composeName, (*Reader).compose},
	{"workflow", workflowName, (*Reader).workflows},
	{"bake", bakeName, (*Reader).bake},
}

// sourceOf gives the kind that a file is of.
func sourceOf(name string) (source, bool) {
	for _, s := range slices.Backward(sources) {
		if s.name().MatchString(name) {
			return s, true
		}
	}
	return source{}, false
}

// kinds are the kinds of sources by which an image is known first, the most explicit in front. One that is not among them comes
// last.
var kinds = []string{"bake", "workflow", "cloudbuild", "compose", "skaffold", "hint"}

func explicitness(kind string) int {
	if i := slices.Index(kinds, kind); i >= 0 {
		return i
	}
	return len(kinds)
}

// Reader reads the sources of one repository. Names are slash-separated and relative to its root.
type Reader struct {
	// Read reads a file, and Exists reports whether there is a file or a directory of that name. Neither leads out of the
	// repository.
	Read   func(name string) ([]byte, error)
	Exists func(name string) bool
	// Scripts are files that may say how others are used: scripts, Makefiles, workflows.
	Scripts []string
	// Avoid is a directory in which no temporary files may lie: that of the repository.
	Avoid string

	// budget bounds what the sources cost together.
	budget   *budget.Budget
	composed []Build // the images of Compose files, which Bake reads, too
	// services are those of Compose files that start an image which they do not build.
	services []Build
	// parsed are the YAML files that were read.
	parsed map[string]parsedYAML
	// settled are the targets of Bake files, by file and name, of which workflows give what the files do not.
	settled map[[2]string]bool
}

// sourceLimits are what all sources of a repository may cost together.
var sourceLimits = budget.Limits{Steps: 6_000_000, Bytes: 512 << 20}

// spending makes what the sources cost count for the budget of a context.
func (r *Reader) spending(ctx context.Context) { r.budget = budget.From(ctx).Part(sourceLimits) }

// part gives a budget for one file, or for one evaluation.
func (r *Reader) part(l budget.Limits) *budget.Budget {
	if r.budget == nil {
		r.spending(context.Background())
	}
	return r.budget.Part(l)
}

// IsSource reports whether a file may say what is built, by its name.
func IsSource(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json", ".hcl":
	default:
		return false // what nearly every file of a repository is told by
	}
	_, ok := sourceOf(name)
	return ok
}

// Builds reads sources and gives the images that they build: those of the more explicit kinds first, each kind in the order of
// files and lines.
func (r *Reader) Builds(ctx context.Context, files []string) (found []Build, notes []Note) {
	r.spending(ctx)
	r.settled, r.composed, r.services = map[[2]string]bool{}, nil, nil
	byKind := map[string][]string{}
	for _, f := range files {
		if s, ok := sourceOf(f); ok {
			byKind[s.kind] = append(byKind[s.kind], f)
		}
	}
	for _, s := range sources {
		builds, more := s.read(r, ctx, byKind[s.kind])
		found, notes = append(found, builds...), append(notes, more...)
	}
	unname(found)
	found = once(append(found, r.Started(found)...))
	slices.SortStableFunc(found, func(a, b Build) int {
		return cmp.Or(cmp.Compare(explicitness(a.Kind), explicitness(b.Kind)), compareBuilds(a, b))
	})
	found, over := affordable(ctx, found)
	notes = append(notes, over...)
	slices.SortStableFunc(notes, compareNotes)
	return found, slices.Compact(notes)
}

// buildLimits are how many images, a step each, are audited at most: each is predicted.
var buildLimits = budget.Limits{Steps: 2000, Bytes: 64 << 20}

// affordable gives the first builds of a list, as many as are audited, and tells where it ended.
func affordable(ctx context.Context, list []Build) ([]Build, []Note) {
	b := budget.From(ctx).Part(buildLimits)
	for i := range list {
		if errors.Join(b.Steps(1), b.Bytes(list[i].weight())) != nil {
			text := fmt.Sprintf("this image and %d others are not audited: there are too many: %v", len(list)-i-1, b.Err())
			return list[:i], []Note{{File: list[i].File, Line: list[i].Line, Text: text}}
		}
	}
	return list, nil
}

// once leaves out what is said twice, as by jobs that differ in no more than the machine on which they run.
func once(list []Build) []Build {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(b Build) bool {
		key := fmt.Sprintf("%+v", b) // maps are written in order
		have := seen[key]
		seen[key] = true
		return have
	})
}

// unname takes away the name that several Dockerfiles of a file have which names images by their tags: what differs is the
// rest of the tag.
func unname(list []Build) {
	type name struct{ file, name string }
	first, several := map[name]Build{}, map[name]bool{}
	for _, b := range list {
		n := name{b.File, b.Name}
		have, ok := first[n]
		if !ok {
			first[n] = b
		} else if have.Context != b.Context || have.Dockerfile != b.Dockerfile {
			several[n] = true
		}
	}
	for i, b := range list {
		if several[name{b.File, b.Name}] && (b.Kind == "workflow" || b.Kind == "cloudbuild") {
			list[i].Name = ""
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
