package tools

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/makefile"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// The facts are those of GNU make 4.3.

const makeValued = "-C --directory -f --file --makefile -I --include-dir -j --jobs -l --load-average -o --old-file -W --what-if --eval -O"

// maxTargets bounds how many targets one command may look at.
const maxTargets = 1000

// makeBuild is a run of make.
type makeBuild struct {
	r     *reader
	rules []makeRule
	// given are variables of the command line.
	given map[string]string
	// open tells that there may be rules that are not known.
	open    bool
	exports bool
	seen    map[string]bool
	// stopped tells that something has been run of which it is not known what it makes, or whether it is run.
	stopped bool
	budget  *budget.Budget
}

// makeRule is a rule with its words replaced.
type makeRule struct {
	makefile.Rule
	file                   *makefile.File
	name                   string
	targets, needs, before []string
}

// makes is make.
func (r *reader) makes() {
	if !r.known() || r.options.Has("-h", "--help", "-v", "--version", "-p", "-q", "-t", "--touch", "-I", "--include-dir", "--eval", "-o", "-W", "-B") {
		return
	}
	m := &makeBuild{r: r, given: map[string]string{}, seen: map[string]bool{}, budget: budget.New(budget.Limits{Steps: 100_000, Bytes: 16 << 20})}
	var targets []string
	for _, w := range append(r.options.All("-j", "--jobs", "-l", "-O"), r.words...) {
		name, value, set := strings.Cut(w.Text, "=")
		switch {
		case !w.Known(): // a number of jobs
		case set:
			m.given[strings.TrimRight(name, ":?+")] = value
			m.exports = true
		case strings.Trim(w.Text, "0123456789.") != "" && !contains("line target recurse none", w.Text):
			targets = append(targets, w.Text)
		}
	}
	if !m.load() {
		return
	}
	if len(m.rules) == 0 && !m.open {
		return
	}
	if len(targets) == 0 {
		first := m.goal()
		if first == "" {
			return
		}
		targets = []string{first}
	}
	for _, t := range targets {
		m.target(t, nil)
	}
}

// load reads the Makefile; ok is false if there is none that is known.
func (m *makeBuild) load() (ok bool) {
	r := m.r
	if given := r.options.All("-f", "--file", "--makefile"); len(given) > 0 {
		for _, w := range given {
			at := r.abs(w.Text)
			if w.Text == "-" {
				return false
			}
			r.need(Missing{Path: at, What: "the Makefile"})
			ok = m.read(at, nil, 0)
		}
		return ok
	}
	var or []string
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		at := path.Join(r.dir, name)
		if !r.absent(at) {
			return m.read(at, nil, 0)
		}
		or = append(or, at)
	}
	if len(r.words) == 0 || m.cannotBe(r.abs(r.words[0].Text)) && !strings.Contains(r.words[0].Text, "=") {
		r.need(Missing{Path: or[2], Or: or[:2], What: "the Makefile"})
	}
	return false
}

// read reads a Makefile and what it includes, in the order in which rules count.
func (m *makeBuild) read(file string, because []Line, depth int) bool {
	data, ok := m.r.text(file)
	if !ok || depth > maxIncludes {
		m.open = true
		return false
	}
	f := makefile.Parse(string(data))
	m.open, m.exports = m.open || f.Open, m.exports || f.Exports
	at := 0
	rules := func(to int) {
		for _, rule := range f.Rules[at:to] {
			x := makeRule{Rule: rule, file: f, name: file, targets: m.words(f, rule.Targets), needs: m.words(f, rule.Needs), before: m.words(f, rule.Before)}
			m.open = m.open || slices.ContainsFunc(x.targets, func(t string) bool { return strings.Contains(t, shell.Hole) })
			m.rules = append(m.rules, x)
		}
		at = to
	}
	type absent struct {
		path    string
		because []Line
	}
	var gone []absent
	for _, in := range f.Includes {
		rules(in.After)
		m.open = m.open || in.Conditional
		chain := append(slices.Clone(because), Line{File: file, Line: in.Line, Text: in.Text})
		for _, w := range m.words(f, in.Files) {
			p := m.r.abs(w)
			switch {
			case p == "" || strings.ContainsAny(w, "*?["):
				m.open = true
			case !m.r.absent(p):
				m.read(p, chain, depth+1)
			case !in.Optional && !in.Conditional:
				gone = append(gone, absent{p, chain})
			}
		}
	}
	rules(len(f.Rules))
	for _, x := range gone {
		if !m.open && !m.makeable(strings.TrimPrefix(x.path, m.r.dir+"/")) && m.cannotBe(x.path) {
			m.r.need(Missing{Path: x.path, What: "what the Makefile includes", Because: x.because})
		}
		m.open = true
	}
	return true
}

// words gives the words of a text of a Makefile with its variables replaced.
func (m *makeBuild) words(f *makefile.File, text string) []string {
	return strings.Fields(makefile.Expand(text, func(name string) (string, bool) { return m.value(f, name) }, m.budget))
}

// value gives a variable as this run has it.
func (m *makeBuild) value(f *makefile.File, name string) (string, bool) {
	if v, ok := m.given[name]; ok {
		return strings.ReplaceAll(v, "$", "$$"), true
	}
	switch name {
	case "MAKE":
		words := []string{"make"}
		for _, k := range sortedKeys(m.given) {
			quoted, ok := shell.Quote(m.given[k])
			if !ok {
				return "", false
			}
			words = append(words, k+"="+quoted)
		}
		return strings.ReplaceAll(strings.Join(words, " "), "$", "$$"), true
	case "CURDIR":
		return m.r.dir, true
	}
	v, ok := f.Value(name)
	if !ok || f.Unsure[name] || f.Default[name] && m.r.call.S.Env(name) != "" {
		return "", false
	}
	return v, true
}

// goal gives the target that is made if none is named.
func (m *makeBuild) goal() string {
	for _, x := range m.rules {
		if _, set := x.file.Value(".DEFAULT_GOAL"); set || x.Conditional {
			return ""
		}
		for _, t := range x.targets {
			if strings.Contains(t, shell.Hole) {
				return ""
			}
			if (!strings.HasPrefix(t, ".") || strings.Contains(t, "/")) && !strings.Contains(t, "%") {
				return t
			}
		}
	}
	return ""
}

// of gives the rules of a target.
func (m *makeBuild) of(target string) (out []makeRule) {
	for _, x := range m.rules {
		if slices.ContainsFunc(x.targets, func(t string) bool { return path.Clean(t) == path.Clean(target) }) {
			out = append(out, x)
		}
	}
	return out
}

// phony reports whether a target is no file.
func (m *makeBuild) phony(target string) bool {
	return slices.ContainsFunc(m.of(".PHONY"), func(x makeRule) bool { return slices.Contains(x.needs, target) })
}

// makeable reports whether a rule may make a file.
func (m *makeBuild) makeable(name string) bool {
	return m.open || m.phony(name) || len(m.of(name)) > 0 || slices.ContainsFunc(m.rules, func(x makeRule) bool {
		return slices.ContainsFunc(x.targets, func(t string) bool {
			before, after, pattern := strings.Cut(t, "%")
			suffix := strings.HasPrefix(t, ".") && strings.Count(t, ".") == 2 && strings.HasSuffix(name, path.Ext(t))
			return pattern && strings.HasSuffix(name, after) && (strings.HasPrefix(name, before) || !strings.Contains(before, "/")) || suffix
		})
	})
}

// madeByItself are the endings of files that rules of make itself may make of another one.
const madeByItself = ".o .a .c .p .f .F .r .s .S .sym .mod .def .dvi .tex .texi .txinfo .info .ln .l .y .el .elc .out .cc .C .cpp .m .w .ch .web .h,v"

// cannotBe reports whether a file is surely not there, nor one from which make may make it by itself: mostly one that differs in what comes
// behind a dot.
func (m *makeBuild) cannotBe(at string) bool {
	if at == "" || !m.r.absent(at) {
		return false
	}
	base := path.Base(at)
	stem := strings.TrimSuffix(base, path.Ext(base))
	from := func(name string) bool {
		return strings.HasPrefix(name, stem+".") && (path.Ext(base) == "" || contains(madeByItself, path.Ext(base))) || name == "s."+base || name == "SCCS" || name == "RCS"
	}
	entries, err := m.r.list(path.Dir(at), from)
	if err != nil {
		return m.r.absent(path.Dir(at))
	}
	return !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return from(e.Name()) })
}

// target makes a target: first what it needs, then itself.
func (m *makeBuild) target(name string, because []Line) {
	if m.seen[name] || len(m.seen) > maxTargets || strings.Contains(name, shell.Hole) {
		m.stopped = m.stopped || !m.seen[name]
		return
	}
	m.seen[name] = true
	rules := m.of(name)
	at := m.r.abs(name)
	if len(rules) == 0 {
		switch {
		case m.phony(name) || !m.r.absent(at):
		case m.makeable(name) || !m.cannotBe(at) || strings.ContainsAny(name, "*?[(~%"):
			m.stopped = true
		case !m.stopped && len(m.r.out.Scripts) == 0 && because != nil:
			m.r.need(Missing{Path: at, What: "what a rule needs and no rule makes", Because: because})
			m.stopped = true
		}
		return
	}
	var recipe *makeRule
	var needs []string
	for i, x := range rules {
		if x.Conditional {
			m.stopped = true
			return
		}
		chain := append(slices.Clone(because), Line{File: x.name, Line: x.Line, Text: x.Text})
		for _, n := range append(slices.Clone(x.needs), x.before...) {
			m.target(n, chain)
		}
		needs = append(needs, x.needs...)
		if len(x.Recipes) > 0 {
			if recipe != nil {
				m.stopped = true
			}
			recipe = &rules[i]
		}
	}
	switch {
	case recipe == nil:
		m.stopped = m.stopped || !m.phony(name) && m.makeable(name+".") // a pattern rule may have the recipe
	case !m.phony(name) && !m.r.absent(at):
		m.stopped = true // it may be up to date
	default:
		m.run(recipe, name, needs)
	}
}

// run notes the lines of a recipe, up to the first that is not known.
func (m *makeBuild) run(x *makeRule, target string, needs []string) {
	auto := map[string]string{"@": target, "^": strings.Join(slices.Compact(slices.Clone(needs)), " ")}
	if len(needs) > 0 {
		auto["<"] = needs[0]
	}
	for _, line := range x.Recipes {
		if m.stopped {
			return
		}
		text := makefile.Expand(line.Text, func(name string) (string, bool) {
			if v, ok := auto[name]; ok {
				return v, !strings.ContainsAny(v, "*?$")
			}
			return m.value(x.file, name)
		}, m.budget)
		text = strings.TrimLeft(text, "@-+ \t")
		// What is not known is taken to be no syntax of the shell: a word that has it is not known.
		if m.exports && strings.Contains(text, "$") {
			m.stopped = true
			return
		}
		if line.Lenient || m.r.options.Has("-i", "--ignore-errors") {
			text = "{ " + text + "\n} || true"
		}
		if !m.r.options.Has("-n", "--just-print", "--dry-run", "--recon") {
			m.r.runs(Script{Dir: m.r.dir, Text: text, At: Line{File: x.name, Line: line.Line, Text: line.Text}})
		}
	}
}
