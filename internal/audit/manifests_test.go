package audit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// A project of the repository that takes the name of a well-known tool is what that command runs, if a step installs it.
func TestOwnTool(t *testing.T) {
	for _, install := range []string{"pip install /opt/gunicorn", "cd /opt/gunicorn && pip install .", "pip install -r /opt/requirements.txt"} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"Dockerfile":                         "FROM scratch\nCOPY libs /opt/\nRUN " + install + "\nCMD [\"gunicorn\", \"shop.main:app\"]\n",
			"libs/requirements.txt":              "./gunicorn\n",
			"libs/gunicorn/pyproject.toml":       "[project]\nname = \"gunicorn\"\n[project.scripts]\ngunicorn = \"gunicorn.app:run\"\n",
			"libs/gunicorn/gunicorn/__init__.py": "", "libs/gunicorn/gunicorn/app.py": "def run(): pass\n",
		} {
			name = filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		}
		r, _, err := audit.Run(t.Context(), audit.Subject{Options: dockerfile.Options{Context: dir}, Policy: &policy.Image{}})
		require.NoError(t, err)
		assert.Contains(t, r.Followed, "libs/gunicorn/gunicorn/app.py", install)
	}
}
