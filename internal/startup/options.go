package startup

import "strings"

// options are the parsed words of a command: what was given for each option, in order, and the operands.
type options struct {
	given    map[string][]arg // an option without a value has an empty word
	operands []arg
}

// parseOptions sorts words as getopt does. valued lists, by blanks, the options that take a value as a word of their own;
// every other one is a switch.
func parseOptions(words []arg, valued string) options {
	o := options{given: map[string][]arg{}}
	takes := valuedSet(valued)
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w.text == "--" {
			o.operands = append(o.operands, words[i+1:]...)
			break
		}
		if !strings.HasPrefix(w.text, "-") || w.text == "-" {
			o.operands = append(o.operands, w)
			continue
		}
		name, value, inline := cutOption(w.text, takes)
		v := arg{text: value, variable: w.variable, origin: w.origin}
		if !inline && takes[name] && i+1 < len(words) {
			i++
			v = words[i]
		}
		o.given[name] = append(o.given[name], v)
	}
	return o
}

// skip gives the words after a wrapper's own options.
func skip(words []arg, valued string) []arg {
	takes := valuedSet(valued)
	for i := 0; i < len(words); i++ {
		w := words[i].text
		if w == "--" {
			return words[i+1:]
		}
		if !strings.HasPrefix(w, "-") || w == "-" {
			return words[i:]
		}
		if name, _, inline := cutOption(w, takes); !inline && takes[name] {
			i++
		}
	}
	return nil
}

func valuedSet(valued string) map[string]bool {
	takes := map[string]bool{}
	for _, name := range strings.Fields(valued) {
		takes[name] = true
	}
	return takes
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

// last gives the value of the option that was given last under one of its names.
func (o options) last(names ...string) (arg, bool) {
	for _, name := range names {
		if list := o.given[name]; len(list) > 0 {
			return list[len(list)-1], true
		}
	}
	return arg{}, false
}

func (o options) has(names ...string) bool {
	_, ok := o.last(names...)
	return ok
}
