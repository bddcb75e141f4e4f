package command

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// find writes what it prints to files, and starts programs.
func (p *print) find(o Options) {
	for i, w := range p.call.Args {
		switch {
		case strings.HasPrefix(w.Text, "-fprint") || w.Text == "-fls":
			p.add(named, o)
		case (strings.HasPrefix(w.Text, "-exec") || strings.HasPrefix(w.Text, "-ok")) && i+1 < len(p.call.Args):
			called := &Call{S: p.call.S, Name: p.call.Args[i+1], Base: path.Base(p.call.Args[i+1].Text), Args: p.call.Args[i+2:], run: p.call.run}
			if f, ok := footprintOf(called); !ok || f.where != nothing || f.more != nil {
				p.add(anything, o) // {} may stand for any file that it finds
			}
		}
	}
}

// builds adds the projects that an installer is given: their own code may run then.
func (p *print) builds(o Options) {
	for _, w := range append(o.Operands, o.All("-e", "--editable")...) {
		name := strings.TrimPrefix(w.Text, "file:")
		name, _, _ = strings.Cut(name, "[")
		if name == "." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "..") || strings.HasPrefix(name, "/") {
			p.word(shell.Word{Text: name})
		}
	}
}

// lifecycle adds the package that is installed, if it has scripts that run then: they may do anything.
func (p *print) lifecycle(o Options) {
	if p.call.Followed {
		return
	}
	if !o.Has("--ignore-scripts") {
		p.scripts("package.json", "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
	}
}

// scripts adds the directory in which the program works if a manifest there has scripts of some names; without names, any.
func (p *print) scripts(manifest string, names ...string) {
	file := path.Join(p.dir, manifest)
	text, ok := p.call.run.Read(file)
	if !ok && p.dir != "" && p.call.run.Stat(file) == shell.Absent {
		return
	}
	var has struct{ Scripts map[string]any }
	if !ok || json.Unmarshal([]byte(text), &has) != nil {
		p.path(project(p.dir))
	}
	for name := range has.Scripts {
		if len(names) == 0 || slices.Contains(names, name) {
			p.path(project(p.dir))
		}
	}
}

// clone adds the directory that git makes.
func (p *print) clone(o Options) {
	switch {
	case len(o.Operands) > 2:
		p.word(o.Operands[2])
	case len(o.Operands) == 2 && o.Operands[1].Known():
		p.below(strings.TrimSuffix(path.Base(strings.TrimSuffix(o.Operands[1].Text, "/")), ".git"))
	default:
		p.add(here, o)
	}
}

func (p *print) curl(o Options) {
	for name := range o.Given {
		letters := len(name) > 1 && name[1] != '-'
		switch {
		case name == "--remote-name" || name == "--remote-name-all" || letters && strings.Contains(name[1:], "O"):
			p.add(here, o)
		case letters && name != "-o" && strings.HasSuffix(name, "o"): // -Lo FILE
			p.add(named, o)
		}
	}
}

func (p *print) wget(o Options) {
	if o.Has("-O", "--output-document", "-P", "--directory-prefix") {
		return
	}
	for name := range o.Given {
		if len(name) > 1 && name[1] != '-' && strings.Contains(name[1:], "O") { // -qO FILE, -qO- and -qOFILE
			if _, file, _ := strings.Cut(name, "O"); file != "-" {
				p.word(shell.Word{Text: file})
				p.add(named, o)
			}
			return
		}
	}
	p.add(here, o)
}

// dotnetProjects adds what is made beside projects that lie outside of the directory in which it works.
func (p *print) dotnetProjects(o Options) {
	for _, w := range o.Operands[min(1, len(o.Operands)):] {
		if text := strings.ReplaceAll(w.Text, `\`, "/"); w.Known() && (strings.HasPrefix(text, "..") || path.IsAbs(text) && !strings.ContainsAny(text, ":=")) {
			p.word(shell.Word{Text: path.Dir(text)})
		}
	}
}

// python adds where the tool writes that -m runs. A script may do anything.
func (p *print) python(o Options) {
	for i, w := range p.call.Args {
		if w.Text != "-m" || i+1 == len(p.call.Args) {
			continue
		}
		called := &Call{S: p.call.S, Name: p.call.Args[i+1], Base: p.call.Args[i+1].Text, Args: p.call.Args[i+2:], run: p.call.run}
		switch called.Base {
		case "venv":
			called.Base = "virtualenv"
		case "compileall", "json.tool", "unittest", "pytest", "http.server", "site":
			return
		case "ensurepip", "spacy", "nltk.downloader", "playwright":
			p.add(packages, o)
			return
		}
		p.program(called)
		return
	}
	p.add(anything, o)
}

// copies adds what is put into a directory that is known: it is called there as before.
func (p *print) copies(o Options) {
	last := len(o.Operands) - 1
	if last < 1 || o.Has("-t", "--target-directory", "-T", "--parents") || p.call.run == nil {
		p.add(named, o)
		return
	}
	dir := p.call.S.Abs(o.Operands[last].Text)
	if dir == "" || !o.Operands[last].Known() || p.call.run.Stat(dir) != shell.Directory {
		p.add(named, o)
		return
	}
	for _, w := range o.Operands[:last] {
		base := path.Base(w.Text)
		if p.call.Base == "mv" {
			p.word(w)
		}
		if strings.HasSuffix(w.Text, "/.") || base == "." || base == ".." || !w.Known() || strings.ContainsAny(base, `*?[\\`) {
			p.path(dir)
			continue
		}
		p.path(path.Join(dir, base))
	}
}
