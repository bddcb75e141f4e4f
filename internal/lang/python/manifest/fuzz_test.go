package manifest

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// one is a repository of one manifest.
type one struct{ name, text string }

func (o one) ReadFile(name string) ([]byte, error) {
	if name == o.name {
		return []byte(o.text), nil
	}
	return nil, fs.ErrNotExist
}

func (o one) ReadDir(dir string) ([]string, error) {
	if dir == "." {
		return []string{o.name, "pkg/"}, nil
	}
	return nil, nil
}

// whatever checks what holds of every manifest: the same is read twice, on lines that the file has, under names as they are
// compared.
func whatever(f *testing.F, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Read(one{name, text}, ".")
		require.NoError(t, err)
		again, err := Read(one{name, text}, ".")
		require.NoError(t, err)
		assert.ElementsMatch(t, p.Dependencies, again.Dependencies)
		assert.Equal(t, p.Scripts, again.Scripts)
		assert.Equal(t, p.Packages, again.Packages)
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, `\n`) + 1
		for _, d := range p.Dependencies {
			assert.True(t, d.Line >= 0 && d.Line <= lines, "line %d of %d", d.Line, lines)
			normal, ok := Normalise(d.Name)
			assert.True(t, ok && normal == d.Name, d.Name)
		}
		for _, e := range p.Errors {
			assert.True(t, e.Line >= 0 && e.Line <= lines, "line %d of %d", e.Line, lines)
		}
	})
}

func FuzzPyproject(f *testing.F) {
	whatever(f, "pyproject.toml", "[project]\nname='a'\ndependencies=['b[c]>1']\n[project.scripts]\nx='y:z'\n", "[tool.uv.sources]\na={path='pkg'}\n[[a]]\nb=[[{c=1}]]\n", "[tool.poetry.dependencies]\na={path='../b',develop=true}\n")
}

func FuzzSetupCfg(f *testing.F) {
	whatever(f, "setup.cfg", "[options]\ninstall_requires =\n  a\n  b; c\n[options.entry_points]\nconsole_scripts =\n  x = y:z\n", "[metadata]\nname: a\n")
}

func FuzzSetupPy(f *testing.F) {
	whatever(f, "setup.py", "setup(name='a', install_requires=['b'], packages=find_packages('src'), entry_points={'console_scripts': ['x=y:z']})", "D=['a']\nsetup(install_requires=D, packages=['p']+find_packages())\nsetup(packages=x)")
}

func FuzzPipfile(f *testing.F) {
	whatever(f, "Pipfile", "[packages]\na='*'\nb={path='.'}\n[dev-packages]\nc={version='1'}\n")
}

func FuzzPipfileLock(f *testing.F) {
	whatever(f, "Pipfile.lock", "{\"_meta\": {}, \"default\": {\n\"a\": {}, \"b\": {\"path\": \"pkg\"}}}", "{\"a\": {\"b\": 1}}")
}

func FuzzLock(f *testing.F) {
	whatever(f, "uv.lock", "[[package]]\nname='a'\n[[package]]\nname='b'\nsource={editable='pkg'}\n")
}

func FuzzConda(f *testing.F) {
	whatever(f, "environment.yml", "dependencies:\n- a=1\n- b::c\n- pip:\n  - d\n  - -e pkg\n", "dependencies: &a [*a]\n")
}
