package syntax

import (
	"path"
	"strings"
)

// Base is what a path begins at.
type Base uint8

// The bases.
const (
	Workdir Base = iota + 1 // the working directory of the process
	OwnDir                  // the directory of the file itself
)

// Read is a place that reads a file or a directory of which the path is written out.
type Read struct {
	Path string
	From Base
	// Dir tells that a directory is listed.
	Dir   bool
	Flags Flags
	// Start and End are where the call stands.
	Start, End int
}

// place is a path that an expression gives.
type place struct {
	path string
	from Base
	// self tells that it is the file itself.
	self bool
}

// readers are the functions that fail where a file is missing, with whether they list a directory. Those that are not awaited fail later, if at all.
var readers = map[string]struct{ dir, waits bool }{
	"readFileSync": {false, false}, "readdirSync": {true, false}, "readFile": {false, true}, "readdir": {true, true},
}

// touchers are functions of fs that ask whether a path is there, or put something there.
var touchers = map[string]bool{
	"existsSync": true, "accessSync": true, "statSync": true, "lstatSync": true, "access": true, "stat": true, "mkdirSync": true, "mkdir": true,
	"writeFileSync": true, "writeFile": true, "appendFileSync": true, "copyFileSync": true, "cpSync": true, "createWriteStream": true, "openSync": true,
	"pathExists": true, "pathExistsSync": true, "ensureDirSync": true, "ensureFileSync": true,
}

// call looks at the name of a function that is called, a member or not.
func (s *scanner) call(i int) {
	name := string(s.data[s.tokens[i].start:s.tokens[i].end])
	s.file.ChangesDir = s.file.ChangesDir || name == "chdir"
	reader, reads := readers[name]
	end := int(s.tok(i + 1).match)
	if !reads && !touchers[name] || end < 0 || s.op(end+1, '{') || s.word(i-1, "function") {
		return
	}
	if name == "copyFileSync" || name == "cpSync" { // what is there afterwards
		for open := i + 2; open < end; open++ {
			if s.op(open, ',') {
				s.touch(open + 1)
				break
			}
		}
		return
	}
	if !reads {
		s.touch(i + 2)
		return
	}
	first := i
	for s.member(first) && s.tok(first-2).kind == word {
		first -= 2
	}
	if reader.waits && !s.word(first-1, "await") {
		return
	}
	at, next, ok := s.place(i + 2)
	if !ok || at.self || !s.op(next, ',') && !s.op(next, ')') {
		return
	}
	flags := s.flags()
	if s.op(end+1, '.') && s.word(end+2, "catch") {
		flags |= Guarded
	}
	s.file.Reads = append(s.file.Reads, Read{at.path, at.from, reader.dir, flags, int(s.tok(first).start), int(s.tok(end).end)})
}

// touch notes the path at a token as one of which the program knows that it may be missing.
func (s *scanner) touch(i int) {
	if at, _, ok := s.place(i); ok {
		s.touched[at] = true
	}
}

// unguarded gives the reads of paths that nothing else in the file asks about; the others depend on that.
func (s *scanner) unguarded() {
	for i, r := range s.file.Reads {
		if s.touched[place{path: r.Path, from: r.From}] {
			s.file.Reads[i].Flags |= Conditional
		}
	}
}

// constant notes `const NAME = PATH`. A name that stands for several is none.
func (s *scanner) constant(i int) {
	if s.tok(i+1).kind != word || !s.op(i+2, '=') {
		return
	}
	name := string(s.data[s.tok(i+1).start:s.tok(i+1).end])
	at, next, ok := s.place(i + 3)
	if ok = ok && (next >= len(s.tokens) || s.tokens[next].newline || s.op(next, ';') || s.op(next, ',')); !ok {
		at = place{}
	}
	have, known := s.places[name]
	if known && have != at {
		at = place{}
	}
	if ok || known || name == "__dirname" || name == "__filename" {
		s.places[name] = at
	}
}

// place gives the path that an expression at a token gives, and the token behind it.
func (s *scanner) place(i int) (at place, next int, ok bool) {
	if at, next, ok = s.single(i); !ok {
		return at, next, false
	}
	for s.op(next, '+') {
		text, is := s.text(next + 1)
		if !is || at.self || !strings.HasPrefix(text, "/") {
			return place{}, next, false
		}
		at.path, next = path.Clean(at.path+text), next+2
	}
	return at, next, true
}

// single gives the path of an expression without operators.
func (s *scanner) single(i int) (at place, next int, ok bool) {
	if text, is := s.text(i); is {
		return place{path: path.Clean(text), from: Workdir}, i + 1, !strings.Contains(text, "\x00")
	}
	t := s.tok(i)
	if t.kind == part && t.op == '$' && string(s.data[t.start:t.end]) == "`${" {
		return s.templated(i)
	}
	if t.kind != word {
		return place{}, i, false
	}
	switch name := string(s.data[t.start:t.end]); name {
	case "new":
		if s.word(i+1, "URL") && s.op(i+2, '(') {
			return s.url(i + 2)
		}
		return place{}, i, false
	case "import":
		switch {
		case !s.op(i+1, '.') || !s.word(i+2, "meta") || !s.op(i+3, '.'):
			return place{}, i, false
		case s.word(i+4, "dirname"):
			return place{path: ".", from: OwnDir}, i + 5, true
		case s.word(i+4, "url"), s.word(i+4, "filename"):
			return place{self: true}, i + 5, true
		}
		return place{}, i, false
	case "process":
		if s.op(i+1, '.') && s.word(i+2, "cwd") && s.op(i+3, '(') && s.op(i+4, ')') {
			return place{path: ".", from: Workdir}, i + 5, true
		}
		return place{}, i, false
	default:
		for s.op(i+1, '.') && s.tok(i+2).kind == word && (s.word(i, "path") || s.word(i, "url")) { // path.join, url.fileURLToPath
			i += 2
		}
		if s.op(i+1, '(') {
			return s.function(i)
		}
		if known, is := s.places[name]; is {
			return known, i + 1, known != (place{}) && !s.op(i+1, '.') && !s.op(i+1, '[')
		}
		switch name {
		case "__dirname":
			return place{path: ".", from: OwnDir}, i + 1, true
		case "__filename":
			return place{self: true}, i + 1, true
		}
		return place{}, i, false
	}
}

// templated is a template that begins with a path: `${__dirname}/x`.
func (s *scanner) templated(i int) (at place, next int, ok bool) {
	at, next, ok = s.place(i + 1)
	t := s.tok(next)
	if !ok || at.self || t.kind != part || t.op != 0 || t.end-t.start < 3 {
		return place{}, next, false
	}
	rest := string(s.data[t.start+1 : t.end-1])
	if !strings.HasPrefix(rest, "/") || strings.Contains(rest, "\\") {
		return place{}, next, false
	}
	at.path = path.Clean(at.path + rest)
	return at, next + 1, true
}

// url is new URL("./x", import.meta.url).
func (s *scanner) url(open int) (at place, next int, ok bool) {
	text, is := s.text(open + 1)
	end := int(s.tok(open).match)
	base, _, known := s.place(open + 3)
	if !is || end < 0 || !s.op(open+2, ',') || !known || !base.self || strings.ContainsAny(text, ":?#%") || strings.HasPrefix(text, "/") {
		return place{}, open, false
	}
	return place{path: path.Clean(text), from: OwnDir}, end + 1, true
}

// function is a call of what puts paths together.
func (s *scanner) function(i int) (at place, next int, ok bool) {
	end := int(s.tok(i + 1).match)
	if end < 0 {
		return place{}, i, false
	}
	name := string(s.data[s.tok(i).start:s.tok(i).end])
	at, next, ok = s.place(i + 2)
	if !ok {
		return place{}, i, false
	}
	switch name {
	case "fileURLToPath":
		return at, end + 1, next == end
	case "dirname":
		if at.self {
			return place{path: ".", from: OwnDir}, end + 1, next == end
		}
		at.path = path.Dir(at.path)
		return at, end + 1, next == end
	case "join", "resolve":
		for s.op(next, ',') && next+1 < end {
			text, is := s.text(next + 1)
			if !is {
				return place{}, i, false
			}
			if name == "resolve" && path.IsAbs(text) {
				at = place{path: text, from: Workdir}
			} else {
				at.path = path.Join(at.path, text)
			}
			next += 2
		}
		if s.op(next, ',') {
			next++
		}
		return at, end + 1, next == end && !at.self
	}
	return place{}, i, false
}
