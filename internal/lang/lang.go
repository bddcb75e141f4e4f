// Package lang is what the languages have in common whose programs are followed: the trees that they are followed through, the
// directories in which modules are searched, and how surely code is reached. Each language is a package below.
package lang

import "github.com/ctxaudit/ctxaudit/dockerctx"

// EntryKind is what a directory holds under a name, links followed.
type EntryKind uint8

// The kinds of entries. The zero value is nothing.
const (
	Nothing EntryKind = iota
	RegularFile
	Directory
	// Opaque is something that exists and of which nothing else is known.
	Opaque
)

// Tree is a file tree. Paths are absolute and slash-separated.
type Tree interface {
	// Entries gives the entries of a directory by name; nil if there is no such directory.
	Entries(dir string) map[string]EntryKind
	// Read gives the content of a file.
	Read(path string) ([]byte, error)
	// Key tells files apart without reading them: those of one key, also of other trees, have the same bytes. nil: it is not
	// known.
	Key(path string) any
	// MayHold reports whether something may exist at a path although Entries does not show it.
	MayHold(path string) bool
}

// SearchDir is a directory in which modules are searched, as an entry of sys.path.
type SearchDir struct {
	Tree Tree
	Dir  string
	// Note says where the entry comes from, for people.
	Note string
}

// Reach tells how code is reached; greater is more certain.
type Reach uint8

// The kinds of reach. That of a way through several imports is its weakest link.
const (
	Typing  Reach = iota + 1 // only for type checkers: never at run time
	Guarded                  // in a try whose handler takes an import error
	Lazy                     // in a function
	Startup                  // when the module is imported
)

// String gives the reach in one word.
func (r Reach) String() string {
	switch r {
	case Startup:
		return "startup"
	case Lazy:
		return "lazy"
	case Guarded:
		return "guarded"
	default:
		return "typing"
	}
}

// Site is a place that asks for a module.
type Site struct {
	File string // path in the tree
	// Importer is the key in Graph.Nodes of the module that the place is in; "" for a command.
	Importer string
	Range    dockerctx.Range
	Text     string // the statement, on one line
	Reach    Reach  // of the statement within its module
}
