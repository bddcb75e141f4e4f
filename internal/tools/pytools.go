package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
)

// The facts are those of poetry 1.3, pipenv 2022.12 and build 0.9, and of the documentation of poetry 2, pdm, hatch and pip-tools.

const (
	poetryValued   = "-C --directory -P --project -E --extras --with --without --only -f --format -o --output -n"
	pdmValued      = "-p --project -G --group --with --without -L --lockfile -k --skip --config-setting -C -c --config --venv -d --dest -o --output -f --format"
	pipenvValued   = "-r --requirements -e --editable --python --pypi-mirror -i --index --categories --extra-pip-args"
	pipToolsValued = "-o --output-file -c --constraint -i --index-url --extra-index-url -f --find-links --trusted-host --pip-args --cache-dir --resolver --extra --cert --client-cert " +
		"--python-executable --annotation-style -P --upgrade-package --config --unsafe-package --group"
	buildValued = "-o --outdir -C --config-setting --installer"
)

// nearestProject gives the directory of the nearest pyproject.toml, and notes that there is none.
func (r *reader) nearestProject() (pyProject, bool) {
	dir := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, pyprojectTOML)) })
	if dir == "" {
		r.need(Missing{Path: path.Join(r.dir, pyprojectTOML), What: "the pyproject.toml"})
		return pyProject{}, false
	}
	return r.pyProject(dir)
}

// poetry is poetry.
func (r *reader) poetry() {
	sub := r.sub()
	if !slices.Contains([]string{"install", "sync", "build", "lock", "export", "check", "show"}, sub) || r.options.Has("--help", "-h", "--dry-run") {
		return
	}
	p, ok := r.nearestProject()
	if !ok {
		return
	}
	switch sub {
	case "build":
		r.pyBuild(p.dir, nil, false)
	case "install", "sync":
		if !r.options.Has("--no-directory") {
			r.poetryPaths(p)
		}
		if !r.options.Has("--no-root") && p.doc.Str("tool", "poetry", "package-mode") != "false" && strings.HasPrefix(p.doc.Str("build-system", "build-backend"), "poetry") {
			r.poetryRoot(p)
		}
	}
}

// poetryRoot is the project itself. Poetry before 2.0 only warns if it cannot be installed.
func (r *reader) poetryRoot(p pyProject) {
	before := len(r.out.Missing)
	r.pyBuild(p.dir, nil, true)
	if v := r.call.S.Env("POETRY_VERSION"); strings.HasPrefix(v, "2.") {
		return
	}
	for i := range r.out.Missing[before:] {
		r.out.Missing[before+i].Doubt = "Poetry before 2.0 only warns that the project could not be installed."
	}
}

// poetryPaths looks for what dependencies of the main group are taken from.
func (r *reader) poetryPaths(p pyProject) {
	if r.options.Has("--only-root") {
		return
	}
	only := false
	for _, w := range r.options.All("--only") {
		only = only || !slices.Contains(strings.Split(w.Text, ","), "main")
	}
	if only {
		return
	}
	for name, n := range p.doc.Get("tool", "poetry", "dependencies").All() {
		at := n.Get("path")
		if !at.Is() || path.IsAbs(at.Text) || n.Str("optional") == "true" || n.Get("markers") != nil || n.Get("python") != nil || n.Get("platform") != nil {
			continue
		}
		r.need(Missing{Kind: Member, Path: path.Join(p.dir, at.Text), What: "what " + name + " is taken from", Because: p.line(at)})
	}
}

// pdm is pdm.
func (r *reader) pdm() {
	sub := r.sub()
	if !slices.Contains([]string{"install", "sync", "build", "lock", "export"}, sub) || r.options.Has("--help", "-h", "--dry-run", "-g", "--global") {
		return
	}
	p, ok := r.nearestProject()
	if !ok {
		return
	}
	if sub == "sync" && !r.options.Has("-L", "--lockfile") {
		r.need(Missing{Path: path.Join(p.dir, "pdm.lock"), Or: []string{path.Join(p.dir, "pylock.toml")}, What: "the lock file"})
	}
	install := (sub == "install" || sub == "sync") && !r.options.Has("--no-self") && p.doc.Str("tool", "pdm", "distribution") != "false" && p.doc.Get("build-system") != nil
	if install && p.doc.Str("tool", "pdm", "distribution") == "true" || sub == "build" {
		r.pyBuild(p.dir, nil, sub != "build" && !r.options.Has("--no-editable"))
	}
}

// hatch is hatch.
func (r *reader) hatch() {
	if r.sub() == "build" && len(r.words) == 1 {
		if p, ok := r.nearestProject(); ok {
			r.pyBuild(p.dir, nil, false)
		}
	}
}

// flit is flit build and flit install.
func (r *reader) flit() {
	if sub := r.sub(); (sub == "build" || sub == "install") && !r.options.Has("-f", "--ini-file") {
		r.need(Missing{Path: path.Join(r.dir, pyprojectTOML), Or: []string{path.Join(r.dir, "flit.ini")}, What: "the pyproject.toml"})
		r.pyBuild(r.dir, nil, r.options.Has("-s", "--symlink", "--pth-file"))
	}
}

// buildModule is python -m build.
func (r *reader) buildModule() {
	dir := r.dir
	if len(r.words) > 0 {
		at, ok := r.pyPath(r.words[0])
		if !ok {
			r.need(Missing{Path: at, Dir: true, What: "what is built"})
			return
		}
		dir = at
	}
	if !r.options.Has("--version", "-V", "--help", "-h") && r.pyManifest(dir, nil) {
		r.pyBuild(dir, nil, false)
	}
}

// pipenv is pipenv.
func (r *reader) pipenv() {
	for _, variable := range []string{"PIPENV_PIPFILE", "PIPENV_MAX_DEPTH", "PIPENV_NO_INHERIT"} {
		if r.call.S.Env(variable) != "" {
			return
		}
	}
	sub := r.sub()
	if sub == "install" || sub == "sync" {
		for _, w := range r.options.All("-e", "--editable") {
			if isPipPath(w.Text) {
				r.pipProject(w.Text, nil, true)
			}
		}
	}
	pipfile := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, "Pipfile")) })
	if pipfile == "" {
		if sub == "sync" || sub == "install" && r.options.Has("--deploy", "--ignore-pipfile") {
			r.need(Missing{Path: path.Join(r.dir, "Pipfile"), What: "the Pipfile"})
		}
		return
	}
	if sub == "sync" || sub == "requirements" || sub == "install" && len(r.words) == 1 && r.options.Has("--deploy", "--ignore-pipfile") && !r.options.Has("--skip-lock") {
		r.need(Missing{Path: path.Join(pipfile, "Pipfile.lock"), What: "the lock file"})
	}
	if sub == "install" || sub == "sync" {
		r.pipfilePaths(path.Join(pipfile, "Pipfile"))
	}
}

// pipfilePaths looks for what packages of a Pipfile are taken from.
func (r *reader) pipfilePaths(file string) {
	data, ok := r.text(file)
	if !ok {
		return
	}
	doc, err := document.TOML(data)
	if err != nil {
		return
	}
	for name, n := range doc.Get("packages").All() {
		if at := n.Get("path"); at.Is() && n.Get("markers") == nil {
			r.need(Missing{Kind: Member, Path: path.Join(path.Dir(file), at.Text), What: "what " + name + " is taken from", Because: []Line{{File: file, Line: at.At(), Text: textOf(data, at.At())}}})
		}
	}
}

// pipTools is pip-sync, and pip-compile.
func (r *reader) pipTools() {
	for _, w := range r.words {
		if w.Known() && w.Text != "-" {
			r.need(Missing{Path: r.abs(w.Text), What: "the requirements file"})
		}
	}
	if len(r.words) == 0 && r.call.Base == "pip-sync" {
		r.need(Missing{Path: path.Join(r.dir, "requirements.txt"), What: "the requirements file"})
	}
}

// setupFile is a setup.py that is run: for it, the directory in which it is started is that of the project.
func (r *reader) setupFile(args []string) {
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--help") }) {
		return
	}
	if r.absent(path.Join(r.dir, "setup.py")) {
		return
	}
	r.setupPyRun(r.dir, slices.Contains(args, "develop"))
}
