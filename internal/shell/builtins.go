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
	"[": true, "test": true, "true": true, "false": true, ":": true, "wait": true, "ulimit": true, "hash": true,
	"type": true, "alias": true, "kill": true, "getopts": true, "jobs": true,
	"fg": true, "bg": true, "disown": true, "enable": true,
}

// IsBuiltin reports whether shells have a command of that name built in.
func IsBuiltin(name string) bool {
	switch name {
	case "cd", "pushd", "popd", "export", "readonly", "declare", "typeset", "local", "unset", "set", "shift", "exec", "exit", "return", ".", "source",
		"eval", "command", "builtin", "echo", "printf", "read", "break", "continue", "let", "shopt",
		"trap", "umask":
		return true
	}
	return quiet[name]
}

// builtin runs a builtin of the shell in s; what it starts sees child. It reports false if it is none.
func (sh *Interp) builtin(s, child *State, argv []Word) ([]*State, bool) {
	rest := argv[1:]
	sh.talks(s, argv)
	switch name := argv[0].Text; name {
	case "cd", "pushd", "popd":
		return sh.chdir(s, argv), true
	case "export", "readonly", "declare", "typeset", "local":
		s.declareWords(name, rest)
		sh.status(s, succeeded)
	case "unset":
		s.Unset(Texts(rest)...)
		sh.status(s, succeeded)
	case "let":
		for _, w := range rest {
			name, _, _ := strings.Cut(w.Text, "=")
			s.Assign(strings.TrimRight(name, "+-*/%<>&|^"), Hole)
		}
	case "shopt":
		s.noglob = true // names are looked for in another way
	case "read":
		for _, w := range rest {
			if !strings.HasPrefix(w.Text, "-") && w.Known() {
				s.Assign(w.Text, Hole)
			}
		}
	case "set":
		s.setArgs(rest)
		s.setOptions(rest)
		sh.status(s, succeeded)
	case "shift":
		n := 1
		if len(rest) > 0 {
			n, _ = strconv.Atoi(rest[0].Text)
		}
		if n > len(s.args) {
			s.level.end(failed) // in some shells
		}
		s.args = s.args[min(max(n, 0), len(s.args)):]
	case "exec":
		return sh.replaced(s, child, rest), true
	case "exit":
		s.level.end(s.given(rest))
		return nil, true
	case "return":
		if sh.Fixed && s.calls == 0 { // some shells end, and some go on
			s.level.end(s.given(rest))
			s.exit = failed
			break
		}
		s.leaves = leaves{to: returns}
		sh.status(s, s.given(rest))
	case "break", "continue":
		sh.leaveLoop(s, name, rest)
	case "trap":
		if len(rest) > 1 && strings.Trim(rest[0].Text, "-") != "" {
			s.level.trap += rest[0].Text + "\n"
		}
	case "umask":
		s.Masked = s.Masked || len(rest) > 0 && strings.TrimLeft(rest[0].Text, "0") != "22"
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
		s.exit = child.exit
	default:
		if !quiet[name] {
			return nil, false
		}
	}
	return []*State{s}, true
}

// replaced runs exec: the shell ends with the program, if there is one.
func (sh *Interp) replaced(s, child *State, words []Word) []*State {
	if len(words) > 1 && words[0].Text == "-a" {
		words = words[2:]
	}
	if words = afterSwitches(words); len(words) == 0 {
		return []*State{s} // only redirections
	}
	sh.program(child, words, true)
	s.level.end(child.exit)
	return nil
}

// leaveLoop runs break and continue.
func (sh *Interp) leaveLoop(s *State, name string, words []Word) {
	if !sh.Fixed || s.loops == 0 {
		if s.around {
			s.level.end(notKnown) // some shells leave the subshell, or a loop of the caller, and some go on
		}
		return
	}
	s.leaves = leaves{to: breaks, loops: 1}
	if name == "continue" {
		s.leaves.to = continues
	}
	if len(words) > 0 {
		n, _ := strconv.Atoi(words[0].Text)
		if s.leaves.loops = min(max(n, 1), s.loops); n > s.loops && s.around {
			s.level.end(notKnown)
		}
	}
}

// talks notes that a builtin prints what is not known.
func (sh *Interp) talks(s *State, argv []Word) {
	switch name := argv[0].Text; {
	case s.out == nil:
	case name == "cd" && cdTarget(argv).Known():
	case slices.Contains([]string{"type", "hash", "jobs", "alias", "ulimit", "kill", "pushd", "popd", "cd"}, name),
		len(argv) == 1 && slices.Contains([]string{"umask", "trap", "set", "export", "readonly", "declare", "local", "typeset"}, name),
		len(argv) > 1 && strings.HasPrefix(argv[1].Text, "-") && slices.Contains([]string{"command", "export", "trap", "declare"}, name):
		s.out.unknown = true
	}
}

// given is the status that exit and return are given, or that of the command before.
func (s *State) given(words []Word) exit {
	switch {
	case len(words) == 0 && s.loops > 0:
		return notKnown // shells differ in what was the last command
	case len(words) == 0:
		return s.prior
	case !words[0].Known():
		return notKnown
	case strings.Trim(words[0].Text, "0") == "":
		return succeeded
	}
	return failed
}

// chdir runs cd, pushd and popd. Where nobody knows whether they succeed, and nothing ends if they do not, the shell goes on in
// the directory in which it is, too.
func (sh *Interp) chdir(s *State, argv []Word) []*State {
	to, dirs := Word{Text: Hole}, s.dirs
	switch name := argv[0].Text; {
	case sh.Fixed && name == "cd" && len(argv) == 2 && argv[1].Text == "-" && s.old != "":
		to = Word{Text: s.old}
	case name != "popd":
		if to = cdTarget(argv); name == "pushd" {
			dirs = append(slices.Clip(dirs), s.Dir)
		}
	case len(argv) == 1 && len(dirs) > 0:
		to, dirs = Word{Text: dirs[len(dirs)-1]}, dirs[:len(dirs)-1]
	}
	kind := Unknown
	if dir := s.Abs(to.Text); dir != "" && sh.leads(s, to.Text) {
		kind = sh.Stat(dir)
	}
	out := []*State{s}
	switch {
	case !sh.Fixed:
	case kind == Absent || kind == Regular:
		s.exit = failed
		return out
	case (kind == Directory || s.Abs(to.Text) == "/" && sh.leads(s, to.Text)) && (argv[0].Text == "cd" || !s.Dash), s.needed():
		s.exit = succeeded
	default:
		stay := s.Clone()
		stay.exit, stay.Unlikely = failed, true
		s.exit = succeeded
		out = append(out, stay)
	}
	s.old = s.Dir
	s.Chdir(to)
	s.dirs = dirs
	return out
}

// leads reports whether all that a path goes back from is a directory: some shells look, and others take the names away.
func (sh *Interp) leads(s *State, p string) bool {
	for at := 0; ; {
		i := strings.Index(p[at:], "/..")
		if i < 0 {
			return true
		}
		at += i + len("/..")
		if before := p[:at-len("/..")]; before != "" && sh.Stat(s.Abs(before)) != Directory {
			return false
		}
	}
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
		if !strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "+") && (i == 0 || !takesName(words[i-1].Text)) {
			s.args, s.ArgsUnknown = slices.Clone(words[i:]), false
			return
		}
	}
}

// setOptions runs set as far as it is about options.
func (s *State) setOptions(words []Word) {
	for i, w := range words {
		if w.Text == "--" || len(w.Text) < 2 || w.Text[0] != '-' && w.Text[0] != '+' {
			if i == 0 || !takesName(words[i-1].Text) {
				return
			}
			continue
		}
		s.Option(w.Text, words[i+1:])
	}
}

// takesName reports whether the word behind options of a shell is the name of one: -o, wherever it stands among others.
func takesName(word string) bool {
	return len(word) > 1 && (word[0] == '-' || word[0] == '+') && !strings.HasPrefix(word, "--") && strings.Contains(word, "o")
}

// Option takes options of a shell, as -eu or -o, with the words behind them.
func (s *State) Option(word string, behind []Word) {
	on := word[0] == '-'
	name := ""
	if takesName(word) && len(behind) > 0 {
		name = behind[0].Text
	}
	if strings.Contains(word, "e") || name == "errexit" {
		s.errexit = on
	}
	if strings.Contains(word, "f") || name == "noglob" {
		s.noglob = on
	}
	if name == "pipefail" {
		s.pipefail = on
	}
}

// Errexit reports whether the shell ends where a command fails: set -e.
func (s *State) Errexit() bool { return s.errexit }

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
			sh.Tell(Note{Origin: s.Here, Untold: true, Text: "the file " + Shown(name.Text) + " that a script reads is unknown, so what it sets could not be determined"})
		}
		s.level.end(failed) // in some shells, if it is not there
		return []*State{s}
	}
	leave, times := sh.Walking(file)
	defer leave()
	if times > 0 {
		return []*State{s}
	}
	outer, here, via, params := s.source, s.Here, s.Via, s.args
	s.Via = append(slices.Clone(via), here)
	s.calls++
	s.In(file, text)
	if len(words) > 1 {
		s.args = words[1:]
	}
	out := sh.Walk(s, text)
	for _, o := range out {
		o.source, o.Here, o.Via, o.args = outer, here, via, params
		o.calls--
		if o.leaves.to == returns {
			o.leaves = leaves{}
		}
	}
	return sh.distinct(out)
}
