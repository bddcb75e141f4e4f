package why

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/edit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// offered gives what the candidates for the first finding of a rule make of each file that they change.
func offered(t *testing.T, archive, rule string, needs policy.Require) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, 0o644))
	}
	s := audit.Subject{Options: dockerfile.Options{Context: dir, Platform: "linux/amd64"}, Policy: &policy.Image{Require: needs}}
	report, image, err := audit.Run(t.Context(), s)
	require.NoError(t, err)
	at := slices.IndexFunc(report.Findings, func(f finding.Finding) bool { return f.Rule == rule })
	require.GreaterOrEqual(t, at, 0, "%s is not found in %v", rule, report.Findings)
	r, err := NewRepairer(t.Context(), s, report, image)
	require.NoError(t, err)
	candidates, err := r.candidates(t.Context(), report.Findings[at])
	require.NoError(t, err)
	for _, c := range candidates {
		for _, e := range c.edits {
			data, err := os.ReadFile(e.Path)
			require.NoError(t, err)
			out, err := edit.Apply(data, []edit.Edit{e})
			require.NoError(t, err)
			files = append(files, string(out))
		}
	}
	return files
}

const start = "CMD [\"python\", \"main.py\"]\n"

// Each way of repairing an instruction is thought of, in every form that the instruction may have; which of them help is for
// trials to tell.
func TestInstructionCandidates(t *testing.T) {
	b := "5"
	for name, c := range map[string]struct {
		before, files, rule string
		require             policy.Require
		want                []string
	}{
		"an excluded file": {
			before: "FROM scratch\nWORKDIR /srv\nCOPY --exclude=lost.py \\\n  --chown=1:1 . ./\n", rule: finding.ImportNotInImage,
			files: "-- main.py --\nimport lost\n-- lost.py --\n",
			want: []string{
				"FROM scratch\nWORKDIR /srv\nCOPY \\\n  --chown=1:1 . ./\n",
				"FROM scratch\nWORKDIR /srv\nCOPY --exclude=lost.py \\\n  --chown=1:1 . ./\nCOPY --chown=1:1 lost.py ./\n",
			},
		},
		"a file beside others of a list": {
			before: "FROM scratch\nWORKDIR /srv\nCOPY [\"main.py\", \"./\"]\n", rule: finding.ImportNotInImage,
			files: "-- main.py --\nimport lost\n-- lost.py --\n",
			want: []string{
				"FROM scratch\nWORKDIR /srv\nCOPY [\"main.py\", \"lost.py\", \"./\"]\n",
				"FROM scratch\nWORKDIR /srv\nCOPY [\"main.py\", \"./\"]\nCOPY lost.py ./\n",
			},
		},
		"a file of an earlier stage": {
			before: "FROM scratch AS made\nCOPY lost.py /out/\nFROM scratch\nCOPY main.py /srv/\nWORKDIR /srv\nCOPY --from=made /none* ./\n", rule: finding.ImportNotInImage,
			files: "-- main.py --\nimport lost\n-- lost.py --\n",
			want: []string{
				"FROM scratch AS made\nCOPY lost.py /out/\nFROM scratch\nCOPY main.py /srv/\nWORKDIR /srv\nCOPY --from=made /none* ./\nCOPY --from=made /out/lost.py ./lost.py\n",
			},
		},
		"a package without its name": {
			before: "FROM scratch\nWORKDIR /srv\nCOPY main.py ./\nCOPY 'shop' \\\n  .\n", rule: finding.ImportNotReachable,
			files: "-- main.py --\nimport shop.models\n-- shop/__init__.py --\n-- shop/models.py --\n",
			want:  []string{"FROM scratch\nWORKDIR /srv\nCOPY main.py ./\nCOPY 'shop' \\\n  ./shop/\n"},
		},
		"a setting among others": {
			before: "FROM scratch\nENV A=1 B=\"2 3\" \\\n  C=4\nCOPY main.py /srv/\nWORKDIR /srv\n", rule: finding.EnvMismatch,
			files:   "-- main.py --\n",
			require: policy.Require{Env: map[string]policy.Env{"B": {Equals: &b}}},
			want:    []string{"FROM scratch\nENV A=1 B=5 \\\n  C=4\nCOPY main.py /srv/\nWORKDIR /srv\n"},
		},
		"a setting without an equals sign": {
			before: "FROM scratch\nENV B  2 3\nCOPY main.py /srv/\nWORKDIR /srv\n", rule: finding.EnvMismatch,
			files:   "-- main.py --\n",
			require: policy.Require{Env: map[string]policy.Env{"B": {Equals: &b}}},
			want:    []string{"FROM scratch\nENV B  5\nCOPY main.py /srv/\nWORKDIR /srv\n"},
		},
		"a setting that nothing makes": {
			before: "FROM scratch\nCOPY main.py /srv/\nWORKDIR /srv\n", rule: finding.EnvMissing,
			files:   "-- main.py --\n",
			require: policy.Require{Env: map[string]policy.Env{"B": {Equals: &b}}},
			want:    []string{"FROM scratch\nCOPY main.py /srv/\nENV B=5\nWORKDIR /srv\n"},
		},
		"a misspelt source": {
			before: "FROM scratch\nWORKDIR /srv\nCOPY --chown=1 \"mian.py\" \\\n  ./\n", rule: finding.BuildFails,
			files: "-- main.py --\n",
			want:  []string{"FROM scratch\nWORKDIR /srv\nCOPY --chown=1 main.py \\\n  ./\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := offered(t, "-- Dockerfile --\n"+c.before+start+c.files, c.rule, c.require)
			for _, want := range c.want {
				assert.Contains(t, got, want+start)
			}
		})
	}
}
