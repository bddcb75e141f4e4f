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
		"src/a/b.ts(3,20): error TS2307: Cannot find module '../lib/x' or its corresponding type declarations.":    {Target: "src/lib/x"},
		"src/b.ts:3:20 - error TS2307: Cannot find module '@/x' or its corresponding type declarations.":           {Target: "@/x"},
		"Module not found: Error: Can't resolve './x' in '/srv/src'":                                               {Target: "/srv/src/x"},
		`Could not resolve "./x" from "src/main.ts"`:                                                               {Target: "src/x"},
		"Error: ENOENT: no such file or directory, open 'views/x.html'":                                            {Target: "/srv/views/x.html"},
		`exec: "gunicorn": executable file not found in $PATH`:                                                     {Target: "gunicorn", Program: true},
		`exec: "/entry.sh": stat /entry.sh: no such file or directory`:                                             {Target: "/entry.sh"},
		"exec /entry.sh: no such file or directory":                                                                {Target: "/entry.sh"},
		`Attribute "application" not found in module "a.b".`:                                                       {Target: "a.b", Name: "application"},
		"Failed to find attribute 'app' in 'a.b'.":                                                                 {Target: "a.b", Name: "app"},
		"Error: 'gunicorn.conf.py' doesn't exist":                                                                  {Target: "/srv/gunicorn.conf.py"},
		"Error: Failed to find Flask application or factory in module 'a.b'. Use":                                  {Target: "a.b"},
		"/usr/local/bin/python3.12: No module named a.b":                                                           {Target: "a.b"},
		"/usr/bin/python: No module named a.__main__; 'a' is a package and cannot be directly executed":            {Target: "a.__main__"},
		"ImproperlyConfigured: Cannot import 'a'. Check that 'a.apps.A.name' is correct.":                          {Target: "a"},
		"ImproperlyConfigured: WSGI application 'a.wsgi.application' could not be loaded; Error importing module.": {Target: "a.wsgi"},
		"jinja2.exceptions.TemplateNotFound: a/b.html":                                                             {Target: "a/b.html", Template: true},
		"FAILED: Path doesn't exist: 'alembic'.  Please use the 'init' command to create a new scripts folder.":    {Target: "/srv/alembic"},
		"FAILED: Path doesn't exist: /opt/alembic.  Please use the 'init' command to create a new scripts folder.": {Target: "/opt/alembic"},
		"FAILED: No 'script_location' key found in configuration.":                                                 {Target: "/srv/alembic.ini"},
		"Error: Invalid value for '--log-config': Path 'log.yaml' does not exist.":                                 {Target: "/srv/log.yaml"},
		"Error: Invalid value: File does not exist: pages/x.py":                                                    {Target: "/srv/pages/x.py"},
		"PermissionError: [Errno 13] Permission denied: '/data/x'":                                                 {Target: "/data/x"},
		"NotADirectoryError: [Errno 20] Not a directory: PosixPath('a/x')":                                         {Target: "/srv/a/x"},
		"exec ./run.sh: exec format error":                                                                         {Target: "/srv/run.sh"},
		"standard_init_linux.go:228: exec user process caused: exec format error":                                  {},
		`standard_init_linux.go:190: exec user process caused "no such file or directory"`:                         {},
		"/usr/bin/env: 'bash\\r': No such file or directory":                                                       {},
		"env: can't execute 'bash\r': No such file or directory":                                                   {},
		"/bin/sh: ./run.sh: /bin/bash^M: bad interpreter: No such file or directory":                               {Target: "/srv/run.sh"},
		"chmod: changing permissions of 'a.sh': Operation not permitted":                                           {Target: "/srv/a.sh"},
		"chown: /srv/a.sh: Operation not permitted":                                                                {Target: "/srv/a.sh"},
		"error: Failed to spawn: `app`":                                                                            {Target: "app", Program: true},
		"/bin/sh: 1: uvicorn: not found":                                                                           {Target: "uvicorn", Program: true},
		"/entry.sh: line 3: uvicorn: command not found":                                                            {Target: "uvicorn", Program: true},
		"COPY failed: lstat /var/lib/docker/tmp/docker-builder123/a/b: no such file or directory":                  {Target: "a/b"},
		`copier: stat: "/a/b": no such file or directory`:                                                          {Target: "a/b"},
		"/bin/sh: 1: ./run.sh: not found":                                                                          {Target: "/srv/run.sh"},
		`failed to compute cache key: failed to calculate checksum of ref a::b: "/a/b": not found`:                 {Target: "a/b"},
		"COPY failed: file not found in build context or excluded by .dockerignore: stat a/b: file does not exist": {Target: "a/b"},
	} {
		got := Clues("web-1 | "+line+"\r\n", "/srv")
		if assert.Len(t, got, 1, line) {
			want.Line = got[0].Line
			assert.Equal(t, want, got[0], line)
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
			if c.Line == "" || seen[k] {
				t.Fatalf("%+v is empty or given twice", c)
			}
			seen[k] = true
		}
	})
}
