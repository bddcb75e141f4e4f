package dockerfile

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// Syntax is an instruction as it is written: the words that BuildKit's parser reads, each with its place in the file,
// however they are spread over lines. A heredoc is its word "<<EOF"; its lines are no words.
type Syntax struct {
	Keyword Word
	// Flags are the words between the keyword and the arguments that begin with "--".
	Flags []Word
	// Args are the arguments: the strings of a list in JSON form; the pairs of ENV, LABEL and ARG, or the name and the value
	// of an ENV without "="; the whole command of RUN, CMD or ENTRYPOINT in shell form; else what blanks separate.
	Args []Word
	// JSON tells that the arguments are a list in JSON form.
	JSON bool
	// OnBuild is the instruction that an ONBUILD keeps for later, nil for any other.
	OnBuild *Syntax

	escape rune
}

// Word is a word of an instruction.
type Word struct {
	// Text is what BuildKit's parser reads: flags and strings in JSON form without their quotes, all others as they are
	// written, with their lines joined.
	Text string
	// Range is all of it, with quotes; from its first line to its last if it goes over several.
	Range dockerctx.Range
}

// Flag gives the value of a flag, as in "--NAME=VALUE"; ok is false if the instruction does not have it.
func (s Syntax) Flag(name string) (value string, ok bool) {
	for _, w := range s.Flags {
		if key, value, _ := strings.Cut(w.Text, "="); key == "--"+name {
			return value, true
		}
	}
	return "", false
}

// Literal gives what an argument of an instruction whose variables BuildKit expands says: without quotes and escapes. ok is
// false where a variable has a part in it.
func (s Syntax) Literal(w Word) (text string, ok bool) {
	asked := false
	text, _, err := shell.NewLex(s.escape).ProcessWord(w.Text, lookup(func(string) (string, bool) { asked = true; return "", false }))
	return text, err == nil && !asked
}

// Quote gives the text of an argument that says something, so that nothing in it is expanded: the reverse of Literal, in the
// form of the instruction. ok is false for what that form cannot say.
func (s Syntax) Quote(text string) (quoted string, ok bool) {
	switch {
	case strings.ContainsAny(text, "\r\n"):
		return "", false
	case s.JSON:
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if enc.Encode(escapeEach(text, `"'$`, s.escape)) != nil {
			return "", false
		}
		return strings.TrimSuffix(out.String(), "\n"), true
	case strings.ContainsAny(text, " \t\v\f") && !quotesBlanks[strings.ToLower(s.Keyword.Text)]:
		return "", false
	}
	return Quote(text, s.escape), true
}

// quotesBlanks are the instructions whose words may have blanks inside quotes.
var quotesBlanks = map[string]bool{"arg": true, "env": true, "label": true}

// Quote puts a text into quotes if anything in it would be expanded, separate words or begin a comment. escape is the
// file's escape character.
func Quote(text string, escape rune) string {
	if !strings.ContainsAny(text, " \t\v\f\"'$#"+string(escape)) {
		return text
	}
	return `"` + escapeEach(text, `"$`, escape) + `"`
}

// escapeEach escapes some characters of a text, and the escape character.
func escapeEach(text, chars string, escape rune) string {
	var out strings.Builder
	for _, c := range text {
		if c == escape || strings.ContainsRune(chars, c) {
			out.WriteRune(escape)
		}
		out.WriteRune(c)
	}
	return out.String()
}

// written is where an instruction stands.
type written struct {
	src    *source
	line   int
	escape rune
}

// Syntax gives the words of the instruction.
func (in Instruction) Syntax() Syntax { return in.written.syntax() }

// Syntax gives the words of the FROM.
func (s Stage) Syntax() Syntax { return s.written.syntax() }

func (w written) syntax() Syntax {
	if w.src == nil || w.line < 1 {
		return Syntax{}
	}
	l := w.src.joined(w.line, w.escape)
	return w.place(l, scanInstruction(string(l.text), byte(w.escape)))
}

// place gives scanned words their places.
func (w written) place(l *logical, in scanned) Syntax {
	word := func(t token) Word {
		out := Word{Text: t.text}
		if t.start < t.end {
			out.Range = w.src.span(l.offset(t.start), l.offset(t.end-1)+1)
		}
		return out
	}
	s := Syntax{Keyword: word(in.keyword), JSON: in.json, escape: w.escape}
	for _, t := range in.flags {
		s.Flags = append(s.Flags, word(t))
	}
	for _, t := range in.args {
		s.Args = append(s.Args, word(t))
	}
	if in.onBuild != nil {
		inner := w.place(l, *in.onBuild)
		s.OnBuild = &inner
	}
	return s
}
