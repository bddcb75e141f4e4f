package imports

import (
	"slices"
	"strings"

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
	// Dir tells that it must be a directory.
	Dir bool
	// Later tells that it is read once the program runs, and not when it starts.
	Later bool
	From  *Node
	Site  need.Site
}

// reading is a call that fails if the file is not there which an argument names.
type reading struct {
	name string
	// argument is the position of the path, keyword its name.
	argument int
	keyword  string
	// mode is the position of an argument that says what is done with the file, 0 if there is none.
	mode  int
	dir   bool
	later bool
}

// receiver stands for the position of what a method is called of.
const receiver = -1

// readings are known calls that read, by the last part of their names. A path without the file in the repository is not reported, so
// that it does not matter who else has a function of such a name.
var readings = []reading{
	{name: "open", argument: 0, keyword: "file", mode: 1},
	{name: "read_text", argument: receiver}, {name: "read_bytes", argument: receiver},
	{name: "fileConfig", argument: 0, keyword: "fname"}, // logging.config
	{name: "load_cert_chain", argument: 0, keyword: "certfile"},
	{name: "StaticFiles", argument: 0, keyword: "directory", dir: true}, // starlette looks when it is made
	{name: "Jinja2Templates", argument: 0, keyword: "directory", dir: true, later: true}, {name: "FileSystemLoader", argument: 0, keyword: "searchpath", dir: true, later: true},
	{name: "listdir", argument: 0, dir: true}, {name: "scandir", argument: 0, dir: true},
	{name: "load", argument: 0}, // numpy, joblib, torch, toml
	{name: "read_csv", argument: 0}, {name: "read_json", argument: 0}, {name: "read_parquet", argument: 0}, {name: "read_excel", argument: 0}, {name: "read_pickle", argument: 0},
}

// writes are modules whose open makes the file.
var writes = []string{"shelve", "dbm", "webbrowser", "os"}

// addReads notes what a module reads when it is imported.
func (g *Graph) addReads(n *Node, f *syntax.File) {
	n.reads = nil // it may be followed again
	for i := range f.Calls {
		call := &f.Calls[i]
		of, name, _ := cutLast(call.Callee)
		if name == "chdir" && reachOf(n, call.Context) > need.Guarded {
			g.ChangesDir = true
		}
		r := slices.IndexFunc(readings, func(r reading) bool { return r.name == name })
		if r < 0 || name == "open" && slices.Contains(writes, of) || min(n.Reach, reachOf(n, call.Context)) < need.Startup || call.Context.Flags&(syntax.InTry|syntax.Suppressed) != 0 {
			continue
		}
		if p := readings[r].path(call); p.Base != syntax.PathUnknown && p.Path != "" && !strings.Contains(p.Path, "://") {
			n.reads = append(n.reads, Read{Path: p.Path, OfFile: p.Base == syntax.PathFile, Ups: p.Ups, Dir: readings[r].dir, Later: readings[r].later, Site: need.Site{
				File: n.Module.File, Importer: n.key(), Range: call.Range, Text: call.Callee, Reach: need.Startup,
			}})
		}
	}
}

// path gives the path that a call reads; its base is unknown if it reads none that is known.
func (r reading) path(call *syntax.Call) syntax.Path {
	at, mode := r.argument, r.mode
	p := syntax.Path{}
	if call.Receiver.Base != syntax.PathUnknown {
		p, at, mode = call.Receiver, receiver, r.mode-1
	}
	position := 0
	for _, a := range call.Arguments {
		here := position
		if a.Keyword == "" {
			position++
		} else {
			here = receiver
		}
		switch {
		case at != receiver && (here == at || r.keyword != "" && a.Keyword == r.keyword):
			p = a.Path
		case r.mode > 0 && (here == mode || a.Keyword == "mode"):
			if len(a.Elements) != 1 || !a.Complete || strings.ContainsAny(a.Elements[0].Value, "wax") {
				return syntax.Path{}
			}
		}
	}
	return p
}
