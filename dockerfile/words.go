package dockerfile

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The scanner gives the words that BuildKit's parser gives (splitCommand, extractBuilderFlags and the line parsers in
// frontend/dockerfile/parser), which tells nothing of where they stand. A fuzz test holds the two against each other.

// token is a word in the joined text of an instruction.
type token struct {
	text       string // as the parser reads it
	start, end int
}

// scanned are the words of an instruction.
type scanned struct {
	keyword     token
	flags, args []token
	json        bool
	onBuild     *scanned
}

// blanks are what separates words where the parser splits by reWhitespace.
const blanks = "\t\v\f\r "

func scanInstruction(text string, escape byte) scanned {
	lo, hi := trimmed(text, 0, len(text))
	return scanWords(text, lo, hi, escape)
}

// trimmed narrows a part of a text to what is between blanks.
func trimmed(text string, lo, hi int) (int, int) {
	hi = lo + len(strings.TrimRightFunc(text[lo:hi], unicode.IsSpace))
	lo = hi - len(strings.TrimLeftFunc(text[lo:hi], unicode.IsSpace))
	return lo, hi
}

// scanWords scans an instruction that begins at lo and ends at hi.
func scanWords(text string, lo, hi int, escape byte) (in scanned) {
	end := hi
	if i := strings.IndexAny(text[lo:hi], blanks); i >= 0 {
		end = lo + i
	}
	in.keyword = token{text[lo:end], lo, end}
	rest := end + len(text[end:hi]) - len(strings.TrimLeft(text[end:hi], blanks))
	in.flags, rest = scanFlags(text, rest, hi, escape)
	lo, hi = trimmed(text, rest, hi)
	if lo == hi {
		return in
	}
	whole := []token{{text[lo:hi], lo, hi}}
	switch strings.ToLower(in.keyword.text) {
	case "add", "copy", "volume":
		if in.args, in.json = scanJSON(text, lo, hi); !in.json {
			in.args = scanFields(text, lo, hi)
		}
	case "cmd", "entrypoint", "run", "shell":
		if in.args, in.json = scanJSON(text, lo, hi); !in.json {
			in.args = whole
		}
	case "healthcheck":
		in.healthcheck(text, lo, hi)
	case "env", "label":
		in.args = scanPairs(text, lo, hi, escape)
	case "arg":
		in.args = scanQuoted(text, lo, hi, escape)
	case "expose", "from":
		in.args = scanFields(text, lo, hi)
	case "maintainer", "stopsignal", "user", "workdir":
		in.args = whole
	case "onbuild":
		inner := scanWords(text, lo, hi, escape)
		in.onBuild = &inner
	}
	return in
}

// healthcheck scans what follows the flags of a HEALTHCHECK: its kind, and a command.
func (in *scanned) healthcheck(text string, lo, hi int) {
	// BuildKit looks at bytes here, as if each was a character.
	isSpace := func(i int) bool { return unicode.IsSpace(rune(text[i])) }
	end := lo
	for end < hi && !isSpace(end) {
		end++
	}
	next := end
	for next < hi && isSpace(next) {
		next++
	}
	if end == lo {
		return
	}
	in.args = []token{{text[lo:end], lo, end}}
	if next == hi {
		return
	}
	if list, ok := scanJSON(text, next, hi); ok {
		in.args, in.json = append(in.args, list...), true
		return
	}
	in.args = append(in.args, token{text[next:hi], next, hi})
}

// scanFlags scans the flags and gives where the arguments begin (extractBuilderFlags). It looks at bytes, as if each was a
// character, and so do we.
func scanFlags(text string, lo, hi int, escape byte) (flags []token, rest int) {
	for pos := lo; pos < hi; {
		if unicode.IsSpace(rune(text[pos])) {
			pos++
			continue
		}
		if !strings.HasPrefix(text[pos:hi], "--") {
			return flags, pos
		}
		w := flagWord{text: text, pos: pos, hi: hi, escape: escape}
		w.scan()
		if w.out.String() == "--" {
			return flags, w.pos // the end of the flags, and none itself
		}
		flags = append(flags, token{w.out.String(), pos, w.pos})
		pos = w.pos
	}
	return flags, hi
}

// flagWord is a flag that is being scanned.
type flagWord struct {
	text    string
	pos, hi int
	escape  byte
	out     strings.Builder
}

// scan goes to the end of the flag and takes quotes and escapes off.
func (w *flagWord) scan() {
	var quote byte
	for ; w.pos < w.hi; w.pos++ {
		c := w.text[w.pos]
		switch {
		case quote == 0 && unicode.IsSpace(rune(c)):
			return
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
			continue
		case quote != 0 && c == quote:
			quote = 0
			continue
		case c == w.escape:
			if w.pos+1 == w.hi {
				continue // it escapes nothing
			}
			w.pos++
		}
		w.out.WriteRune(rune(w.text[w.pos]))
	}
}

// scanFields scans what blanks separate, be they quoted or not (parseStringsWhitespaceDelimited).
func scanFields(text string, lo, hi int) (out []token) {
	for lo < hi {
		end := hi
		if i := strings.IndexAny(text[lo:hi], blanks); i >= 0 {
			end = lo + i
		}
		out = append(out, token{text[lo:end], lo, end})
		lo = end + len(text[end:hi]) - len(strings.TrimLeft(text[end:hi], blanks))
	}
	return out
}

// scanPairs scans NAME=VALUE words, or a name and a value that is all the rest (parseNameVal).
func scanPairs(text string, lo, hi int, escape byte) []token {
	out := scanQuoted(text, lo, hi, escape)
	if len(out) == 0 || strings.Contains(out[0].text, "=") {
		return out
	}
	i := strings.IndexAny(text[lo:hi], blanks)
	if i < 0 {
		return nil // BuildKit refuses it
	}
	value := hi - len(strings.TrimLeft(text[lo+i:hi], blanks))
	return []token{{text[lo : lo+i], lo, lo + i}, {text[value:hi], value, hi}}
}

// scanQuoted scans words that may have blanks inside quotes and behind the escape character, and keeps both (parseWords).
func scanQuoted(text string, lo, hi int, escape byte) (out []token) {
	for pos := lo; pos < hi; {
		c, width := utf8.DecodeRuneInString(text[pos:hi])
		if unicode.IsSpace(c) {
			pos += width
			continue
		}
		end, keep := quotedEnd(text, pos, hi, escape)
		if keep > pos {
			out = append(out, token{string([]rune(text[pos:keep])), pos, keep})
		}
		pos = end
	}
	return out
}

// quotedEnd gives the end of a word, and how much of it counts: an escape character that escapes nothing does not.
func quotedEnd(text string, pos, hi int, escape byte) (end, keep int) {
	var quote rune
	for pos < hi {
		c, width := utf8.DecodeRuneInString(text[pos:hi])
		switch {
		case quote == 0 && unicode.IsSpace(c):
			return pos, pos
		case c == rune(escape) && quote != '\'':
			if pos+width == hi {
				return hi, pos
			}
			pos += width
			_, width = utf8.DecodeRuneInString(text[pos:hi])
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		}
		pos += width
	}
	return hi, hi
}

// scanJSON scans a list of strings (parseJSON).
func scanJSON(text string, lo, hi int) (out []token, ok bool) {
	lo, hi = trimmed(text, lo, hi)
	if lo == hi || text[lo] != '[' {
		return nil, false
	}
	var list []string
	if json.Unmarshal([]byte(text[lo:hi]), &list) != nil {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(text[lo:hi]))
	for {
		before := lo + int(dec.InputOffset())
		t, err := dec.Token()
		if err != nil {
			return out, true
		}
		if s, ok := t.(string); ok {
			end := lo + int(dec.InputOffset())
			out = append(out, token{s, before + strings.IndexByte(text[before:end], '"'), end})
		}
	}
}
