package syntax

import (
	"slices"
	"strings"
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

// Readers are the last parts of the names of calls that read.
func Readers() (names []string) {
	for _, r := range readings {
		names = append(names, r.name)
	}
	return names
}

// Reads gives what a call reads; ok is false if it is none that reads, or the path is not known.
func (c *Call) Reads() (r Reading, ok bool) {
	of, name := "", c.Callee
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		of, name = name[:dot], name[dot+1:]
	}
	i := slices.IndexFunc(readings, func(r reading) bool { return r.name == name })
	if i < 0 || name == "open" && slices.Contains(writes, of) {
		return Reading{}, false
	}
	p := readings[i].path(c)
	return Reading{p, readings[i].dir, readings[i].later}, p.Base != PathUnknown && p.Path != "" && !strings.Contains(p.Path, "://")
}

// path gives the path that a call reads; its base is unknown if it reads none that is known.
func (r reading) path(call *Call) Path {
	at, mode := r.argument, r.mode
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
