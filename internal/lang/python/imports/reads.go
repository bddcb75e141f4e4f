package imports

import (
	"path"
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
	// Of is the module of whose file that is told; nil: From.
	Of *Module
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
	// of is the module of the function; "" for a name that stands alone.
	of string
	// argument is the position of the path, keyword its name.
	argument int
	keyword  string
	// mode is the position of an argument that says what is done with the file, 0 if there is none.
	mode  int
	dir   bool
	later bool
	// resource tells that the path is that of a package, which the argument before names.
	resource bool
	// exts are the endings that the path must have, as far as others may have such a function; "" for any.
	exts string
}

// receiver stands for the position of what a method is called of, nowhere for that of an argument that has none.
const (
	receiver = -1
	nowhere  = -2
)

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
	{name: "run", of: "uvicorn", argument: nowhere, keyword: "log_config"}, {name: "Config", of: "uvicorn", argument: nowhere, keyword: "log_config"},
	{name: "Page", argument: 0, keyword: "page", exts: ".py"},                                             // streamlit
	{name: "load_dotenv", argument: 0, keyword: "dotenv_path", later: true, exts: ".env .cfg .ini .conf"}, // goes on without
	{name: "read", argument: 0, keyword: "filenames", later: true, exts: ".ini .cfg .conf"},               // configparser, which does, too
	{name: "read_text", of: "importlib.resources", argument: 1, resource: true}, {name: "read_binary", of: "importlib.resources", argument: 1, resource: true},
	{name: "open_text", argument: 1, resource: true}, {name: "open_binary", argument: 1, resource: true},
	{name: "get_data", of: "pkgutil", argument: 1, resource: true},
	{name: "resource_string", argument: 1, resource: true}, {name: "resource_stream", argument: 1, resource: true}, // pkg_resources
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
		if name == "open" && slices.Contains(writes, of) || min(n.Reach, reachOf(n, call.Context)) < need.Startup || call.Context.Flags&(syntax.InTry|syntax.Suppressed) != 0 {
			continue
		}
		for _, r := range readings {
			if r.name == name && (r.of == "" || r.of == of || strings.HasSuffix(r.of, "."+of) || stands(f, of, name, r.of)) && g.addRead(n, r, call) {
				break
			}
		}
	}
}

// addRead notes what a call reads, and reports whether that is known.
func (g *Graph) addRead(n *Node, r reading, call *syntax.Call) bool {
	p := r.path(call)
	if p.Base == syntax.PathUnknown || p.Path == "" || strings.Contains(p.Path, "://") || r.exts != "" && (!slices.Contains(strings.Fields(r.exts), path.Ext(p.Path)) || strings.HasPrefix(path.Base(p.Path), ".")) {
		return false
	}
	site := need.Site{File: n.Module.File, Importer: n.key(), Range: call.Range, Text: call.Callee, Reach: need.Startup}
	read := Read{Path: p.Path, OfFile: p.Base != syntax.PathLiteral, Ups: p.Ups, Dir: r.dir, Later: r.later, Site: site}
	if p.Base == syntax.PathPackage {
		// The package is imported, and what it holds is looked for in its directory.
		g.followString(n, Named{Dotted: p.Package, Exact: true, Called: call.Callee + "(\"" + p.Package + "\")"}, site)
		if read.Of, _ = g.find(n, p.Package); read.Of == nil || read.Of.File == "" {
			return true
		}
		read.Ups = 1
	}
	n.reads = append(n.reads, read)
	return true
}

// resourceOf gives the path of what a package has, of which an argument tells the name.
func resourceOf(call *syntax.Call) syntax.Path {
	a := call.Arguments
	if len(a) < 2 || a[0].Keyword != "" || a[1].Keyword != "" || a[1].Path.Base != syntax.PathLiteral {
		return syntax.Path{}
	}
	switch {
	case len(a[0].Refs) == 1 && (a[0].Refs[0].Value == "__name__" || a[0].Refs[0].Value == "__package__"):
		return syntax.Path{Base: syntax.PathFile, Ups: 1, Path: a[1].Path.Path}
	case len(a[0].Elements) == 1 && a[0].Complete && dotted().MatchString(a[0].Elements[0].Value):
		return syntax.Path{Base: syntax.PathPackage, Package: a[0].Elements[0].Value, Path: a[1].Path.Path}
	}
	return syntax.Path{}
}

// path gives the path that a call reads; its base is unknown if it reads none that is known.
func (r reading) path(call *syntax.Call) syntax.Path {
	at, mode := r.argument, r.mode
	if r.resource {
		return resourceOf(call)
	}
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
