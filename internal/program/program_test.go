package program

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// mapFiles is an image of known files. Everything below a directory of partial may be there too.
type mapFiles struct {
	files   map[string]string
	partial []string
}

func (m mapFiles) Stat(name string) shell.FileKind {
	if _, ok := m.files[name]; ok {
		return shell.Regular
	}
	for f := range m.files {
		if strings.HasPrefix(f, strings.TrimSuffix(name, "/")+"/") {
			return shell.Directory
		}
	}
	for _, p := range m.partial {
		if name == p || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/") {
			return shell.Unknown
		}
	}
	return shell.Absent
}

func (m mapFiles) Read(name string) ([]byte, error) {
	if text, ok := m.files[name]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

// line writes an entry as the tables do: what it is, the directories in front, and what is out of the ordinary.
func line(e Entry) string {
	var b strings.Builder
	switch {
	case e.Kind == Module:
		b.WriteString("-m " + e.Module)
	case e.Kind == App:
		b.WriteString(e.Module)
		if e.Attr != "" {
			b.WriteString(":" + e.Attr)
		}
	case e.Kind == Code:
		b.WriteString("-c " + e.Code)
	case e.Kind == Program:
		b.WriteString(strings.TrimSpace("program " + e.Path))
		if n := len(e.Places); n > 0 {
			b.WriteString(" at " + e.Places[n-1] + " or before")
		}
	default:
		b.WriteString(e.Path)
	}
	if e.Lang != Python && e.Lang != Other {
		b.WriteString(" (" + string(e.Lang) + ")")
	}
	if len(e.SearchDirs) > 0 {
		b.WriteString(" @" + strings.Join(e.SearchDirs, ","))
	}
	if e.Workdir != "/app" {
		b.WriteString(" in " + e.Workdir)
	}
	for _, k := range slices.Sorted(maps.Keys(e.Env)) {
		b.WriteString(" " + k + "=" + e.Env[k])
	}
	if e.IgnoreEnv {
		b.WriteString(" ignore-env")
	}
	if e.NoSite {
		b.WriteString(" no-site")
	}
	if e.Conditional {
		b.WriteString(" maybe")
	}
	if e.Tolerated {
		b.WriteString(" tolerated")
	} else if !e.Required && e.Path+e.Module != "" && e.Kind != Program {
		b.WriteString(" variable")
	}
	return b.String()
}

// instruction parses the text of an instruction as BuildKit does: a JSON array is the exec form.
func instruction(text string) Command {
	if text == "" {
		return Command{}
	}
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		words = []string{"/bin/sh", "-c", text}
	}
	return Command{Args: words}
}

func lines(entries []Entry, notes []shell.Note) []string {
	out := []string{}
	for _, e := range entries {
		out = append(out, line(e))
	}
	for _, n := range notes {
		out = append(out, "note: "+n.Text)
	}
	return out
}

// appTree is the image of the table: WORKDIR /app over a base image of which nothing is known.
var appTree = mapFiles{
	partial: []string{"/bin", "/usr", "/opt", "/sbin", "/docker-entrypoint.sh"},
	files: map[string]string{
		"/app/main.py":                "",
		"/app/app/__init__.py":        "",
		"/app/app/main.py":            "",
		"/app/wsgi.py":                "",
		"/app/pkg/__init__.py":        "",
		"/app/pkg/web.py":             "",
		"/app/run/__main__.py":        "",
		"/app/manage.py":              "#!/usr/bin/env python\nimport os, django\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
		"/app/shop/__init__.py":       "",
		"/app/shop/celery.py":         "",
		"/app/shop/wsgi.py":           "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n",
		"/app/start.sh":               "#!/bin/sh\nexec python main.py\n",
		"/app/loop.sh":                "#!/bin/sh\n./loop.sh\nsource ./loop.sh\npython main.py\n",
		"/app/pass.sh":                "#!/usr/bin/env bash\nset -euo pipefail\nexec \"$@\"\n",
		"/app/tool.py":                "#!/usr/bin/env python3\n",
		"/app/tool":                   "#!/usr/bin/python3 -u\n",
		"/app/alembic.ini":            "[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = .\n",
		"/app/conf/gunicorn.py":       "bind = ':80'\n",
		"/app/conf/whole.py":          "wsgi_app = 'pkg.web:app'\nchdir = '/srv'\n",
		"/app/uwsgi.ini":              "[uwsgi]\nmodule = shop.wsgi:application\nchdir = /app\n",
		"/app/Procfile":               "web: gunicorn pkg.web:app\nworker: celery -A shop worker\n",
		"/app/supervisord.conf":       "[supervisord]\nnodaemon=true\n[program:web]\ncommand=gunicorn \"pkg.web:app\" -b :80\ndirectory=/srv\n[program:job]\ncommand=python -m jobs ; a comment\nenvironment=A=\"1\",B=2\n",
		"/app/server.js":              "",
		"/usr/local/bin/serve":        "#!/bin/bash\nuvicorn main:app\n",
		"/app/.venv/bin/placeholder":  "",
		"/app/src/flat/__init__.py":   "",
		"/app/src/flat/site.py":       "",
		"/app/src/flat/sub/worker.py": "",
	},
}

func TestCommandLines(t *testing.T) {
	seen := map[string]bool{}
	for _, tc := range commandLines {
		key := strings.Join([]string{tc.entrypoint, tc.cmd, strings.Join(tc.env, " ")}, "\n")
		require.False(t, seen[key], "%q is in the table twice", key)
		seen[key] = true
		t.Run(strings.TrimSpace(tc.entrypoint+" "+tc.cmd), func(t *testing.T) {
			entries, notes := Analyze(Input{
				Entrypoint: instruction(tc.entrypoint), Cmd: instruction(tc.cmd), Env: tc.env, Workdir: "/app", Files: appTree,
				ConsoleScript: scripts("shop", "shop.cli:main", "shop-web", "shop.web:run [web]"),
			})
			want := []string{}
			for _, w := range strings.Split(tc.want, "; ") {
				if w != "" {
					want = append(want, w)
				}
			}
			assert.Equal(t, want, lines(entries, notes))
		})
	}
	assert.GreaterOrEqual(t, len(commandLines), 120)
}

// scripts gives console scripts from names and targets in turn.
func scripts(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// checkEntries is what holds of every result.
func checkEntries(t *testing.T, entries []Entry, notes []shell.Note) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range entries {
		key := fmt.Sprintf("%v %v %q %q %q %q %q %v %v", e.Kind, e.Lang, e.Path, e.Module, e.Attr, e.SearchDirs, e.Env["PYTHONPATH"], e.IgnoreEnv, e.NoSite)
		require.False(t, seen[key], "an entry is listed twice: %s", key)
		seen[key] = true
		if e.Kind == Script || e.Path != "" {
			require.True(t, path.IsAbs(e.Path) && path.Clean(e.Path) == e.Path, "path %q", e.Path)
			require.NotContains(t, e.Path, shell.Hole)
		}
		if e.Kind == Module || e.Kind == App {
			require.Regexp(t, modulePath(), e.Module)
		} else {
			require.Empty(t, e.Module)
		}
		if e.Attr != "" {
			require.Equal(t, App, e.Kind)
			require.Regexp(t, modulePath(), e.Attr)
		}
		for _, d := range e.SearchDirs {
			require.True(t, path.IsAbs(d) && !strings.Contains(d, shell.Hole), "search directory %q", d)
		}
		for name, value := range e.Env {
			require.NotContains(t, name+value, shell.Hole)
		}
	}
	texts := map[string]bool{}
	for _, n := range notes {
		require.False(t, texts[n.Text], "a note is given twice: %s", n.Text)
		texts[n.Text] = true
		require.NotContains(t, n.Text, shell.Hole)
	}
}

func FuzzAnalyze(f *testing.F) {
	for _, tc := range commandLines {
		f.Add(tc.entrypoint, tc.cmd, strings.Join(tc.env, "\n"), "")
	}
	f.Add(`["/entry"]`, `["web"]`, "A=b", "#!/bin/sh\ncase \"$1\" in web) exec gunicorn a.b:c;; *) \"$@\";; esac\n")
	f.Add(`["/entry"]`, ``, "", "#!/bin/sh\nf() { f; f; }\nf\nfor i in a b c; do /entry; . /entry; done\n")
	f.Add("0&00\xd5", "", "", "") // two errors in one script
	f.Fuzz(func(t *testing.T, entrypoint, cmd, env, script string) {
		if len(entrypoint)+len(cmd)+len(env)+len(script) > 4096 {
			return
		}
		files := maps.Clone(appTree.files)
		files["/entry"] = script
		counted := &countingFiles{Files: mapFiles{files: files, partial: appTree.partial}}
		entries, notes := Analyze(Input{
			Entrypoint: instruction(entrypoint), Cmd: instruction(cmd), Env: strings.Split(env, "\n"), Workdir: "/app",
			Files: counted, ConsoleScript: scripts("shop", "shop.cli:main"),
		})
		checkEntries(t, entries, notes)
		require.Less(t, counted.stats, 100*20_000)
		again, _ := Analyze(Input{
			Entrypoint: instruction(entrypoint), Cmd: instruction(cmd), Env: strings.Split(env, "\n"), Workdir: "/app",
			Files: counted, ConsoleScript: scripts("shop", "shop.cli:main"),
		})
		require.Equal(t, entries, again, "two runs differ")
	})
}

type countingFiles struct {
	shell.Files
	stats int
}

func (c *countingFiles) Stat(name string) shell.FileKind {
	c.stats++
	return c.Files.Stat(name)
}
