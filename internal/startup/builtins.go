package startup

import (
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// declare runs one word of export, readonly, declare and local.
func (a *analysis) declare(s *state, as *syntax.Assign, variant string) {
	if as.Name == nil {
		return
	}
	name := as.Name.Value
	v := s.vars[name]
	_, set := s.vars[name]
	if as.Array != nil {
		a.assignArray(s, as)
		return
	}
	if !as.Naked {
		v.value, v.list = a.assigned(s, as), false
	} else if !set {
		return
	}
	v.exported = v.exported || variant == "export"
	s.vars[name] = v
}

// assignArray runs NAME=(...) and NAME+=(...).
func (a *analysis) assignArray(s *state, as *syntax.Assign) {
	v := variable{list: true}
	if as.Append {
		if old := s.vars[as.Name.Value]; old.list {
			v.value = old.value
		} else if old.value != "" {
			v.value = old.value + separator
		}
	}
	for _, e := range as.Array.Elems {
		if e.Index != nil || e.Value == nil {
			v.value += unknown + separator
			continue
		}
		for _, w := range a.fields(s, []*syntax.Word{e.Value}) {
			v.value += w.text + separator
		}
	}
	if len(v.value) > maxScript {
		v = variable{value: unknown}
	}
	s.vars[as.Name.Value] = v
}

// assigned gives the value of NAME=value.
func (a *analysis) assigned(s *state, as *syntax.Assign) string {
	if as.Array != nil || as.Index != nil {
		return unknown
	}
	x := &expansion{a: a, s: s, self: as.Name.Value}
	value := x.literal(as.Value).text
	if as.Append {
		value = s.vars[as.Name.Value].value + value
	}
	if len(value) > maxScript {
		return unknown
	}
	return value
}

// builtin runs a builtin of the shell in s; what it starts sees child. It reports false if it is none.
func (a *analysis) builtin(s, child *state, argv []arg) ([]*state, bool) {
	rest := argv[1:]
	switch argv[0].text {
	case "cd", "pushd":
		s.chdir(cdTarget(argv))
	case "export", "readonly", "declare", "typeset", "local":
		for _, w := range rest {
			name, value, ok := strings.Cut(w.text, "=")
			switch {
			case strings.HasPrefix(name, "-") || strings.Contains(name, unknown):
			case ok && argv[0].text == "export":
				s.export(name, value)
			case ok:
				s.assign(name, value)
			}
		}
	case "unset":
		for _, w := range rest {
			delete(s.vars, w.text)
		}
	case "set":
		for i, w := range rest {
			if w.text == "--" {
				s.args = slices.Clone(rest[i+1:])
				break
			}
			if !strings.HasPrefix(w.text, "-") && !strings.HasPrefix(w.text, "+") && (i == 0 || !strings.HasSuffix(rest[i-1].text, "o")) {
				s.args = slices.Clone(rest[i:])
				break
			}
		}
	case "shift":
		n := 1
		if len(rest) > 0 {
			n, _ = strconv.Atoi(rest[0].text)
		}
		s.args = s.args[min(max(n, 0), len(s.args)):]
	case "exec":
		rest = skip(rest, "-a")
		if len(rest) == 0 {
			return []*state{s}, true // only redirections
		}
		a.command(child.clone(), rest, true)
		return nil, true
	case "exit":
		return nil, true
	case "return":
		s.returned = true
	case ".", "source":
		if len(rest) > 0 {
			return a.sourced(s, rest), true
		}
	case "eval":
		return a.script(s, strings.Join(texts(rest), " ")), true
	case "command", "builtin":
		if rest = skip(rest, ""); len(rest) == 0 || strings.HasPrefix(argv[1].text, "-") && argv[1].text != "-p" && argv[1].text != "--" {
			return []*state{s}, true // command -v asks, it does not run
		}
		if out, ok := a.builtin(s, child, rest); ok {
			return out, true
		}
		a.command(child.clone(), rest, s.source.path == "")
	case "[", "test", "true", "false", ":", "trap", "wait", "umask", "ulimit", "hash", "type", "alias", "read", "shopt",
		"kill", "break", "continue", "popd", "let", "printf", "echo", "getopts", "jobs", "fg", "bg", "disown", "enable":
	default:
		return nil, false
	}
	return []*state{s}, true
}

// sourced walks a file in the shell that reads it.
func (a *analysis) sourced(s *state, words []arg) []*state {
	name := words[0]
	file := s.abs(name.text)
	if venv, ok := strings.CutSuffix(file, "/bin/activate"); ok {
		// The script that venv and virtualenv write: no repository holds it.
		s.export("VIRTUAL_ENV", venv)
		s.export("PATH", venv+"/bin:"+s.vars["PATH"].value)
		return []*state{s}
	}
	text, ok := a.read(file)
	if !ok {
		if file != "" && a.files.Stat(file) == Absent {
			return []*state{s}
		}
		a.note(s.here, "the file "+shown(name.text)+" that a script reads is not known: what it sets cannot be told")
		return []*state{s}
	}
	if a.active[file] > 0 {
		return []*state{s}
	}
	a.active[file]++
	defer func() { a.active[file]-- }()
	outer, here, via, params := s.source, s.here, s.via, s.args
	s.via = append(slices.Clone(via), here)
	s.source = newSource(file, text)
	if len(words) > 1 {
		s.args = words[1:]
	}
	out := a.script(s, text)
	for _, o := range out {
		o.source, o.here, o.via, o.args, o.returned = outer, here, via, params, false
	}
	return out
}
