// Package imports follows imports through a tree of files, as CPython's import system would: which modules a program
// reaches from where it starts, how it reaches them, and what it asks for that is not there.
//
// It works over any [Tree], such as a predicted image. Only modules that are found are followed: what a missing package
// would have imported is never asked. Whether a missing module is the project's own or somebody else's is not decided
// here.
//
// Sources: the Python language reference, "The import system"; importlib/_bootstrap_external.py (FileFinder.find_spec)
// for the order in which a directory is searched.
package imports

import (
	"slices"

	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// ModuleKind is the form of a module.
type ModuleKind uint8

// The kinds of modules.
const (
	Package   ModuleKind = iota + 1 // a directory with __init__.py
	Plain                           // a .py file
	Namespace                       // a directory without __init__.py
	Extension                       // a compiled module: it can be imported, and nothing is known of it
)

// Module is a module that was found.
type Module struct {
	Name string
	Kind ModuleKind
	Tree view.Tree
	// File is its source; "" for a namespace package, the compiled file for an extension.
	File string
	// Path is where its submodules are searched; empty if it is no package.
	Path []lang.SearchDir
}

// IsPackage reports whether the module can have submodules.
func (m *Module) IsPackage() bool { return m.Kind == Package || m.Kind == Namespace }

// Node is a module that the program reaches.
type Node struct {
	Module *Module
	// Main is set for what is run as __main__.
	Main bool
	// Reach is the strongest way to it, From the node whose Site it goes through; nil for an entry point.
	Reach need.Reach
	From  *Node
	Site  need.Site
	// Imports counts the import statements in it that were followed.
	Imports int

	// Origin is what who follows the program noted about its file; it is kept where that is the same in another tree.
	Origin *string

	// calls are the functions of it that are surely called once what calls them is reached, by their place in syntax.File.Functions.
	calls map[int]need.Reach
	// reads and starts are what it reads and runs, without From.
	reads  []Read
	starts []Start
	source *source
	done   need.Reach // the reach with which its imports were followed last
}

// Written reports whether the node is a program that the command itself holds.
func (n *Node) Written() bool { return n.Module.File == codeFile }

// Way gives the nodes from the entry point to this one.
func (n *Node) Way() []*Node {
	var out []*Node
	for ; n != nil; n = n.From {
		out = append(out, n)
	}
	slices.Reverse(out)
	return out
}

// MissingKind tells in which way something is missing.
type MissingKind uint8

// The kinds of missing things.
const (
	NoModule MissingKind = iota + 1 // no entry of the search path, or of the parent package, leads to the module
	NoName                          // the module neither binds the name nor has a submodule of it
)

// Missing is something that a reached module asks for and that is not there.
type Missing struct {
	Kind MissingKind
	// Module is the dotted name that was asked for; for NoName the module that lacks the name.
	Module string
	// Name is what the module does not export; for NoModule the last part of the name, if a from-import asked for it as
	// a name that might have been a submodule, else "".
	Name string
	// Parent is the nearest package above it that was found; nil for a top-level name.
	Parent *Module
	// Reach is that of the strongest way to the site, the site included.
	Reach need.Reach
	From  *Node
	Site  need.Site
}
