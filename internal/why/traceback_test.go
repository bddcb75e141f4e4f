package why

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCluesOfPrograms(t *testing.T) {
	for line, want := range map[string]Clue{
		"ModuleNotFoundError: No module named 'a.b'; 'a' is not a package":                                         {Target: "a.b"},
		"ImportError: No module named a.b":                                                                         {Target: "a.b"},
		"ImportError: cannot import name 'X' from partially initialized module 'a.b' (most likely due to)":         {Target: "a.b", Name: "X"},
		"Error loading ASGI app. Could not import module \"main\".":                                                {Target: "main"},
		"python: can't open file '/srv/x.py': [Errno 2] No such file or directory":                                 {Target: "/srv/x.py"},
		"FileNotFoundError: [Errno 2] No such file or directory: 'conf/a.yml'":                                     {Target: "/srv/conf/a.yml"},
		"Error [ERR_MODULE_NOT_FOUND]: Cannot find module './b.js' imported from /srv/lib/a.js":                    {Target: "/srv/lib/b.js"},
		"Error: ENOENT: no such file or directory, open 'views/x.html'":                                            {Target: "/srv/views/x.html"},
		`exec: "gunicorn": executable file not found in $PATH`:                                                     {Target: "gunicorn", Program: true},
		`exec: "/entry.sh": stat /entry.sh: no such file or directory`:                                             {Target: "/entry.sh"},
		"exec /entry.sh: no such file or directory":                                                                {Target: "/entry.sh"},
		"/bin/sh: 1: ./run.sh: not found":                                                                          {Target: "/srv/run.sh"},
		`failed to compute cache key: failed to calculate checksum of ref a::b: "/a/b": not found`:                 {Target: "a/b"},
		"COPY failed: file not found in build context or excluded by .dockerignore: stat a/b: file does not exist": {Target: "a/b"},
	} {
		got := Clues("web-1 | "+line+"\r\n", "/srv")
		if assert.Len(t, got, 1, line) {
			assert.Equal(t, want.Target, got[0].Target, line)
			assert.Equal(t, want.Name, got[0].Name, line)
			assert.Equal(t, want.Program, got[0].Program, line)
		}
	}
	assert.Empty(t, Clues("all is well\n", "/srv"))
}

// Whatever a program prints, a clue is about a line of it, and each is given once.
func FuzzClues(f *testing.F) {
	f.Add("ModuleNotFoundError: No module named 'a'\n\"/x\": not found")
	f.Add("Error: Cannot find module './x'\nRequire stack:\n- /a/b.js\n")
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[Clue]bool{}
		for _, c := range Clues(text, "/srv") {
			if !strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), c.Line) {
				t.Fatalf("%q is no line of the output", c.Line)
			}
			k := c
			k.Line = ""
			if c.Target == "" && c.Name == "" && c.Line == "" || seen[k] {
				t.Fatalf("%+v is empty or given twice", c)
			}
			seen[k] = true
		}
	})
}
