package shell

import (
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// declare runs one word of export, readonly, declare and local.
func (sh *Interp) declare(s *State, as *syntax.Assign, variant string) {
	if as.Name == nil {
		return
	}
	name := as.Name.Value
	v := s.vars[name]
	_, set := s.vars[name]
	if as.Array != nil {
		sh.assignArray(s, as)
		return
	}
	if !as.Naked {
		v.value, v.list = sh.assigned(s, as), false
	} else if !set {
		return
	}
	v.exported = v.exported || variant == "export"
	s.vars[name] = v
}

// assignArray runs NAME=(...) and NAME+=(...).
func (sh *Interp) assignArray(s *State, as *syntax.Assign) {
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
			v.value += Hole + separator
			continue
		}
		for _, w := range sh.fields(s, []*syntax.Word{e.Value}) {
			v.value += w.Text + separator
		}
	}
	if len(v.value) > maxScript || sh.Budget.Bytes(int64(len(v.value))) != nil {
		v = variable{value: Hole}
	}
	s.vars[as.Name.Value] = v
}

// assigned gives the value of NAME=value.
func (sh *Interp) assigned(s *State, as *syntax.Assign) string {
	if as.Array != nil || as.Index != nil {
		return Hole
	}
	x := &expansion{sh: sh, s: s, self: as.Name.Value}
	value := x.literal(as.Value).Text
	if as.Append {
		value = s.vars[as.Name.Value].value + value
	}
	if len(value) > maxScript || sh.Budget.Bytes(int64(len(value))) != nil {
		return Hole
	}
	return value
}

// quiet are builtins that change nothing which matters here.
var quiet = map[string]bool{
	"[": true, "test": true, "true": true, "false": true, ":": true, "trap": true, "wait": true, "umask": true, "ulimit": true, "hash": true,
	"type": true, "alias": true, "shopt": true, "kill": true, "break": true, "continue": true, "let": true, "getopts": true, "jobs": true,
	"fg": true, "bg": true, "disown": true, "enable": true,
}

// IsBuiltin reports whether shells have a command of that name built in.
func IsBuiltin(name string) bool {
	switch name {
	case "cd", "pushd", "popd", "export", "readonly", "declare", "typeset", "local", "unset", "set", "shift", "exec", "exit", "return", ".", "source",
		"eval", "command", "builtin", "echo", "printf", "read":
		return true
	}
	return quiet[name]
}

// builtin runs a builtin of the shell in s; what it starts sees child. It reports false if it is none.
func (sh *Interp) builtin(s, child *State, argv []Word) ([]*State, bool) {
	rest := argv[1:]
	switch name := argv[0].Text; name {
	case "cd", "pushd":
		to := cdTarget(argv)
		if dir := s.Abs(to.Text); sh.Fixed && dir != "" {
			switch sh.Stat(dir) {
			case Absent, Regular:
				s.exit = failed
				return []*State{s}, true
			case Directory:
				s.exit = succeeded
			}
		}
		s.Chdir(to)
	case "popd":
		s.Chdir(Word{Text: Hole})
	case "export", "readonly", "declare", "typeset", "local":
		s.declareWords(name, rest)
	case "unset":
		s.Unset(Texts(rest)...)
	case "read":
		for _, w := range rest {
			if !strings.HasPrefix(w.Text, "-") && w.Known() {
				s.Assign(w.Text, Hole)
			}
		}
	case "set":
		s.setArgs(rest)
	case "shift":
		n := 1
		if len(rest) > 0 {
			n, _ = strconv.Atoi(rest[0].Text)
		}
		s.args = s.args[min(max(n, 0), len(s.args)):]
	case "exec":
		if len(rest) > 1 && rest[0].Text == "-a" {
			rest = rest[2:]
		}
		if rest = afterSwitches(rest); len(rest) == 0 {
			return []*State{s}, true // only redirections
		}
		sh.program(child, rest, true)
		return nil, true
	case "exit":
		return nil, true
	case "return":
		s.returned = true
	case ".", "source":
		if len(rest) > 0 {
			return sh.sourced(s, rest), true
		}
	case "eval":
		return sh.Walk(s, strings.Join(Texts(rest), " ")), true
	case "echo", "printf":
		sh.print(s, echo(s, argv))
		s.exit = succeeded
	case "command", "builtin":
		rest = afterSwitches(rest)
		if len(rest) == 0 || strings.HasPrefix(argv[1].Text, "-") && argv[1].Text != "-p" && argv[1].Text != "--" {
			return []*State{s}, true // command -v asks, it does not run
		}
		if out, ok := sh.builtin(s, child, rest); ok {
			return out, true
		}
		sh.program(child, rest, false)
	default:
		if !quiet[name] {
			return nil, false
		}
	}
	return []*State{s}, true
}

// afterSwitches gives the words after options that take no values.
func afterSwitches(words []Word) []Word {
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "-") && words[0].Text != "-" {
		end := words[0].Text == "--"
		if words = words[1:]; end {
			break
		}
	}
	return words
}

// declareWords runs export and its like whose words came from an expansion.
func (s *State) declareWords(variant string, words []Word) {
	for _, w := range words {
		name, value, ok := strings.Cut(w.Text, "=")
		switch {
		case strings.HasPrefix(name, "-") || strings.Contains(name, Hole):
		case ok && variant == "export":
			s.Export(name, value)
		case ok:
			s.Assign(name, value)
		}
	}
}

// setArgs runs set, which replaces the arguments by the words that are no options.
func (s *State) setArgs(words []Word) {
	for i, w := range words {
		if w.Text == "--" {
			s.args, s.ArgsUnknown = slices.Clone(words[i+1:]), false
			return
		}
		if !strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "+") && (i == 0 || !strings.HasSuffix(words[i-1].Text, "o")) {
			s.args, s.ArgsUnknown = slices.Clone(words[i:]), false
			return
		}
	}
}

// sourced walks a file in the shell that reads it.
func (sh *Interp) sourced(s *State, words []Word) []*State {
	name := words[0]
	file := s.Abs(name.Text)
	if venv, ok := strings.CutSuffix(file, "/bin/activate"); ok {
		// The script that venv and virtualenv write: no repository holds it.
		s.Export("VIRTUAL_ENV", venv)
		s.Export("PATH", venv+"/bin:"+s.vars["PATH"].value)
		return []*State{s}
	}
	text, ok := sh.Read(file)
	if !ok {
		if file == "" || sh.Stat(file) != Absent {
			sh.Tell(Note{Origin: s.Here, Untold: true, Text: "the file " + Shown(name.Text) + " that a script reads is not known: what it sets cannot be told"})
		}
		return []*State{s}
	}
	leave, times := sh.Walking(file)
	defer leave()
	if times > 0 {
		return []*State{s}
	}
	outer, here, via, params := s.source, s.Here, s.Via, s.args
	s.Via = append(slices.Clone(via), here)
	s.In(file, text)
	if len(words) > 1 {
		s.args = words[1:]
	}
	out := sh.Walk(s, text)
	for _, o := range out {
		o.source, o.Here, o.Via, o.args, o.returned = outer, here, via, params, false
	}
	return out
}
