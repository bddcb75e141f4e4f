package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseCaseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, message string }{
		"no reason":         {"-- Dockerfile --\nFROM scratch\n", "no reason"},
		"unknown directive": {"why\n-- case --\nchomd 644 a\n", `unknown directive "chomd"`},
		"missing argument":  {"why\n-- case --\nchmod 644\n", "chmod wants MODE PATH"},
		"no arrow":          {"why\n-- case --\nsymlink a to b\n", "symlink wants PATH -> TARGET"},
		"target twice":      {"why\n-- case --\ntarget a\ntarget b\n", "directive 2"},
		"no text":           {"why\n-- case --\ndiffers\n", "differs wants a text"},
		"no value":          {"why\n-- case --\nbuild-arg A\n", "NAME=VALUE"},
		"bad quotes":        {"why\n-- case --\nmkdir \"a\n", `reading "a`},
		"section twice":     {"why\n-- a --\n-- a --\n", `two sections "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCase("x", []byte(test.text))
			assert.ErrorContains(t, err, test.message)
		})
	}
}

func TestLoadCasesRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		files   []string
		message string
	}{
		"nothing":      {nil, "none in"},
		"unknown file": {[]string{"a.txtar", "b.txt"}, "is no case"},
		"same build":   {[]string{"a/x.txtar", "b/y.txtar"}, "a/x and b/y are the same build"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range test.files {
				require.NoError(t, writeFile(filepath.Join(dir, file), []byte("why\n-- Dockerfile --\nFROM scratch\n")))
			}
			_, err := LoadCases(dir)
			assert.ErrorContains(t, err, test.message)
		})
	}
}

// A case that is written and read again is the same case.
func TestCaseFormat(t *testing.T) {
	const text = `The reason.

-- case --
target t
fails not found
build-arg A=b
build-context base=@base
write "a \xff\n" "x y"
symlink l -> ../a
-- Dockerfile --
FROM scratch
-- @base/f --
one
`
	c, err := ParseCase("x", []byte(text))
	require.NoError(t, err)
	again, err := ParseCase("x", c.Format())
	require.NoError(t, err)
	assert.Equal(t, c, again)
}

func TestMaterialize(t *testing.T) {
	c, err := ParseCase("x", []byte(`Every directive that makes something.

-- case --
write "sp ace" "no newline"
mkdir d/e
symlink d/l -> ../nowhere
hardlink d/h -> f
fifo d/p
socket d/s
chmod 4711 f
chown 5:6 d/e
crlf g
truncate h 1
many 3 n/f
program bin/true
build-context base=@base
-- f --
one
-- g --
two
-- h --
three
-- @base/f --
beside
-- archive gzip a.tgz --
file ../x 0600 7:8 "con tent"
`))
	require.NoError(t, err)
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		c.Steps = append(c.Steps[:7:7], c.Steps[8:]...) // chown
	}
	r, err := c.Materialize(dir)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dir, "base"), r.BuildContexts["base"])
	stat := func(name string) os.FileInfo {
		fi, err := os.Lstat(filepath.Join(r.Context, name))
		require.NoError(t, err)
		return fi
	}
	assert.EqualValues(t, 10, stat("sp ace").Size())
	assert.Equal(t, os.ModeSymlink, stat("d/l").Mode().Type())
	assert.True(t, os.SameFile(stat("f"), stat("d/h")))
	assert.Equal(t, os.ModeNamedPipe, stat("d/p").Mode().Type())
	assert.Equal(t, os.ModeSocket, stat("d/s").Mode().Type())
	assert.Equal(t, os.ModeSetuid|0o711, stat("f").Mode())
	assert.EqualValues(t, 5, stat("g").Size())
	assert.EqualValues(t, 1, stat("h").Size())
	assert.EqualValues(t, 0, stat("n/f2").Size())
	assert.EqualValues(t, 0o755, stat("bin/true").Mode())
	assert.FileExists(t, filepath.Join(dir, "base", "f"))
	assert.NotZero(t, stat("a.tgz").Size())
}
