package shell

// The parser calls itself for everything that stands in something else, and so does whoever walks the tree, and a stack that
// overflows ends the program. A script that is nested too deep is an error here, like one with a syntax error.

import (
	"io"
	"iter"
	"runtime"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

const (
	// maxText is how large a script may be, in bytes. A tree takes some hundred times as much.
	maxText = 512 << 10
	// maxFrames is how many calls may be open while a script is parsed: some ten for each level of nesting.
	maxFrames = 4000
	// maxNested is how deep the tree of a statement may be. A chain of && or || is as deep as it is long.
	maxNested = 2000
)

// statements gives the statements of a script one after the other, and at the end the error that it ends with, if it does.
func statements(text string, lang syntax.LangVariant) iter.Seq2[*syntax.Stmt, error] {
	return func(yield func(*syntax.Stmt, error) bool) {
		if len(text) > maxText {
			yield(nil, tooLong)
			return
		}
		ended := false
		for st, err := range syntax.NewParser(syntax.Variant(lang)).StmtsSeq(&reader{text: text}) {
			// Leaving the loop at the first error would panic: version 3.14.1 yields once more after it.
			if ended {
				continue
			}
			if err == nil {
				err = shallow(st)
			}
			if err == nil {
				rotate(st)
			}
			if err != nil {
				st, ended = nil, true
			}
			ended = !yield(st, err) || ended
		}
	}
}

// reader hands text to the parser, which asks for some at a time. It looks how deep the parser is by then: whatever the
// grammar nests, and however it is written, shows in the calls that are open. Between two looks they grow by no more than the
// bytes that were handed over.
type reader struct {
	text string
	base int // calls that were open at the first look
}

const chunk = 256

// Read implements io.Reader.
func (s *reader) Read(p []byte) (int, error) {
	if s.base == 0 {
		s.base = frames()
	}
	if deeper(s.base + maxFrames) {
		return 0, tooDeep
	}
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(p, s.text[:min(chunk, len(s.text))])
	s.text = s.text[n:]
	return n, nil
}

// What a script exceeds.
var (
	tooLong = &budget.Exceeded{Kind: "bytes", Limit: maxText}
	tooDeep = &budget.Exceeded{Kind: "depth", Limit: maxNested}
)

// frames counts the calls that are open.
func frames() int {
	n := 0
	pcs := make([]uintptr, 256)
	for {
		got := runtime.Callers(n, pcs)
		n += got
		if got < len(pcs) {
			return n
		}
	}
}

// deeper reports whether more calls than n are open.
func deeper(n int) bool {
	var pc [1]uintptr
	return runtime.Callers(n, pc[:]) > 0
}

// shallow fails for a statement whose tree is too deep for those who walk it.
func shallow(st *syntax.Stmt) error {
	depth, most := 0, 0
	syntax.Walk(st, func(n syntax.Node) bool {
		if n == nil {
			depth--
			return true
		}
		depth++
		most = max(most, depth)
		if most > maxNested {
			depth-- // what is not entered is not left
			return false
		}
		return true
	})
	if most > maxNested {
		return tooDeep
	}
	return nil
}

// rotate makes of f() { ...; } && x the definition and x. Version 3.14.1 of the parser takes all of it for the function's body.
func rotate(st *syntax.Stmt) {
	syntax.Walk(st, func(n syntax.Node) bool {
		if st, ok := n.(*syntax.Stmt); ok {
			if list, ops, swallowed := chain(st); swallowed {
				st.Cmd = joined(list, ops).Cmd
			}
		}
		return true
	})
}

// chain gives the commands of a list of && and || and pipes, those in the body of a function behind it, and what stands between them.
func chain(st *syntax.Stmt) (list []*syntax.Stmt, ops []syntax.BinCmdOperator, swallowed bool) {
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		if st.Negated || len(st.Redirs) > 0 {
			break
		}
		left, before, one := chain(c.X)
		right, after, other := chain(c.Y)
		return append(left, right...), append(append(before, c.Op), after...), one || other
	case *syntax.FuncDecl:
		if list, ops, _ = chain(c.Body); len(list) > 1 {
			c.Body = list[0]
			list[0] = &syntax.Stmt{Position: st.Position, Cmd: c}
			return list, ops, true
		}
	}
	return []*syntax.Stmt{st}, nil, false
}

// joined is the list again: pipes bind more.
func joined(list []*syntax.Stmt, ops []syntax.BinCmdOperator) *syntax.Stmt {
	for _, pipes := range []bool{true, false} {
		out, left := list[:1:1], ops[:0:0]
		for i, op := range ops {
			if and := op == syntax.AndStmt || op == syntax.OrStmt; and == pipes {
				out, left = append(out, list[i+1]), append(left, op)
				continue
			}
			x := out[len(out)-1]
			out[len(out)-1] = &syntax.Stmt{Position: x.Position, Cmd: &syntax.BinaryCmd{Op: op, X: x, Y: list[i+1]}}
		}
		list, ops = out, left
	}
	return list[0]
}
