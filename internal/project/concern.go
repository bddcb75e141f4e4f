package project

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/builds"
)

// Concerned gives those of some images of which an audit may say something else after a change of some files: the
// Dockerfile, an ignore file, something in a build context, or what describes the image.
//
// A file of the context counts even if the ignore file keeps it out, or no instruction copies it. A module that does not
// reach the image is what the audit looks for.
func Concerned(subjects []audit.Subject, changed []string) []audit.Subject {
	return slices.DeleteFunc(slices.Clone(subjects), func(s audit.Subject) bool {
		return !slices.ContainsFunc(changed, func(name string) bool { return concerns(s, name) })
	})
}

// concerns reports whether a file matters to an image.
func concerns(s audit.Subject, name string) bool {
	file := absolute(name)
	if s.PolicyFile != nil && file == absolute(s.PolicyFile.Name) {
		return true
	}
	for _, source := range s.Sources {
		if file == absolute(source.File) {
			return true
		}
	}
	// Sources refer to other files: one includes another, an environment file gives values.
	if name := path.Clean(filepath.ToSlash(name)); len(s.Sources) > 0 && (builds.IsSource(name) || strings.HasPrefix(path.Base(name), ".env")) {
		return true
	}
	if df := s.Options.Dockerfile; df != "" && df != "-" && (file == absolute(df) || file == absolute(df+".dockerignore")) {
		return true
	}
	dirs := []string{s.Options.Context}
	for _, dir := range s.Options.BuildContexts {
		dirs = append(dirs, dir)
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		if IsRemote(dir) || strings.Contains(dir, "://") {
			return false
		}
		rel, err := filepath.Rel(absolute(dir), file)
		return err == nil && filepath.IsLocal(rel)
	})
}
