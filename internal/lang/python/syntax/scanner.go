package syntax

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// Scan reads a source file. It never fails: what it cannot read is in the Errors of the File, along with everything
// that it could. cfg may be nil. The result does not refer to src.
func Scan(src []byte, cfg *Config) *File {
	file := &File{}
	if len(src) > math.MaxInt32/4 {
		file.Errors = []Error{{Pos: Position{Line: 1, Column: 1}, Message: "file is too large"}}
		return file
	}
	newScanner(src, cfg, file).scan()
	return file
}

// scanner recognises the statements in the logical lines that the lexer gives.
type scanner struct {
	*lexer
	text     string // the source; what the File keeps are parts of it
	cfg      Config
	file     *File
	blocks   []block
	tries    []try
	suites   []suite
	pending  int             // the block whose indented suite must follow; -1: none
	conds    map[string]cond // names of the module that stand for a condition
	excs     map[string]Exceptions
	modules  map[string]bool   // local names of the module sys
	importer map[string]string // local names of import_module and find_spec
	sysPath  map[string]bool   // local names of sys.path
	paths    map[string]Path   // names of the module that stand for a path
	locals   map[string]Path   // those of the function at hand
	localsOf int               // its block
	lambdas  []lambda          // of the expression at hand; kept for its memory
	// allInFunction tells that a function, such as a decorator, changes __all__.
	allInFunction bool
	// decorating tells that the statement before was a decorator, decorated that the one before the statement at hand was.
	decorating, decorated bool
	// starting and startup tell the same of decorators that register a function for when the application starts.
	starting, startup bool
	steps             int // how often a token was passed over, for the tests: it grows as the source does
}

// suite is an indented sequence of statements.
type suite struct {
	indent int
	block  int
	chain  chain // the compound statement just before, which else, except and the like continue
}

// chain is a compound statement that may go on.
type chain struct {
	kind  chainKind
	try   int
	prior cond // of an if: whether one of the clauses so far was taken
}

type chainKind uint8

const (
	chainNone chainKind = iota
	chainIf
	chainLoop
	chainTry
)

func newScanner(src []byte, cfg *Config, file *File) *scanner {
	s := &scanner{
		lexer:    newLexer(src),
		text:     string(src),
		file:     file,
		blocks:   []block{{parent: -1}},
		suites:   []suite{{}},
		pending:  -1,
		conds:    map[string]cond{},
		excs:     map[string]Exceptions{},
		modules:  map[string]bool{"sys": true},
		importer: map[string]string{"import_module": "import_module", "__import__": "__import__"},
		sysPath:  map[string]bool{},
		paths:    map[string]Path{},
		localsOf: -1,
	}
	if cfg != nil {
		s.cfg = *cfg
	}
	if s.cfg.Python == (Version{}) {
		s.cfg.Python = Version{3, 12}
	}
	if s.cfg.Platform == "" {
		s.cfg.Platform = "linux"
	}
	return s
}

func (s *scanner) scan() {
	for {
		indent, ok := s.line()
		if !ok {
			break
		}
		s.indent(indent)
		s.statement()
	}
	s.encoding()
	s.finish()
}

// indent finds the suite that a line belongs to.
func (s *scanner) indent(indent int) {
	top := &s.suites[len(s.suites)-1]
	if s.pending >= 0 {
		block := s.pending
		s.pending = -1
		if indent > top.indent {
			s.suites = append(s.suites, suite{indent: indent, block: block})
			return
		}
		s.fail(int(s.toks[0].off), "an indented block is missing")
	}
	if indent > top.indent {
		s.fail(int(s.toks[0].off), "unexpected indentation")
		return
	}
	for indent < s.suites[len(s.suites)-1].indent {
		s.suites = s.suites[:len(s.suites)-1]
	}
	if indent > s.suites[len(s.suites)-1].indent {
		s.fail(int(s.toks[0].off), "indentation matches no outer level")
	}
}

// suite gives the suite that the current line belongs to.
func (s *scanner) suite() *suite { return &s.suites[len(s.suites)-1] }

// str gives the text of a token.
func (s *scanner) str(i int) string { return s.text[s.toks[i].off:s.toks[i].end] }

// is reports whether a token, which need not exist, is of this kind.
func (s *scanner) is(i int, k kind) bool { return i >= 0 && i < len(s.toks) && s.toks[i].kind == k }

// isName reports whether a token, which need not exist, is this name.
func (s *scanner) isName(i int, name string) bool { return s.is(i, tokName) && s.str(i) == name }

// isOpen reports whether a token, which need not exist, is this opening bracket.
func (s *scanner) isOpen(i int, bracket byte) bool {
	return s.is(i, tokOpen) && s.src[s.toks[i].off] == bracket
}

// skip gives the index of the last token of the bracket or f-string that begins at i, or i itself if it is neither.
// Without a counterpart it reaches to the end of the line.
func (s *scanner) skip(i int) int {
	s.steps++
	switch t := &s.toks[i]; {
	case t.kind != tokOpen && t.kind != tokFString:
		return i
	case t.match < 0:
		return len(s.toks) - 1
	default:
		return int(t.match)
	}
}

// span gives the range of the tokens from lo up to, not including, hi.
func (s *scanner) span(lo, hi int) Range {
	return s.rangeOf(s.toks[lo].off, s.toks[max(hi-1, lo)].end)
}

// encoding reports bytes that CPython would not decode. A file that declares its encoding is taken at its word.
func (s *scanner) encoding() {
	if utf8.Valid(s.src) || declaresEncoding(s.src) {
		return
	}
	for off := 0; off < len(s.src); {
		r, size := utf8.DecodeRune(s.src[off:])
		if r == utf8.RuneError && size == 1 {
			s.quiet = false
			s.fail(off, "not UTF-8, and no other encoding is declared")
			return
		}
		off += size
	}
}

// declaresEncoding looks for the coding cookie of PEP 263 in the first two lines.
func declaresEncoding(src []byte) bool {
	for range 2 {
		end := bytes.IndexAny(src, "\r\n")
		line := src
		if end >= 0 {
			line = src[:end]
		}
		line = bytes.TrimLeft(line, " \t\f\uFEFF")
		if i := bytes.Index(line, []byte("coding")); i >= 0 && line[0] == '#' && len(line) > i+6 &&
			(line[i+6] == ':' || line[i+6] == '=') {
			return true
		}
		if end < 0 {
			return false
		}
		src = src[end+1:]
	}
	return false
}
