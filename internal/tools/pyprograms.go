package tools

import (
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of pytest 8, Flask 3, Celery 5, Sphinx 7, MkDocs 1.6 and PyInstaller 6, by their sources.

const (
	pytestValued = "-k -m -c --config-file --rootdir -n --numprocesses --dist --cov --cov-report --cov-config --cov-fail-under -p -o --override-ini --junitxml --junit-xml --maxfail " +
		"--timeout -W --pythonwarnings --durations --tb --ignore --ignore-glob --deselect --confcutdir --basetemp --log-level --log-cli-level --color --capture -r --reruns --import-mode"
	flaskValued       = "-A --app -e --env-file"
	celeryValued      = "-A --app -b --broker --loader --config --workdir -l --loglevel -c --concurrency -Q --queues"
	sphinxValued      = "-b -d -D -A -c -t -j -w -M -C"
	mkdocsValued      = "-f --config-file -d --site-dir -t --theme"
	pyinstallerValued = "-n --name --distpath --workpath --specpath --upx-dir -p --paths --hidden-import --additional-hooks-dir --runtime-hook --exclude-module --add-data --add-binary -i --icon --log-level"
)

// pytest is pytest: the files and directories that are named.
func (r *reader) pytest() {
	if !r.known() || r.options.Has("--pyargs", "--version", "-V", "--help", "-h", "--fixtures", "--markers") {
		return
	}
	for _, w := range r.words {
		name, _, _ := strings.Cut(w.Text, "::")
		if !strings.HasPrefix(name, "@") {
			r.need(Missing{Path: r.abs(name), What: "what is tested"})
		}
	}
	if w, ok := r.options.Last("-c", "--config-file"); ok {
		r.need(Missing{Path: r.abs(w.Text), What: "the settings of pytest"})
	}
}

// flask is flask: whichever its command, it imports the application.
func (r *reader) flask() {
	if r.sub() == "" || r.options.Has("--version", "--help") || !r.known() {
		return
	}
	app := r.call.S.Env("FLASK_APP")
	if w, ok := r.options.Last("-A", "--app"); ok {
		app = w.Text
	}
	if app == "" {
		at := path.Join(r.dir, "app.py")
		if !r.absent(path.Join(r.dir, ".flaskenv")) || !r.absent(path.Join(r.dir, ".env")) {
			return
		}
		r.need(Missing{Path: at, Or: []string{path.Join(r.dir, "wsgi.py"), path.Join(r.dir, ".flaskenv")}, What: "the application"})
		for _, file := range []string{path.Join(r.dir, "wsgi.py"), at} {
			if r.is(file) {
				r.pythonRun(r.dir).file(file, r.dir)
				return
			}
		}
		return
	}
	r.application(app)
}

// celery is celery: it imports the application.
func (r *reader) celery() {
	if w, ok := r.options.Last("-A", "--app"); ok && r.known() && r.sub() != "" {
		r.application(w.Text)
	}
}

// application follows a module, or a file, that a program imports from the directory in which it works.
func (r *reader) application(name string) {
	name, _, _ = strings.Cut(name, ":")
	if name == "" || strings.Contains(name, shell.Hole) {
		return
	}
	if path.Ext(name) == ".py" {
		at := r.abs(name)
		r.need(Missing{Path: at, What: "the application"})
		r.pythonRun(path.Dir(at)).file(at, path.Dir(at))
		return
	}
	r.pythonRun(r.dir).module(strings.ReplaceAll(name, "/", "."), nil, "")
}

// sphinx is sphinx-build: a directory with a conf.py.
func (r *reader) sphinx() {
	words := r.words
	if w, ok := r.options.Last("-M"); ok && len(words) > 0 {
		words = append([]shell.Word{w}, words...)[1:]
	}
	if len(words) < 2 || !r.known() || r.options.Has("-C", "--version", "--help", "-h") {
		return
	}
	dir := r.abs(words[0].Text)
	if w, ok := r.options.Last("-c"); ok {
		dir = r.abs(w.Text)
	}
	r.need(Missing{Path: path.Join(dir, "conf.py"), What: "the settings of Sphinx"})
}

// mkdocs is mkdocs build.
func (r *reader) mkdocs() {
	if r.sub() != "build" || !r.known() || r.options.Has("--help", "-h") {
		return
	}
	if w, ok := r.options.Last("-f", "--config-file"); ok {
		r.need(Missing{Path: r.abs(w.Text), What: "the settings of MkDocs"})
		return
	}
	r.need(Missing{Path: path.Join(r.dir, "mkdocs.yml"), Or: []string{path.Join(r.dir, "mkdocs.yaml")}, What: "the settings of MkDocs"})
}

// pyinstaller is pyinstaller: programs, or what says how one is packed.
func (r *reader) pyinstaller() {
	if r.known() && !r.options.Has("--version", "-v", "--help", "-h") {
		for _, w := range r.words {
			r.need(Missing{Path: r.abs(w.Text), What: "what is packed"})
		}
	}
}
