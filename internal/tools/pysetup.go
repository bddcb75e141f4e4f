package tools

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
)

// setuptools looks for what setuptools fails without.
func (r *reader) setuptools(p pyProject) {
	r.setupPy(p)
	r.setupCfg(p)
	if p.doc == nil || !r.absent(path.Join(p.dir, "setup.py")) { // a setup.py has a say in all of it
		return
	}
	tool := p.doc.Get("tool", "setuptools")
	if p.editable {
		return
	}
	for _, n := range tool.List("packages", "find", "where") {
		r.need(Missing{Path: path.Join(p.dir, n.Text), Dir: true, What: "the directory of the packages", Because: p.line(n)})
	}
	root := tool.Get("package-dir", "")
	if root.Is() {
		r.need(Missing{Path: path.Join(p.dir, root.Text), Dir: true, What: "the directory of the packages", Because: p.line(root)})
	}
	if packages := tool.Get("packages"); packages != nil && len(packages.Items) > 0 && (tool.Get("package-dir") == nil || len(tool.Get("package-dir").Keys) == 1 && root.Is()) {
		for _, n := range packages.Items {
			r.setupPackage(p, n.Text, root.Str(), p.line(n))
		}
	}
}

// setupPackage is a package that is listed by its name.
func (r *reader) setupPackage(p pyProject, name, root string, because []Line) {
	if name != "" {
		r.need(Missing{Path: path.Join(p.dir, root, strings.ReplaceAll(name, ".", "/")), Dir: true, What: "a package of the project", Because: because})
	}
}

var (
	cfgSection = regexp.MustCompile(`^\[([^\]]+)\]\s*$`)
	cfgKey     = regexp.MustCompile(`^([A-Za-z_][\w.-]*)\s*[=:]\s*(.*)$`)
)

// setupCfg looks for what a setup.cfg names.
func (r *reader) setupCfg(p pyProject) {
	file := path.Join(p.dir, "setup.cfg")
	data, ok := r.text(file)
	if !ok {
		return
	}
	section, n := "", 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimRight(text, "\r\n")
		if m := cfgSection.FindStringSubmatch(text); m != nil {
			section = m[1]
			continue
		}
		m := cfgKey.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		value := strings.TrimSpace(m[2])
		because := append(p.because[:len(p.because):len(p.because)], Line{File: file, Line: n, Text: text})
		switch section + " " + m[1] {
		case "metadata version":
			if name, isFile := strings.CutPrefix(value, "file:"); isFile && !strings.Contains(name, ",") {
				r.need(Missing{Path: path.Join(p.dir, strings.TrimSpace(name)), What: "the file with the version", Because: because})
			}
		case "options.packages.find where":
			if !p.editable && value != "" {
				r.need(Missing{Path: path.Join(p.dir, value), Dir: true, What: "the directory of the packages", Because: because})
			}
		}
	}
}

// setupReads are calls that read a file as a module is run.
var setupReads = map[string]bool{"open": true, "read_text": true, "read_bytes": true, "setup": true}

// setupPy looks for what a setup.py reads each time it is run, and for packages that it lists.
func (r *reader) setupPy(p pyProject) {
	file := path.Join(p.dir, "setup.py")
	data, ok := r.text(file)
	if !ok || bytes.Contains(data, []byte("os.chdir")) {
		return
	}
	s := setupScript{r: r, p: p, file: file, data: data}
	s.scan = syntax.Scan(data, &syntax.Config{Callees: setupReads})
	for i := range s.scan.Calls {
		s.call(&s.scan.Calls[i])
	}
}

// setupScript is a setup.py.
type setupScript struct {
	r    *reader
	p    pyProject
	file string
	data []byte
	scan *syntax.File
}

// call is a call of a setup.py that reads a file, or that of setup itself.
func (s *setupScript) call(call *syntax.Call) {
	if call.Context.Flags != 0 && call.Context.Flags != syntax.MainGuard && !s.surely(call.Context) {
		return
	}
	name := call.Callee[strings.LastIndexByte(call.Callee, '.')+1:]
	if name == "setup" {
		s.setup(call)
		return
	}
	at, written := call.Receiver, false
	for i, a := range call.Arguments {
		switch {
		case name == "open" && (i == 0 && a.Keyword == "" || a.Keyword == "file") && at.Base == syntax.PathUnknown:
			at = a.Path
		case a.Keyword == "mode" || a.Keyword == "" && i < 2:
			written = written || len(a.Elements) != 1 || strings.ContainsAny(a.Elements[0].Value, "wax+")
		}
	}
	if written && name == "open" || at.Path == "" {
		return
	}
	from := s.p.dir
	switch {
	case at.Base == syntax.PathFile && at.Ups == 1 || at.Base == syntax.PathLiteral:
	default:
		return
	}
	target := at.Path
	if !path.IsAbs(target) {
		target = path.Join(from, target)
	}
	s.r.need(Missing{Path: target, What: "a file that setup.py reads", Because: s.line(call.Range.Start.Line)})
}

// surely reports whether a function is run each time in which something stands that nothing else decides about.
func (s *setupScript) surely(c syntax.Context) bool {
	if c.Flags != syntax.InFunction || c.Function == 0 {
		return false
	}
	name := s.scan.Functions[c.Function-1]
	if name.Async || name.Generator || name.Decorated || name.Again {
		return false
	}
	for _, run := range s.scan.Runs {
		if run.Callee == name.Name && (run.Context.Flags == 0 || run.Context.Flags == syntax.MainGuard) {
			return true
		}
	}
	return false
}

// setup is the call of setup: packages that it lists must be there.
func (s *setupScript) setup(call *syntax.Call) {
	root := ""
	for _, a := range call.Arguments {
		if a.Keyword == "package_dir" {
			if len(a.Elements) != 1 || !a.Complete || a.Elements[0].Key != "" {
				return
			}
			root = a.Elements[0].Value
		}
	}
	for _, a := range call.Arguments {
		if a.Keyword != "packages" || !a.Complete {
			continue
		}
		for _, e := range a.Elements {
			s.r.setupPackage(s.p, e.Value, root, s.line(e.Range.Start.Line))
		}
	}
}

func (s *setupScript) line(n int) []Line {
	return append(s.p.because[:len(s.p.because):len(s.p.because)], Line{File: s.file, Line: n, Text: textOf(s.data, n)})
}

// setupPyRun is a setup.py that is run itself.
func (r *reader) setupPyRun(dir string, editable bool) {
	p, ok := r.pyProject(dir)
	if !ok {
		p = pyProject{dir: dir, doc: &document.Node{}}
	}
	p.editable = editable
	r.setupPy(p)
	r.setupCfg(p)
}
