package why

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

func TestNearPaths(t *testing.T) {
	list := func(tree map[string]directory) func(string) directory {
		return func(dir string) directory { return tree[dir] }
	}
	tree := list(map[string]directory{
		".":        {names: []string{"shop", "shop_backend", "tools", "README.md", "Dockerfile"}},
		"shop":     {names: []string{"main.py", "main.go", "models.py", "api"}},
		"shop/api": {names: []string{"v1.py", "v2.py", "v3.py", "v4.py"}},
	})
	for target, want := range map[string][]string{
		"shop/mian.py":         {"shop/main.py"},
		"shop/mian":            {"shop/main.go", "shop/main.py"},
		"shpo/main.py":         {"shop/main.py"},
		"shpo/gone.py":         {"shop"},
		"shop/api/v5.py":       {"shop/api/v1.py", "shop/api/v2.py", "shop/api/v3.py"},
		"shop/MODELS.py":       {"shop/models.py"},
		"backend/x":            {"shop_backend"},
		"dockerfile":           {"Dockerfile"},
		"quite/something/else": nil,
		"shop/main.py/below":   nil,
	} {
		assert.Equal(t, want, nearPaths(target, tree), target)
	}
}

func TestElsewhere(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/b/conf.yaml", "c/conf.yaml", "node_modules/x/package.json"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
	}
	fsys, err := dockerctx.DirFS(root)
	require.NoError(t, err)
	assert.Equal(t, []string{"c/conf.yaml", "a/b/conf.yaml"}, elsewhere("conf.yaml", contextNames(fsys)))
	assert.Equal(t, []string{"a/b/conf.yaml"}, elsewhere("b/conf.yaml", contextNames(fsys)))
	assert.Empty(t, elsewhere("package.json", contextNames(fsys)), "it is only in node_modules")
	assert.Empty(t, elsewhere("nf.yaml", contextNames(fsys)))
}
