// Package rust finds what the source of a Rust file takes from other files when it is compiled: modules, and what its macros include.
package rust

import (
	"strings"
)

// Kind is how a file is taken.
type Kind uint8

// The ways in which a file is taken.
const (
	Module   Kind = iota // `mod name;`
	Include              // include_str!, include_bytes! and include!: a path as seen from the source file
	OfCrate              // a path as seen from the directory of the manifest
	Template             // a path in the directories of templates
	Variable             // env!: a variable that is set when it is compiled
	Query                // a query of sqlx that is checked against a database, or what was kept of it
	Above                // a path as seen from the directory of the manifest, or from one above it
	Grammar              // a path as seen from the sources, or from the directory of the manifest
	Unstable             // a feature that only a nightly compiler has
)

// Use is a file that is taken.
type Use struct {
	Kind Kind
	// Name is the module, or the path.
	Name string
	// Path is that of #[path], "" for none. In are the modules around it, in the same file.
	Path string
	In   []string
	// Code tells that what is included is compiled as Rust.
	Code bool
	Line int
}

// Scan gives what a file surely takes, whatever is set when it is compiled: what stands under #[cfg], or in the body of a macro, is left
// out. With test, #[cfg(test)] is set.
func Scan(data []byte, test bool) []Use {
	s := &scanner{lexer: lexer{data: data, line: 1}, test: test}
	s.next()
	s.items(0, nil)
	return s.uses
}

// includes are the macros that take a file whose path is written out, and from where it is looked for.
var includes = map[string]Kind{
	"include_str": Include, "include_bytes": Include, "include": Include,
	"include_dir": OfCrate, "migrate": OfCrate, "embed_migrations": OfCrate, "query_file": OfCrate, "query_file_as": OfCrate,
}

// queries are the macros of sqlx that ask a database.
var queries = " query query_as query_scalar query_file query_file_as query_file_scalar query_with "

type scanner struct {
	lexer
	t    token
	test bool
	uses []Use
	off  int // levels of what is not surely compiled
}

func (s *scanner) next() { s.t = s.lexer.next() }

func (s *scanner) is(text string) bool { return s.t.kind == punct && s.t.text == text }

// maxDepth bounds how deep braces may be nested.
const maxDepth = 200

// items reads up to the end of a block, or of the file.
func (s *scanner) items(depth int, in []string) {
	pathOf, off := "", false // of attributes that hold for what comes next
	was, before := s.off, len(s.uses)
	for s.t.kind != end {
		switch {
		case s.is("}"):
			s.off = was
			return
		case s.is("#"):
			p, cond, inner := s.attribute()
			if inner && cond {
				s.off++
				was++
			} else if cond {
				off = true
			}
			if p != "" {
				pathOf = p
			}
			continue
		}
		if off {
			s.off++
			s.uses = s.uses[:before] // what its attributes take
		}
		s.item(depth, in, pathOf)
		if off {
			s.off--
		}
		pathOf, off, before = "", false, len(s.uses)
	}
}

// item reads one item or statement: up to a semicolon, or to the end of a block.
func (s *scanner) item(depth int, in []string, pathOf string) {
	for s.t.kind != end {
		switch {
		case s.is(";") || s.is(","):
			s.next()
			return
		case s.is("{"):
			s.block(depth, in)
			return
		case s.is("}"):
			return
		case s.is("#"):
			return
		case s.t.kind == ident && s.t.text == "mod":
			s.module(depth, in, pathOf)
			return
		case s.t.kind == ident && s.t.text == "macro_rules":
			s.off++
			for s.t.kind != end && !s.is("{") && !s.is("(") && !s.is(";") {
				s.next()
			}
			s.group(depth)
			s.off--
			return
		case s.t.kind == ident:
			s.name()
		default:
			s.next()
		}
	}
}

// block reads what is between braces.
func (s *scanner) block(depth int, in []string) {
	s.next()
	if depth > maxDepth {
		for s.t.kind != end {
			s.next()
		}
		return
	}
	s.items(depth+1, in)
	if s.is("}") {
		s.next()
	}
}

// group reads a tree of tokens, of whatever brackets.
func (s *scanner) group(depth int) {
	level := 0
	for s.t.kind != end {
		switch {
		case s.is("{") || s.is("(") || s.is("["):
			level++
		case s.is("}") || s.is(")") || s.is("]"):
			level--
		}
		s.next()
		if level <= 0 {
			return
		}
	}
}

// module reads `mod name;` or `mod name { ... }`.
func (s *scanner) module(depth int, in []string, pathOf string) {
	line := s.t.line
	s.next()
	if s.t.kind != ident {
		return
	}
	name := strings.TrimPrefix(s.t.text, "r#")
	s.next()
	switch {
	case s.is(";"):
		s.next()
		s.add(Use{Kind: Module, Name: name, Path: pathOf, In: in, Code: true, Line: line})
	case s.is("{"):
		if pathOf != "" {
			s.off++ // files of it are looked for elsewhere
			defer func() { s.off-- }()
		}
		s.block(depth, append(in[:len(in):len(in)], name))
	}
}

func (s *scanner) add(u Use) {
	if s.off == 0 {
		s.uses = append(s.uses, u)
	}
}

// name reads an identifier and, if it is that of a macro which takes a file, what it is given.
func (s *scanner) name() {
	name, line := s.t.text, s.t.line
	s.next()
	kind, known := includes[name]
	query := strings.Contains(queries, " "+name+" ")
	if !known && !query && name != "env" && name != "include_proto" || !s.is("!") {
		return
	}
	if query {
		s.add(Use{Kind: Query, Name: name, Line: line})
	}
	if name == "include_proto" {
		s.add(Use{Kind: Variable, Name: "OUT_DIR", Line: line})
	}
	if !known && name != "env" {
		return
	}
	if s.next(); !s.is("(") && !s.is("[") && !s.is("{") {
		return
	}
	s.next()
	if name == "env" {
		if s.t.kind == text && s.t.text != "" {
			s.add(Use{Kind: Variable, Name: s.t.text, Line: line})
		}
		return
	}
	if name == "query_file_as" { // the type comes first
		for s.t.kind != end && !s.is(",") && !s.is(")") {
			s.next()
		}
		if s.is(",") {
			s.next()
		}
	}
	path, ok := "", false
	switch {
	case s.t.kind == text:
		path, ok = s.t.text, true
		s.next()
	case s.is(")") && name == "migrate":
		path, ok = "./migrations", true
	case s.is(")") && name == "embed_migrations":
		path, ok, kind = "migrations", true, Above
	case s.t.kind == ident && s.t.text == "concat":
		if path, ok = s.concat(); ok {
			kind = OfCrate
		}
	}
	if rest, of := strings.CutPrefix(path, "$CARGO_MANIFEST_DIR"); of {
		path, kind = strings.TrimPrefix(rest, "/"), OfCrate
	}
	if ok && path != "" && !strings.Contains(path, "$") && (s.is(")") || s.is("]") || s.is("}") || s.is(",")) {
		s.add(Use{Kind: kind, Name: path, Code: name == "include", Line: line})
	}
}

// concat reads concat!(env!("CARGO_MANIFEST_DIR"), "/path").
func (s *scanner) concat() (string, bool) {
	for _, want := range []string{"concat", "!", "(", "env", "!", "(", "CARGO_MANIFEST_DIR", ")", ","} {
		if s.t.text != want {
			if want == "CARGO_MANIFEST_DIR" && s.t.kind == text && s.t.text != "" {
				s.add(Use{Kind: Variable, Name: s.t.text, Line: s.t.line})
			}
			return "", false
		}
		s.next()
	}
	if s.t.kind != text {
		return "", false
	}
	path := strings.TrimPrefix(s.t.text, "/")
	s.next()
	if s.is(",") {
		s.next()
	}
	if !s.is(")") {
		return "", false
	}
	s.next()
	return path, true
}

// attribute reads #[...] or #![...]: the path that it gives to a module, and whether it makes what it stands at conditional.
func (s *scanner) attribute() (path string, conditional, inner bool) {
	if s.next(); s.is("!") {
		inner = true
		s.next()
	}
	if !s.is("[") {
		return "", false, false
	}
	s.next()
	first := s.t.text
	words := ""
	level := 1
	if first == "cfg_attr" || first == "cfg" {
		conditional = true
		s.off++
		defer func() { s.off-- }()
	}
	for s.t.kind != end && level > 0 {
		switch {
		case s.is("[") || s.is("(") || s.is("{"):
			level++
		case s.is("]") || s.is(")") || s.is("}"):
			level--
		case s.t.kind == text && words == "path=":
			path = s.t.text
		case s.t.kind == text && words == "folder=" && s.t.text != "": // rust-embed
			name := strings.TrimPrefix(strings.TrimPrefix(s.t.text, "$CARGO_MANIFEST_DIR"), "/")
			if !strings.Contains(name, "$") && (name == s.t.text || strings.HasPrefix(s.t.text, "$")) {
				s.add(Use{Kind: OfCrate, Name: name, Line: s.t.line})
			}
		case s.t.kind == text && first == "template" && strings.HasSuffix(words, "path=") && s.t.text != "": // askama and its kin
			s.add(Use{Kind: Template, Name: s.t.text, Line: s.t.line})
		case s.t.kind == text && words == "grammar=" && s.t.text != "": // pest
			s.add(Use{Kind: Grammar, Name: s.t.text, Line: s.t.line})
		case s.t.kind == text && first == "graphql" && (strings.HasSuffix(words, "schema_path=") || strings.HasSuffix(words, "query_path=")) && s.t.text != "":
			s.add(Use{Kind: OfCrate, Name: s.t.text, Line: s.t.line})
		case s.t.kind == ident && inner && words == "feature(":
			s.add(Use{Kind: Unstable, Name: s.t.text, Line: s.t.line})
		}
		if words += s.t.text; len(words) > 64 {
			words = words[:64]
		}
		if s.t.kind == ident && level > 0 {
			s.name()
			continue
		}
		s.next()
	}
	switch {
	case first == "cfg_attr":
		return "", strings.Contains(words, "path"), inner
	case words == "cfg(test)]" && s.test, words == "cfg(not(test))]" && !s.test:
		return path, false, inner
	}
	return path, conditional, inner
}
