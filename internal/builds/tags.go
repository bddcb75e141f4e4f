package builds

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Started gives, of some builds, those whose images services of the Compose files that were read start by their tags, with how they
// start them: each is the same build as the service has it.
func (r *Reader) Started(found []Build) (out []Build) {
	for _, s := range r.services {
		for _, b := range found {
			if !r.lies(b) || !slices.ContainsFunc(b.Tags, func(tag string) bool { return sameImage(tag, s.Tags) }) {
				continue
			}
			b.Kind, b.File, b.Line, b.Start, b.Mounts = s.Kind, s.File, s.Line, s.Start, s.Mounts
			out = append(out, b)
		}
	}
	return out
}

// lies reports whether the Dockerfile of a build exists, or may exist. Without one, whoever starts the image gets it from elsewhere.
func (r *Reader) lies(b Build) bool {
	df := cmp.Or(b.Dockerfile, path.Join(b.Context, "Dockerfile"))
	return b.Inline != "" || remotePath(b.Context) || path.IsAbs(df) || r.Exists(df) || b.Dockerfile == "" && r.Exists(path.Join(b.Context, "Containerfile"))
}

// Untied gives the services of the Compose files that were read whose image none of some builds makes by its tags: it may be any of them,
// under a name that whoever starts it gives.
func (r *Reader) Untied(found []Build) []Build {
	return slices.DeleteFunc(slices.Clone(r.services), func(s Build) bool {
		return slices.ContainsFunc(found, func(b Build) bool {
			return slices.ContainsFunc(b.Tags, func(tag string) bool { return sameImage(tag, s.Tags) })
		})
	})
}

// sameImage reports whether a tag that a build gives is one of the names by which an image is started. A version that is not known
// may be any.
func sameImage(tag string, names []string) bool {
	repository, version := splitTag(tag)
	return repository != "" && word(repository).known() && slices.ContainsFunc(names, func(name string) bool {
		other, v := splitTag(name)
		return other == repository && (v == version || !word(version).known())
	})
}

// splitTag parts the name of an image before its version, which is latest by default. The registry of Docker's own is left out.
func splitTag(tag string) (repository, version string) {
	tag, _, _ = strings.Cut(tag, "@")
	repository, version = tag, "latest"
	if i := strings.LastIndexByte(tag, ':'); i > strings.LastIndexByte(tag, '/') {
		repository, version = tag[:i], tag[i+1:]
	}
	return strings.TrimPrefix(strings.TrimPrefix(repository, "docker.io/"), "library/"), version
}
