package command

import (
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// unpacking is what the words of tar ask for.
type unpacking struct {
	extracts, writes bool
	file, dir        shell.Word
	members          []shell.Word
	strip            int
	// ownerless tells that all belongs to the user who unpacks it.
	ownerless bool
	// plain tells that nothing else has a say in what comes of the archive.
	plain bool
}

// tarValued are the letters of tar that take a value, tarPlain those that change nothing of what is unpacked, or are asked for here.
const (
	tarValued = "fCbgIKLNVXFTH"
	tarPlain  = "xvzjJpmo"
)

// tarWords reads the words of tar: the first may be letters without a dash, and the values of letters that stand together follow in
// their order.
func tarWords(words []shell.Word) unpacking {
	u := unpacking{plain: true}
	for i := 0; i < len(words); i++ {
		text := words[i].Text
		next := func() shell.Word {
			if i+1 < len(words) {
				i++
				return words[i]
			}
			u.plain = false
			return shell.Word{}
		}
		switch {
		case strings.HasPrefix(text, "--"):
			u.long(words[i], next)
		case strings.HasPrefix(text, "-") && text != "-" || i == 0:
			u.letters(words[i], strings.HasPrefix(text, "-"), next)
		default:
			u.members = append(u.members, words[i])
		}
	}
	return u
}

// letters reads options of one letter.
func (u *unpacking) letters(w shell.Word, dashed bool, next func() shell.Word) {
	text := strings.TrimPrefix(w.Text, "-")
	for n, letter := range text {
		rest := text[n+1:]
		switch letter {
		case 'x':
			u.extracts = true
		case 'c', 'r', 'u':
			u.writes = true
		case 'o':
			u.ownerless = true
		}
		if !strings.ContainsRune(tarValued, letter) {
			u.plain = u.plain && strings.ContainsRune(tarPlain, letter)
			continue
		}
		value := shell.Word{Text: rest, Variable: w.Variable, Origin: w.Origin}
		attached := dashed && rest != ""
		if !attached {
			value = next()
		}
		u.value("-"+string(letter), value)
		if attached {
			return
		}
	}
}

// value takes the value of an option.
func (u *unpacking) value(name string, w shell.Word) {
	switch name {
	case "-f", "--file":
		u.file = w
	case "-C", "--directory", "--cd":
		u.plain = u.plain && u.dir.Text == "" && len(u.members) == 0 // each goes for what follows
		u.dir = w
	case "--strip-components", "--strip":
		n, err := strconv.Atoi(w.Text)
		u.strip, u.plain = n, u.plain && err == nil && n >= 0
	default:
		u.plain = false
	}
}

// long reads an option of a word.
func (u *unpacking) long(w shell.Word, next func() shell.Word) {
	name, text, inline := strings.Cut(w.Text, "=")
	value := shell.Word{Text: text, Variable: w.Variable, Origin: w.Origin}
	switch name {
	case "--extract", "--get":
		u.extracts = true
	case "--create", "--append":
		u.writes = true
	case "--no-same-owner":
		u.ownerless = true
	case "--verbose", "--gzip", "--gunzip", "--ungzip", "--bzip2", "--xz", "--zstd", "--touch", "--preserve-permissions", "--same-permissions", "--same-owner", "--warning", "--no-xattrs":
	case "--file", "--directory", "--cd", "--strip-components", "--strip":
		if !inline {
			value = next()
		}
		u.value(name, value)
	default:
		u.plain = false
	}
}

// untars is tar: what it unpacks of an archive whose name is known.
func untars(c *Call) ([]Effect, bool) {
	u := tarWords(c.Args)
	if !u.extracts {
		return nil, false
	}
	dir := c.S.Abs(u.dir.Text)
	if u.dir.Text == "" {
		dir = c.S.Dir
	}
	file := c.S.Abs(u.file.Text)
	if !u.plain || len(u.members) > 0 || dir == "" || file == "" || u.file.Text == "-" {
		return nil, false
	}
	return []Effect{{Kind: Unpacks, Path: dir, From: []string{file}, Strip: u.strip, Keep: !u.ownerless}}, true
}

// unzips is unzip.
func unzips(c *Call) ([]Effect, bool) {
	o := ParseLetters(c.Args, "-d -x -P -O -I", "-q -o")
	for name := range o.Given {
		if name != "-q" && name != "-qq" && name != "-o" && name != "-d" {
			return nil, false
		}
	}
	dir, given := o.Last("-d")
	if !given {
		dir.Text = "."
	}
	at, file := c.S.Abs(dir.Text), ""
	if len(o.Operands) == 1 {
		file = c.S.Abs(o.Operands[0].Text)
	}
	if at == "" || file == "" {
		return nil, false
	}
	return []Effect{{Kind: Unzips, Path: at, From: []string{file}}}, true
}

// untar adds where tar unpacks, or the archive that it writes.
func (p *print) untar(o Options) {
	switch u := tarWords(p.call.Args); {
	case u.extracts && u.dir.Text != "":
		p.word(u.dir)
	case u.extracts:
		p.add(here, o)
	case u.writes:
		p.add(named, o)
	}
}
