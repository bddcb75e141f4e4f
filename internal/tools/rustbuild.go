package tools

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/tools/rust"
)

// rustBuild follows the sources of Rust packages.
type rustBuild struct {
	*cargoRun
	tests bool
	// toldCompiler tells that the compiler was looked for.
	toldCompiler bool
	seen         map[string]bool // packages and files
}

// crate follows a package that is compiled and, with it, those that it depends on.
func (b *rustBuild) crate(c crate, top bool) {
	if b.seen[c.dir] || c.toml.Get("package") == nil {
		return
	}
	b.seen[c.dir] = true
	if target, ok := b.options.Last("--target"); ok && target.Known() {
		b.toolchain(target.Text, "it may lack the target "+target.Text+".", []Line{c.line(c.toml.Get("package"))})
	}
	script := path.Join(c.dir, "build.rs")
	if n := c.toml.Get("package", "build"); n.Is() && n.Text != "true" {
		if script = ""; n.Text != "false" {
			script = path.Join(c.dir, n.Text)
			b.need(Missing{Kind: Source, Path: script, What: "the build script", Because: []Line{c.line(n)}})
		}
	}
	b.source(c, script, true)
	b.script(c, script)
	lib := path.Join(c.dir, "src/lib.rs")
	if n := c.toml.Get("lib", "path"); n.Is() {
		lib = path.Join(c.dir, n.Text)
		b.need(Missing{Kind: Source, Path: lib, What: "the source of the library", Because: []Line{c.line(n)}})
	}
	b.source(c, lib, true)
	if top {
		b.programs(c)
	}
	for _, table := range []string{"dependencies", "build-dependencies"} {
		for name, d := range c.toml.Get(table).All() {
			at := d.Str("path")
			if at != "" {
				at = path.Join(c.dir, at)
			} else if of := b.root.toml.Str("workspace", "dependencies", name, "path"); of != "" && d.Str("workspace") == "true" {
				at = path.Join(b.root.dir, of)
			}
			i := slices.IndexFunc(b.loaded, func(m crate) bool { return m.dir == at })
			if i >= 0 && d.Str("optional") != "true" {
				b.crate(b.loaded[i], false)
			}
		}
	}
}

// programs follows the programs of a package that are built: all of them, or the one that is named.
func (b *rustBuild) programs(c crate) {
	if b.options.Has("--lib", "--example", "--test", "--bench") {
		return
	}
	only, given := b.options.Last("--bin")
	wanted := func(name string) bool { return !given || name == only.Text }
	if wanted(c.name()) {
		b.source(c, path.Join(c.dir, "src/main.rs"), true)
	}
	named := map[string]bool{}
	for _, t := range c.toml.List("bin") {
		named[t.Str("name")] = true
		if t.Get("required-features") != nil || !wanted(t.Str("name")) || t.Str("path") == "" {
			continue
		}
		file := path.Join(c.dir, t.Str("path"))
		b.need(Missing{Kind: Source, Path: file, What: "the source of the program " + t.Str("name"), Because: []Line{c.line(t.Get("path"))}})
		b.source(c, file, true)
	}
	entries, _ := b.files.List(path.Join(c.dir, "src/bin"))
	for _, e := range entries {
		name, isRust := strings.CutSuffix(e.Name(), ".rs")
		file := path.Join(c.dir, "src/bin", e.Name())
		if e.IsDir() {
			file, isRust = path.Join(file, "main.rs"), true
		}
		if isRust && !named[name] && wanted(name) {
			b.source(c, file, true)
		}
	}
}

// source follows the modules of a file and what it includes. root tells that it is the file of a crate: its modules lie beside it.
func (b *rustBuild) source(c crate, file string, root bool) {
	if file == "" || b.seen[file] || len(b.seen) > maxPackages || len(b.out.Missing) > maxMissing {
		return
	}
	b.seen[file] = true
	data, ok := b.text(file)
	if !ok {
		return
	}
	dir := path.Dir(file)
	beside := dir
	if base := path.Base(file); !root && base != "mod.rs" {
		beside = path.Join(dir, strings.TrimSuffix(base, ".rs"))
	}
	for _, u := range rust.Scan(data, b.tests) {
		because := []Line{{File: file, Line: u.Line, Text: textOf(data, u.Line)}}
		switch {
		case u.Kind == rust.Module && u.Path != "":
			at := path.Join(dir, u.Path)
			if len(u.In) > 0 {
				continue
			}
			b.need(Missing{Kind: Source, Path: at, What: "the module " + u.Name, Because: because})
			b.source(c, at, true)
		case u.Kind == rust.Module:
			in := path.Join(append([]string{beside}, u.In...)...)
			one, two := path.Join(in, u.Name+".rs"), path.Join(in, u.Name, "mod.rs")
			b.need(Missing{Kind: Source, Path: one, Or: []string{two}, What: "the module " + u.Name, Because: because})
			b.source(c, one, false)
			b.source(c, two, false)
		case u.Kind == rust.Include || u.Kind == rust.OfCrate:
			from := dir
			if u.Kind == rust.OfCrate {
				from = c.dir
			}
			at := path.Join(from, u.Name)
			if path.IsAbs(u.Name) {
				at = path.Clean(u.Name)
			}
			m := Missing{Kind: Source, Path: at, What: "what the source includes", Because: because}
			b.need(m)
			b.hollow(m)
			if u.Code {
				b.source(c, at, true)
			}
		default:
			b.asks(c, u, because)
		}
	}
}

// asks looks for what a source asks for that is no path of its own.
func (b *rustBuild) asks(c crate, u rust.Use, because []Line) {
	switch u.Kind {
	case rust.Variable:
		b.variable(c, u.Name, because)
	case rust.Query:
		b.queries(c, because)
	case rust.Unstable:
		b.toolchain("nightly", "only a nightly one takes "+because[0].Text+".", because)
	case rust.Above:
		m := Missing{Kind: Source, Path: path.Join(c.dir, u.Name), Dir: true, What: "what the source includes", Because: because}
		for at := c.dir; at != "/"; {
			at = path.Dir(at)
			m.Or = append(m.Or, path.Join(at, u.Name))
		}
		b.need(m)
		b.hollow(m)
	case rust.Grammar:
		b.need(Missing{Kind: Source, Path: path.Join(c.dir, "src", u.Name), Or: []string{path.Join(c.dir, u.Name)}, What: "the grammar", Because: because})
	case rust.Template:
		if b.absent(path.Join(c.dir, "askama.toml")) && b.absent(path.Join(c.dir, "rinja.toml")) && b.absent(path.Join(c.dir, "sailfish.toml")) {
			b.need(Missing{Kind: Source, Path: path.Join(c.dir, "templates", u.Name), What: "the template", Because: because})
		}
	}
}
