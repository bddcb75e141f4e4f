package tools

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// pyHistory looks for the repository of git that setuptools-scm and hatch-vcs take the version from. Without one, and without a version
// that somebody gives, both refuse to build.
func (r *reader) pyHistory(p pyProject, backend string) {
	settings := p.doc.Get("tool", "setuptools_scm")
	if strings.HasPrefix(backend, "hatchling") {
		version := p.doc.Get("tool", "hatch", "version")
		if version.Str("source") != "vcs" || version.Get("fallback-version") != nil {
			return
		}
		settings = version.Get("raw-options")
		if settings == nil {
			settings = version
		}
	}
	if settings == nil || !p.dynamic("version") || !r.absent(path.Join(p.dir, "setup.py")) {
		return
	}
	r.scm(p, settings, p.line(settings))
}

// scmVariables is how the names of variables begin that hold a version instead.
const scmVariables = "SETUPTOOLS_SCM_"

// scm looks for the repository that settings of setuptools-scm mean.
func (r *reader) scm(p pyProject, settings *document.Node, because []Line) {
	for _, name := range []string{"fallback_version", "search_parent_directories", "fallback_root", "parse", "relative_to", "version_cls"} {
		if settings.Get(name) != nil {
			return
		}
	}
	for name := range r.call.S.Environ() {
		if strings.HasPrefix(name, scmVariables) {
			return
		}
	}
	root := p.dir
	if n := settings.Get("root"); n.Is() {
		root = path.Join(p.dir, n.Text)
	}
	for _, at := range []string{path.Join(root, ".hg"), path.Join(root, ".git_archival.txt"), path.Join(root, ".hg_archival.txt"), path.Join(p.dir, "PKG-INFO")} {
		if !r.absent(at) {
			return
		}
	}
	r.need(Missing{Path: path.Join(root, ".git"), What: "the history that the version is taken from", Because: because, Spares: scmVariables})
}

var scmInSetup = lazyre.New(`(?m)^(?:[^#\n]*[\s(,])?use_scm_version\s*=\s*True\b`)

// setupHistory is pyHistory of a setup.py that has no settings for it.
func (r *reader) setupHistory(p pyProject) {
	file := path.Join(p.dir, "setup.py")
	data, _ := r.text(file)
	if at := scmInSetup().FindIndex(data); at != nil && p.doc.Get("tool", "setuptools_scm") == nil {
		n, text := lineAt(data, at[1]-1)
		r.scm(p, nil, append(p.because[:len(p.because):len(p.because)], Line{File: file, Line: n, Text: text}))
	}
}
