// Package syntax reads sources of JavaScript and TypeScript as far as those need them who follow programs: what a file imports, and how
// surely.
//
// It is a scanner and no parser: it knows tokens, brackets, JSX and the shape of statements. Where TypeScript drops an import whose
// names are used as types alone, it says of which names it is sure that they are used as values.
package syntax

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// MaxSize is how long a source may be, in bytes: what is longer was made by a program.
const MaxSize = 4 << 20

// Kind is in which way something is imported.
type Kind uint8

// The kinds of imports.
const (
	Static  Kind = iota + 1 // import and export from, which run before all else
	Effect                  // import "x", for what it does
	Require                 // require("x"), or its like
	Dynamic                 // import("x")
	Type                    // for the compiler alone: import type, a type in another file, a reference
)

// Flags say how an import is reached within its file.
type Flags uint8

// The flags.
const (
	Lazy        Flags = 1 << iota // in a function
	Conditional                   // under a condition
	Guarded                       // in a try with a catch, or caught
	Unsure                        // it may be a type alone, and is then dropped when the file is compiled
	Ignored                       // a comment tells the tools not to look
)

// Import is a place that imports something by a name that is written out.
type Import struct {
	Spec  string
	Kind  Kind
	Flags Flags
	// Start and End are where the statement, or the call, stands.
	Start, End int
}

// File is what was read of a source.
type File struct {
	Imports []Import
	Reads   []Read
	// ChangesDir tells that it changes the working directory, from which paths of Reads may begin.
	ChangesDir bool
	// Broken tells that it could not be read to its end, Unchecked that a comment tells the compiler not to look for errors.
	Broken, Unchecked bool

	data  []byte
	lines []int32 // where lines begin
}

// Sources are the endings of files that are read.
var Sources = []string{".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"}

// IsSource reports whether a path is that of a source.
func IsSource(name string) bool { return slices.Contains(Sources, path.Ext(name)) }

// IsTyped reports whether a path is that of a source of TypeScript.
func IsTyped(name string) bool { return strings.Contains(path.Ext(name), "ts") }

// IsDeclaration reports whether a source holds nothing but types.
func IsDeclaration(name string) bool {
	return strings.HasSuffix(name, ".d.ts") || strings.HasSuffix(name, ".d.mts") || strings.HasSuffix(name, ".d.cts")
}

// Position gives the place of a byte.
func (f *File) Position(offset int) dockerctx.Position {
	i, found := slices.BinarySearch(f.lines, int32(offset))
	if !found {
		i--
	}
	return dockerctx.Position{Offset: offset, Line: i + 1, Column: offset - int(f.lines[i]) + 1}
}

// Range gives the place of an import.
func (f *File) Range(i Import) dockerctx.Range {
	return dockerctx.Range{Start: f.Position(i.Start), End: f.Position(i.End)}
}

// maxText bounds the text of an import, in bytes.
const maxText = 100

// Text gives a piece of the source on one line. Of a long one the middle is left out.
func (f *File) Text(start, end int) string {
	text := strings.Join(strings.Fields(string(f.data[start:end])), " ")
	if len(text) <= maxText {
		return strings.ToValidUTF8(text, "?")
	}
	return strings.ToValidUTF8(text[:maxText/2]+" ... "+text[len(text)-maxText/2:], "?")
}

func lineStarts(data []byte) []int32 {
	out := make([]int32, 1, bytes.Count(data, []byte("\n"))+1)
	for i, c := range data {
		if c == '\n' {
			out = append(out, int32(i+1))
		}
	}
	return out
}
