package tools

import (
	"path"
	"strings"

	"golang.org/x/mod/module"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// GoPackage is a package of Go that is compiled from files of the tree.
type GoPackage struct {
	Dir string
	// Path is that under which it is imported; "" for the one that is named. Name is what its files say.
	Path, Name string
	Files      []string
}

// GoProgram is a program that the go command builds.
type GoProgram struct {
	// File is where it is put, Module the directory of the main module.
	File, Module string
	// Packages are those of the tree that it is compiled from, its own first.
	Packages []GoPackage
}

// GoPrograms gives the programs that a call of the go command builds, as far as their files are in the tree.
func GoPrograms(c *command.Call, files Files) (out []GoProgram) {
	t, known := find(c)
	if !known || t.names != "go" || c.S.Dir == "" {
		return nil
	}
	r, ok := newReader(c, t, files)
	if !ok || !r.known() || r.sub() != "build" && r.sub() != "install" {
		return nil
	}
	s, ok := r.goModules(false)
	if !ok || s.main.file == nil {
		return nil
	}
	args := r.words[1:]
	if len(args) == 0 {
		args = []shell.Word{{Text: "."}}
	}
	if strings.HasSuffix(args[0].Text, ".go") {
		return append(out, s.program(args, strings.TrimSuffix(path.Base(args[0].Text), ".go"), len(args) == 1)...)
	}
	for _, arg := range args {
		all := s.load(r.sub(), []shell.Word{arg}, true)
		if !strings.Contains(arg.Text, "...") {
			if len(all.loaded) > 0 {
				out = append(out, s.programOf(all.loaded, len(args) == 1)...)
			}
			continue
		}
		for _, p := range all.loaded {
			if p.Name == "main" && p.Path == "" {
				out = append(out, s.programOf(s.load(r.sub(), []shell.Word{{Text: p.Dir}}, true).loaded, false)...)
			}
		}
	}
	return out
}

// program is a program of files that are named.
func (s *goSetup) program(args []shell.Word, name string, only bool) []GoProgram {
	l := s.load(s.r.sub(), args, true)
	if len(l.loaded) == 0 || l.loaded[0].Name != "main" {
		return nil
	}
	file := s.output(name, true)
	if file == "" {
		return nil
	}
	return []GoProgram{{File: file, Module: s.main.dir, Packages: l.loaded}}
}

// programOf is the program of the first of some packages; only tells that nothing else is built.
func (s *goSetup) programOf(packages []GoPackage, only bool) []GoProgram {
	if len(packages) == 0 || packages[0].Name != "main" {
		return nil
	}
	name := path.Base(packages[0].Dir)
	if packages[0].Dir == s.main.dir {
		prefix, _, _ := module.SplitPathVersion(s.main.path)
		name = path.Base(prefix)
	}
	file := s.output(name, only)
	if file == "" {
		return nil
	}
	return []GoProgram{{File: file, Module: s.main.dir, Packages: packages}}
}

// output gives where a program of a name is put; "" if that is nowhere, or not known.
func (s *goSetup) output(name string, only bool) string {
	r := s.r
	if r.sub() == "install" {
		bin := r.call.S.Env("GOBIN")
		if bin == "" {
			bin = path.Join(r.call.S.Env("GOPATH"), "bin")
		}
		if bin == "bin" {
			bin = "/go/bin"
		}
		return path.Join(bin, name)
	}
	w, given := r.options.Last("-o")
	switch {
	case !given && !only || given && !w.Known():
		return ""
	case !given:
		return path.Join(r.dir, name)
	case strings.HasSuffix(w.Text, "/") || r.isDir(r.abs(w.Text)):
		return path.Join(r.abs(w.Text), name)
	}
	return r.abs(w.Text)
}
