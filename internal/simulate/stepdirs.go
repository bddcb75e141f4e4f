package simulate

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// stepDirs follows the directories that RUN steps make where the step spells them out: mkdir, install -d and the homes of
// new users. They answer one question only, whether a destination exists as a directory; what a step makes is not listed.
type stepDirs struct {
	cwd  string
	env  []string
	made *grown[string]
	cost *cost
}

// madeBy adds the directories that a step makes to those that are known to exist.
func madeBy(op *dockerfile.Op, made *grown[string], cost *cost) {
	args := op.Exec.Args
	d := &stepDirs{cwd: path.Join("/", op.Exec.Dir), env: op.Exec.Env, made: made, cost: cost}
	last := len(args) - 1
	if last < 2 || !strings.HasPrefix(args[last-1], "-") || !strings.HasSuffix(args[last-1], "c") || !strings.HasSuffix(args[0], "sh") {
		d.command(args)
		return
	}
	file, err := shell.Parse(args[last], syntax.LangBash)
	if err != nil {
		return
	}
	for _, s := range file.Stmts {
		d.stmt(s)
	}
}

// stmt follows what certainly runs: no conditions, loops or functions.
func (d *stepDirs) stmt(s *syntax.Stmt) {
	if s == nil || s.Background {
		return
	}
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		words := make([]string, 0, len(c.Args))
		for _, w := range c.Args {
			words = append(words, d.word(w))
		}
		d.command(words)
	case *syntax.BinaryCmd:
		switch c.Op {
		case syntax.AndStmt:
			d.stmt(c.X)
			d.stmt(c.Y)
		case syntax.OrStmt:
			// mkdir DIR || true.
			d.stmt(c.X)
		}
	case *syntax.Block:
		for _, s := range c.Stmts {
			d.stmt(s)
		}
	case *syntax.Subshell:
		cwd := d.cwd
		for _, s := range c.Stmts {
			d.stmt(s)
		}
		d.cwd = cwd
	}
}

// word gives a word as the shell passes it on, "" if that cannot be told.
func (d *stepDirs) word(w *syntax.Word) string {
	var b strings.Builder
	ok := true
	var add func(parts []syntax.WordPart, quoted bool)
	add = func(parts []syntax.WordPart, quoted bool) {
		for _, part := range parts {
			switch p := part.(type) {
			case *syntax.Lit:
				// Braces, patterns, a home or an escape make something else of it.
				ok = ok && (quoted || !strings.ContainsAny(p.Value, `{*?[\~`))
				b.WriteString(p.Value)
			case *syntax.SglQuoted:
				b.WriteString(p.Value)
			case *syntax.DblQuoted:
				add(p.Parts, true)
			case *syntax.ParamExp:
				value, found := d.variable(p)
				ok = ok && found
				b.WriteString(value)
			default:
				ok = false
			}
		}
	}
	add(w.Parts, false)
	if !ok {
		return ""
	}
	return b.String()
}

// variable gives the value of a plain $NAME or ${NAME} that the Dockerfile sets.
func (d *stepDirs) variable(p *syntax.ParamExp) (string, bool) {
	if p.Param == nil || p.Length || p.Excl || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Exp != nil {
		return "", false
	}
	for _, kv := range slices.Backward(d.env) {
		if value, ok := strings.CutPrefix(kv, p.Param.Value+"="); ok {
			return value, value != "" && !strings.ContainsAny(value, " *?[")
		}
	}
	return "", false
}

func (d *stepDirs) command(words []string) {
	for len(words) > 1 && slices.Contains([]string{"sudo", "command", "exec"}, words[0]) {
		words = words[1:]
	}
	if len(words) < 2 {
		return
	}
	options, rest := splitOptions(words[1:])
	switch path.Base(words[0]) {
	case "cd", "pushd":
		if words[1] != "" {
			d.cwd = d.path(words[1])
		} else {
			// From here on nobody can tell where it is: only absolute names count.
			d.cwd = ""
		}
	case "mkdir":
		for _, dir := range rest {
			d.add(dir)
		}
	case "install":
		if slices.Contains(options, "-d") || slices.Contains(options, "--directory") {
			for _, dir := range rest {
				d.add(dir)
			}
		}
	case "useradd", "adduser":
		d.addHome(path.Base(words[0]), words[1:])
	case "rm", "rmdir", "mv":
		for _, gone := range rest {
			gone = d.path(gone)
			if d.cost.dirs.Steps(int64(len(d.made.list))) == nil {
				left := slices.DeleteFunc(slices.Clone(d.made.list), func(dir string) bool { return gone != "" && Within(dir, gone) })
				*d.made = grown[string]{list: left}
			}
		}
	}
}

// splitOptions parts options, which may take their value as the next word (-m, -o, -g), from operands.
func splitOptions(words []string) (options, rest []string) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-m" || w == "-o" || w == "-g":
			options = append(options, w)
			i++
		case strings.HasPrefix(w, "-") && len(w) > 1:
			options = append(options, w)
			if !strings.HasPrefix(w, "--") {
				for _, letter := range w[1:] {
					options = append(options, "-"+string(letter))
				}
				// -dm 755: the last of joined letters takes the value.
				if len(w) > 2 && strings.ContainsAny(w[len(w)-1:], "mog") {
					i++
				}
			}
		default:
			rest = append(rest, w)
		}
	}
	return options, rest
}

func (d *stepDirs) path(name string) string {
	switch {
	case name == "":
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	case d.cwd == "":
		return ""
	default:
		return path.Join(d.cwd, name)
	}
}

// add records a directory and those above it, which exist then too.
func (d *stepDirs) add(name string) {
	for dir := d.path(name); dir != "" && dir != "/"; dir = path.Dir(dir) {
		// What is made beyond that is not known to be there.
		if d.cost.dirs.Steps(int64(len(d.made.list))) == nil && !slices.Contains(d.made.list, dir) {
			d.made.add(dir)
		}
	}
}

// addHome records the home of a new user: useradd makes it where -m asks for it, adduser unless it is told not to.
func (d *stepDirs) addHome(program string, words []string) {
	makes, home, name := program == "adduser", "", ""
	for i := 0; i < len(words); i++ {
		w := words[i]
		value := func() string {
			if _, v, ok := strings.Cut(w, "="); ok {
				return v
			}
			if i++; i < len(words) {
				return words[i]
			}
			return ""
		}
		switch {
		case w == "":
			return
		case w == "--create-home" || program == "useradd" && isLetters(w) && strings.Contains(w, "m"):
			makes = true
			// -ms /bin/bash: the last of joined letters takes a value.
			if last := w[len(w)-1]; w[1] != '-' && last != 'm' && strings.IndexByte("bcdefgGkKpsRuZ", last) >= 0 {
				if v := value(); last == 'd' {
					home = v
				}
			}
		case w == "--no-create-home" || w == "-H" || program == "useradd" && w == "-M":
			makes = false
		case w == "--home" || w == "--home-dir" || w == "-d" && program == "useradd" || w == "-h" && program == "adduser",
			strings.HasPrefix(w, "--home=") || strings.HasPrefix(w, "--home-dir="):
			home = value()
		case strings.HasPrefix(w, "--") && !strings.Contains(w, "=") && slices.Contains(valued, strings.TrimLeft(w, "-")),
			!strings.HasPrefix(w, "--") && isLetters(w) && strings.IndexByte("bcefgGkKpsRuZ", w[len(w)-1]) >= 0:
			value()
		case strings.HasPrefix(w, "-"):
		case name == "":
			name = w
		}
	}
	switch {
	case !makes || name == "" && home == "":
	case home != "":
		d.add(home)
	case program == "useradd" || !slices.ContainsFunc(words, func(w string) bool { return w == "--system" }):
		d.add("/home/" + name)
	}
}

// valued are long options of useradd and adduser whose value is the next word.
var valued = []string{"uid", "gid", "groups", "shell", "comment", "gecos", "ingroup", "base-dir", "expiredate", "inactive", "skel", "password", "firstuid", "lastuid"}

// isLetters reports whether a word is short options.
func isLetters(w string) bool { return len(w) > 1 && w[0] == '-' && w[1] != '-' }
