package shell

import (
	"bytes"
	"maps"
	"path"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// sink is where the output of commands goes: a file, or a pipe.
type sink struct {
	to      string // the file, "" for a pipe
	text    strings.Builder
	file    Word // the file whose content goes through a pipe
	unknown bool // something that is not known was written there
	appends bool
	acts    int // of the walk when it was opened
}

// read gives what the other end of a pipe reads.
func (p *sink) read() Input {
	return Input{File: p.file, Text: p.text.String(), Known: !p.unknown && p.text.Len() > 0, Piped: true}
}

// redirections records the files that a statement writes, and what its commands read and where they write. It gives where the output
// goes, nil if that is as before, and whether all files can be opened: the command is not run if they cannot.
func (sh *Interp) redirections(s *State, st *syntax.Stmt) (to *sink, opened exit) {
	opened = succeeded
	for _, r := range st.Redirs {
		ends := succeeded
		switch r.Op {
		case syntax.RdrOut, syntax.AppOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
			p := &sink{to: sh.Write(s, sh.literal(s, r.Word)), appends: r.Op == syntax.AppOut || r.Op == syntax.AppAll}
			p.unknown = r.Op == syntax.RdrAll || r.Op == syntax.AppAll // it takes messages, too
			ends = sh.opens(s, p)
			if r.N == nil || r.N.Value == "1" {
				s.out, to = p, p
			}
		case syntax.DplOut:
			switch {
			case r.N == nil || r.N.Value == "1":
				s.out = &sink{} // where messages go
			case r.N.Value == "2" && s.out != nil:
				s.out.unknown = true
			}
		case syntax.RdrIn:
			s.in = Input{File: sh.literal(s, r.Word)}
			if ends = sh.reads(s); ends == failed && sh.Unread != nil {
				sh.Unread(s.Clone(), s.in.File)
			}
		case syntax.WordHdoc:
			text := sh.literal(s, r.Word)
			s.in = Input{Text: text.Text + "\n", Known: true}
		case syntax.Hdoc, syntax.DashHdoc:
			text := sh.document(s, r.Hdoc)
			s.in = Input{Text: text, Known: true}
		}
		if opened = min(opened, ends); ends == failed {
			return to, failed
		}
	}
	return to, opened
}

// reads tells whether the file can be opened that a command is to read.
func (sh *Interp) reads(s *State) exit {
	if !sh.Fixed {
		return succeeded
	}
	switch sh.Stat(s.Abs(s.in.File.Text)) {
	case Absent:
		return failed
	case Unknown:
		return notKnown
	}
	return succeeded
}

func (sh *Interp) literal(s *State, w *syntax.Word) Word {
	x := &expansion{sh: sh, s: s}
	return x.literal(w)
}

// document gives the text of a here-document.
func (sh *Interp) document(s *State, w *syntax.Word) string {
	if w == nil {
		return ""
	}
	x := &expansion{sh: sh, s: s}
	text, err := expand.Document(&expand.Config{Env: environ{s}}, &syntax.Word{Parts: x.parts(w.Parts, true)})
	if err != nil {
		return Hole
	}
	return text
}

// Write records that a command writes a file, and gives the name it is remembered by: its path or, if that is not known, what
// of it is, with a [Hole].
func (sh *Interp) Write(s *State, name Word) string {
	file := s.Abs(name.Text)
	switch {
	case !name.Known():
		file = name.Text
	case file == "" && name.Text != "":
		file = Hole + "/" + name.Text
	}
	if file == "" || strings.HasPrefix(file, "/dev/") {
		return ""
	}
	if sh.written == nil {
		sh.written = map[string]Written{}
	}
	if _, ok := sh.written[file]; !ok {
		sh.written[file] = Written{By: s.Here}
	}
	return file
}

// Written gives the files that were written so far, by their path, or by a name with a [Hole].
func (sh *Interp) Written() map[string]Written { return maps.Clone(sh.written) }

// WriteText records text that a command writes to a file.
func (sh *Interp) WriteText(s *State, name Word, text string) {
	if file := sh.Write(s, name); file != "" && sh.Budget.Bytes(int64(len(text))) == nil {
		w := sh.written[file]
		w.Text += text
		sh.written[file] = w
	}
}

// opens tells who asks of a file that a redirection opens, and gives whether that succeeds.
func (sh *Interp) opens(s *State, p *sink) exit {
	if sh.Wrote == nil || p.to == "" {
		return succeeded
	}
	opened := sh.hands(s, Output{File: p.to, Appends: p.appends, Opens: true})
	p.acts = sh.acts
	return opened
}

// wrote tells who asks of the output that a redirection took.
func (sh *Interp) wrote(s *State, p *sink) {
	if sh.Wrote == nil || p == nil || p.to == "" {
		return
	}
	o := Output{File: p.to, Text: p.text.String(), Appends: p.appends}
	o.Known = !p.unknown && p.acts == sh.acts && !strings.Contains(o.Text, Hole)
	sh.hands(s, o)
}

func (sh *Interp) hands(s *State, o Output) exit {
	if strings.Contains(o.File, Hole) {
		o.File = ""
	}
	sh.exit = notKnown
	sh.Wrote(s, o)
	return sh.exit
}

// print writes text where the output of a command goes.
func (sh *Interp) print(s *State, text string) {
	switch {
	case s.out == nil:
	case s.out.to != "":
		sh.WriteText(s, Word{Text: s.out.to}, text)
		if sh.Wrote != nil && sh.Budget.Bytes(int64(len(text))) == nil {
			s.out.text.WriteString(text)
		}
	case sh.Budget.Bytes(int64(len(text))) == nil:
		s.out.text.WriteString(text)
	}
}

// prints follows what a program writes as far as that is plain: cat and tee hand on what they read.
func (sh *Interp) prints(s *State, c Call) {
	switch name := path.Base(c.Argv[0].Text); {
	case name == "cat" && len(c.Argv) == 1 && c.Input.Known:
		sh.print(s, c.Input.Text)
	case name == "cat" && s.out != nil:
		text, ok := sh.concatenated(s, c)
		s.out.text.WriteString(text)
		if s.out.unknown = s.out.unknown || !ok; !ok && len(c.Argv) == 2 {
			s.out.file = c.Argv[1]
		}
	case name == "tee" && c.Input.Known:
		for _, w := range c.Argv[1:] {
			if !strings.HasPrefix(w.Text, "-") {
				sh.WriteText(s, w, c.Input.Text)
			}
		}
		sh.print(s, c.Input.Text)
	case s.out != nil:
		s.out.unknown = true
	}
}

// concatenated gives what cat prints of files.
func (sh *Interp) concatenated(s *State, c Call) (string, bool) {
	files := c.Argv[1:]
	if len(files) == 0 {
		files = []Word{c.Input.File}
	}
	known := sh.lister(s)
	var out strings.Builder
	for _, w := range files {
		file := s.Abs(w.Text)
		if known == nil || file == "" || strings.HasPrefix(w.Text, "-") {
			return "", false
		}
		data, err := known.Content(file)
		if err != nil || len(data) > maxScript || sh.Budget.Steps(int64(len(data)/4096)) != nil {
			return "", false
		}
		if s.out.to != "" && s.out.appends { // cat does not read what it writes, under whatever name
			if there, err := known.Content(s.out.to); err != nil || bytes.Equal(there, data) {
				return "", false
			}
		}
		out.Write(data)
	}
	return out.String(), true
}

// echo gives what echo and printf print.
func echo(s *State, argv []Word) string {
	words, escapes, end := argv[1:], s.Dash, "\n"
	for len(words) > 0 && argv[0].Text == "echo" && (words[0].Text == "-n" || words[0].Text == "-e" || words[0].Text == "-ne" || words[0].Text == "-en") {
		escapes = escapes || strings.Contains(words[0].Text, "e")
		if strings.Contains(words[0].Text, "n") {
			end = ""
		}
		words = words[1:]
	}
	text := strings.Join(Texts(words), " ") + end
	if argv[0].Text == "printf" {
		if len(words) == 0 {
			return ""
		}
		text, escapes = format(words[0].Text, Texts(words[1:])), true
	}
	if escapes {
		text = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t").Replace(text)
	}
	return text
}

// format is printf with %s and %b; another verb prints what is not known.
func format(pattern string, args []string) string {
	var out strings.Builder
	for first := true; first || len(args) > 0; first = false {
		before := len(args)
		for i := 0; i < len(pattern); i++ {
			if pattern[i] != '%' || i+1 == len(pattern) {
				out.WriteByte(pattern[i])
				continue
			}
			switch i++; pattern[i] {
			case '%':
				out.WriteByte('%')
			case 's', 'b':
				if len(args) > 0 {
					out.WriteString(args[0])
					args = args[1:]
				}
			default:
				return Hole
			}
		}
		if len(args) == before {
			break
		}
	}
	return out.String()
}
