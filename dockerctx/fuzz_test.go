package dockerctx

import (
	"path"
	"strings"
	"testing"
)

// FuzzOracle lets the fuzzer write the ignore file, the context (an entry a
// line, as newMemFS takes them) and the follow paths.
func FuzzOracle(f *testing.F) {
	for _, seed := range [][3]string{
		{"**/monitoring/\n!pkg/", "pkg/app/services/monitoring/x.py\npkg/y", ""},
		{"*\n!pkg/", "pkg/app/x.py\ny", "pkg"},
		{"**/a\n!ba", "ba/ab/a", ""},
		{"**/*/**\n!0/*/**", "0/aa\n0/a/b", ""},
		{"a\n!a/b\na", "a/b\na/c", "a/b"},
		{"[a-c]|^\nb|c/*", "a\n^\nb|c/d", ""},
		{"**/[ab]*\n**a\na**b\n**/", "é/a\naa\na/x/b", ""},
		{"[b-a]\n!\\Make", "a/b", ""},
		{"!!a\n[^a]\n[.-9]", "!a\nb\na/b", "!a"},
		{"**/Mocks**\n**/a/**/***", "x/Mocks/a/b\nMocksx/y", ""},
		{"x", "l -> a/b\na/b -> ../c\nc/d\nw/1 -> ../l", "l/d\nw/*\nc"},
		{"[1-0]", "d/x\ne/", "*0"},
		{"\xff\n?", "\xff\né\n\xfe/\xfd", "\xff"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, ignore, entries, follow string) {
		if len(ignore) > 300 || len(entries) > 300 || len(follow) > 100 {
			t.Skip("large cases find nothing that small ones do not")
		}
		m := newMemFS()
		for _, e := range strings.Split(entries, "\n") {
			name, target, link := strings.Cut(e, " -> ")
			dir := strings.HasSuffix(name, "/")
			name = strings.TrimPrefix(path.Clean("/"+name), "/")
			switch {
			case name == "" || strings.Contains(name, "\x00"):
			case link && target != "":
				m.add(name, newMemFS("x -> " + target).nodes["x"])
			case dir:
				m.add(name, newMemFS("x/").nodes["x"])
			default:
				m.add(name, newMemFS("x").nodes["x"])
			}
		}
		var paths []string
		for _, p := range strings.Split(follow, "\n") {
			// BuildKit's front end makes them so: normalizeContextPaths.
			if p != "" {
				paths = append(paths, path.Join(".", path.Clean("/"+p)))
			}
		}
		checkAgainstOracle(t, m, strings.Split(ignore, "\n"), paths)
	})
}
