package tools

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// vendored looks for the directory that the configuration of cargo takes the packages of the registry from, if the lock has any.
func (x *cargoRun) vendored() {
	lock, _ := x.text(path.Join(x.root.dir, "Cargo.lock"))
	if !strings.Contains(string(lock), `"registry+`) {
		return
	}
	upward(x.call.S.Dir, func(dir string) bool {
		for _, name := range []string{"config", "config.toml"} { // where both are there, that without an ending counts
			file := path.Join(dir, ".cargo", name)
			data, ok := x.text(file)
			if !ok {
				continue
			}
			doc, err := document.TOML(data)
			if err != nil {
				return true
			}
			at := doc.Get("source", doc.Str("source", "crates-io", "replace-with"), "directory")
			if at.Is() {
				x.need(Missing{Path: path.Join(dir, at.Text), Dir: true, What: "what cargo takes packages from", Because: []Line{{File: file, Line: at.At(), Text: textOf(data, at.At())}}})
				return true
			}
			return false
		}
		return false
	})
}

// variable is a variable that a source asks for: a build script sets it, or the environment in which it is compiled.
func (b *rustBuild) variable(c crate, name string, because []Line) {
	script := path.Join(c.dir, "build.rs")
	text, known := b.text(script)
	if c.toml.Get("package", "build") != nil || !b.absent(script) && (!known || strings.Contains(string(text), "rustc-env") || name == "OUT_DIR" || c.toml.Get("build-dependencies") != nil) {
		return
	}
	if set, is := b.call.S.Value(name); is || set != "" {
		return
	}
	m := Missing{Kind: Source, Path: script, What: "the build script", Because: because}
	if name != "OUT_DIR" {
		config := upward(c.dir, func(dir string) bool {
			return !b.absent(path.Join(dir, ".cargo", "config.toml")) || !b.absent(path.Join(dir, ".cargo", "config"))
		})
		if config != "" || strings.HasPrefix(name, "CARGO_") {
			return
		}
		m.What, m.Root, m.Find = "what sets "+name+": build.rs", c.dir, func(tree Files, root string) string {
			if data, err := tree.Content(path.Join(root, "build.rs")); !known && err == nil && strings.Contains(string(data), name) {
				return path.Join(root, "build.rs")
			}
			return containing(tree, root, ".cargo/config.toml", name)
		}
	}
	b.missing(m)
}

// hollow looks into a directory that is included, of which nothing is left.
func (b *rustBuild) hollow(m Missing) {
	some := func(files Files, dir string) bool {
		entries, err := (&reader{files: files}).list(dir, func(string) bool { return true })
		return err != nil || len(entries) > 0
	}
	if !b.isDir(m.Path) || some(b.files, m.Path) {
		return
	}
	m.Path, m.Root, m.Doubt = path.Join(m.Path, "*"), m.Path, "The directory exists but is empty, so the build embeds nothing of it."
	m.Find = func(tree Files, root string) string {
		if tree.Stat(root) == shell.Directory && some(tree, root) {
			return root
		}
		return ""
	}
	b.missing(m)
}

// toolchain looks for the file that names the compiler, if the one of the base image may not do.
func (b *rustBuild) toolchain(has, why string, because []Line) {
	names := []string{"rust-toolchain.toml", "rust-toolchain"}
	s := b.call.S
	if len(b.words) > 0 && strings.HasPrefix(b.words[0].Text, "+") || s.Env("RUSTUP_TOOLCHAIN") != "" || s.Env("RUSTC_BOOTSTRAP") != "" || b.toldCompiler {
		return
	}
	if upward(s.Dir, func(dir string) bool {
		return !b.absent(path.Join(dir, names[0])) || !b.absent(path.Join(dir, names[1]))
	}) != "" {
		return
	}
	b.toldCompiler = true
	b.missing(Missing{Path: path.Join(s.Dir, names[0]), What: "what names the compiler", Because: because, Root: s.Dir,
		Doubt: "The compiler of the base image is taken, and " + why, Find: func(tree Files, root string) string {
			for _, name := range names {
				if at := containing(tree, root, name, has); at != "" {
					return at
				}
			}
			return ""
		}})
}

// queries are checked against what was kept of a database, if there is none to ask.
func (b *rustBuild) queries(c crate, because []Line) {
	offline, url := b.call.S.Env("SQLX_OFFLINE"), b.call.S.Env("DATABASE_URL")
	asks := url != "" || upward(c.dir, func(dir string) bool { return !b.absent(path.Join(dir, ".env")) }) != ""
	if offline != "true" && offline != "1" && (offline != "" || asks) {
		return
	}
	var or []string
	for _, dir := range []string{b.root.dir, c.dir} {
		or = append(or, path.Join(dir, ".sqlx"), path.Join(dir, "sqlx-data.json"))
	}
	b.need(Missing{Path: or[0], Or: or[1:], What: "what was kept of the database's answers", Because: because})
}

var (
	rustComment = regexp.MustCompile(`(?m)//.*$`)
	rustDecides = regexp.MustCompile(`\bif\b|\bmatch\b|\bcfg\b|\bcfg!|\bfor\b|\bexists\(`)
	rustWrites  = regexp.MustCompile(`fs::write|File::create|Command::new|fs::copy`)
	rustString  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	// protoCall finds what is compiled of protobuf, scriptRead a file that must be there, and scriptCompiles what a C compiler is given.
	protoCall      = regexp.MustCompile(`\bcompile(?:_protos|_fds|_with_config)?\s*\(\s*(?:"[^"]+"|&?\[[^\]]*\]|&?vec!\[[^\]]*\]|&?(\w+)\s*,)`)
	scriptRead     = regexp.MustCompile(`\b(?:fs::read(?:_to_string|_dir)?|File::open|fs::copy)\s*\(\s*"[^"]+"[^()]*\)\s*(?:\?|\.unwrap\(|\.expect\()`)
	scriptCompiles = regexp.MustCompile(`\b(?:slint_build::compile|\.inputs?)\s*\(\s*(?:"[^"]+"|&?\[[^\]]*\])|\.files?\s*\(\s*(?:"[^"]+"|&?\[[^\]]*\]|&?vec!\[[^\]]*\])|\b(?:cxx_build::)?bridge\s*\(\s*"[^"]+"|\.header\s*\(\s*"[^"]+"`)
)

// script looks for the files that a build script compiles or reads, as their names stand in a call; it works in the directory of its package.
func (b *rustBuild) script(c crate, script string) {
	data, ok := b.text(script)
	if !ok {
		return
	}
	code := rustComment.ReplaceAllFunc(data, func(text []byte) []byte { return []byte(strings.Repeat(" ", len(text))) })
	doubt := ""
	if rustDecides.Match(rustString.ReplaceAll(code, nil)) {
		doubt = "The build script decides what it does."
	}
	x := rustScript{b, c, script, data, code, doubt}
	for _, m := range protoCall.FindAllSubmatchIndex(code, -1) {
		from, to := m[0], m[1]
		if m[2] >= 0 { // a variable
			if from, to, ok = x.list(string(code[m[2]:m[3]])); !ok {
				continue
			}
		}
		x.files(from, to, ".proto")
	}
	for _, m := range scriptRead.FindAllIndex(code, -1) {
		x.files(m[0], m[1], "")
	}
	if text := string(code); strings.Contains(text, "cc::Build") || strings.Contains(text, "cxx_build") || strings.Contains(text, "bindgen") || strings.Contains(text, "slint_build") || strings.Contains(text, "protobuf_codegen") || strings.Contains(text, "capnpc") {
		for _, m := range scriptCompiles.FindAllIndex(code, -1) {
			x.files(m[0], m[1], "")
		}
	}
}

// rustScript is a build script.
type rustScript struct {
	*rustBuild
	crate  crate
	file   string
	data   []byte
	code   []byte // without comments
	doubts string
}

// list gives where a list stands that a variable is set to.
func (x rustScript) list(name string) (from, to int, ok bool) {
	set, err := regexp.Compile(`\b(?:let|const|static)\s+` + name + `\b[^=;]*=\s*(?:&|vec!)?\s*\[[^\]]*\]`)
	if err != nil {
		return 0, 0, false
	}
	m := set.FindAllIndex(x.code, 2)
	if len(m) != 1 {
		return 0, 0, false
	}
	return m[0][0], m[0][1], true
}

// files looks for the first file, or all of a list, that a part of the script names.
func (x rustScript) files(from, to int, ext string) {
	isList := strings.Contains(string(x.code[from:to]), "[")
	for i, at := range rustString.FindAllSubmatchIndex(x.code[from:to], -1) {
		name := string(x.code[from+at[2] : from+at[3]])
		if i > 0 && !isList {
			return
		}
		if ext != "" && path.Ext(name) != ext || strings.ContainsAny(name, `{}\`) || name == "" {
			continue
		}
		n, text := lineAt(x.data, from+at[2])
		file := path.Join(x.crate.dir, name)
		if path.IsAbs(name) {
			file = path.Clean(name)
		}
		m := Missing{Kind: Source, Path: file, What: "what the build script reads", Because: []Line{{File: x.file, Line: n, Text: text}}, Doubt: x.doubts}
		if strings.Count(string(x.code), strconv.Quote(name)) > 1 && rustWrites.Match(x.code) {
			m.Doubt = "The build script may make it."
		}
		x.need(m)
	}
}
