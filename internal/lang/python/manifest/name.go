package manifest

import (
	"path"
	"strings"
)

// Normalise gives a distribution's name in the normal form of PEP 503; ok is false if it is no name.
func Normalise(name string) (normal string, ok bool) {
	var b strings.Builder
	gap := false
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == '.':
			gap = true
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case ('a' > c || c > 'z') && ('0' > c || c > '9'):
			return "", false
		}
		if gap && b.Len() == 0 {
			return "", false
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteByte(c)
	}
	return b.String(), b.Len() > 0 && !gap
}

// moduleName gives the import name that build backends derive from a distribution's name.
func moduleName(name string) string {
	normal, _ := Normalise(name)
	return strings.ReplaceAll(normal, "-", "_")
}

// inside joins a path to a directory of the repository; ok is false if it leads out of it.
func inside(dir, name string) (joined string, ok bool) {
	if path.IsAbs(name) {
		return "", false
	}
	joined = path.Join(dir, name)
	return joined, joined != ".." && !strings.HasPrefix(joined, "../")
}
