package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// scriptOr notes a script of a package.json or, where that has none of the name, what the program of that name reads.
func (r *reader) scriptOr(p nodePackage, run func(p nodePackage, name string, args []shell.Word), words []shell.Word) {
	if p.json.Get("scripts", words[0].Text).Is() {
		run(p, words[0].Text, words[1:])
		return
	}
	program := command.ProgramOf(r.call, words)
	if program == nil || command.RunsPackages(program.Base) {
		return
	}
	program.S = r.call.S.Clone()
	program.S.Chdir(shell.Word{Text: r.dir})
	out := Read(program, r.files)
	for _, m := range out.Missing {
		r.missing(m)
	}
	r.out.Scripts = append(r.out.Scripts, out.Scripts...)
}

// nest is the command of NestJS. nest build compiles with the configuration that its own one names, by default one of two; what that
// extends it does without.
func (r *reader) nest() {
	if sub := r.sub(); sub != "build" && sub != "start" || !r.known() || r.options.Has("-b", "--builder") || r.options.Has("--webpack") {
		return
	}
	names := r.options.All("-p", "--path")
	if len(names) > 0 {
		r.need(Missing{Path: r.abs(names[0].Text), What: "the configuration of the compiler"})
		r.tsProgram(r.abs(names[0].Text))
		return
	}
	file := path.Join(r.dir, "nest-cli.json")
	if given := r.options.All("-c", "--config"); len(given) > 0 {
		file = r.abs(given[0].Text)
		r.need(Missing{Path: file, What: "the configuration of nest"})
	}
	data, ok := r.text(file)
	doc, err := document.JSON(data)
	switch {
	case !ok && !r.absent(file) || err != nil && ok:
		return
	case !ok:
		doc = nil
	}
	at := doc.Get("compilerOptions")
	if len(r.words) > 1 {
		at = doc.Get("projects", r.words[1].Text, "compilerOptions")
	} else if doc.Get("monorepo").Is() {
		return // the default project has its own
	}
	builder := at.Str("builder") + at.Str("builder", "type")
	if checked := builder == "swc" && at.Str("typeCheck") == "true"; builder != "" && builder != "tsc" && !checked || at.Get("webpack").Is() {
		return // one that does not look at types does not look for what is imported, either
	}
	if n := at.Get("tsConfigPath"); n.Is() {
		r.need(Missing{Path: path.Join(r.dir, n.Text), What: "the configuration of the compiler",
			Because: []Line{{File: file, Line: n.At(), Text: strings.TrimSuffix(textOf(data, n.At()), ",")}}})
		r.tsProgram(path.Join(r.dir, n.Text))
	} else if len(r.words) < 2 {
		r.need(Missing{Path: path.Join(r.dir, tsconfig), Or: []string{path.Join(r.dir, "tsconfig.build.json")}, What: "the configuration of the compiler"})
		if config := path.Join(r.dir, "tsconfig.build.json"); r.is(config) {
			r.tsProgram(config)
		} else if r.absent(config) {
			r.tsProgram(path.Join(r.dir, tsconfig))
		}
	}
}

const nxProject = "project.json"

// nx runs targets of projects, which a project.json makes, or the package.json of a workspace member.
func (r *reader) nx() {
	sub := r.sub()
	if !r.known() || slices.Contains([]string{"", "init", "list", "report", "reset", "daemon", "g", "generate", "graph", "migrate", "connect", "login", "format", "release", "show", "run-many", "affected", "watch", "exec"}, sub) {
		return
	}
	root := upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, "nx.json")) })
	if root == "" {
		if upward(r.dir, func(dir string) bool { return !r.absent(path.Join(dir, packageJSON)) }) == "" {
			r.need(Missing{Path: path.Join(r.dir, "nx.json"), What: "the configuration of nx"})
		}
		return
	}
	if len(r.words) < 2 {
		return
	}
	name := r.words[1].Text
	if sub == "run" {
		name, _, _ = strings.Cut(name, ":")
	}
	p, ok := r.nodePackage(root)
	if at, known := r.nxProject(root, name); !ok || at != "" || !known {
		return
	}
	if w := r.workspace(p, r.allGlobs(p)); !w.complete || slices.ContainsFunc(w.members, func(m nodePackage) bool { return m.name() == name || path.Base(m.dir) == name }) {
		return
	}
	r.missing(Missing{Kind: Member, What: "the project " + name, Root: root, Find: func(tree Files, root string) string {
		at, _ := (&reader{files: tree}).nxProject(root, name)
		return at
	}})
}

// nxProject gives the project.json of a project below a directory, "" if there is none. known is false if there may be others.
func (r *reader) nxProject(root, name string) (file string, known bool) {
	files, known := r.glob(root, "**/"+nxProject)
	for _, file := range files {
		data, ok := r.text(file)
		doc, err := document.JSON(data)
		if !ok || err != nil {
			known = false
			continue
		}
		if own := doc.Str("name"); own == name || own == "" && path.Base(path.Dir(file)) == name {
			return file, true
		}
	}
	return "", known
}
