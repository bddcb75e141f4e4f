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
	if n := tool.Get("dynamic", "version", "attr"); n.Is() && p.dynamic("version") && tool.Get("package-dir") == nil && len(tool.List("packages", "find", "where")) < 2 {
		r.versionOf(p, n.Text, strings.Join(tool.Texts("packages", "find", "where"), ""), p.line(n))
	}
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

// versionOf looks for the module of whose attribute the version is the value.
func (r *reader) versionOf(p pyProject, attribute, root string, because []Line) {
	dot := strings.LastIndexByte(attribute, '.')
	if dot < 0 {
		return
	}
	module := strings.ReplaceAll(attribute[:dot], ".", "/")
	var or []string
	for _, root := range []string{root, "", "src"} {
		at := path.Join(p.dir, root, module)
		or = append(or, at+".py", path.Join(at, "__init__.py"))
	}
	r.need(Missing{Kind: Source, Path: or[0], Or: or[1:], What: "the module with the version", Because: because})
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
			if attribute, is := strings.CutPrefix(value, "attr:"); is && !bytes.Contains(data, []byte("package_dir")) {
				r.versionOf(p, strings.TrimSpace(attribute), "", because)
			}
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

// setupPy looks for what a setup.py reads each time it is run, and for packages that it lists.
func (r *reader) setupPy(p pyProject) {
	x, ok := r.pyReads(path.Join(p.dir, "setup.py"), p.dir, p.because)
	if !ok {
		return
	}
	r.setupHistory(p)
	x.all(false)
	x.helpers()
	for i := range x.scan.Calls {
		if call := &x.scan.Calls[i]; lastName(call.Callee) == "setup" && x.surely(call.Context) {
			x.setup(call, p)
		}
	}
}

// setup is the call of setup: packages that it lists must be there.
func (x *pyReads) setup(call *syntax.Call, p pyProject) {
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
			x.setupPackage(p, e.Value, root, x.line(e.Range.Start.Line))
		}
	}
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
