package dockerfile

import (
	"maps"
	"slices"
)

// replaceSources gives the text with sources of instructions replaced: by the line that an instruction begins at, the word
// as it is written and what is put in its place, in quotes. Every line end stays where it was, and every byte outside of
// the words.
func (o *outline) replaceSources(edits map[int]map[string]string) []byte {
	var out []byte
	done := 0
	for _, line := range slices.Sorted(maps.Keys(edits)) {
		l := o.src.joined(line, o.escape)
		in := scanInstruction(string(l.text), byte(o.escape))
		for in.onBuild != nil {
			in = *in.onBuild
		}
		for _, w := range in.args[:max(len(in.args)-1, 0)] {
			given, ok := edits[line][w.text]
			if !ok {
				continue
			}
			given = quotedWord(given)
			if in.json {
				given = `"` + given + `"`
			}
			out = append(out, o.src.data[done:l.offset(w.start)]...)
			// The last part of a word takes its place: what follows may not begin a line, as a comment would. What the parser
			// leaves out between the parts stays.
			for _, gap := range l.gaps(w.start, w.end) {
				out = append(out, o.src.data[gap[0]:gap[1]]...)
			}
			out = append(out, given...)
			done = l.offset(w.end-1) + 1
		}
	}
	return append(out, o.src.data[done:]...)
}
