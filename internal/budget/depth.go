package budget

// Depth gives how deep brackets are nested in a text that somebody else's recursive parser is to read: such a parser goes as
// deep, and a stack that overflows ends the program, which no recover helps against. Brackets in strings and comments count,
// too; so the limit must be far above what anybody writes.
func Depth(text []byte) int {
	deep, most := 0, 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			deep++
			most = max(most, deep)
		case ')', ']', '}':
			deep = max(deep-1, 0)
		}
	}
	return most
}

// Shallow fails for a text whose brackets are nested deeper than limit.
func Shallow(text []byte, limit int) error {
	if Depth(text) > limit {
		return &Exceeded{"depth", int64(limit)}
	}
	return nil
}

// ShallowJSON fails for a text of JSON that is nested deeper than limit. What stands in strings does not count. It is right
// up to the first error in the text, where a parser ends.
func ShallowJSON(text []byte, limit int) error {
	var open []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			if open = append(open, c+2); len(open) > limit { // ] and } follow them by two
				return &Exceeded{"depth", int64(limit)}
			}
		case ']', '}':
			if len(open) > 0 && open[len(open)-1] == c {
				open = open[:len(open)-1]
			}
		}
	}
	return nil
}
