package budget

// ShallowJSON fails for a text of JSON that is nested deeper than limit: a recursive parser of others goes as deep, and a stack
// that overflows ends the program, which no recover helps against. What stands in strings does not count. It is right up to the
// first error in the text, where a parser ends.
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
