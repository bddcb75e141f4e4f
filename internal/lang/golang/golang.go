// Package golang follows Go programs that a step of the build compiles: from the binary that the image starts back to the packages that
// it is built from, and to the files that these read by a path that is written out.
package golang

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/golang/source"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// Language is Go. What is started is a binary, which nothing tells to be one of it.
var Language = lang.Language{
	Name: "Go", Of: program.Other, Source: func(p string) bool { return strings.HasSuffix(p, ".go") },
	Look: func(b *view.Build) lang.Programs {
		return &programs{Build: b, seen: map[string]bool{}, builds: map[string]build{}}
	},
}

// programs are the Go programs of a build.
type programs struct {
	*view.Build
	reads []lang.Read
	seen  map[string]bool
	// builds are those of what was asked for, by its path in the image; without an operation if nothing builds it.
	builds map[string]build
}

// Follow implements lang.Programs.
func (c *programs) Follow(entries []lang.Entry) *lang.Followed {
	for _, e := range entries {
		if b, ok := c.started(e); ok && !e.Health && !c.seen[b.program.File] {
			c.seen[b.program.File] = true
			c.follow(e, b)
		}
	}
	return &lang.Followed{Reads: c.reads, Cycles: func() []lang.Fault { return nil }}
}

// started gives the build of what an entry starts.
func (c *programs) started(e lang.Entry) (b build, ok bool) {
	if e.Kind != program.Program && e.Kind != program.Script {
		return b, false
	}
	for _, p := range append([]string{e.Path}, e.Places...) {
		if !path.IsAbs(p) {
			continue
		}
		b, known := c.builds[p]
		if !known {
			b, _ = c.built(c.Image.Plan.Result, p, 0)
			b.at = p
			c.builds[p] = b
		}
		if b.op != nil {
			return b, true
		}
	}
	return b, false
}

// Starts implements lang.Programs.
func (c *programs) Starts(e lang.Entry) (bool, []string) {
	_, ok := c.started(e)
	return ok, nil
}

// follow looks for what a program reads and the image lacks.
func (c *programs) follow(e lang.Entry, b build) {
	var packages []source.Package
	sight := c.Image.Sight(b.op)
	for _, p := range b.program.Packages {
		x := source.Package{Path: p.Path}
		for _, name := range p.Files {
			file := path.Join(p.Dir, name)
			if data, err := sight.Content(file); err == nil {
				x.Files = append(x.Files, source.File{Name: file, Data: data})
			}
		}
		packages = append(packages, x)
	}
	found := source.Find(packages, len(e.Run.Args()) == 1)
	for _, r := range found.Reads {
		if found.ChangesDir && !path.IsAbs(r.Paths[0]) {
			continue
		}
		if read, ok := c.missing(e, b, r); ok {
			c.reads = append(c.reads, read)
		}
	}
}

// missing tells what of the build context would be what a program reads, if the image has nothing there.
func (c *programs) missing(e lang.Entry, b build, r source.Read) (out lang.Read, ok bool) {
	if e.Workdir == "" && !path.IsAbs(r.Paths[0]) || slices.Contains([]string{"go.mod", "go.sum", "."}, r.Paths[0]) {
		return out, false
	}
	for _, p := range r.Paths {
		at := path.Join(e.Workdir, p)
		if path.IsAbs(p) {
			at = p
		}
		if !c.lacks(at, r) || e.Run.Mounted(at) {
			return out, false
		}
	}
	ask, ok := c.ask(e, b, r)
	if !ok {
		return out, false
	}
	for _, p := range r.Paths {
		if path.IsAbs(p) {
			continue
		}
		for _, dir := range c.sourceDirs(b) {
			if name, isDir, ok := c.repository(path.Join(dir, p), r); ok {
				at := path.Join(e.Workdir, p)
				if r.Glob { // the first that matches, or the directory if that is not there
					if at = path.Join(path.Dir(at), path.Base(name)); isDir {
						at = path.Dir(path.Join(e.Workdir, p))
					}
				}
				return lang.Read{At: at, Source: name, Dir: r.Dir || isDir, Ask: ask}, true
			}
		}
	}
	return out, false
}

// lacks reports whether the image surely has nothing at a path, or none that matches a pattern.
func (c *programs) lacks(at string, r source.Read) bool {
	if !r.Glob {
		return c.Tree.Stat(at) == shell.Absent
	}
	dir := path.Dir(at)
	if strings.ContainsAny(dir, "*?[") {
		return false
	}
	if c.Tree.Stat(dir) == shell.Absent {
		return true
	}
	return !c.Tree.MayHold(path.Join(dir, "x")) && !slices.ContainsFunc(c.Tree.Names(dir), func(name string) bool {
		ok, err := path.Match(path.Base(at), name)
		return ok || err != nil
	})
}

// repository gives what the build context has at a path or, of a pattern, the directory or the first file that matches. isDir tells of a
// pattern that its directory counts, since the image lacks that.
func (c *programs) repository(name string, r source.Read) (found string, isDir, ok bool) {
	if strings.HasPrefix(name, "..") || name == "." {
		return "", false, false
	}
	if !r.Glob {
		kind := c.Repo.Stat("/" + name)
		return name, false, r.Dir && kind == shell.Directory || !r.Dir && kind == shell.Regular
	}
	entries, err := c.Repo.List("/" + path.Dir(name))
	if err != nil {
		return "", false, false
	}
	for _, e := range entries {
		if match, err := path.Match(path.Base(name), e.Name()); match && err == nil && !e.IsDir() {
			return path.Join(path.Dir(name), e.Name()), false, true
		}
	}
	return "", false, false
}

// sourceDirs are the directories of the build context from which a program is started by its developers: that of its module, that of its
// main package, and the root.
func (c *programs) sourceDirs(b build) (dirs []string) {
	add := func(dir string) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if name, ok := c.StepPath(b.op, path.Join(b.program.Module, "go.mod")); ok {
		add(path.Dir(name))
	}
	main := b.program.Packages[0]
	if len(main.Files) > 0 {
		if name, ok := c.StepPath(b.op, path.Join(main.Dir, main.Files[0])); ok {
			add(path.Dir(name))
		}
	}
	add(".")
	return dirs
}

// secrets are the endings of what is mounted when a container runs, and is in a repository for tests.
var secrets = []string{".pem", ".key", ".crt", ".cert", ".p12"}

// ask gives the place that reads something, with the way to it.
func (c *programs) ask(e lang.Entry, b build, r source.Read) (need.Ask, bool) {
	name, ok := c.StepPath(b.op, r.File)
	if !ok {
		return need.Ask{}, false
	}
	shown := simulate.Shown(c.Main.Dir, name)
	data, err := c.Image.Sight(b.op).Content(r.File)
	if err != nil {
		return need.Ask{}, false
	}
	lines := strings.Split(string(data), "\n")
	text := strings.TrimSpace(lines[min(r.Line, len(lines))-1])
	reach := need.Lazy
	if r.Fatal && !e.Conditional && !e.Tolerated && !slices.Contains(secrets, path.Ext(r.Paths[0])) {
		reach = need.Startup
	}
	way := []string{b.at}
	for _, l := range b.way {
		way = append(way, place(l))
	}
	return need.Ask{At: finding.Position{File: shown, Line: r.Line, Column: r.Column}, Text: text, Reach: reach, Way: append(way, "main")}, true
}
