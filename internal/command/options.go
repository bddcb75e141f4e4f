package command

import (
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Options are the parsed words of a command: what was given for each option, in order, and the operands.
type Options struct {
	Given    map[string][]shell.Word // an option without a value has an empty word
	Operands []shell.Word
}

// Parse sorts words as getopt does. valued lists, by blanks, the options that take a value as a word of their own; every other
// one is a switch.
func Parse(words []shell.Word, valued string) Options { return ParseLetters(words, valued, "") }

// ParseLetters is [Parse] for programs that take several options of one letter in a word: switches lists, by blanks, those that
// have no value, as in -rf and -dm 755.
func ParseLetters(words []shell.Word, valued, switches string) Options {
	return parse(words, valued, switches, false)
}

// Leading is [Parse] of the options that stand before the first operand: what follows it are operands.
func Leading(words []shell.Word, valued string) Options { return parse(words, valued, "", true) }

// Skip gives the words after a program's own options.
func Skip(words []shell.Word, valued string) []shell.Word { return Leading(words, valued).Operands }

// parse sorts words; with leading set, the first operand ends the options, and is one with all that follows.
func parse(words []shell.Word, valued, switches string, leading bool) Options {
	o := Options{Given: map[string][]shell.Word{}}
	takes, joins := set(valued), set(switches)
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.Text == "--" {
			o.Operands = append(o.Operands, words[i+1:]...)
			break
		}
		if !strings.HasPrefix(w.Text, "-") || w.Text == "-" {
			if leading {
				o.Operands = words[i:]
				break
			}
			o.Operands = append(o.Operands, w)
			continue
		}
		text := w.Text
		for len(text) > 2 && text[1] != '-' && joins[text[:2]] {
			o.Given[text[:2]] = append(o.Given[text[:2]], shell.Word{Variable: w.Variable, Origin: w.Origin})
			text = "-" + text[2:]
		}
		name, value, inline := cutOption(text, takes)
		v := shell.Word{Text: value, Variable: w.Variable, Origin: w.Origin}
		if !inline && takes[name] && i+1 < len(words) {
			i++
			v = words[i]
		}
		o.Given[name] = append(o.Given[name], v)
	}
	return o
}

// set makes a set of names between blanks.
func set(names string) map[string]bool {
	out := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		out[name] = true
	}
	return out
}

// cutOption splits --name=value, and -nvalue where -n takes a value.
func cutOption(word string, takes map[string]bool) (name, value string, inline bool) {
	if strings.HasPrefix(word, "--") || takes[word] {
		return strings.Cut(word, "=")
	}
	if len(word) > 2 && takes[word[:2]] {
		return word[:2], strings.TrimPrefix(word[2:], "="), true
	}
	return word, "", false
}

// Last gives the value of the option that was given last under one of its names.
func (o Options) Last(names ...string) (shell.Word, bool) {
	for _, name := range names {
		if list := o.Given[name]; len(list) > 0 {
			return list[len(list)-1], true
		}
	}
	return shell.Word{}, false
}

// All gives the values of an option under all of its names.
func (o Options) All(names ...string) []shell.Word {
	var out []shell.Word
	for _, name := range names {
		out = append(out, o.Given[name]...)
	}
	return out
}

// Has reports whether an option was given under one of its names.
func (o Options) Has(names ...string) bool {
	_, ok := o.Last(names...)
	return ok
}
