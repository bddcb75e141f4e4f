package manifest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type noFiles struct{}

func (noFiles) ReadFile(string) ([]byte, error)  { return nil, fs.ErrNotExist }
func (noFiles) ReadDir(string) ([]string, error) { return nil, fs.ErrNotExist }

// tree is a repository in a map from name to content.
type tree map[string]string

func (t tree) ReadFile(name string) ([]byte, error) {
	if data, ok := t[name]; ok {
		return []byte(data), nil
	}
	return nil, fs.ErrNotExist
}

func (t tree) ReadDir(dir string) ([]string, error) {
	set := map[string]bool{}
	for name := range t {
		rest, ok := strings.CutPrefix(path.Join("./", name), strings.TrimPrefix(dir+"/", "./"))
		if !ok {
			continue
		}
		if first, _, below := strings.Cut(rest, "/"); below {
			set[first+"/"] = true
		} else {
			set[first] = true
		}
	}
	if len(set) == 0 {
		return nil, fs.ErrNotExist
	}
	names := []string{}
	for name := range set {
		names = append(names, name)
	}
	return names, nil
}

// say renders what matters of a project, one fact a line.
func say(p *Project) string {
	var b strings.Builder
	if p.Name != "" {
		fmt.Fprintln(&b, "name", p.Name)
	}
	for _, d := range p.Dependencies {
		fmt.Fprintf(&b, "dep %s %s:%d\n", d.Name, d.File, d.Line)
	}
	for _, l := range p.Local {
		fmt.Fprintf(&b, "local %s %s %s:%d\n", l.Name, l.Path, l.File, l.Line)
	}
	for _, name := range sortedKeys(p.Scripts) {
		s := p.Scripts[name]
		fmt.Fprintf(&b, "script %s=%s %s:%d\n", name, s.Target, s.File, s.Line)
	}
	for _, r := range p.Packages {
		fmt.Fprintf(&b, "package %s %s\n", r.Import, r.Path)
	}
	if p.Opaque {
		fmt.Fprintln(&b, "opaque")
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "error %s:%d\n", e.File, e.Line)
	}
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestRead(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/read.txtar")
	require.NoError(t, err)
	cases := map[string]tree{}
	for _, f := range archive.Files {
		name, file, ok := strings.Cut(f.Name, "/")
		require.True(t, ok, f.Name)
		if cases[name] == nil {
			cases[name] = tree{}
		}
		cases[name][file] = string(f.Data)
	}
	require.NotEmpty(t, cases)
	for _, name := range sortedKeys(cases) {
		t.Run(name, func(t *testing.T) {
			files := cases[name]
			want, ok := files["want"]
			require.True(t, ok, "no expectation")
			delete(files, "want")
			p, err := Read(files, ".")
			require.NoError(t, err)
			assert.Equal(t, want, say(p))
		})
	}
}

func TestImportDeclared(t *testing.T) {
	d, err := Declared(tree{
		"requirements.txt":                "PyYAML\npython-dateutil\nprotobuf\nDjango-Users\nFlask-SQLAlchemy\nmonitoring-client\n-r sub/more.txt\n-r ../x.txt\n",
		"sub/more.txt":                    "-r ../requirements.txt\nopencv-python\nzope.interface\n",
		"pyproject.toml":                  "[project]\nname='app'\ndependencies=['app[x]','shared','alembic']\n[tool.uv.sources]\nshared={workspace=true}\n",
		"uv.lock":                         "[[package]]\nname='urllib3'\n[[package]]\nname='shared'\nsource={editable='libs/shared'}\n",
		"node_modules/x/requirements.txt": "never\n",
		"a/b/c/d/requirements.txt":        "deep\n",
		"a/b/c/d/e/requirements.txt":      "toodeep\n",
	})
	require.NoError(t, err)
	for name, want := range map[string]string{
		"yaml": "pyyaml", "dateutil": "python-dateutil", "google": "protobuf", "google.protobuf.message": "protobuf",
		"google.mine": "", "cv2": "opencv-python", "flask_sqlalchemy": "flask-sqlalchemy", "users": "django-users weak",
		"monitoring": "", "monitoring_client": "monitoring-client", "zope.interface": "zope-interface", "zope": "zope-interface",
		"zope.mine": "", "app": "", "shared": "", "urllib3": "urllib3", "alembic": "alembic", "alembic.op": "alembic",
		"never": "", "deep": "deep", "toodeep": "", "config": "",
	} {
		m, ok := d.ImportDeclared(name)
		got := m.Name
		if m.Weak {
			got += " weak"
		}
		assert.Equal(t, want, got, name)
		assert.Equal(t, want != "", ok, name)
	}
	require.Len(t, d.Errors, 1)
	assert.Equal(t, "requirements.txt:8: ../x.txt lies outside the repository", d.Errors[0].Error())
}
