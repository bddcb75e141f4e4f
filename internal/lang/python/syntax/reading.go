package syntax

import (
	"path"
	"slices"
	"strings"
	"unicode"
)

// Reading is a file or directory without which a call fails.
type Reading struct {
	Path Path
	// Dir tells that it must be a directory.
	Dir bool
	// Later tells that it is read once the program runs, and not by the call.
	Later bool
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
	// beside tells that a relative path is told from the directory of the module.
	beside bool
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
	{name: "fileConfig", argument: 0, keyword: "fname"},                                                                                        // logging.config
	{name: "from_pyfile", argument: 0, keyword: "filename", beside: true}, {name: "from_file", argument: 0, keyword: "filename", beside: true}, // flask
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

// Readers are the last parts of the names of calls that read.
func Readers() (names []string) {
	for _, r := range readings {
		if !slices.Contains(names, r.name) {
			names = append(names, r.name)
		}
	}
	return names
}

// Reads gives what a call of the file reads; ok is false if it is none that reads, or the path is not known.
func (f *File) Reads(c *Call) (r Reading, ok bool) {
	of, name := "", c.Callee
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		of, name = name[:dot], name[dot+1:]
	}
	if name == "open" && slices.Contains(writes, of) {
		return Reading{}, false
	}
	for _, known := range readings {
		if known.name != name || known.of != "" && known.of != of && !strings.HasSuffix(known.of, "."+of) && !f.Stands(of, name, known.of) {
			continue
		}
		p := known.path(c)
		if known.beside {
			p = f.beside(p, c)
		}
		if known.means(p) {
			return Reading{p, known.dir, known.later}, true
		}
	}
	return Reading{}, false
}

// beside gives a path as Flask takes it, from the directory of the application's module; it is unknown if that is another, or a file that
// is not there does not matter.
func (f *File) beside(p Path, c *Call) Path {
	silent := slices.ContainsFunc(c.Arguments, func(a Argument) bool { return a.Keyword == "silent" })
	own := slices.ContainsFunc(f.Calls, func(made Call) bool {
		return made.Callee[strings.LastIndexByte(made.Callee, '.')+1:] == "Flask" && len(made.Arguments) > 0 && len(made.Arguments[0].Refs) == 1 && made.Arguments[0].Refs[0].Value == "__name__" &&
			!slices.ContainsFunc(made.Arguments, func(a Argument) bool { return a.Keyword == "root_path" || a.Keyword == "instance_relative_config" })
	})
	if p.Base != PathLiteral || silent || !own {
		return Path{}
	}
	if path.IsAbs(p.Path) {
		return p
	}
	return Path{Base: PathFile, Ups: 1, Path: p.Path}
}

// Stands reports whether a function, or a module under another name, was imported from a module.
func (f *File) Stands(of, name, module string) bool {
	return slices.ContainsFunc(f.Imports, func(imp Import) bool {
		if of != "" {
			return !imp.From && imp.Module == module && imp.As == of
		}
		return imp.From && imp.Module == module && slices.ContainsFunc(imp.Names, func(n Name) bool { return n.Name == name && n.Bound() == name })
	})
}

// means reports whether a path is one that the call may read.
func (r reading) means(p Path) bool {
	return p.Base != PathUnknown && p.Path != "" && !strings.Contains(p.Path, "://") &&
		(r.exts == "" || slices.Contains(strings.Fields(r.exts), path.Ext(p.Path)) && !strings.HasPrefix(path.Base(p.Path), "."))
}

// resourceOf gives the path of what a package has, of which an argument tells the name.
func resourceOf(call *Call) Path {
	a := call.Arguments
	if len(a) < 2 || a[0].Keyword != "" || a[1].Keyword != "" || a[1].Path.Base != PathLiteral {
		return Path{}
	}
	switch {
	case len(a[0].Refs) == 1 && (a[0].Refs[0].Value == "__name__" || a[0].Refs[0].Value == "__package__"):
		return Path{Base: PathFile, Ups: 1, Path: a[1].Path.Path}
	case len(a[0].Elements) == 1 && a[0].Complete && isDotted(a[0].Elements[0].Value):
		return Path{Base: PathPackage, Package: a[0].Elements[0].Value, Path: a[1].Path.Path}
	}
	return Path{}
}

// path gives the path that a call reads; its base is unknown if it reads none that is known.
func (r reading) path(call *Call) Path {
	at, mode := r.argument, r.mode
	if r.resource {
		return resourceOf(call)
	}
	p := Path{}
	if call.Receiver.Base != PathUnknown {
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
				return Path{}
			}
		}
	}
	return p
}

// isDotted reports whether a text is the name of a module.
func isDotted(text string) bool {
	return !slices.ContainsFunc(strings.Split(text, "."), func(part string) bool {
		return part == "" || strings.ContainsFunc(part, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	})
}
