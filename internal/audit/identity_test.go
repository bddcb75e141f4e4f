package audit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// Each finding of an audit that has many of one rule is about something of its own: none needs its order to be known.
func TestFindingsAreAboutDifferentThings(t *testing.T) {
	const text = `
-- Dockerfile --
FROM scratch
ENV A=1 B=2 PYTHONPATH=/no/where:/neither
WORKDIR /srv
COPY app/ app/
COPY one.key ./
CMD ["python", "-m", "app.main"]
-- .dockerignore --
**/gone/
**/lost/
-- one.key --
-- app/__init__.py --
-- app/main.py --
import app.gone
import app.lost
import app.nowhere
import app.neither
from app.names import missing
from app.names import other
from . import a
from ...above import x
from app.more import x
-- app/names.py --
known = 1
-- app/more.py --
from ...above import x
-- app/a.py --
from app.b import late
early = 1
-- app/b.py --
from app.a import early, late
-- app/gone/__init__.py --
-- app/lost/__init__.py --
`
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		name := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, 0o644))
	}
	three := "3"
	required := &policy.Image{}
	required.Require.Paths = []string{"/srv/nothing", "/srv/neither"}
	required.Require.Env = map[string]policy.Env{"A": {Equals: &three}, "B": {Equals: &three}, "C": {Equals: &three}, "D": {Equals: &three}}
	required.Require.Workdir, required.Require.User = "/app", "app"
	required.Forbid.Paths = []string{"/srv/*.key", "/srv/one.*"}
	r, _, err := audit.Run(t.Context(), audit.Subject{Options: dockerfile.Options{Context: dir}, Policy: required})
	require.NoError(t, err)

	rules, about := map[string]int{}, map[string]string{}
	for _, f := range r.Findings {
		rules[f.Rule]++
		id := f.Identity()
		assert.Empty(t, about[id], "only their order distinguishes this finding from %s", f.Summary)
		about[id] = f.Summary
	}
	for _, rule := range []string{"ImportNotInImage", "ImportNotFound", "NameNotExported", "EnvMismatch", "EnvMissing", "PathNotInImage", "PathForbidden", "SearchPathEntryMissing"} {
		assert.Greater(t, rules[rule], 1, "the case has too few of %s", rule)
	}
}
