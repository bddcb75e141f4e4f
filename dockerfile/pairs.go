package dockerfile

import "bytes"

// pairRanges narrows the location of an ENV or LABEL with several pairs to each of them. Where the words of the
// instruction are not as many as its pairs (the form "ENV key value", or a trigger of ONBUILD) the whole instruction
// stands for each.
func (o *outline) pairRanges(at Location, pairs int) []Location {
	locations := make([]Location, pairs)
	for i := range locations {
		locations[i] = at
	}
	if at.Trigger != "" || at.Range.Start.Line == 0 {
		return locations
	}
	words := words(o.src.data[:at.Range.End.Offset], at.Range.Start.Offset, byte(o.escape))
	if len(words) != pairs+1 {
		return locations
	}
	for i := range locations {
		locations[i].Range = o.src.span(words[i+1].start, words[i+1].end)
	}
	return locations
}

type word struct{ start, end int }

// words finds the words of an instruction in the Dockerfile's own text, where they may be on several lines with comments
// in between, as parser.parseWords does in the joined line: blanks inside quotes and after the escape character belong to
// the word.
func words(data []byte, pos int, escape byte) []word {
	var found []word
	start := -1
	var quote byte
	finish := func(end int) {
		if start >= 0 {
			found = append(found, word{start, end})
			start = -1
		}
	}
	for pos < len(data) {
		c := data[pos]
		if c == escape && quote != '\'' {
			if next := continuation(data, pos); next > 0 {
				next = skipComments(data, next)
				if start >= 0 && quote == 0 && next < len(data) && isBlank(data[next]) {
					finish(pos)
				}
				pos = next
				continue
			}
			if start < 0 {
				start = pos
			}
			pos = min(pos+2, len(data))
			continue
		}
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case isBlank(c):
			finish(pos)
			pos++
			continue
		case c == '"' || c == '\'':
			quote = c
		}
		if start < 0 {
			start = pos
		}
		pos++
	}
	finish(len(data))
	return found
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'
}

// continuation gives the offset of the line after an escape character that ends its line, or 0.
func continuation(data []byte, pos int) int {
	for i := pos + 1; i < len(data); i++ {
		switch data[i] {
		case ' ', '\t', '\r':
		case '\n':
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// skipComments passes over the lines of a continued instruction that the parser leaves out.
func skipComments(data []byte, pos int) int {
	for pos < len(data) {
		line := data[pos:]
		next := len(data)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, next = line[:i], pos+i+1
		}
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			break
		}
		pos = next
	}
	return pos
}
