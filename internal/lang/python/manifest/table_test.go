package manifest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

var normalForm = lazyre.New(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func TestImportTable(t *testing.T) {
	importName := regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)
	seen := map[string]bool{}
	last := ""
	for line := range strings.Lines(importTable) {
		fields := strings.Fields(line)
		if fields[0] == "#" {
			continue
		}
		assert.Greater(t, len(fields), 1, line)
		assert.Regexp(t, normalForm(), fields[0])
		assert.False(t, seen[fields[0]], "twice: %s", fields[0])
		assert.Less(t, last, fields[0]+" ", "out of order")
		seen[fields[0]], last = true, fields[0]
		for _, name := range fields[1:] {
			assert.Regexp(t, importName, name)
		}
	}
	assert.GreaterOrEqual(t, len(seen), 250)
}

func TestIsStdlib(t *testing.T) {
	for _, name := range []string{"os", "os.path", "__future__", "__main__", "distutils", "imp", "tomllib", "zoneinfo", "msvcrt",
		"pwd", "annotationlib", "compression", "asyncio", "xml.etree"} {
		assert.True(t, IsStdlib(name), name)
	}
	for _, name := range []string{"", "yaml", "test", "config", "docker", "alembic", "setuptools", "pip"} {
		assert.False(t, IsStdlib(name), name)
	}
}

func FuzzRequirements(f *testing.F) {
	for _, seed := range []string{
		"requests==2.0 # c\n-r other.txt\r\n-e ./lib[x]#egg=lib\n", "\ufeffA.b_C[d] @ https://example.org/x.zip ; python_version<'3'\n",
		"a \\\n  --hash=sha256:1 \\\n  --hash=sha256:2\nb\n", "# c \\\na\n", "${X}\n./$Y\n-e git+ssh://x#egg=y-z\n", "--index-url x\n\\\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newReader(nil)
		p := &Project{}
		r.files = noFiles{}
		r.requirements(p, "r.txt", data, FromManifest)
		lines := 1 + strings.Count(strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n"), "\n")
		for _, d := range p.Dependencies {
			assert.Regexp(t, normalForm(), d.Name)
			assert.True(t, d.Line >= 1 && d.Line <= lines, "line %d of %d", d.Line, lines)
		}
		for _, l := range p.Local {
			assert.False(t, strings.HasPrefix(l.Path, "../") || strings.HasPrefix(l.Path, "/"), l.Path)
			assert.True(t, l.Line >= 1 && l.Line <= lines)
		}
	})
}
