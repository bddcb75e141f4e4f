package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/countfs"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// program writes a program of three modules among so many areas of two directories and six files each, with a build of two
// stages.
func program(t *testing.T, areas int, command string) dockerfile.Options {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"Dockerfile":       "FROM scratch AS a\nCOPY . /src/\nFROM scratch\nWORKDIR /app\nENV PYTHONPATH=/app\nCOPY --from=a /src /app\nCMD " + command + "\n",
		".dockerignore":    "**/*.log\n",
		"pyproject.toml":   "[project]\nname = \"shop\"\n[project.scripts]\nserve = \"shop.main:run\"\n",
		"shop/__init__.py": "", "shop/main.py": "import json\nfrom shop import cart\ndef run(): pass\n", "shop/cart.py": "",
	}
	for area := range areas {
		for file := range 3 {
			files[fmt.Sprintf("area%d/mod/file%d.txt", area, file)] = "x"
			files[fmt.Sprintf("area%d/mod/file%d.log", area, file)] = "x"
		}
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return dockerfile.Options{Context: dir}
}

// TestCounts pins what a check and a listing take.
func TestCounts(t *testing.T) {
	const areas = 10
	const dirs = 1 + 1 + 2*areas // the root, the program, and two for each area
	required := &policy.Image{}
	required.Require.Paths = []string{"/app/shop/cart.py"}
	for _, tt := range []struct {
		name, command string
		policy        *policy.Image
		want          countfs.Counts
	}{
		// Each directory is looked through once, with one stat to see whether it may be searched; those that the answer needs
		// are read again. The files that are opened are the Dockerfile, the ignore files and the modules.
		{"imports", `["python", "-m", "shop.main"]`, &policy.Image{}, countfs.Counts{Reads: dirs + 13, Stats: 57, Opens: 8}},
		{"a required path", `["python", "-m", "shop.main"]`, required, countfs.Counts{Reads: dirs + 13, Stats: 57, Opens: 8}},
		// One whose arguments are understood is asked about at the root only.
		{"a known tool", `["gunicorn", "shop.main:run"]`, &policy.Image{}, countfs.Counts{Reads: dirs + 14, Stats: 57, Opens: 10}},
		// What a command of the repository's own runs is written in a manifest, and all directories may hold one. Poetry does without an installation.
		{"a console script", `["poetry", "run", "serve"]`, &policy.Image{}, countfs.Counts{Reads: 2*dirs + 14, Stats: 57, Opens: 10}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opt := program(t, areas, tt.command)
			var c countfs.Counter
			opt.Open = c.Open
			r, _, err := audit.Run(t.Context(), audit.Subject{Options: opt, Policy: tt.policy})
			require.NoError(t, err)
			assert.Empty(t, r.Findings)
			assert.Equal(t, 3, r.Modules)
			got, _ := c.Take()
			assert.Equal(t, tt.want, got)
		})
	}
	t.Run("listing", func(t *testing.T) {
		opt := program(t, areas, `["true"]`)
		var c countfs.Counter
		opt.Open = c.Open
		m, err := simulate.Build(t.Context(), opt)
		require.NoError(t, err)
		built, _ := c.Take()
		// The root, once for each that looks for a file in it, and what lies right below it.
		assert.Equal(t, countfs.Counts{Reads: 11, Stats: 32, Opens: 5}, built)
		require.NoError(t, m.Read(t.Context()))
		n := 0
		require.NoError(t, m.Tree.List(func(string, *rootfs.Node) error { n++; return nil }))
		assert.Equal(t, 1+dirs-1+3*areas+6, n)
		listed, _ := c.Take()
		assert.Equal(t, countfs.Counts{Reads: dirs - 1, Stats: n - 1 - (areas + 4)}, listed)
	})
}

// TestCheckDoesNotGrow audits a program in a small repository and in a large one: beyond the look at every directory, which
// finds what BuildKit could not send, nothing is read that the program does not need.
func TestCheckDoesNotGrow(t *testing.T) {
	check := func(areas int) countfs.Counts {
		opt := program(t, areas, `["python", "-m", "shop.main"]`)
		var c countfs.Counter
		opt.Open = c.Open
		m, err := simulate.Build(t.Context(), opt)
		require.NoError(t, err)
		_, _, err = audit.Run(t.Context(), audit.Subject{Options: opt, Policy: &policy.Image{}, Image: m, Sound: m})
		require.NoError(t, err)
		got, _ := c.Take()
		got.Stats = 0 // of the entries of the directories on the way, of which the root has more
		return got
	}
	assert.Equal(t, check(2), check(40))
}

// To check requirements and imports, only the directories that they touch are read, however many there are beside them. To
// know that the build works at all takes a look at each one.
func TestCheckReadsOnlyWhatMatters(t *testing.T) {
	required := &policy.Image{}
	required.Require.Paths = []string{"/app/area1/mod/file1.txt", "/app/shop/cart.py"}
	check := func(areas int, sendable bool) (read map[string]int) {
		opt := program(t, areas, `["python", "-m", "shop.main"]`)
		var c countfs.Counter
		opt.Open = c.Open
		r, _, err := audit.Run(t.Context(), audit.Subject{Options: opt, Policy: required, Sendable: sendable})
		require.NoError(t, err)
		assert.Empty(t, r.Findings)
		assert.Equal(t, 3, r.Modules)
		_, read = c.Take()
		return read
	}
	few, many := check(3, true), check(60, true)
	assert.Equal(t, few, many, "what is read does not depend on what lies beside")
	assert.LessOrEqual(t, len(many), 4, "the way to it and no more: %v", many)
	assert.Greater(t, len(check(60, false)), 60*2, "all of the transfer is looked through")
}

// What git tracks is listed as often for a program of many foreign modules as for one of a single one.
func TestTrackedFilesAreListedOnce(t *testing.T) {
	listed := func(modules int) (lists int) {
		opt := program(t, 1, `["python", "-m", "shop.main"]`)
		text := ""
		for i := range modules {
			text += fmt.Sprintf("import vendor%d.client\n", i)
		}
		require.NoError(t, os.WriteFile(filepath.Join(opt.Context, "shop/main.py"), []byte(text), 0o644))
		_, _, err := audit.Run(t.Context(), audit.Subject{Options: opt, Policy: &policy.Image{}, Tracked: func(_, _ string) ([]string, bool, error) {
			lists++
			return []string{"Dockerfile", "shop/__init__.py", "shop/main.py", "shop/cart.py"}, true, nil
		}})
		require.NoError(t, err)
		return lists
	}
	assert.Equal(t, listed(1), listed(30))
}
