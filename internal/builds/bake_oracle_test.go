package builds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// printed is a target as `buildx bake --print` gives it.
type printed struct {
	Context    string             `json:"context"`
	Dockerfile string             `json:"dockerfile"`
	Inline     string             `json:"dockerfile-inline"`
	Target     string             `json:"target"`
	Args       map[string]*string `json:"args"`
	Contexts   map[string]string  `json:"contexts"`
	Platforms  []string           `json:"platforms"`
}

// buildx is the program that CTXAUDIT_BUILDX names.
func buildx(t *testing.T) string {
	t.Helper()
	name := os.Getenv("CTXAUDIT_BUILDX")
	if name == "" {
		t.Skip("CTXAUDIT_BUILDX names no buildx program to hold this against")
	}
	return name
}

// The targets of the tables, and of the repositories in CTXAUDIT_REPOS, are what buildx says.
func TestAgainstBuildx(t *testing.T) {
	program := buildx(t)
	names, err := filepath.Glob("testdata/bake_*.txtar")
	require.NoError(t, err)
	roots := map[string]string{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		dir := t.TempDir()
		roots[name] = dir
		for _, f := range txtar.Parse(data).Files {
			full := filepath.Join(dir, filepath.FromSlash(f.Name))
			require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
			require.NoError(t, os.WriteFile(full, f.Data, 0o644))
		}
	}
	repositories, err := filepath.Glob(filepath.Join(cmp.Or(os.Getenv("CTXAUDIT_REPOS"), "/nowhere"), "*"))
	require.NoError(t, err)
	for _, r := range repositories {
		roots[r] = r
	}
	for _, name := range sortedKeys(roots) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			root := roots[name]
			var sources []string
			require.NoError(t, filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor"}, d.Name()) {
					return filepath.SkipDir
				}
				if rel, _ := filepath.Rel(root, p); d.Type().IsRegular() && bakeName().MatchString(d.Name()) || composeName().MatchString(d.Name()) {
					sources = append(sources, filepath.ToSlash(rel))
				}
				return nil
			}))
			r := &Reader{
				Read: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(root, filepath.FromSlash(name))) },
				Exists: func(name string) bool {
					_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
					return err == nil
				},
			}
			found, _ := r.Builds(t.Context(), sources)
			for _, b := range found {
				if b.Kind == "bake" {
					sameAsPrinted(t, program, root, b)
				}
			}
		})
	}
}

// sameAsPrinted compares a target with what buildx prints of it, run in the directory of its file or in the root.
func sameAsPrinted(t *testing.T, program, root string, b Build) {
	t.Helper()
	dir := path.Dir(b.File)
	var want printed
	var base string
	for _, base = range slices.Compact([]string{dir, "."}) {
		args := []string{"bake", "--print"}
		file, err := filepath.Rel(base, b.File)
		require.NoError(t, err)
		if !slices.Contains(bakeDefault, path.Base(b.File)) || base != dir {
			for _, f := range bakeDefault {
				if _, err := os.Stat(filepath.Join(root, dir, f)); err == nil && path.Base(b.File) != f {
					rel, _ := filepath.Rel(base, path.Join(dir, f))
					args = append(args, "-f", rel)
				}
			}
			args = append(args, "-f", file)
		}
		cmd := exec.Command(program, append(args, b.Name)...)
		cmd.Dir = filepath.Join(root, filepath.FromSlash(base))
		cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=/nowhere", "BUILDX_EXPERIMENTAL=1"}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Logf("%s:%d %s: buildx refuses: %s", b.File, b.Line, b.Name, strings.TrimSpace(stderr.String()))
			return
		}
		var out struct{ Target map[string]printed }
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &out))
		want = out.Target[b.Name]
		if under(base, cmp.Or(want.Context, ".")) == b.Context {
			break
		}
	}
	what := b.File + " " + b.Name
	assert.Equal(t, under(base, cmp.Or(want.Context, ".")), b.Context, what)
	if b.Inline == "" && !remotePath(want.Context) {
		assert.Equal(t, inContext(base, want.Context, want.Dockerfile), cmp.Or(b.Dockerfile, path.Join(b.Context, "Dockerfile")), what)
	}
	escape := strings.NewReplacer("$${", "${", "%%{", "%{")
	assert.Equal(t, escape.Replace(want.Inline), b.Inline, what)
	assert.Equal(t, want.Target, b.Target, what)
	assert.Equal(t, platform(want.Platforms), b.Platform, what)
	args := map[string]string{}
	for k, v := range want.Args {
		_, mine := b.Args[k]
		// An argument that a variable leaves empty, or that is not known, was not given.
		if v != nil && (mine || *v != "") {
			args[k] = escape.Replace(*v)
		}
	}
	for k := range maps.Clone(args) {
		if _, ok := b.Args[k]; !ok {
			t.Logf("%s: the argument %s=%s is not known", what, k, args[k])
			delete(args, k)
		}
	}
	assert.Equal(t, args, b.Args, what)
	contexts := map[string]string{}
	for k, v := range want.Contexts {
		if !strings.HasPrefix(v, "target:") {
			v = under(base, v)
		}
		contexts[k] = v
	}
	assert.Equal(t, contexts, b.Contexts, what)
}
