package dockerctx

import "strings"

// hint is what every path must have that a pattern can match: most patterns are ruled out by a comparison of a few
// bytes, and a regular expression is asked about the rest. The zero value rules nothing out.
type hint struct {
	prefix, suffix, inner string
}

// newHint reads the literal parts of a pattern: what stands before its first wildcard, after its last, and the longest
// part between. Only patterns of `*`, `?` and ordinary ASCII have a hint. Those characters that patternmatcher hands to
// the regular expression as they are (`{`, `|`, `^` among them, by an oversight in its escaping) could make the pattern
// match without its literal parts, or fail to compile, which must not go unnoticed.
func newHint(pattern string) hint {
	for i := range len(pattern) {
		if c := pattern[i]; c >= 0x80 || c < 0x20 || strings.IndexByte(`[]\{}|^`, c) >= 0 {
			return hint{}
		}
	}
	parts := strings.FieldsFunc(pattern, func(r rune) bool { return r == '*' || r == '?' })
	if len(parts) == 0 {
		return hint{}
	}
	var h hint
	if c := pattern[0]; c != '*' && c != '?' {
		h.prefix = parts[0]
	}
	if c := pattern[len(pattern)-1]; c != '*' && c != '?' {
		// "**/x" eats its slash.
		h.suffix = strings.TrimPrefix(parts[len(parts)-1], "/")
	}
	for _, p := range parts {
		if p = strings.Trim(p, "/"); len(p) > len(h.inner) {
			h.inner = p
		}
	}
	return h
}

func (h *hint) mayMatch(path string) bool {
	return strings.HasSuffix(path, h.suffix) && strings.HasPrefix(path, h.prefix) && strings.Contains(path, h.inner)
}
