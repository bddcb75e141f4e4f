package audit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/languages"
	"github.com/ctxaudit/ctxaudit/internal/need"
	"github.com/ctxaudit/ctxaudit/internal/policy"
	"github.com/ctxaudit/ctxaudit/internal/program"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/view"
)

// toy is a language whose programs say what they need in lines of `need NAME`: a file beside them. What it does not care about is
// left to the nil interface.
type toy struct {
	lang.Programs
	b *view.Build
}

func (t toy) Follow(entries []lang.Entry) *lang.Followed {
	out := &lang.Followed{Programs: len(entries)}
	for _, e := range entries {
		source, ok := t.b.ContextPath(t.b.Tree, e.Path)
		data, err := t.b.Tree.Read(e.Path)
		if !ok || err != nil {
			continue
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			name, ok := strings.CutPrefix(strings.TrimSpace(line), "need ")
			at := filepath.Join(filepath.Dir(e.Path), name)
			if !ok || t.b.Tree.Stat(at) == shell.Regular {
				continue
			}
			ask := need.Ask{At: finding.Position{File: source, Line: n}, Text: line, Reach: need.Startup, Way: []string{source}}
			out.Needs = append(out.Needs, &need.Need{
				Name: name, Source: filepath.Join(filepath.Dir(source), name), Wants: []string{at}, Asks: []need.Ask{ask}, Reach: need.Startup, Ways: t,
			})
		}
	}
	return out
}

func (toy) Command(string) (string, bool)                        { return "", false }
func (toy) Elsewhere(*need.Need) (l dockerfile.Location, _ bool) { return l, false }
func (toy) Made(string) bool                                     { return false }
func (toy) Makes(*dockerfile.Op, bool, bool) bool                { return false }
func (toy) OwnSource(path string) bool                           { return strings.HasSuffix(path, ".js") }
func (toy) Err() error                                           { return nil }

func TestToyLanguage(t *testing.T) {
	before := languages.All
	languages.All = append(slices.Clone(before), lang.Language{
		Name: "Toy", Of: program.Node, Source: toy{}.OwnSource, SearchPath: "TOY_PATH", Look: func(b *view.Build) lang.Programs { return toy{b: b} },
	})
	defer func() { languages.All = before }()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Dockerfile":    "FROM scratch\nWORKDIR /srv\nCOPY . .\nENV TOY_PATH=/srv/none\nCMD [\"node\", \"main.js\"]\n",
		".dockerignore": "lost.js\n", "main.js": "need here.js\nneed lost.js\n", "here.js": "", "lost.js": "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	r, _, err := Run(t.Context(), Subject{Options: dockerfile.Options{Context: dir}, Policy: &policy.Image{}})
	require.NoError(t, err)
	require.Len(t, r.Findings, 2)
	f := r.Findings[0]
	assert.Equal(t, finding.ImportNotInImage, f.Rule)
	assert.Equal(t, finding.Error, f.Severity)
	assert.Equal(t, "lost.js", f.ContextPath)
	assert.Equal(t, finding.Position{File: "main.js", Line: 2}, f.Subject)
	assert.Contains(t, f.Related, finding.Place{Role: finding.RoleExcludes, File: ".dockerignore", Line: 1, Text: "lost.js", Note: "lost.js"})
	assert.Equal(t, finding.SearchPathEntryMissing, r.Findings[1].Rule)
	assert.True(t, IsSource("a.js"))
}
