package dockerfile

import (
	"bytes"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// maxNesting bounds how many expansions of a Dockerfile may hold something that could be another one, as in
// ${A:-${B:-c}}. BuildKit's lexer goes as deep, and a stack that overflows ends the program.
const maxNesting = 10_000

// nesting bounds how deep expansions can be nested in a text, whatever part of it BuildKit's lexer (frontend/dockerfile/shell)
// is given, and in whatever quotes. An expansion that ends before anything that means something to the lexer holds no
// other one; of the rest nobody knows where it ends, so that each counts.
func nesting(text []byte) int {
	n := 0
	for {
		i := bytes.Index(text, []byte("${"))
		if i < 0 {
			return n
		}
		text = text[i+2:]
		if end := bytes.IndexAny(text, "}$'\"\\`\n"); end < 0 || text[end] != '}' {
			n++
		}
	}
}

// checkNesting stands before everything that reads a Dockerfile: already the parser asks the lexer.
func checkNesting(name string, text []byte) error {
	if nesting(text) > maxNesting {
		return &budget.Beyond{File: name, What: "a Dockerfile with so many nested variables", Err: &budget.Exceeded{Kind: "depth", Limit: maxNesting}}
	}
	return nil
}
