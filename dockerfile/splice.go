package dockerfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// replaceSources gives the text with sources of instructions replaced: by the line that an instruction begins at, the word
// as it is written and what is put in its place, in quotes. Every line end stays where it was, and every byte outside of
// the words.
func (o *outline) replaceSources(edits map[int]map[string]string) []byte {
	var out []byte
	done := 0
	for _, line := range slices.Sorted(maps.Keys(edits)) {
		text, at := o.joined(line)
		for _, w := range sourceWords(text) {
			given, ok := edits[line][w.value]
			if !ok || w.end <= w.start {
				continue
			}
			first, last := at[w.start], at[w.end-1]
			if first < done {
				continue
			}
			// The last part of a word takes its place: what follows may not begin a line, as a comment would.
			head := lastPart(at[w.start:w.end])
			out = append(out, o.src.data[done:first]...)
			for i, offset := range at[w.start:w.end] {
				if i == head {
					out = append(out, w.quote(given)...)
				}
				// What the parser leaves out between the parts stays.
				if next := w.start + i + 1; next < w.end {
					out = append(out, o.src.data[offset+1:at[next]]...)
				}
			}
			done = last + 1
		}
	}
	return append(out, o.src.data[done:]...)
}

// lastPart gives the index from which offsets follow each other to the end.
func lastPart(offsets []int) int {
	for i := len(offsets) - 1; i > 0; i-- {
		if offsets[i-1] != offsets[i]-1 {
			return i
		}
	}
	return 0
}

// joined gives an instruction as the parser joins its lines, and where each byte of that stands (parser.Parse).
func (o *outline) joined(line int) (text []byte, at []int) {
	escape := regexp.QuoteMeta(string(o.escape))
	continued := regexp.MustCompile(`(?:[^` + escape + `]|^)(` + escape + `[ \t]*)$`)
	for n := line; n <= len(o.src.starts); n++ {
		start := o.src.starts[n-1]
		end := len(o.src.data)
		if n < len(o.src.starts) {
			end = o.src.starts[n]
		}
		s := bytes.TrimRight(o.src.data[start:end], "\r\n")
		if n == 1 && bytes.HasPrefix(s, []byte(byteOrderMark)) {
			s, start = s[len(byteOrderMark):], start+len(byteOrderMark)
		}
		trimmed := bytes.TrimLeftFunc(s, unicode.IsSpace)
		if n == line {
			start += len(s) - len(trimmed)
			s = trimmed
		} else if len(trimmed) == 0 || trimmed[0] == '#' {
			continue
		}
		m := continued.FindSubmatchIndex(s)
		if m != nil {
			s = s[:m[2]]
		}
		for i := range s {
			at = append(at, start+i)
		}
		if text = append(text, s...); m == nil {
			break
		}
	}
	return text, at
}

// sourceWord is a word of an instruction.
type sourceWord struct {
	value      string
	start, end int
	json       bool
}

func (w sourceWord) quote(given string) string {
	if w.json {
		return `"` + quotedWord(given) + `"`
	}
	return quotedWord(given)
}

var dockerfileWord = lazyre.New(`[^\t\v\f\r ]+`)

// sourceWords gives the words of an instruction but for the last, which is the destination. Its keyword and its flags are
// among them; nobody looks for those.
func sourceWords(text []byte) []sourceWord {
	if words := jsonWords(text); len(words) > 0 {
		return words[:len(words)-1]
	}
	var out []sourceWord
	for _, m := range dockerfileWord().FindAllIndex(text, -1) {
		out = append(out, sourceWord{value: string(text[m[0]:m[1]]), start: m[0], end: m[1]})
	}
	if len(out) == 0 {
		return nil
	}
	return out[:len(out)-1]
}

// maxLists bounds at how many brackets a list is looked for: what stands before it are the keyword and flags.
const maxLists = 8

// jsonWords gives the strings of a list that ends the instruction.
func jsonWords(text []byte) []sourceWord {
	tried := 0
	for i := range text {
		if text[i] != '[' || i > 0 && !unicode.IsSpace(rune(text[i-1])) {
			continue
		}
		if tried++; tried > maxLists {
			break
		}
		var list []any
		if json.Unmarshal(text[i:], &list) != nil {
			continue
		}
		var out []sourceWord
		dec := json.NewDecoder(bytes.NewReader(text[i:]))
		for {
			before := int(dec.InputOffset())
			token, err := dec.Token()
			if err != nil {
				return out
			}
			if s, ok := token.(string); ok {
				end := i + int(dec.InputOffset())
				start := i + before + strings.IndexByte(string(text[i+before:end]), '"')
				out = append(out, sourceWord{value: s, start: start, end: end, json: true})
			}
		}
	}
	return nil
}
