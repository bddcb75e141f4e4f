package tools

import (
	"bytes"
	"path"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// pyReads looks for files that a Python program reads each time it is run.
type pyReads struct {
	*reader
	file    string
	cwd     string // "" if it is not known
	because []Line
	data    []byte
	scan    *syntax.File
}

// pyReads scans a program; ok is false if it is not known, or may work in another directory.
func (r *reader) pyReads(file, cwd string, because []Line) (*pyReads, bool) {
	data, ok := r.text(file)
	if !ok || bytes.Contains(data, []byte("chdir")) {
		return nil, false
	}
	x := &pyReads{reader: r, file: file, cwd: cwd, because: because, data: data}
	callees := map[string]bool{"setup": true}
	for _, name := range syntax.Readers() {
		callees[name] = true
	}
	for _, m := range pyHelper().FindAllSubmatch(data, -1) {
		callees[string(m[1])] = true
	}
	x.scan = syntax.Scan(data, &syntax.Config{Callees: callees})
	return x, len(x.scan.Errors) == 0
}

// all looks for what the program surely reads. imported tells that it is only imported.
func (x *pyReads) all(imported bool) {
	for i := range x.scan.Calls {
		call := &x.scan.Calls[i]
		read, ok := x.scan.Reads(call)
		if !ok || read.Later || !x.surely(call.Context) || imported && call.Context.Flags != 0 {
			continue
		}
		at := x.cwd
		switch {
		case read.Path.Base == syntax.PathFile && read.Path.Ups > 0:
			at = x.file
			for range read.Path.Ups {
				at = path.Dir(at)
			}
		case read.Path.Base != syntax.PathLiteral:
			continue
		}
		x.reads(at, read.Path.Path, read.Dir, call.Range.Start.Line)
	}
}

// reads notes a file that is read at a line. One that the program names once more, it may make before.
func (x *pyReads) reads(dir, name string, isDir bool, line int) {
	if path.IsAbs(name) {
		dir = "/"
	}
	m := Missing{Path: path.Join(dir, name), Dir: isDir, What: "a file that " + path.Base(x.file) + " reads", Because: x.line(line)}
	if dir == "" {
		return
	}
	for text := range bytes.Lines(x.data) {
		switch {
		case !bytes.Contains(text, []byte(path.Base(name))):
		case pyMakes().Match(text):
			return
		case pyWrites().Match(text):
			m.Doubt = path.Base(x.file) + " may make it."
		}
	}
	x.need(m)
}

// pyMakes finds what opens a file to write it.
var pyMakes = lazyre.New(`open\(.*["'][wax]b?\+?["']|\.write_(?:text|bytes)\(`)

// pyWrites finds what may make a file that stands in the same line.
var pyWrites = lazyre.New(`["'][wax]b?\+?["']|write|retrieve|copy|dump|save|\.to_|download|touch|mkdir|makedirs|output|run\(|system\(|call\(`)

// pyHelper finds a function that opens what its argument names, whatever else it does on the way but decide.
var pyHelper = lazyre.New(`(?m)^def (\w+)\(\*?(\w+)[^)\n]*\)[^\n]*:\n((?:(?:[ \t]+[^\n]*)?\n)+)`)

// helpers looks for what is read by functions of the program that open a file beside it, by the name that they are given.
func (x *pyReads) helpers() {
	for _, m := range pyHelper().FindAllSubmatch(x.data, -1) {
		name, parameter, body := string(m[1]), string(m[2]), string(m[3])
		if strings.Contains(body, "try:") || strings.Contains(body, "exists(") || strings.Contains(body, "isfile(") || strings.Contains(body, " if ") || !opens(body, parameter) {
			continue
		}
		for i := range x.scan.Calls {
			call := &x.scan.Calls[i]
			if call.Callee != name || !x.surely(call.Context) {
				continue
			}
			parts := []string{}
			for _, a := range call.Arguments {
				if a.Keyword != "" || len(a.Elements) != 1 || !a.Complete {
					parts = nil
					break
				}
				parts = append(parts, a.Elements[0].Value)
			}
			if len(parts) > 0 {
				x.reads(path.Dir(x.file), path.Join(parts...), false, call.Range.Start.Line)
			}
		}
	}
}

// opens reports whether a statement opens what a name stands for, to read it.
func opens(body, name string) bool {
	for line := range strings.Lines(body) {
		_, call, is := strings.Cut(line, "open(")
		if is && containsName(call, name) && !strings.Contains(call, "'w") && !strings.Contains(call, `"w`) {
			return true
		}
	}
	return false
}

// containsName reports whether a name stands in a text by itself.
func containsName(text, name string) bool {
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return !isRubyName(byte(c)) || c > 127 }) {
		if word == name {
			return true
		}
	}
	return false
}

// surely reports whether something is done each time the program is run: at its end, or in a function that nothing else decides about.
func (x *pyReads) surely(c syntax.Context) bool {
	if c.Flags == 0 || c.Flags == syntax.MainGuard {
		return true
	}
	if c.Flags != syntax.InFunction || c.Function == 0 {
		return false
	}
	f := x.scan.Functions[c.Function-1]
	if f.Async || f.Generator || f.Decorated || f.Again {
		return false
	}
	for _, run := range x.scan.Runs {
		if run.Callee == f.Name && (run.Context.Flags == 0 || run.Context.Flags == syntax.MainGuard) {
			return true
		}
	}
	return false
}

// line gives a line of the program.
func (x *pyReads) line(n int) []Line {
	return append(x.because[:len(x.because):len(x.because)], Line{File: x.file, Line: n, Text: textOf(x.data, n)})
}

// lastName gives the last part of a dotted name.
func lastName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
