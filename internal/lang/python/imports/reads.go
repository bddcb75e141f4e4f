package imports

import (
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/need"
)

// Read is a file or directory that a module cannot do without when it is imported.
type Read struct {
	// Path is absolute or relative to the working directory; with OfFile, it is that of the module's file without its last Ups elements
	// and with Path behind them.
	Path   string
	OfFile bool
	Ups    int
	// Of is the module of whose file that is told; nil: From.
	Of *Module
	// Dir tells that it must be a directory.
	Dir bool
	// Later tells that it is read once the program runs, and not when it starts.
	Later bool
	From  *Node
	Site  need.Site
}

// addReads notes what a module reads when it is imported.
func (g *Graph) addReads(n *Node, f *syntax.File) {
	n.reads = nil // it may be followed again
	for i := range f.Calls {
		call := &f.Calls[i]
		if _, name, _ := cutLast(call.Callee); name == "chdir" && reachOf(n, call.Context) > need.Guarded {
			g.ChangesDir = true
		}
		r, ok := f.Reads(call)
		if !ok || min(n.Reach, reachOf(n, call.Context)) < need.Startup || call.Context.Flags&(syntax.InTry|syntax.Suppressed) != 0 {
			continue
		}
		g.addRead(n, r, call)
	}
}

// addRead notes what a call reads.
func (g *Graph) addRead(n *Node, r syntax.Reading, call *syntax.Call) {
	site := need.Site{File: n.Module.File, Importer: n.key(), Range: call.Range, Text: call.Callee, Reach: need.Startup}
	read := Read{Path: r.Path.Path, OfFile: r.Path.Base != syntax.PathLiteral, Ups: r.Path.Ups, Dir: r.Dir, Later: r.Later, Site: site}
	if r.Path.Base == syntax.PathPackage {
		// The package is imported, and what it holds is looked for in its directory.
		g.followString(n, Named{Dotted: r.Path.Package, Exact: true, Called: call.Callee + "(\"" + r.Path.Package + "\")"}, site)
		if read.Of, _ = g.find(n, r.Path.Package); read.Of == nil || read.Of.File == "" {
			return
		}
		read.Ups = 1
	}
	n.reads = append(n.reads, read)
}
