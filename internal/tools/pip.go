package tools

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of pip 23.

const pipValued = "-r --requirement -c --constraint -e --editable -i --index-url --extra-index-url --trusted-host -f --find-links -t --target --python --platform --abi " +
	"--cache-dir --no-binary --only-binary --timeout --retries -d --dest -w --wheel-dir --prefix --root --src --report --progress-bar --log --proxy --cert --upgrade-strategy " +
	"--python-version --implementation --config-settings -C --global-option --build-option --use-feature --exists-action --root-user-action"

// pip is pip install, pip download and pip wheel.
func (r *reader) pip() {
	if sub := r.sub(); sub != "install" && sub != "download" && sub != "wheel" {
		return
	}
	for _, w := range append(r.options.All("-r", "--requirement"), r.pipVariable("PIP_REQUIREMENT")...) {
		r.requirements(w, "the requirements file", nil, 0)
	}
	r.pipLinks()
	for _, w := range append(r.options.All("-c", "--constraint"), r.pipVariable("PIP_CONSTRAINT")...) {
		r.requirements(w, "the file of constraints", nil, 0)
	}
	for _, w := range r.options.All("-e", "--editable") {
		r.pipProject(w.Text, nil, true)
	}
	for _, w := range r.words[1:] {
		if isPipPath(w.Text) {
			r.pipProject(w.Text, nil, false)
		}
	}
}

// pipVariable gives the files that a variable names, which is what an option is.
func (r *reader) pipVariable(name string) (words []shell.Word) {
	for file := range strings.FieldsSeq(r.call.S.Env(name)) {
		words = append(words, shell.Word{Text: file})
	}
	return words
}

// pipLinks looks for the directory that packages are taken from, if there is no index.
func (r *reader) pipLinks() {
	links := r.options.All("-f", "--find-links")
	if !r.options.Has("--no-index") || len(links) != 1 || !links[0].Known() || strings.Contains(links[0].Text, "://") || r.call.S.Env("PIP_FIND_LINKS") != "" {
		return
	}
	r.need(Missing{Path: r.abs(links[0].Text), Dir: true, What: "the directory that packages are taken from"})
}

// isPipPath reports whether pip takes a requirement for a path: it has a slash, or is a dot.
func isPipPath(text string) bool {
	text, _, _ = strings.Cut(text, "[")
	if ext := path.Ext(text); ext == ".whl" || ext == ".gz" && strings.HasSuffix(text, ".tar.gz") || ext == ".zip" {
		return !strings.Contains(text, "://") && !strings.Contains(text, "@ ")
	}
	return (text == "." || text == ".." || strings.Contains(text, "/")) && !strings.Contains(text, "://") && !strings.Contains(text, "@ ") && !strings.HasPrefix(text, "git+")
}

// maxIncludes bounds how deep files of requirements may include others.
const maxIncludes = 20

// requirements reads a file of requirements. What it includes is looked for beside it, paths in the directory in which pip works.
func (r *reader) requirements(w shell.Word, what string, because []Line, depth int) {
	if !w.Known() || strings.Contains(w.Text, "://") || depth > maxIncludes {
		return
	}
	file := r.abs(w.Text)
	r.need(Missing{Path: file, What: what, Because: because})
	data, ok := r.text(file)
	if !ok {
		return
	}
	n := 0
	for text := range strings.SplitSeq(string(data), "\n") {
		n++
		text = strings.TrimSpace(text)
		if i := strings.Index(text, " #"); i >= 0 {
			text = strings.TrimSpace(text[:i])
		}
		chain := append(append([]Line{}, because...), Line{File: file, Line: n, Text: text})
		name, value, _ := strings.Cut(strings.Replace(text, "=", " ", 1), " ")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		inline := len(text) > 2 && text[0] == '-' && text[1] != '-' && name == text
		if inline {
			name, value = text[:2], text[2:]
		}
		switch name {
		case "-r", "--requirement", "-c", "--constraint":
			if value != "" && !strings.Contains(value, "$") && !strings.Contains(value, "://") {
				at := value
				if !path.IsAbs(at) {
					at = path.Join(path.Dir(file), at)
				}
				r.requirements(shell.Word{Text: at}, "included by a requirements file", chain, depth+1)
			}
		case "-e", "--editable":
			if isPipPath(value) && !strings.Contains(value, "$") {
				value, _, _ = strings.Cut(value, ";")
				r.pipProject(strings.TrimSpace(value), chain, true)
			}
		default:
			if text, _, _ = strings.Cut(text, ";"); isPipPath(text) && !strings.ContainsAny(text, "#$@ ") && !strings.HasPrefix(text, "-") {
				r.pipProject(strings.TrimSpace(text), chain, false)
			}
		}
	}
}

// pipProject is a directory with a project, or an archive, that pip installs from its path.
func (r *reader) pipProject(name string, because []Line, editable bool) {
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "file:"), "[")
	if strings.Contains(name, shell.Hole) || strings.Contains(name, "://") {
		return
	}
	at := r.abs(name)
	if strings.ContainsAny(name, "*?") {
		if found, known := r.glob("/", strings.TrimPrefix(at, "/")); known && len(found) == 0 {
			r.missing(Missing{Path: at, What: "what pip installs", Because: because})
		}
		return
	}
	if r.absent(at) {
		r.need(Missing{Path: at, What: "what pip installs", Because: because, Dir: path.Ext(at) != ".whl" && !strings.HasSuffix(at, ".tar.gz")})
		return
	}
	if !r.isDir(at) {
		return
	}
	if r.pyManifest(at, because) {
		r.pyBuild(at, because, editable)
	}
}
