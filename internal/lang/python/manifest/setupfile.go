package manifest

import (
	"bytes"
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

func (r *reader) setupCfg(p *project, file string, data []byte) {
	sections, fault := parseINI(data, 1, false)
	if fault != nil {
		p.fail(file, fault.Line, "%s", fault.Message)
	}
	if name := sections["metadata"].get("name").text(); name != "" && p.Name == "" {
		p.Name = name
	}
	options := sections["options"]
	for _, key := range []string{"install_requires", "setup_requires", "tests_require"} {
		p.iniRequires(r, file, options.get(key))
	}
	if extras := sections["options.extras_require"]; extras != nil {
		for _, key := range extras.keys {
			p.iniRequires(r, file, extras.values[key])
		}
	}
	// Names of scripts keep their case.
	if cased, _ := parseINI(data, 1, true); cased != nil {
		p.entryPoints(cased["options.entry_points"], file)
	}
	p.setup.config(file, sections)
}

// iniRequires reads a list of specifiers, one a line or separated by semicolons, or `file: name`.
func (p *project) iniRequires(r *reader, file string, v iniValue) {
	for _, l := range v {
		if names, ok := strings.CutPrefix(l.text, "file:"); ok {
			for name := range strings.SplitSeq(names, ",") {
				r.include(p.Project, file, l.line, strings.TrimSpace(name), FromManifest)
			}
			continue
		}
		if !p.require(l.text, p.Dir, file, l.line, FromManifest, false) {
			p.fail(file, l.line, "no requirement in %q", l.text)
		}
	}
}

// entryPoints reads the groups of an ini section: console_scripts = lines of name = module:attribute.
func (p *Project) entryPoints(s *iniSection, file string) {
	for _, group := range []string{"console_scripts", "gui_scripts"} {
		for _, l := range s.get(group) {
			if name, target, ok := strings.Cut(l.text, "="); ok {
				p.script(name, target, file, l.line)
			}
		}
	}
}

var finders = []string{"find_packages", "find_namespace_packages", "PEP420PackageFinder.find", "PackageFinder.find"}

// setupPy reads the literals in a setup.py: the arguments of setup, and names of the module that they refer to.
func (r *reader) setupPy(p *project, file string, data []byte) {
	p.Buildable = true
	callees := map[string]bool{"setup": true, "find": true, "parse_requirements": true}
	for _, f := range finders {
		callees[f] = true
	}
	scan := syntax.Scan(data, &syntax.Config{Callees: callees})
	literals := map[string]*syntax.Literal{}
	for i, l := range scan.Literals {
		literals[l.Name] = &scan.Literals[i]
	}
	s := setupCall{p: p, file: file, literals: literals, finders: finderRanges(scan.Calls)}
	for i := range scan.Calls {
		call := &scan.Calls[i]
		if call.Callee != "setup" && !strings.HasSuffix(call.Callee, ".setup") {
			continue
		}
		s.source = data[call.Range.Start.Offset:min(call.Range.End.Offset, len(data))]
		s.base, s.referred = call.Range.Start.Offset, map[string]string{}
		for _, arg := range call.Arguments {
			s.argument(arg, scan.Calls)
		}
	}
	// Requirements that come from a file by code of any kind: the file's name stands somewhere as a literal.
	for _, m := range requirementsName().FindAllSubmatchIndex(data, -1) {
		name := string(data[m[2]:m[3]])
		if r.isFile(path.Join(p.Dir, name)) {
			r.include(p.Project, file, 1+bytes.Count(data[:m[0]], []byte("\n")), name, FromManifest)
		}
	}
}

var requirementsName = lazyre.New(`["']([\w./-]*requirements[\w./-]*\.(?:txt|in))["']`)

// setupKeywords are the arguments of setup that are read.
var setupKeywords = []string{
	"name", "install_requires", "setup_requires", "tests_require", "extras_require", "requires", "entry_points", "packages", "py_modules", "package_dir",
	"ext_modules", "rust_extensions", "cffi_modules",
}

// setupCall reads the arguments of setup.
type setupCall struct {
	p        *project
	file     string
	source   []byte // of the call
	base     int
	literals map[string]*syntax.Literal
	finders  [][2]int // where their calls stand
	laidOut  bool
	referred map[string]string // by keyword, what was looked for already
}

func (s *setupCall) argument(arg syntax.Argument, calls []syntax.Call) {
	elements, complete := arg.Elements, arg.Complete
	if len(elements) == 0 && !complete {
		if l := s.literals[s.refers(arg.Keyword)]; l != nil {
			elements, complete = l.Elements, l.Complete
		}
	}
	switch arg.Keyword {
	case "name":
		if len(elements) == 1 && s.p.Name == "" {
			s.p.Name = elements[0].Value
		}
	case "install_requires", "setup_requires", "tests_require", "extras_require", "requires":
		for _, e := range elements {
			for i, text := range strings.Split(e.Value, "\n") {
				if strings.TrimSpace(text) != "" {
					s.p.require(text, s.p.Dir, s.file, e.Range.Start.Line+i, FromManifest, false)
				}
			}
		}
	case "entry_points":
		for _, e := range elements {
			s.scripts(e)
		}
	case "packages", "py_modules", "package_dir":
		s.layout(arg.Keyword, elements, complete, calls)
	case "ext_modules", "rust_extensions", "cffi_modules":
		s.p.setup.extensions = true
	}
}

// scripts declares the console scripts of a group of entry points, or of a text that is written as a configuration file is.
func (s *setupCall) scripts(e syntax.Element) {
	groups := []string{"console_scripts", "gui_scripts"}
	switch {
	case slices.Contains(groups, e.Key):
		for i, text := range strings.Split(e.Value, "\n") {
			if name, target, ok := strings.Cut(text, "="); ok {
				s.p.script(name, target, s.file, e.Range.Start.Line+i)
			}
		}
	case e.Key == "":
		sections, _ := parseINI([]byte(dedent(e.Value)), e.Range.Start.Line, true)
		for _, group := range groups {
			if g := sections[group]; g != nil {
				for _, name := range g.keys {
					s.p.script(name, g.values[name].text(), s.file, g.values[name].line())
				}
			}
		}
	}
}

// layout passes on what says where packages lie.
func (s *setupCall) layout(keyword string, elements []syntax.Element, complete bool, calls []syntax.Call) {
	setup := &s.p.setup
	switch keyword {
	case "package_dir":
		for _, e := range elements {
			setup.dir(e.Key, e.Value)
		}
		return
	case "py_modules":
		for _, e := range elements {
			setup.modules = append(setup.modules, listed{e.Value, s.file, e.Range.Start.Line})
		}
		setup.modulesGiven = true
		setup.incomplete = setup.incomplete || !complete
		return
	}
	setup.packagesGiven = true
	ranges := s.finders
	for _, e := range elements {
		if complete || !inRanges(ranges, e.Range.Start.Offset, e.Range.End.Offset) {
			setup.packages = append(setup.packages, listed{e.Value, s.file, e.Range.Start.Line})
		}
	}
	found := len(ranges) > 0
	if s.laidOut {
		calls = nil // given twice
	}
	s.laidOut = true
	for i := range calls {
		if isFinder(calls[i].Callee) {
			setup.finders = append(setup.finders, s.finder(&calls[i]))
		}
	}
	if !found && !complete {
		setup.incomplete = true
	}
}

// finder reads a call of find_packages or its like.
func (s *setupCall) finder(call *syntax.Call) finder {
	f := finder{where: ".", file: s.file, line: call.Range.Start.Line,
		namespaces: strings.Contains(call.Callee, "namespace") || strings.Contains(call.Callee, "420")}
	for j, arg := range call.Arguments {
		var texts []string
		for _, e := range arg.Elements {
			texts = append(texts, e.Value)
		}
		switch {
		case (arg.Keyword == "where" || arg.Keyword == "" && j == 0) && len(texts) > 0:
			f.where = texts[0]
		case arg.Keyword == "exclude" || arg.Keyword == "" && j == 1:
			f.exclude = texts
		case arg.Keyword == "include" || arg.Keyword == "" && j == 2:
			f.include = texts
		}
		s.p.setup.incomplete = s.p.setup.incomplete || !arg.Complete
	}
	return f
}

// finderRanges gives where calls of finders begin and end, in order, those in others left out.
func finderRanges(calls []syntax.Call) (out [][2]int) {
	for i := range calls {
		if isFinder(calls[i].Callee) {
			out = append(out, [2]int{calls[i].Range.Start.Offset, calls[i].Range.End.Offset})
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(b[1], a[1])) })
	end := -1
	return slices.DeleteFunc(out, func(r [2]int) bool {
		inner := r[1] <= end
		end = max(end, r[1])
		return inner
	})
}

// inRanges reports whether something lies in one of the ranges.
func inRanges(ranges [][2]int, from, to int) bool {
	i, _ := slices.BinarySearchFunc(ranges, from+1, func(r [2]int, at int) int { return cmp.Compare(r[0], at) })
	return i > 0 && to <= ranges[i-1][1]
}

func isFinder(callee string) bool {
	for _, f := range finders {
		if callee == f || strings.HasSuffix(callee, "."+f) {
			return true
		}
	}
	return false
}

// refers gives the name that a keyword argument consists of.
func (s *setupCall) refers(keyword string) string {
	if keyword == "" || !slices.Contains(setupKeywords, keyword) {
		return ""
	}
	if name, ok := s.referred[keyword]; ok {
		return name
	}
	name := ""
	m := regexp.MustCompile(`\b` + regexp.QuoteMeta(keyword) + `\s*=\s*([A-Za-z_]\w*)\s*[,)]`).FindSubmatch(s.source)
	if m != nil {
		name = string(m[1])
	}
	s.referred[keyword] = name
	return name
}

// dedent removes the blanks that all lines have in front.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	margin := -1
	for _, l := range lines {
		if indent := len(l) - len(strings.TrimLeft(l, " \t")); strings.TrimSpace(l) != "" && (margin < 0 || indent < margin) {
			margin = indent
		}
	}
	for i, l := range lines {
		lines[i] = l[min(max(margin, 0), len(l)):]
	}
	return strings.Join(lines, "\n")
}
